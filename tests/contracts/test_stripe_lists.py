"""Lists longer than a page: read to the end, in order, within bounds."""

import datetime as dt
import uuid

import pytest

from foundation import clock
from payments.processors import processor, stripe_lists
from payments.processors.base import OutcomeUnknown

MINUTE = dt.timedelta(minutes=1)
HELD = "payment_intent.amount_capturable_updated"


@pytest.fixture
def stripe(sandbox):
    return processor("stripe")


@pytest.fixture
def short_pages(monkeypatch):
    monkeypatch.setattr(stripe_lists, "_PAGE", 2)


def hold(stripe, *, number=0):
    reference = f"pay_{number}_{uuid.uuid4().hex}"
    return stripe.authorize(
        reference=reference, amount=2000, currency="USD", payment_method="pm_card_visa",
        key=reference, metadata={},
    ).processor_reference  # fmt: skip


def sold(stripe):
    held = hold(stripe)
    stripe.capture(processor_reference=held, amount=2000, key=f"{held}-c")
    return held


def refund(stripe, payment, number):
    return stripe.refund(
        processor_reference=payment, amount=10, key=f"{payment}-r{number}",
        reference=f"rfd_{number}",
    )  # fmt: skip


def test_refunds_are_listed_over_all_pages(stripe, short_pages):
    payment = sold(stripe)
    for number in range(5):
        refund(stripe, payment, number)

    listed = stripe.list_refunds(processor_reference=payment)

    assert [each.reference for each in listed] == [f"rfd_{number}" for number in (4, 3, 2, 1, 0)]
    first = stripe.find_refund(processor_reference=payment, reference="rfd_0")
    assert first.reference == "rfd_0"


def test_half_a_list_proves_nothing(stripe, short_pages, settings):
    payment = sold(stripe)
    for number in range(5):
        refund(stripe, payment, number)
    settings.STRIPE_LIST_PAGES_MAX = 2

    with pytest.raises(OutcomeUnknown, match="longer"):
        stripe.find_refund(processor_reference=payment, reference="rfd_none")


def test_events_are_told_oldest_first_over_pages_and_hours(stripe, sandbox, short_pages):
    """Bursts within one second and hours of nothing, which halving has to cope with."""
    began, payments = clock.now(), []
    for hours in (0, 3, 0, 50):
        sandbox.backstage("clock", move_seconds=hours * 3600)
        payments += [hold(stripe, number=number) for number in range(4)]

    events = stripe.list_events(since=began - MINUTE, types=[HELD])

    told = [event.processor_reference for event in events]
    assert [each for each in told if each in payments] == payments


def test_events_that_come_while_the_list_is_read_disturb_nothing(stripe, short_pages):
    began = clock.now()
    payments = [hold(stripe, number=number) for number in range(4)]
    events = stripe.list_events(since=began - MINUTE, types=[HELD])
    told = [next(events).processor_reference]

    hold(stripe, number=99)
    told += [event.processor_reference for event in events]

    ours = [each for each in told if each in payments]
    assert ours == payments


def test_more_types_than_stripe_takes_are_narrowed_by_ourselves(stripe):
    began, payment = clock.now(), hold(stripe)
    types = [HELD, *(f"invoice.kind_{number}" for number in range(25))]

    events = list(stripe.list_events(since=began - MINUTE, types=types))

    assert {event.type for event in events} == {HELD}
    assert payment in [event.processor_reference for event in events]


def test_events_are_there_although_nobody_was_told(stripe, sandbox):
    began = clock.now()
    sandbox.fault("create", "webhook_lost", times=1)
    payment = hold(stripe)

    events = stripe.list_events(since=began - MINUTE, types=[])

    assert payment in [event.processor_reference for event in events]
