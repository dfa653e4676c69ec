"""The port's contract, through the adapter and the real SDK, over HTTP, against the sandbox."""

import datetime as dt
import inspect
import uuid

import pytest

from foundation import clock
from foundation.transactions import NetworkInsideTransaction, durable
from payments.processors import processor
from payments.processors.base import (
    Declined,
    OutcomeUnknown,
    Processor,
    ProcessorUnavailable,
)
from payments.processors.stripe import StripeProcessor


@pytest.fixture
def stripe(sandbox):
    return processor("stripe")


def hold(stripe, *, method="pm_card_visa", reference=None, key=None, amount=1999):
    reference = reference or f"pay_{uuid.uuid4().hex}"
    return reference, stripe.authorize(
        reference=reference, amount=amount, currency="USD", payment_method=method,
        key=key or f"{reference}-authorize-1", metadata={"checkout": "chk_test"},
    )  # fmt: skip


def test_the_adapter_offers_exactly_the_ports_methods():
    for name, method in inspect.getmembers(Processor, inspect.isfunction):
        if not name.startswith("_"):
            assert inspect.signature(getattr(StripeProcessor, name)) == inspect.signature(method)


def test_a_hold_tells_its_amount_its_card_and_its_deadline(stripe):
    _, seen = hold(stripe)

    assert (seen.status, seen.amount, seen.currency) == ("authorized", 1999, "USD")
    assert (seen.card.brand, seen.card.last4) == ("visa", "4242")
    assert seen.card.fingerprint
    assert seen.capture_before > clock.now()


def test_the_same_key_holds_once(stripe, sandbox):
    reference, first = hold(stripe)
    _, again = hold(stripe, reference=reference)

    assert again.processor_reference == first.processor_reference
    assert len(sandbox.effects(reference, "authorization")) == 1


def test_full_and_partial_captures_and_refunds(stripe, sandbox):
    reference, seen = hold(stripe)

    taken = stripe.capture(
        processor_reference=seen.processor_reference, amount=1500, key=f"{reference}-capture-1"
    )
    refund = stripe.refund(
        processor_reference=seen.processor_reference, amount=500, key=f"{reference}-refund-1",
        reference="rfd_1",
    )  # fmt: skip

    assert (taken.status, taken.captured_amount) == ("captured", 1500)
    assert (refund.status, refund.reference, refund.amount) == ("succeeded", "rfd_1", 500)
    assert sandbox.holds(reference) == []
    since, until = clock.now() - dt.timedelta(hours=1), clock.now() + dt.timedelta(hours=1)
    amounts = [line.gross for line in stripe.list_transactions(since=since, until=until)]
    assert -500 in amounts


def test_a_void_releases_and_a_second_one_says_so_too(stripe, sandbox):
    reference, seen = hold(stripe)

    gone = stripe.void(processor_reference=seen.processor_reference, key=f"{reference}-void-1")

    assert gone.status == "canceled"
    assert sandbox.holds(reference) == []
    with pytest.raises(Declined) as again:
        stripe.void(processor_reference=seen.processor_reference, key=f"{reference}-void-2")
    assert again.value.payment.status == "canceled"


def test_it_is_found_by_our_reference_and_by_theirs(stripe):
    reference, seen = hold(stripe)
    ask = {"reference": reference, "since": clock.now()}

    assert (
        stripe.find(processor_reference="", **ask).processor_reference == seen.processor_reference
    )
    by_theirs = stripe.find(processor_reference=seen.processor_reference, **ask)
    assert by_theirs.status == "authorized"
    ask["reference"] = "pay_nobody"
    assert stripe.find(processor_reference="", **ask) is None


def test_it_is_found_while_the_search_index_lags(stripe, sandbox):
    sandbox.fault("search", "search_lag", seconds=60)
    reference, seen = hold(stripe)

    found = stripe.find(reference=reference, processor_reference="", since=clock.now())

    assert found.processor_reference == seen.processor_reference


@pytest.mark.parametrize(
    ("method", "code"),
    [
        ("pm_card_chargeDeclined", "generic_decline"),
        ("pm_card_chargeDeclinedInsufficientFunds", "insufficient_funds"),
        ("pm_card_chargeDeclinedExpiredCard", "expired_card"),
        ("pm_card_noSuchCard", "resource_missing"),
    ],
)
def test_a_final_no_is_declined_with_its_code(stripe, method, code):
    with pytest.raises(Declined) as declined:
        hold(stripe, method=method)
    assert declined.value.code == code


def test_a_customer_who_must_act_is_told_where(stripe):
    _, seen = hold(stripe, method="pm_card_authenticationRequired")

    assert seen.status == "requires_action"
    assert seen.next_action


@pytest.mark.parametrize(
    "fault",
    ["timeout_before", "timeout_after", "lost_reply", "reset_before", "500_before", "500_after",
     "malformed", "empty"],
)  # fmt: skip
def test_what_may_have_happened_is_unknown(stripe, sandbox, fault):
    sandbox.fault("create", fault, times=1, seconds=2)

    with pytest.raises(OutcomeUnknown):
        hold(stripe)


