"""A bank takes money back and may return it: our rows say what it did, however we hear of it."""

import datetime as dt
import itertools

import pytest
from django.db import IntegrityError, transaction

from events.models import OutboxEvent
from foundation import cases, clock
from foundation.models import Case
from payments.models import Dispute, Payment, PaymentTransaction
from payments.processors.base import ProcessorDispute
from payments.services import dispute
from tests import builders, ledger_witness
from tests.stories import world

TAKEN = 4298
FEE = 1500


@pytest.fixture
def payment(api):
    """Of an order that was bought, captured and told of."""
    order = world.an_order(api)
    world.play_events()
    return Payment.objects.get(order=order)


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


def steps(*kinds):
    rows = PaymentTransaction.objects.filter(note="dispute").order_by("pk")
    return [(row.kind, row.sequence, row.amount) for row in rows if row.kind in kinds or not kinds]


def told():
    rows = OutboxEvent.objects.filter(type__startswith="dispute.").order_by("sequence")
    return [row.type for row in rows]


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


def test_a_decided_dispute_that_is_taken_up_again_takes_the_money_once_more(payment):
    """Banks may go on after a decision; what each round took and gave is a row of its own."""
    rounds = ["needs_response", "won", "under_review", "lost", "under_review", "won"]

    changed = [seen_as(payment, status) for status in rounds]

    payment.refresh_from_db()
    assert changed == [True] * len(rounds)
    assert (payment.state, payment.charged_back_amount) == ("captured", 0)
    assert steps() == [
        ("chargeback", 1, 900), ("chargeback_reversal", 1, 900),
        ("chargeback", 101, 900), ("chargeback_reversal", 101, 900),
    ]  # fmt: skip
    assert seen_as(payment, "won") is False


def test_a_dispute_that_was_prevented_took_nothing(payment):
    seen_as(payment, "prevented")

    payment.refresh_from_db()
    assert (payment.state, Dispute.objects.get().state, steps()) == ("captured", "won", [])


def test_a_dispute_in_another_currency_is_shown_and_not_booked(payment):
    seen_as(payment, "needs_response", currency="EUR")

    payment.refresh_from_db()
    assert (payment.state, payment.charged_back_amount) == ("disputed", 0)
    assert steps() == []
    case = Case.objects.get(kind="payment_differs")
    assert (case.aggregate_id, case.amount, case.currency) == (
        Dispute.objects.get().pk, 900, "EUR",
    )  # fmt: skip


def test_a_fee_in_another_currency_is_not_booked_and_reaches_a_person(payment):
    seen_as(payment, "needs_response", fees={"EUR": 1400})

    payment.refresh_from_db()
    assert steps() == [("chargeback", 1, 900)]
    assert Dispute.objects.get().fee_amount == 0
    case = Case.objects.get(kind="payment_differs")
    assert (case.aggregate_id, case.amount, case.currency) == (
        Dispute.objects.get().pk, 1400, "EUR",
    )  # fmt: skip


def test_a_foreign_fee_that_is_charged_later_reaches_a_person_then(payment):
    """Nothing else about the dispute changes: no news, and no move of its deadline."""
    seen_as(payment, "needs_response")
    assert not Case.objects.filter(kind="payment_differs").exists()

    seen_as(payment, "needs_response", fees={"EUR": 1400})

    assert Case.objects.get(kind="payment_differs").amount == 1400


def test_a_foreign_dispute_and_its_fee_are_one_sum_on_the_desk(payment):
    """Closed for what was known of it, the case comes back with the fee."""
    seen_as(payment, "needs_response", currency="EUR")
    closed = Case.objects.get(kind="payment_differs")
    cases.close(closed.pk, by="staff:ana", reason="booked by hand")

    seen_as(payment, "needs_response", currency="EUR", fees={"EUR": 1400})

    assert steps() == []
    assert Case.objects.get(kind="payment_differs", state="open").amount == 900 + 1400


def test_of_a_foreign_dispute_the_fee_in_the_payments_currency_is_booked(payment):
    seen_as(payment, "needs_response", currency="EUR", fees={"USD": 1500, "GBP": 70})

    assert steps() == [("fee", 2, 1500)]
    assert Dispute.objects.get().fee_amount == 0
    case = Case.objects.get(kind="payment_differs")
    assert (case.amount, case.currency) == (900, "EUR")
    assert "EUR" in case.detail
    assert "GBP" in case.detail


def test_a_foreign_dispute_that_was_prevented_is_nobodys_case(payment):
    seen_as(payment, "prevented", currency="EUR")

    assert not Case.objects.filter(kind="payment_differs").exists()


def test_a_person_can_have_the_payment_of_a_foreign_dispute_looked_at(payment):
    seen_as(payment, "needs_response", currency="EUR")
    case = Case.objects.get(kind="payment_differs")

    assert "The payment is" in cases.act(case.pk, verb="retry", by="staff:ana", reason="again")


def test_a_deadline_that_the_bank_moved_reaches_the_open_case(payment):
    first, moved = clock.now() + dt.timedelta(days=7), clock.now() + dt.timedelta(days=3)
    seen_as(payment, "needs_response", due_by=first)

    assert seen_as(payment, "needs_response", due_by=moved) is True

    assert Case.objects.get(kind="dispute_open").due_at == moved
    assert seen_as(payment, "needs_response", due_by=moved) is False
    assert told() == ["dispute.opened"]


def seen_as(payment, status, *, currency="USD", due_by=None, fees=()):
    """The processor shows a dispute of 9.00 in this status, and our rows follow."""
    seen = ProcessorDispute(
        processor_reference="du_1", payment_reference=payment.processor_reference, amount=900,
        currency=currency, reason="general", status=status, evidence_due_by=due_by,
        fees=dict(fees),
    )  # fmt: skip
    with transaction.atomic():
        locked = Payment.objects.select_for_update(no_key=True).get(pk=payment.pk)
        return dispute.record(locked, seen, by="processor")


def test_the_database_refuses_a_second_chargeback_of_one_dispute(payment, dashboard, hear):
    """The last guard, should the row lock ever be forgotten."""
    dashboard.dispute(payment)
    hear()
    twin = PaymentTransaction.objects.get(kind="chargeback")
    twin.pk = twin.pk.__class__(int=twin.pk.int + 1)

    with pytest.raises(IntegrityError), transaction.atomic():
        twin.save(force_insert=True)
