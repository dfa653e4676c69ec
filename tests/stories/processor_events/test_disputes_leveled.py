"""What a dispute is at the processor now is what our rows say, whatever they said before."""

import datetime as dt

from django.db import transaction

from foundation import cases, clock
from foundation.models import Case
from payments.models import Dispute, Payment
from payments.processors.base import ProcessorDispute
from payments.services import dispute
from tests.stories.processor_events.rows import steps, told


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


def test_an_amount_that_the_bank_changed_reaches_the_open_case(payment):
    """Nothing else changes; what it takes follows, and so does what is at stake."""
    seen_as(payment, "needs_response")

    for amount in (1200, 700):
        assert seen_as(payment, "needs_response", amount=amount) is True
        assert Case.objects.get(kind="dispute_open").amount == amount

    payment.refresh_from_db()
    assert payment.charged_back_amount == 700
    assert seen_as(payment, "needs_response", amount=700) is False
    assert told() == ["dispute.opened"]


def test_an_inquiry_that_asks_about_another_amount_reaches_the_open_case(payment):
    seen_as(payment, "warning_needs_response", asking=True)

    assert seen_as(payment, "warning_needs_response", asking=True, amount=1200) is True

    assert Case.objects.get(kind="dispute_open").amount == 1200
    assert steps() == []


def test_the_amount_of_a_decided_dispute_opens_no_case(payment):
    seen_as(payment, "lost")

    seen_as(payment, "lost", amount=700)

    assert not Case.objects.filter(kind="dispute_open").exists()


def seen_as(payment, status, *, amount=900, asking=False, currency="USD", due_by=None, fees=()):
    """The processor shows a dispute of 9.00 (or `amount`) in this status, and our rows follow."""
    seen = ProcessorDispute(
        processor_reference="du_1", payment_reference=payment.processor_reference, amount=amount,
        is_inquiry=asking, currency=currency, reason="general", status=status,
        evidence_due_by=due_by, fees=dict(fees),
    )  # fmt: skip
    with transaction.atomic():
        locked = Payment.objects.select_for_update(no_key=True).get(pk=payment.pk)
        return dispute.record(locked, seen, by="processor")