def test_what_cannot_have_happened_is_unavailable(sandbox, settings):
    settings.STRIPE_API_BASE = "http://127.0.0.1:9"
    with pytest.raises(ProcessorUnavailable):
        hold(StripeProcessor())
    settings.STRIPE_API_BASE = "http://no-such-host.invalid"
    with pytest.raises(ProcessorUnavailable):
        hold(StripeProcessor())


def test_a_rate_limit_is_unavailable(stripe, sandbox):
    sandbox.fault("create", "rate_limited", times=1)

    with pytest.raises(ProcessorUnavailable):
        hold(stripe)


def test_the_same_key_with_another_amount_is_unknown_and_never_a_second_hold(stripe, sandbox):
    reference, _ = hold(stripe)

    with pytest.raises(OutcomeUnknown):
        hold(stripe, reference=reference, amount=2999)
    assert len(sandbox.effects(reference, "authorization")) == 1


@pytest.mark.django_db(transaction=True)
def test_no_call_leaves_while_a_transaction_is_open(stripe, sandbox):
    with pytest.raises(NetworkInsideTransaction), durable():
        hold(stripe)


# What only Stripe's wire can show.


@pytest.mark.parametrize("operation", ["capture", "cancel", "refund"])
@pytest.mark.parametrize(
    ("fault", "error"),
    [("rate_limited", ProcessorUnavailable), ("malformed", OutcomeUnknown),
     ("empty", OutcomeUnknown), ("500_after", OutcomeUnknown), ("timeout_after", OutcomeUnknown)],
)  # fmt: skip
def test_every_later_step_fails_in_the_ports_words(stripe, sandbox, operation, fault, error):
    reference, seen = hold(stripe)
    theirs = {"processor_reference": seen.processor_reference}
    act = {
        "capture": lambda: stripe.capture(**theirs, amount=500, key=f"{reference}-c"),
        "cancel": lambda: stripe.void(**theirs, key=f"{reference}-v"),
        "refund": lambda: stripe.refund(
            **theirs, amount=5, key=f"{reference}-r", reference="rfd_1"
        ),
    }[operation]
    if operation == "refund":
        stripe.capture(**theirs, amount=1999, key=f"{reference}-first")
    sandbox.fault(operation, fault, times=1, seconds=2)

    with pytest.raises(error):
        act()


def test_several_captures_can_be_left_unasked(stripe, settings):
    settings.STRIPE_REQUEST_MULTICAPTURE = False

    _, seen = hold(stripe, method="pm_card_visa__multicapture")

    assert not seen.multicapture


def test_a_refused_cancellation_of_a_partly_captured_hold_releases_the_rest_all_the_same(
    stripe, sandbox
):
    reference, seen = hold(stripe, method="pm_card_visa__multicapture__fault_cancel_refused")
    theirs = {"processor_reference": seen.processor_reference}
    with pytest.raises(Declined) as refused:
        stripe.void(**theirs, key=f"{reference}-v1")
    assert refused.value.payment.status == "authorized"
    stripe.capture(**theirs, amount=500, key=f"{reference}-c", final=False)

    gone = stripe.void(**theirs, key=f"{reference}-v2")

    assert (gone.status, gone.captured_amount, gone.released_amount) == ("captured", 500, 1499)
    assert sandbox.holds(reference) == []
    assert stripe.void(**theirs, key=f"{reference}-v2") == gone


def questions(sandbox, reference):
    asked = sandbox.requests(reference)
    return [entry["operation"] for entry in asked if entry["method"] == "GET"]


def test_a_look_up_asks_once_and_twice_only_for_the_fee_of_a_partial_capture(stripe, sandbox):
    reference, seen = hold(stripe)
    ask = {"reference": reference, "processor_reference": seen.processor_reference}
    ask["since"] = clock.now()
    stripe.find(**ask)
    assert questions(sandbox, reference) == ["retrieve"]

    stripe.capture(processor_reference=seen.processor_reference, amount=500, key=f"{reference}-c")
    assert stripe.find(**ask).fee_amount == 45

    assert questions(sandbox, reference) == ["retrieve", "retrieve", "list"]


def test_a_fee_that_can_not_be_had_now_does_not_hide_the_payment(stripe, sandbox):
    reference, seen = hold(stripe)
    stripe.capture(processor_reference=seen.processor_reference, amount=500, key=f"{reference}-c")
    sandbox.fault("list", "500_before")

    found = stripe.find(
        reference=reference, processor_reference=seen.processor_reference, since=clock.now()
    )

    assert (found.status, found.captured_amount, found.fee_amount) == ("captured", 500, None)


@pytest.mark.parametrize("operation", ["retrieve", "search"])
def test_a_question_that_is_refused_proves_nothing(stripe, sandbox, operation):
    by_theirs = "pi_of_nobody" if operation == "retrieve" else ""

    ask = {"reference": "pay_'quoted", "processor_reference": by_theirs, "since": clock.now()}
    if operation == "search":
        sandbox.fault("search", "500_before", times=1)
    with pytest.raises(OutcomeUnknown):
        stripe.find(**ask)
