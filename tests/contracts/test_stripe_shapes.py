"""Stripe's objects in the port's words; what we do not know is never guessed at."""

import datetime as dt

import pytest

from payments.processors import stripe_shapes

CARD = {
    "brand": "visa",
    "network": "cartes_bancaires",
    "last4": "4242",
    "capture_before": 1767225600,
}
LINE = {"amount": 2000, "fee": 88, "currency": "usd"}


def a_charge(**fields):
    card = CARD | {"multicapture": {"status": fields.pop("many", "unavailable")}}
    return {
        "id": "ch_1", "status": "succeeded", "amount_refunded": 0, "disputed": False,
        "balance_transaction": None, "payment_method_details": {"card": card},
    } | fields  # fmt: skip


def an_intent(status="requires_capture", *, received=0, capturable=0, charge=None, **fields):
    return {
        "id": "pi_1", "status": status, "amount": 2000, "currency": "usd",
        "amount_received": received, "amount_capturable": capturable, "latest_charge": charge,
    } | fields  # fmt: skip


def amounts(intent):
    seen = stripe_shapes.payment(intent)
    return seen.captured_amount, seen.capturable_amount, seen.released_amount, seen.refunded_amount


def test_network_and_deadline_come_from_the_charge():
    seen = stripe_shapes.payment(an_intent(capturable=2000, charge=a_charge()))

    assert seen.network == "cartes_bancaires"
    assert seen.capture_before == dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("intent", "expected"),
    [
        # what a hold let go is counted as refunded by Stripe, and not by us
        (an_intent("succeeded", received=1500, charge=a_charge(amount_refunded=500)),
         (1500, 0, 500, 0)),
        (an_intent("succeeded", received=1500, charge=a_charge(amount_refunded=900)),
         (1500, 0, 500, 400)),
        (an_intent("canceled", charge=a_charge(amount_refunded=2000)), (0, 0, 2000, 0)),
        # with several captures it is not
        (an_intent(received=500, capturable=1500, charge=a_charge(many="available")),
         (500, 1500, 0, 0)),
        (an_intent("succeeded", received=500,
                   charge=a_charge(many="available", amount_refunded=200)), (500, 0, 1500, 200)),
        # nothing was ever held
        (an_intent("canceled"), (0, 0, 0, 0)),
        (an_intent("canceled", charge=a_charge(status="failed")), (0, 0, 0, 0)),
        (an_intent("canceled", charge="ch_1", last_payment_error={"code": "x"}), (0, 0, 0, 0)),
        # an intent inside a refusal comes without its charge
        (an_intent("canceled", charge="ch_1"), (0, 0, 2000, 0)),
        (an_intent("succeeded", received=1500, charge="ch_1"), (1500, 0, 500, 0)),
    ],
)  # fmt: skip
def test_amounts_are_exact(intent, expected):
    assert amounts(intent) == expected


def test_what_was_captured_stays_captured_when_the_rest_is_canceled():
    intent = an_intent("canceled", received=500, charge=a_charge(many="available"))

    assert stripe_shapes.payment(intent).status == "captured"


@pytest.mark.parametrize(
    ("line", "fee"),
    [(LINE, 88), (None, None), ("txn_1", None), (LINE | {"amount": 1999}, None),
     (LINE | {"currency": "eur"}, None)],
)  # fmt: skip
def test_a_fee_is_known_when_its_line_is_all_there_is_and_in_our_currency(line, fee):
    charge = a_charge(balance_transaction=line)

    seen = stripe_shapes.payment(an_intent("succeeded", received=2000, charge=charge))

    assert seen.fee_amount == fee


@pytest.mark.parametrize(
    "change",
    [{"status": "requires_miracle"}, {"status": None}, {"amount": "2000"}, {"amount": 20.0},
     {"amount": True}, {"amount_received": "0"}, {"currency": None}],
)  # fmt: skip
def test_a_payment_of_a_shape_we_do_not_know_is_not_guessed_at(change):
    with pytest.raises((KeyError, TypeError, ValueError, AttributeError)):
        stripe_shapes.payment(an_intent() | change)


@pytest.mark.parametrize("change", [{"status": None}, {"status": "new"}, {"amount": None}])
def test_nor_is_a_refund_or_a_dispute(change):
    refund = {"id": "re_1", "amount": 5, "currency": "usd", "status": "succeeded"}
    dispute = refund | {"status": "won"}

    assert stripe_shapes.refund(refund).reference == ""
    assert stripe_shapes.dispute(dispute).fees == {}
    for shape, doc in ((stripe_shapes.refund, refund), (stripe_shapes.dispute, dispute)):
        with pytest.raises((KeyError, TypeError)):
            shape(doc | change)


def test_what_a_dispute_cost_is_told_in_the_currency_of_each_of_its_lines():
    """They are in the account's settlement currency, which need not be the dispute's."""
    lines = [
        {"fee": 1500, "currency": "eur"}, {"fee": 20, "currency": "usd"},
        {"fee": 5, "currency": "eur"}, {"fee": 0, "currency": "usd"},
    ]  # fmt: skip
    dispute = {"id": "du_1", "amount": 5, "currency": "usd", "status": "won"}

    seen = stripe_shapes.dispute(dispute | {"balance_transactions": lines})

    assert (seen.amount, seen.currency) == (5, "USD")
    assert seen.fees == {"EUR": 1505, "USD": 20}


@pytest.mark.parametrize("line", [{"fee": 5}, {"fee": None, "currency": "usd"}])
def test_a_cost_without_an_amount_or_a_currency_is_not_guessed_at(line):
    dispute = {"id": "du_1", "amount": 5, "currency": "usd", "status": "won"}

    with pytest.raises((KeyError, TypeError)):
        stripe_shapes.dispute(dispute | {"balance_transactions": [line]})


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [("appeal_needs_response", "needs_response"), ("appeal_under_review", "under_review"),
     ("warning_closed", "warning_closed"), ("prevented", "prevented")],
)  # fmt: skip
def test_a_dispute_that_is_fought_on_is_open_again(theirs, ours):
    dispute = {"id": "du_1", "amount": 5, "currency": "usd", "status": theirs}

    assert stripe_shapes.dispute(dispute).status == ours


@pytest.mark.parametrize(
    ("fields", "release"),
    [
        ({}, False),
        ({"balance_transaction": {"reporting_category": "refund"}}, False),
        ({"balance_transaction": {"reporting_category": "partial_capture_reversal"}}, True),
        ({"reason": "expired_uncaptured_charge"}, True),
        ({"charge": {"amount_captured": 0}}, True),
        ({"charge": {"amount_captured": 5}}, False),
    ],
)
def test_a_release_is_told_from_a_refund(fields, release):
    assert stripe_shapes.is_release({"id": "re_1", "status": "succeeded"} | fields) is release
