"""Each rule of the ledger finds exactly the damage it is there for."""

import datetime as dt

import pytest
from django.db import connection

from foundation import clock, rows
from foundation.postgres.append_only import append_only_models
from payments.invariants.books import GUARDS, LEDGER_RULES, LedgerHasEveryStepOnce
from payments.models import PaymentTransaction, Payout
from payments.services import journal
from payments.services.payout import record_payout
from tests import builders
from tests.postgres import guards

pytestmark = pytest.mark.django_db(transaction=True)


def a_held_payment(**facts):
    """Authorized in full: rows, lines and amounts agree."""
    payment = builders.PaymentFactory.create(
        **{"state": "authorized", "authorized_amount": 4298, **facts}
    )
    journal.append(a_step(payment, "authorization", 4298))
    return payment


def a_step(payment, kind, amount, **facts):
    return PaymentTransaction(
        payment=payment, kind=kind, succeeded=True, amount=amount, currency="USD", actor="test",
        **facts,
    )  # fmt: skip


def damage(statement):
    with guards.lifted(), connection.cursor() as cursor:
        cursor.execute(statement)


def broken():
    found = {rule.name: rule().violations(limit=10).rows for rule in LEDGER_RULES}
    return {
        name: [(row.row_id, row.detail) for row in rows] for name, rows in found.items() if rows
    }


def test_a_sound_ledger_breaks_no_rule():
    a_held_payment()
    record_payout(
        processor_reference="po_1", amount=10, currency="USD", state="paid", arrives_on=None,
        by="processor",
    )  # fmt: skip

    assert broken() == {}


def test_a_changed_amount_is_found_by_every_rule_it_breaks():
    payment = a_held_payment()
    damage("UPDATE payments_ledgerline SET amount = 4297 WHERE account = 'authorizations_held'")

    found = broken()

    entry = str(payment.transactions.get().pk)
    assert found["ledger_entries_balance"] == [(entry, "sums to -1 USD")]
    assert found["ledger_has_every_step_once"] == [
        (entry, "authorizations_held has 4297 instead of 4298 USD")
    ]
    assert [row_id for row_id, _ in found["ledger_is_the_fold"]] == [str(payment.pk)]


def test_a_removed_entry_is_found_by_its_step():
    payment = a_held_payment()
    damage("DELETE FROM payments_ledgerline")

    entry = str(payment.transactions.get().pk)
    assert sorted(broken()["ledger_has_every_step_once"]) == [
        (entry, "authorizations_granted has 0 instead of -4298 USD"),
        (entry, "authorizations_held has 0 instead of 4298 USD"),
    ]


def test_an_entry_of_a_step_that_failed_is_found():
    a_held_payment()
    damage("UPDATE payments_paymenttransaction SET succeeded = false")

    assert len(broken()["ledger_has_every_step_once"]) == 2


def test_amounts_that_the_ledger_does_not_know_are_found():
    payment = a_held_payment()
    type(payment).objects.filter(pk=payment.pk).update(captured_amount=4298, state="captured")

    found = broken()

    assert list(found) == ["ledger_is_the_fold", "ended_payments_hold_nothing"]
    assert found["ended_payments_hold_nothing"] == [
        (str(payment.pk), "captured, still holds 4298 USD")
    ]


def test_a_dispute_fee_is_expected_in_its_own_account():
    payment = a_held_payment(captured_amount=4298, fee_amount=1500, state="captured")
    fee = a_step(payment, "fee", 1500, note="dispute", sequence=101)

    journal.append(a_step(payment, "capture", 4298), fee)

    assert broken() == {}


def test_a_payout_without_its_entry_is_found():
    payout = Payout.objects.create(processor_reference="po_2", amount=900, currency="USD")

    assert broken() == {"payouts_are_posted": [(str(payout.pk), "paid, posted 0 of 900 USD")]}


def test_a_failed_payout_that_was_not_posted_back_is_found():
    payout = record_payout(
        processor_reference="po_1", amount=10, currency="USD", state="paid", arrives_on=None,
        by="processor",
    )  # fmt: skip
    Payout.objects.update(state="failed")

    assert broken() == {"payouts_are_posted": [(str(payout.pk), "failed, posted 10 of 10 USD")]}


def test_a_hold_that_lives_too_long_is_found_and_a_young_one_is_not(limits):
    old = a_held_payment()
    clock.move(dt.timedelta(days=limits.LEDGER_HOLD_DAYS_MAX - 1))
    a_held_payment()
    assert broken() == {}

    clock.move(dt.timedelta(days=2))

    assert [row_id for row_id, _ in broken()["holds_end"]] == [str(old.pk)]


def captured(amount):
    payment = a_held_payment(captured_amount=amount, voided_amount=4298 - amount, state="captured")
    journal.append(
        a_step(payment, "capture", amount), a_step(payment, "void", 4298 - amount, note="remainder")
    )


def paid_out(amount):
    record_payout(
        processor_reference=f"po_{amount}", amount=amount, currency="USD", state="paid",
        arrives_on=None, by="processor",
    )  # fmt: skip


def test_what_is_owed_too_long_is_found_and_what_was_paid_out_first_in_first_out_is_not(limits):
    captured(1000)
    clock.move(dt.timedelta(days=limits.LEDGER_RECEIVABLE_DAYS_MAX))
    captured(300)
    clock.move(dt.timedelta(days=1))
    (owed,) = broken()["receivable_is_paid_out"]
    assert owed[0] == "USD"

    paid_out(1000)
    assert broken() == {}

    clock.move(dt.timedelta(days=limits.LEDGER_RECEIVABLE_DAYS_MAX))
    assert [how.split(" open")[0] for _, how in broken()["receivable_is_paid_out"]] == ["300 USD"]
    paid_out(300)
    assert broken() == {}


@pytest.mark.django_db(transaction=False)  # what it does to the tables is rolled back
@pytest.mark.parametrize(
    "statement",
    [
        "ALTER TABLE payments_ledgerline DISABLE TRIGGER append_only",
        "ALTER TABLE payments_ledgerline ENABLE TRIGGER entries_balance",
        "ALTER TABLE foundation_auditentry DISABLE TRIGGER ALL",
        "DROP TRIGGER append_only ON foundation_transition",
    ],
)
def test_a_guard_that_is_gone_or_does_not_always_fire_is_found(statement):
    with connection.cursor() as cursor:
        cursor.execute(statement)

    assert list(broken()) == ["ledger_guards_stand"]


def test_every_append_only_table_is_among_the_guarded():
    tables = {model._meta.db_table for model in append_only_models()}

    assert {table for table, trigger in GUARDS if trigger == "append_only"} == tables


def test_only_so_many_offenders_are_told():
    for _ in range(3):
        rows.insert(a_step(builders.PaymentFactory.create(), "authorization", 5))

    found = LedgerHasEveryStepOnce().violations(limit=4)

    assert (found.count, len(found.rows)) == (6, 4)
