"""A bank takes money back and may return it: our rows say what it did, however we hear of it."""

import datetime as dt
import itertools

import pytest
from django.db import IntegrityError, transaction

from foundation import clock
from foundation.models import Case
from payments.models import Dispute, PaymentTransaction
from tests import builders, ledger_witness
from tests.stories import world
from tests.stories.processor_events.rows import steps, told

TAKEN = 4298
FEE = 1500


@pytest.fixture
def hear(shop, courier, payment):
    """All that the processor has to tell is delivered and worked; then ledger, steps and its
    journal tell the same of the money."""

    def listen(*types):
        for each in types or (None,):
            courier.send_all(payment, each)
        world.play_events()
        payment.refresh_from_db()
        ledger_witness.agree(shop)

    return listen


def test_a_dispute_takes_the_money_and_its_fee_and_shows_until_when_to_answer(
    payment, dashboard, hear
):
    theirs = dashboard.dispute(payment, reason="fraudulent")

    hear()

    opened = Dispute.objects.get()
    assert (opened.state, opened.amount, opened.reason) == ("open", TAKEN, "fraudulent")
    assert (opened.processor_reference, opened.fee_amount) == (theirs["id"], FEE)
    assert opened.evidence_due_by > clock.now() + dt.timedelta(days=1)
    assert (payment.state, payment.is_disputed) == ("disputed", True)
    assert payment.charged_back_amount == TAKEN
    assert steps() == [("chargeback", 1, TAKEN), ("fee", 2, FEE)]
    assert {row.source for row in PaymentTransaction.objects.filter(note="dispute")} == {
        "processor"
    }
    assert told() == ["dispute.opened"]


def test_a_dispute_is_a_case_whose_deadline_is_the_banks_until_it_is_decided(
    payment, dashboard, hear
):
    theirs = dashboard.dispute(payment)
    hear()
    case = Case.objects.get(kind="dispute_open")
    assert case.aggregate_id == Dispute.objects.get().pk
    assert case.due_at == Dispute.objects.get().evidence_due_by
    assert (case.state, case.amount, case.currency) == ("open", TAKEN, "USD")

    dashboard.decide(theirs, "lost")
    hear()

    case.refresh_from_db()
    assert (case.state, case.ended_reason) == ("resolved", "lost")


def test_what_is_disputed_can_not_be_refunded_meanwhile(payment, dashboard, hear, api):
    theirs = dashboard.dispute(payment)
    hear()
    body = {"amount": {"amount": 100, "currency": "USD"}}
    path = f"/v1/payments/{payment.reference}/refunds"
    assert api.post(path, body, key=builders.a_key()).status_code == 409

    dashboard.decide(theirs, "won")
    hear()

    assert api.post(path, body, key=builders.a_key()).status_code == 201


def test_what_is_only_asked_about_can_be_refunded(payment, dashboard, hear, api):
    dashboard.dispute(payment, reason="inquiry")
    hear()
    body = {"amount": {"amount": 100, "currency": "USD"}}

    reply = api.post(f"/v1/payments/{payment.reference}/refunds", body, key=builders.a_key())

    assert reply.status_code == 201


def test_the_order_shows_that_its_payment_is_disputed(payment, dashboard, hear, api):
    dashboard.dispute(payment)

    hear()

    order = api.get(f"/v1/orders/{payment.order.reference}").json()
    assert order["payment_status"] == "disputed"


def test_an_inquiry_moves_no_money_and_only_asks(payment, dashboard, hear):
    dashboard.dispute(payment, reason="inquiry")

    hear()

    assert (Dispute.objects.get().state, Dispute.objects.get().is_inquiry) == ("open", True)
    assert (payment.state, payment.charged_back_amount, steps()) == ("captured", 0, [])
    assert told() == ["dispute.opened"]


def test_an_inquiry_that_becomes_a_dispute_takes_the_money_then(payment, dashboard, hear):
    theirs = dashboard.dispute(payment, reason="inquiry")
    hear()
    dashboard.escalate(theirs)

    hear()

    assert Dispute.objects.count() == 1
    assert (payment.state, payment.charged_back_amount) == ("disputed", TAKEN)
    assert told() == ["dispute.opened", "dispute.opened"]


