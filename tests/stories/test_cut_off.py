"""An approved deed whose process died over it: finished as what it was, on record."""

import pytest

from foundation import approvals
from foundation.models import Approval, AuditEntry, Case
from foundation.money import Money
from orders.models import Checkout, Order
from payments.models import Payment
from tests.races.crowd import at_once
from tests.stories import world
from tests.stories.test_four_eyes import given_back, say, wish
from tests.stories.test_second_person import EVERYTHING, a_case, handle
from tests.stories.test_staff import in_review, releases, somebody

LIMIT = {"*": 10}


@pytest.fixture(autouse=True)
def _small_limit(settings):
    settings.STAFF_ALONE_MAX = LIMIT


@pytest.fixture
def ana(shop):
    """Asks."""
    return somebody("ana", *EVERYTHING)


@pytest.fixture
def ben(shop):
    """Approves."""
    return somebody("ben", *EVERYTHING)


def approve_and_die(person, monkeypatch, *, before="_settle"):
    """Approved and carried out; the process dies before that is written down."""
    asked, real = Approval.objects.get(), getattr(approvals, before)

    def dying(row, **given):
        if row.state != "approved":
            return real(row, **given)
        raise SystemExit

    with monkeypatch.context() as patched:
        patched.setattr(approvals, before, dying)
        with pytest.raises(SystemExit):
            approvals.approve(asked.pk, user=person.user, by=f"staff:{person.user}", reason="fine")
    asked.refresh_from_db()
    assert asked.state == "approved"
    return asked


@pytest.mark.parametrize(
    ("deed", "state"), [("void", "voided"), ("cancel", "voided"), ("capture", "captured")]
)
def test_what_moved_before_its_process_died_is_done_and_not_refused(
    ana, ben, held, monkeypatch, deed, state
):
    wish(ana, deed, held)
    asked = approve_and_die(ben, monkeypatch)
    assert Payment.objects.get().state == state

    say(ben, "finish", asked)

    asked.refresh_from_db()
    assert (asked.state, asked.outcome) == ("done", approvals._DONE_BEFORE)


def test_a_refund_of_everything_is_done_and_not_refused(ana, ben, shop, paid, monkeypatch):
    wish(ana, "refund", paid, amount="42.98")
    asked = approve_and_die(ben, monkeypatch)

    say(ben, "finish", asked)

    asked.refresh_from_db()
    assert (asked.state, given_back(shop, paid)) == ("done", [4298])


def test_a_decision_of_a_review_is_done_and_not_refused(api, ana, ben, shop, monkeypatch):
    api.checkout(in_review())
    ana.decide("approve", Checkout.objects.get())
    asked = approve_and_die(ben, monkeypatch)

    say(ben, "finish", asked)

    asked.refresh_from_db()
    assert (asked.state, Order.objects.count()) == ("done", 1)


def test_a_case_that_was_closed_is_done_and_not_refused(ana, ben, shop, monkeypatch):
    handle(ana, a_case(stake=Money(5000, "USD")), "close")
    asked = approve_and_die(ben, monkeypatch)
    assert Case.objects.get().state == "closed"

    say(ben, "finish", asked)

    asked.refresh_from_db()
    assert asked.state == "done"


def test_what_died_before_it_moved_anything_is_looked_at_anew(ana, ben, shop, held, monkeypatch):
    wish(ana, "void", held)
    asked = approve_and_die(ben, monkeypatch, before="_done_or_refused")
    assert asked.outcome == approvals._BEGUN
    ana.user.is_active = False
    ana.user.save()

    _, page = say(ben, "finish", asked)

    assert "staff:ana may not do this any more" in page
    assert Payment.objects.get().state == "authorized"
    assert releases(shop, held.payment) == []


def test_what_somebody_else_moved_meanwhile_is_not_called_done(ana, ben, cyd, held, monkeypatch):
    wish(ana, "void", held)
    asked = approve_and_die(ben, monkeypatch, before="_done_or_refused")
    wish(cyd, "cancel", held)
    say(ben, "approve", Approval.objects.get(verb="order.cancel"))
    assert Payment.objects.get().state == "voided"

    say(ben, "finish", asked)

    asked.refresh_from_db()
    assert asked.state == "refused"


@pytest.fixture
def cyd(shop):
    """A third one."""
    return somebody("cyd", *EVERYTHING)


def test_who_finished_it_and_why_is_on_record(ana, ben, cyd, held, monkeypatch):
    wish(ana, "void", held)
    asked = approve_and_die(ben, monkeypatch, before="_done_or_refused")
    assert say(ana, "finish", asked)[0] == 403

    say(cyd, "finish", asked, "ben's machine died")

    entry = AuditEntry.objects.get(action="approval.done")
    assert (entry.actor, entry.reason) == ("staff:cyd", "ben's machine died")
    asked.refresh_from_db()
    assert (asked.state, asked.decided_by) == ("done", "staff:ben")


def test_two_who_finish_at_once_do_it_once_and_call_it_done(ana, ben, cyd, shop, held, monkeypatch):
    wish(ana, "void", held)
    asked = approve_and_die(ben, monkeypatch, before="_done_or_refused")

    def finish(person):
        try:
            approvals.finish(asked.pk, user=person.user, by="staff:x", reason="go on")
        except approvals.NotPending:
            return "late"
        return "done"

    at_once([lambda: finish(ben), lambda: finish(cyd)])

    asked.refresh_from_db()
    assert asked.state == "done"
    assert len(releases(shop, held.payment)) == 1


def test_a_request_that_ends_while_it_is_asked_anew_is_no_error(ana, ben, held, settings):
    wish(ana, "void", held)
    old = Approval.objects.get()
    world.later(settings.STAFF_REQUEST_HOURS * 3600 + 1)
    late = Approval.objects.get(pk=old.pk)
    approvals._expire(old)

    assert approvals._expire(late) is True

    wish(ana, "void", held)
    assert Approval.objects.filter(state="pending").count() == 1


def test_a_long_name_stands_whole_in_the_record():
    asked = Approval(reason="r" * 500, decided_by="staff:" + "b" * 114)

    told = approvals.told_reason(asked)

    assert len(told) == 500
    assert told.endswith(f"(approved by {asked.decided_by})")
