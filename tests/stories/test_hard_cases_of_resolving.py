"""What kills every sweep that asks about it: counted before, parked, and let go on by a person."""

import pytest
from django.db import connection

from foundation import cases
from foundation.models import Case
from payments.models import Payment, Refund
from payments.processors.stripe import StripeProcessor
from payments.services import capture, refund, resolve, void
from tests.stories import world
from tests.stories.test_cases import DAY, act, the_case

KIND = "resolving_crashing"


def lose(shop, payment, operation):
    """One step whose answer is lost."""
    shop.fault(operation, "lost_reply", reference=payment.reference)
    wish = {"by": "staff:ana", "reason": "test"}
    if operation == "capture":
        capture.capture(payment.pk, by="system:settlement")
    elif operation == "cancel":
        void.void(payment.pk, **wish)
    else:
        capture.capture(payment.pk, by="system:settlement")
        refund.refund(payment.pk, **wish)


@pytest.fixture(params=["capture", "cancel", "refund"])
def in_doubt(request, api, shop):
    """A payment, or a refund, whose end nobody knows."""
    payment = world.an_order(api).payment
    lose(shop, payment, request.param)
    shop.heal()
    return Refund.objects.get() if request.param == "refund" else Payment.objects.get()


@pytest.fixture
def deadly(monkeypatch):
    """Whoever asks the processor dies; the list of those who asked. Repaired by `clear`."""
    asked, broken = [], [True]
    for name in ("find", "find_refund"):
        real = getattr(StripeProcessor, name)

        def fatal(self, *, _real=real, **facts):
            asked.append(facts)
            if broken:
                raise world.ProcessDied
            return _real(self, **facts)

        monkeypatch.setattr(StripeProcessor, name, fatal)
    return asked, broken


def sweep(seconds=DAY):
    world.later(seconds)
    try:
        return resolve.resolve_unknown(limit=5)
    except world.ProcessDied:
        return -1


def test_what_kills_its_sweeps_is_parked_and_asked_about_no_more(in_doubt, deadly, settings):
    asked, _ = deadly
    assert [sweep() for _ in range(settings.CRASHES_MAX)] == [-1] * settings.CRASHES_MAX
    assert not Case.objects.filter(kind=KIND).exists()

    assert [sweep() for _ in range(3)] == [0, 0, 0]

    assert len(asked) == settings.CRASHES_MAX
    case = the_case(KIND)
    assert (case.aggregate_id, case.state) == (in_doubt.pk, "open")
    assert case.amount == in_doubt.amount


def test_a_person_lets_it_go_on_once_its_cause_is_gone(in_doubt, deadly, settings):
    for _ in range(settings.CRASHES_MAX + 1):
        sweep()
    deadly[1].clear()

    act(the_case(KIND), "resume")
    assert the_case(KIND).state == "resolved"
    assert sweep(seconds=1) == 1

    in_doubt.refresh_from_db()
    assert in_doubt.state in ("captured", "voided", "succeeded")


def test_the_case_ends_by_itself_when_the_end_becomes_known(in_doubt, deadly, settings):
    for _ in range(settings.CRASHES_MAX + 1):
        sweep()
    deadly[1].clear()

    about_refund = isinstance(in_doubt, Refund)
    assert (resolve.try_refund_now if about_refund else resolve.try_now)(in_doubt.pk)
    cases.resolve_healed(limit=10)

    assert the_case(KIND).state == "resolved"


def test_sweeps_that_hear_nothing_are_no_deaths(in_doubt, settings, monkeypatch):
    def silent(self, **facts):
        raise RuntimeError("a bug, caught and logged")

    monkeypatch.setattr(StripeProcessor, "find", silent)
    monkeypatch.setattr(StripeProcessor, "find_refund", silent)

    assert [sweep() for _ in range(settings.CRASHES_MAX + 2)] == [1] * (settings.CRASHES_MAX + 2)

    assert not Case.objects.filter(kind=KIND).exists()


def test_a_line_to_the_database_that_breaks_meanwhile_is_no_death(in_doubt, settings, monkeypatch):
    """Whoever asked came through, and says so on a new line; the next in doubt is asked about."""

    def cut(self, **facts):
        connection.connection.close()
        raise RuntimeError("a bug, caught and logged")

    monkeypatch.setattr(StripeProcessor, "find", cut)
    monkeypatch.setattr(StripeProcessor, "find_refund", cut)

    assert [sweep() for _ in range(settings.CRASHES_MAX + 2)] == [1] * (settings.CRASHES_MAX + 2)

    in_doubt.refresh_from_db()
    assert in_doubt.crashes == 0
    assert not Case.objects.filter(kind=KIND).exists()
