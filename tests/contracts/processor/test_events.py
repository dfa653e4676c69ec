"""What the processor tells: listed from the oldest on, and believed only when it is genuine."""

import datetime as dt

import pytest

from foundation import clock
from tests.contracts.processor.conftest import a_reference

MINUTE = dt.timedelta(minutes=1)
YEAR = dt.timedelta(days=366)


def told_of(world, payment, types=()):
    events = world.port.list_events(since=clock.now() - MINUTE, types=types)
    return [event for event in events if event.processor_reference == payment.processor_reference]


def test_events_come_oldest_first_and_speak_of_the_payment(world):
    ours = a_reference("pay")
    held = world.hold(reference=ours)
    world.capture(held)

    events = told_of(world, held)

    assert [event.created_at for event in events] == sorted(each.created_at for each in events)
    types = [event.type for event in events]
    assert types.index("payment_intent.amount_capturable_updated") < types.index("charge.captured")
    assert {(event.reference, event.kind) for event in events} == {(ours, "payment")}
    assert all(event.external_id.startswith("evt_") for event in events)


def test_events_can_be_narrowed_to_types(world):
    held = world.hold()
    world.capture(held)

    assert [event.type for event in told_of(world, held, ["charge.captured"])] == [
        "charge.captured"
    ]


def test_events_of_before_are_not_told(world):
    world.hold()

    later = world.port.list_events(since=clock.now() + YEAR, types=[])

    assert list(later) == []


def test_an_event_of_a_refund_names_the_payment_and_our_refund(world):
    paid, ours = world.sold(), a_reference("rfd")
    refund = world.refund(paid, 500, reference=ours)
    world.backstage.settle_refund(paid.processor_reference, refund.processor_reference, "failed")

    [failed] = told_of(world, paid, ["refund.failed"])

    assert (failed.kind, failed.reference) == ("refund", ours)
    assert failed.object_id == refund.processor_reference


def test_an_event_of_a_dispute_names_the_payment_and_the_dispute(world):
    paid = world.sold()
    wanted = world.backstage.dispute(paid.processor_reference)
    world.backstage.close_dispute(paid.processor_reference, wanted, "won")

    events = told_of(world, paid, ["charge.dispute.created", "charge.dispute.closed"])

    assert [event.type for event in events] == ["charge.dispute.created", "charge.dispute.closed"]
    assert {(event.kind, event.object_id, event.reference) for event in events} == {
        ("dispute", wanted, "")
    }


def test_a_hold_that_ran_out_is_told(world):
    held = world.hold()
    world.backstage.expire(held.processor_reference)

    assert len(told_of(world, held, ["payment_intent.canceled"])) == 1


def test_a_delivered_event_is_read_as_the_listed_one(world):
    held = world.hold()
    event = told_of(world, held)[-1]

    body, signature = world.backstage.delivery(event.external_id)

    assert world.port.parse_event(body=body, signature=signature) == event


@pytest.mark.parametrize("age", [301, -301, 86_400, -86_400])
def test_a_delivery_that_is_not_fresh_is_refused(world, age):
    event = told_of(world, world.hold())[-1]
    body, signature = world.backstage.delivery(event.external_id, age_seconds=age)

    with pytest.raises(ValueError, match="genuine"):
        world.port.parse_event(body=body, signature=signature)


def test_an_altered_delivery_is_refused(world):
    event = told_of(world, world.hold())[-1]
    body, signature = world.backstage.delivery(event.external_id)

    with pytest.raises(ValueError, match="genuine"):
        world.port.parse_event(body=body + b" ", signature=signature)


@pytest.mark.parametrize("signature", ["", "t=,v1=", "nonsense", "1.2.3", "t=x,v1=y", "\0", "é=ü"])
@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b"null", b"\xff\xfe", b"0" * 5000])
def test_garbage_is_refused_and_raises_nothing_else(world, body, signature):
    with pytest.raises(ValueError, match="genuine"):
        world.port.parse_event(body=body, signature=signature)
