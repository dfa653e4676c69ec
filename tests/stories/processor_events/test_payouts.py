"""What the processor pays out to our bank is told to us, and booked once."""

import pytest

from payments.models import Payout, ProcessorEvent
from tests import builders
from tests.stories import world


@pytest.fixture
def paid_out(api, shop, courier):
    """The processor closed its books, and told that the money is on its way."""
    world.an_order(api)
    world.play_events()
    made = shop.http.post("/_sandbox/settle").json()["data"]
    (payout,) = (each for each in made if each["currency"] == "usd")  # other tests' other money
    courier.send_all(payout["id"], "payout.paid")
    return payout


def test_a_payout_is_booked_once_however_often_it_is_told(paid_out, courier):
    world.play_events()
    courier.send_all(paid_out["id"], "payout.paid", times=3)
    world.play_events()

    row = Payout.objects.get(processor_reference=paid_out["id"])
    assert (row.state, row.amount, row.currency) == ("paid", paid_out["amount"], "USD")
    assert [(line.account, line.amount) for line in row.ledger_lines.order_by("account")] == [
        ("bank", paid_out["amount"]), ("processor_receivable", -paid_out["amount"]),
    ]  # fmt: skip
    event = ProcessorEvent.objects.get(object_id=paid_out["id"])
    assert (event.state, event.outcome) == ("processed", "the payout is paid")


def test_a_payout_that_failed_before_we_heard_that_it_was_paid_stays_failed(paid_out):
    about = {"kind": "payout", "object_id": paid_out["id"], "currency": "USD"}
    builders.ProcessorEventFactory(type="payout.failed", amount=paid_out["amount"], **about)
    world.later(10)
    world.sweep_only("work_processor_events")
    world.play_events()

    assert Payout.objects.get(processor_reference=paid_out["id"]).state == "failed"


def test_a_payout_that_is_told_with_another_amount_is_for_a_person(paid_out):
    world.play_events()
    about = {"kind": "payout", "object_id": paid_out["id"], "currency": "USD"}
    builders.ProcessorEventFactory(type="payout.paid", amount=paid_out["amount"] + 1, **about)

    world.later(10)
    world.sweep_only("work_processor_events")

    event = ProcessorEvent.objects.get(amount=paid_out["amount"] + 1)
    assert event.state == "dead"
    assert Payout.objects.get(processor_reference=paid_out["id"]).amount == paid_out["amount"]
