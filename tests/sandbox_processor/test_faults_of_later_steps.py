"""Faults on what comes after the authorization: capture, cancel, refund, and asking."""

import time

import pytest

from sandbox_processor.fault_names import OPERATIONS
from sandbox_processor.routes import ROUTES
from tests.sandbox_processor.conftest import order
from tests.sandbox_processor.test_faults import HELD, failing

LATER = ["capture", "cancel", "refund", "retrieve"]
WITHOUT_AN_EFFECT = ["timeout_before", "reset_before", "500_before", "rate_limited"]
WITH_AN_EFFECT = ["timeout_after", "lost_reply", "500_after", "malformed", "empty"]


def act(processor, intents, intent, operation):
    """The operation on an intent; what it would leave in the journal."""
    if operation == "refund":
        return processor.client().v1.refunds.create({"payment_intent": intent.id})
    return getattr(intents, operation)(intent.id)


@pytest.mark.parametrize("operation", LATER)
@pytest.mark.parametrize("chosen", ["by the card", "for one payment"])
@pytest.mark.parametrize("fault", [*WITHOUT_AN_EFFECT, *WITH_AN_EFFECT])
def test_every_fault_can_be_put_on_every_operation(processor, intents, operation, chosen, fault):
    number = "_1" if chosen == "by the card" else ""
    part = f"__fault_{fault}{number}_on_{operation}" if number else ""
    method = "automatic" if operation == "refund" else "manual"
    intent = intents.create(order("pay_1", method=f"pm_card_visa{part}", capture_method=method))
    other = intents.create(order("pay_2", capture_method=method))
    if not number:
        processor.fault(operation, fault, times=1, seconds=0.2, payment="pay_1")

    act(processor, intents, other, operation)
    failing(act, processor, intents, intent, operation)

    happened = processor.effects("pay_1").get(operation, 0)
    assert happened == int(fault in WITH_AN_EFFECT and operation != "retrieve")


@pytest.mark.parametrize("operation", LATER)
def test_every_operation_can_be_slow_and_works(processor, intents, operation):
    method = "automatic" if operation == "refund" else "manual"
    intent = intents.create(order("pay_1", capture_method=method))
    processor.fault(operation, "slow", times=1, seconds=0.5)
    started = time.monotonic()
    act(processor, intents, intent, operation)
    assert time.monotonic() - started >= 0.5


def test_a_refused_cancellation_leaves_the_hold(processor, intents):
    intent = intents.create(order("pay_1", method="pm_card_visa__fault_cancel_refused_1"))
    error = failing(intents.cancel, intent.id)
    assert error.error.payment_intent.status == "requires_capture"
    assert processor.effects("pay_1") == HELD
    assert intents.cancel(intent.id).status == "canceled"


def test_lists_and_retrievals_can_lag_behind(processor, intents):
    intent = intents.create(order("pay_1", capture_method="automatic"))
    refunds = processor.client().v1.refunds
    processor.fault("*", "lookup_lag", seconds=30)
    refund = refunds.create({"payment_intent": intent.id})
    assert refunds.list({"payment_intent": intent.id}).data == []
    assert failing(refunds.retrieve, refund.id).http_status == 404
    processor.move(31)
    assert [each.id for each in refunds.list({"payment_intent": intent.id}).data] == [refund.id]
    assert refunds.retrieve(refund.id).id == refund.id


def test_a_card_with_a_fault_on_no_operation_is_refused(intents):
    wanted = order("pay_1", method="pm_card_visa__fault_lost_reply_on_holiday")
    assert failing(intents.create, wanted).http_status == 400


def test_faults_know_the_operations_there_are():
    assert {name for name, _ in ROUTES.values()} | {"authorizing"} == OPERATIONS