def test_an_inquiry_that_is_closed_leaves_the_payment_as_it_was(payment, dashboard, hear):
    dashboard.decide(dashboard.dispute(payment, reason="inquiry"), "won")

    hear()

    assert (Dispute.objects.get().state, payment.state, steps()) == ("won", "captured", [])
    assert told() == ["dispute.opened", "dispute.closed"]


def test_a_dispute_that_is_won_gives_the_money_back_but_not_the_fee(payment, dashboard, hear):
    theirs = dashboard.dispute(payment)
    hear()
    dashboard.decide(theirs, "won")

    hear()

    closed = Dispute.objects.get()
    assert (closed.state, bool(closed.closed_at)) == ("won", True)
    assert (payment.state, payment.is_disputed) == ("captured", False)
    assert payment.charged_back_amount == 0
    assert steps("chargeback_reversal", "fee") == [
        ("fee", 2, FEE), ("chargeback_reversal", 1, TAKEN),
    ]  # fmt: skip
    assert told() == ["dispute.opened", "dispute.closed"]


def test_a_dispute_that_is_lost_keeps_the_money(payment, dashboard, hear):
    theirs = dashboard.dispute(payment)
    hear()
    dashboard.decide(theirs, "lost")

    hear()

    assert Dispute.objects.get().state == "lost"
    assert (payment.state, payment.is_disputed) == ("charged_back", False)
    assert payment.charged_back_amount == TAKEN
    assert steps("chargeback_reversal") == []


@pytest.mark.parametrize(("end", "state"), [("won", "captured"), ("lost", "charged_back")])
def test_a_dispute_that_is_heard_of_when_it_is_over_ends_the_same(
    payment, dashboard, hear, end, state
):
    """Nothing arrived while it was open: the sums and the state are as if everything had."""
    dashboard.decide(dashboard.dispute(payment), end)

    hear("charge.dispute.closed")

    assert payment.state == state
    assert steps("chargeback") == [("chargeback", 1, TAKEN)]
    assert len(steps("chargeback_reversal")) == (end == "won")
    assert told() == ["dispute.opened", "dispute.closed"]


def test_two_disputes_of_one_payment_are_told_apart(payment, dashboard, hear):
    first = dashboard.dispute(payment, amount=1000)
    dashboard.dispute(payment, amount=500)
    hear()
    assert (payment.charged_back_amount, payment.state) == (1500, "disputed")

    dashboard.decide(first, "won")
    hear()

    assert [d.sequence for d in Dispute.objects.order_by("sequence")] == [1, 2]
    assert (payment.charged_back_amount, payment.state) == (500, "disputed")
    assert sorted(steps("chargeback", "chargeback_reversal")) == [
        ("chargeback", 1, 1000), ("chargeback", 2, 500), ("chargeback_reversal", 1, 1000),
    ]  # fmt: skip


def test_its_events_in_any_order_and_repeated_leave_the_same_rows(payment, dashboard, courier):
    dashboard.decide(dashboard.dispute(payment), "won")
    events = [
        event for event in courier.events(payment) if event["type"].startswith("charge.dispute")
    ]
    assert len(events) >= 3

    for event in (*itertools.chain(*itertools.permutations(events, 2)), *reversed(events)):
        courier.send(event)
        world.play_events()

    payment.refresh_from_db()
    assert (payment.state, payment.charged_back_amount) == ("captured", 0)
    assert len(steps("chargeback")) == len(steps("chargeback_reversal")) == 1
    assert told() == ["dispute.opened", "dispute.closed"]


def test_a_dispute_of_a_refunded_payment_goes_back_to_refunded_when_it_is_won(
    payment, dashboard, hear
):
    dashboard.refund(payment, TAKEN)
    hear()
    assert payment.state == "refunded"
    theirs = dashboard.dispute(payment)
    hear()
    assert payment.state == "disputed"

    dashboard.decide(theirs, "won")
    hear()

    assert payment.state == "refunded"


def test_the_database_refuses_a_second_chargeback_of_one_dispute(payment, dashboard, hear):
    """The last guard, should the row lock ever be forgotten."""
    dashboard.dispute(payment)
    hear()
    twin = PaymentTransaction.objects.get(kind="chargeback")
    twin.pk = twin.pk.__class__(int=twin.pk.int + 1)

    with pytest.raises(IntegrityError), transaction.atomic():
        twin.save(force_insert=True)
