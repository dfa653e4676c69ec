"""What the database refuses, whoever asks: an entry that does not balance, and any change."""

import importlib

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction

from foundation import audit, rows
from foundation.ids import new_id
from foundation.postgres.append_only import append_only_models
from payments.models import LedgerLine, PaymentTransaction
from payments.services import journal
from reconciliation.models import (
    Match,
    MatchMember,
    ReconciliationBreak,
    Retelling,
    SettlementLine,
    Unmatch,
)
from tests import builders
from tests.reconciliation.books import Line, Story, write

pytestmark = pytest.mark.django_db
TABLES = sorted(model._meta.db_table for model in append_only_models())


def a_step(kind="authorization", *, payment=None, amount=4298, sequence=1, **facts):
    payment = payment or builders.PaymentFactory.create()
    return PaymentTransaction(
        payment=payment, kind=kind, sequence=sequence, amount=amount, actor="test",
        currency=facts.pop("currency", payment.currency), succeeded=facts.pop("succeeded", True),
        **facts,
    )  # fmt: skip


def lines_of(step):
    found = LedgerLine.objects.filter(transaction=step).order_by("account")
    return {line.account: line.amount for line in found}


def a_line(step, account, amount, **facts):
    return LedgerLine(
        entry=step.pk, kind="authorization", payment=step.payment, transaction=step,
        account=account, amount=amount, **{"currency": "USD", **facts},
    )  # fmt: skip


@pytest.fixture
def step_without_an_entry():
    step = a_step()
    rows.insert(step)
    return step


def refused(*lines):
    with pytest.raises(IntegrityError) as caught, transaction.atomic():
        rows.insert(*lines)
    return str(caught.value)


def test_a_step_and_its_lines_travel_in_one_statement(django_assert_num_queries):
    step = a_step()

    with django_assert_num_queries(1):
        journal.append(step)

    assert lines_of(step) == {"authorizations_granted": -4298, "authorizations_held": 4298}


def test_several_steps_of_one_move_are_each_an_entry_of_their_own():
    payment = builders.PaymentFactory.create()
    capture = a_step("capture", payment=payment, amount=3000)
    rest = a_step("void", payment=payment, amount=1298, note="remainder")

    journal.append(capture, rest)

    assert lines_of(capture) == {
        "processor_receivable": 3000, "customer_receipts": -3000,
        "authorizations_held": -3000, "authorizations_granted": 3000,
    }  # fmt: skip
    assert lines_of(rest) == {"authorizations_held": -1298, "authorizations_granted": 1298}
    assert set(LedgerLine.objects.filter(entry=rest.pk).values_list("description", flat=True)) == {
        "remainder"
    }


def test_what_failed_or_moved_nothing_posts_nothing():
    refusal, nothing = a_step("capture", succeeded=False), a_step("fee", amount=0)

    journal.append(refusal, nothing)

    assert not LedgerLine.objects.exists()


def test_a_step_that_succeeded_twice_is_refused_with_its_lines():
    payment = builders.PaymentFactory.create()
    journal.append(a_step("refund", payment=payment, amount=100))

    with pytest.raises(IntegrityError), transaction.atomic():
        journal.append(a_step("refund", payment=payment, amount=100))

    assert LedgerLine.objects.count() == 2


def test_an_entry_that_does_not_balance_is_refused(step_without_an_entry):
    step = step_without_an_entry

    said = refused(a_line(step, "bank", 100), a_line(step, "refunds", -99))

    assert f"ledger entry {step.pk} does not balance" in said
    assert "does not balance" in refused(a_line(step, "bank", 100))


def test_two_currencies_do_not_balance_each_other(step_without_an_entry):
    step = step_without_an_entry

    said = refused(a_line(step, "bank", 100), a_line(step, "refunds", -100, currency="EUR"))

    assert "does not balance" in said


def test_two_entries_do_not_balance_each_other(step_without_an_entry):
    step, other = step_without_an_entry, a_step()
    rows.insert(other)

    assert "does not balance" in refused(a_line(step, "bank", 9), a_line(other, "refunds", -9))


def test_an_entry_is_posted_once(step_without_an_entry):
    pair = [a_line(step_without_an_entry, "bank", 5), a_line(step_without_an_entry, "refunds", -5)]
    rows.insert(*pair)
    again = [a_line(step_without_an_entry, "bank", 5), a_line(step_without_an_entry, "refunds", -5)]

    assert "one_line_per_entry_and_account" in refused(*again)


