"""The port's contract, through the adapter and the real SDK, over HTTP, against the sandbox."""

import datetime as dt
import hashlib
import hmac
import inspect
import json
import time
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
    amounts = [line["amount"] for line in stripe.list_transactions(since=since, until=until)]
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


def signed(body, *, secret, at=None):
    at = at or int(time.time())
    digest = hmac.new(secret.encode(), f"{at}.{body}".encode(), hashlib.sha256).hexdigest()
    return f"t={at},v1={digest}"


EVENT = json.dumps(
    {"id": "evt_1", "type": "charge.captured", "created": 1767225600, "livemode": False,
     "data": {"object": {"id": "ch_1", "object": "charge", "payment_intent": "pi_1",
                         "metadata": {"payment": "pay_1"}}}}
)  # fmt: skip


def test_a_signed_event_is_read(stripe, settings):
    signature = signed(EVENT, secret=settings.STRIPE_WEBHOOK_SECRET)

    event = stripe.parse_event(body=EVENT.encode(), signature=signature)

    assert (event.external_id, event.processor_reference, event.reference) == (
        "evt_1", "pi_1", "pay_1",
    )  # fmt: skip


@pytest.mark.parametrize("doubt", ["other secret", "old", "altered", "nonsense", "not utf-8"])
def test_an_event_of_doubtful_origin_is_refused(stripe, settings, doubt):
    secret, body = settings.STRIPE_WEBHOOK_SECRET, EVENT.encode()
    signature = signed(EVENT, secret="whsec_other" if doubt == "other secret" else secret)
    if doubt == "old":
        signature = signed(EVENT, secret=secret, at=int(time.time()) - 3600)
    elif doubt == "altered":
        body = body.replace(b"pay_1", b"pay_2")
    elif doubt == "nonsense":
        signature = "v1=,t=x,,"
    elif doubt == "not utf-8":
        body = b"\xff\xfe"

    with pytest.raises(ValueError, match="genuine"):
        stripe.parse_event(body=body, signature=signature)
