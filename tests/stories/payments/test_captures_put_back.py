"""A capture that could not be sent is put back: then sent as claimed, or answered for good."""

import pytest

from foundation.models import IdempotencyKey
from payments.models import Payment, Source
from payments.services.observe import look_and_observe
from tests import builders
from tests.at_the_processor import Dashboard
from tests.stories import world
from tests.stories.payments.moves import amounts


def test_a_processor_that_can_not_be_reached_is_503_and_the_same_key_goes_on(till, payment):
    key = builders.a_key()
    with world.processor_away():
        down = till.capture(payment, 1000, key=key)
    assert (down.status_code, down.json()["code"]) == (503, "processor_unavailable")
    assert down.json()["charge_state"] == "not_charged"
    assert amounts(payment)[0] == "authorized"

    world.later(6)
    up = till.capture(payment, 1000, key=key)

    assert up.status_code == 201
    assert amounts(payment) == ("captured", 1000, 3298, 0)


def test_what_could_not_be_sent_is_sent_without_the_client(till, payment):
    with world.processor_away():
        till.capture(payment, 1000)

    world.later(6)
    world.sweep()

    assert amounts(payment) == ("captured", 1000, 3298, 0)
    assert IdempotencyKey.objects.get(subject_kind="payment_capture").response_status == 201


def test_what_could_not_be_sent_yields_to_whoever_moved_the_payment_meanwhile(till, payment):
    key = builders.a_key()
    with world.processor_away():
        till.capture(payment, 1000, key=key)
    assert till.void(payment).status_code == 200

    world.later(6)
    reply = till.capture(payment, 1000, key=key)

    assert reply.status_code == 409
    assert "capture" not in till.happened(payment)
    assert amounts(payment) == ("voided", 0, 4298, 0)


@pytest.fixture
def taken_elsewhere(till, several):
    """The key of a capture that could not be sent; then a part was taken at the processor."""

    def ask(amount, *, final, taken=2000):
        key = builders.a_key()
        with world.processor_away():
            assert till.capture(several, amount, key=key, final=final).status_code == 503
        Dashboard(till.shop).capture(several, taken, final=False)
        look_and_observe(several.pk, by="processor", source=Source.PROCESSOR)
        assert amounts(several)[0] == "partially_captured"
        world.later(6)
        return key

    return ask


@pytest.mark.parametrize(("amount", "final"), [(None, True), (3000, False)])
def test_what_could_not_be_sent_and_is_not_there_any_more_ends_with_one_answer(
    till, several, taken_elsewhere, amount, final
):
    key = taken_elsewhere(amount, final=final)

    first = till.capture(several, amount, key=key, final=final)

    assert (first.status_code, first.json()["code"]) == (409, "payment_changed")
    assert "2298 is still held" in first.json()["detail"]
    assert (first.json()["retryable"], first.json()["retry_with"]) == (True, "new_key")
    again = till.capture(several, amount, key=key, final=final)
    assert again["Idempotent-Replayed"] == "true"
    assert again.content == first.content
    assert amounts(several) == ("partially_captured", 2000, 0, 0)
    assert till.happened(several)["capture"] == (1, 2000)


def test_the_sweep_ends_the_key_of_what_is_not_there_any_more(till, several, taken_elsewhere):
    key = taken_elsewhere(3000, final=False)

    world.sweep()

    row = IdempotencyKey.objects.get(key=key)
    assert (row.state, row.response_status) == ("completed", 409)


def test_a_grant_of_several_captures_that_was_withdrawn_ends_the_key_too(
    till, several, taken_elsewhere
):
    key = taken_elsewhere(1000, final=False)
    Payment.objects.update(is_multicapture=False)

    assert till.capture(several, 1000, key=key, final=False).json()["code"] == "payment_changed"
    assert till.capture(several, 1000, key=key, final=False)["Idempotent-Replayed"] == "true"


def test_what_could_not_be_sent_is_sent_if_enough_is_left_of_the_hold(
    till, several, taken_elsewhere
):
    key = taken_elsewhere(1000, final=False)

    assert till.capture(several, 1000, key=key, final=False).status_code == 201
    assert amounts(several) == ("partially_captured", 3000, 0, 0)


def test_after_hours_without_the_processor_it_is_sent_as_soon_as_it_answers(till, payment):
    with world.processor_away():
        assert till.capture(payment, 1000).status_code == 503
        world.sweeps(5, seconds=1800)

    world.sweeps(2)

    assert till.happened(payment)["capture"] == (1, 1000)