@pytest.mark.parametrize(
    ("facts", "constraint"),
    [
        ({"account": "slush_fund"}, "ledger_account_is_known"),
        ({"kind": "gift"}, "ledger_kind_is_known"),
        ({"transaction": None}, "ledger_line_has_one_origin"),
        ({"amount": 0}, "ledger_amount_not_zero"),
    ],
)
def test_a_line_that_makes_no_sense_is_refused(step_without_an_entry, facts, constraint):
    line = a_line(step_without_an_entry, "bank", 5)
    for name, value in facts.items():
        setattr(line, name, value)

    assert constraint in refused(line, a_line(step_without_an_entry, "refunds", -5))


def test_every_table_that_is_never_changed_is_known_as_such():
    assert TABLES == [
        "foundation_auditentry", "foundation_transition", "payments_ledgerline",
        "payments_paymenttransaction", "reconciliation_match", "reconciliation_matchmember",
        "reconciliation_retelling", "reconciliation_settlementline",
        "reconciliation_settlementreport", "reconciliation_unmatch",
    ]  # fmt: skip


@pytest.fixture
def one_row_in_each():
    step = a_step()
    journal.append(step)
    write(Story(theirs=[Line("charge", 100)], is_known=False))
    facts = {"aggregate": "payment", "aggregate_id": new_id()}
    audit.record(actor="staff:ana", action="test", reason="r", before={}, after={}, **facts)
    with connection.cursor() as cursor:
        cursor.execute(
            """INSERT INTO foundation_transition
                   (aggregate, aggregate_id, from_state, to_state, actor, reason, at)
               VALUES ('payment', %s, 'a', 'b', 'test', '', now())""",
            [step.payment_id],
        )
    _a_match_taken_back()


def _a_match_taken_back():
    line = SettlementLine.objects.get()
    Retelling.objects.create(line=line, earlier=line)
    broken = ReconciliationBreak.objects.create(
        account="stripe", kind="orphan_capture", fingerprint="f", amount=100, currency="USD",
        began_at=line.occurred_at,
    )  # fmt: skip
    match = Match.objects.create(
        account="stripe", key="k", broken=broken, ours={}, theirs={}, difference=0,
        currency="USD", matched_by="staff:ana", reason="r",
    )  # fmt: skip
    MatchMember.objects.create(match=match, processor_reference=line.processor_reference)
    Unmatch.objects.create(match=match, undone_by="staff:ana", reason="r")


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize(
    ("words", "operation"),
    [
        ("UPDATE {} SET {column} = {column}", "UPDATE"),
        ("UPDATE {} SET {column} = {column} WHERE false", "UPDATE"),
        ("DELETE FROM {}", "DELETE"),
        ("TRUNCATE {} CASCADE", "TRUNCATE"),
    ],
)
def test_the_owner_of_the_tables_can_not_change_a_row(one_row_in_each, table, words, operation):
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # else TRUNCATE stops at pending ones
        cursor.execute(f"SELECT count(*) FROM {table}")
        (before,) = cursor.fetchone()
        column = connection.introspection.get_primary_key_column(cursor, table)
        with pytest.raises(DatabaseError) as caught, transaction.atomic():
            cursor.execute(words.format(table, column=column))
        cursor.execute(f"SELECT count(*) FROM {table}")
        assert cursor.fetchone() == (before,)

    assert before >= 1
    assert f"is append-only: {operation} is refused" in str(caught.value)


def test_a_table_that_is_pointed_at_can_not_be_emptied_around_the_ledger(one_row_in_each):
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        with pytest.raises(DatabaseError, match="is append-only"), transaction.atomic():
            cursor.execute("TRUNCATE payments_payment CASCADE")


def test_replication_mode_is_no_way_around(one_row_in_each):
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        with pytest.raises(DatabaseError, match="is append-only"), transaction.atomic():
            cursor.execute("DELETE FROM payments_ledgerline")


@pytest.mark.parametrize("currency", ["JPY", "USD", "KWD"])
def test_steps_from_before_the_ledger_get_the_entries_they_would_have_today(currency):
    payment = builders.PaymentFactory.create(currency=currency)
    steps = [
        a_step(kind, payment=payment, amount=amount)
        for kind, amount in [("authorization", 900), ("capture", 600), ("void", 300), ("refund", 1)]
    ]
    rows.insert(*steps, a_step("capture", payment=payment, sequence=2, succeeded=False))
    migration = importlib.import_module("payments.migrations.0003_ledger")

    with connection.cursor() as cursor:
        cursor.execute(migration.BACKFILL)

    backfilled = {step.pk: lines_of(step) for step in steps}
    assert set(LedgerLine.objects.values_list("currency", flat=True)) == {currency}
    for step in steps:
        expected = {line.account: line.amount for line in journal.lines_of(step)}
        assert backfilled[step.pk] == expected
        assert LedgerLine.objects.filter(entry=step.pk).first().posted_at == step.created_at
