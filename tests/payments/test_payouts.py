"""A payout empties the receivable into the bank, once, and comes back when the bank refuses it."""

import datetime as dt
from threading import Barrier

import pytest
from django.db import IntegrityError, connection
from django.db.models import QuerySet, Sum

from foundation.models import Transition
from payments.models import LedgerLine, Payout
from payments.services.payout import PayoutContradicted, record_payout
from tests.races.crowd import at_once

ARRIVES = dt.date(2026, 12, 1)


def tell(state="paid", **facts):
    told = {
        "processor_reference": "po_1", "amount": 9_000, "currency": "USD", "arrives_on": ARRIVES,
        "by": "processor",
    }  # fmt: skip
    return record_payout(state=state, **(told | facts))


def balances():
    found = LedgerLine.objects.values("account", "currency").annotate(total=Sum("amount"))
    return {(row["account"], row["currency"]): row["total"] for row in found}


@pytest.mark.django_db
def test_a_payout_moves_what_the_processor_has_of_ours_to_the_bank():
    payout = tell()

    assert (payout.state, payout.arrives_on) == ("paid", ARRIVES)
    assert balances() == {("bank", "USD"): 9_000, ("processor_receivable", "USD"): -9_000}
    assert set(LedgerLine.objects.values_list("entry", flat=True)) == {payout.pk}


@pytest.mark.django_db
def test_a_payout_that_is_told_again_changes_nothing():
    assert tell() == tell() == tell()

    assert LedgerLine.objects.count() == 2


@pytest.mark.django_db
def test_a_payout_that_the_bank_sends_back_is_owed_again():
    tell()

    payout = tell("failed")
    tell("failed")

    assert payout.state == "failed"
    assert set(balances().values()) == {0}
    assert LedgerLine.objects.count() == 4
    assert Transition.objects.get(aggregate="payout").actor == "processor"


@pytest.mark.django_db
def test_paid_that_comes_late_after_failed_moves_nothing():
    tell("failed")

    assert tell("paid").state == "failed"
    assert not LedgerLine.objects.exists()


@pytest.mark.django_db
def test_a_negative_payout_takes_from_the_bank():
    tell(amount=-250, currency="JPY")

    assert balances() == {("bank", "JPY"): -250, ("processor_receivable", "JPY"): 250}


@pytest.mark.django_db
@pytest.mark.parametrize("other", [{"amount": 9_001}, {"currency": "EUR"}])
def test_a_payout_that_is_told_differently_is_for_a_person(other):
    tell()

    with pytest.raises(PayoutContradicted, match="po_1 was 9000 USD"):
        tell("failed", **other)

    assert Payout.objects.get().state == "paid"
    assert LedgerLine.objects.count() == 2


@pytest.fixture
def nobody_sees_the_others(monkeypatch, transactional_db):
    """Each of eight has looked and found nothing before the first of them writes."""
    barrier, real = Barrier(8), QuerySet.create

    def create(self, **facts):
        if self.model is Payout:
            barrier.wait(timeout=30)
        return real(self, **facts)

    monkeypatch.setattr(QuerySet, "create", create)


def test_eight_tellings_at_once_post_one_entry(nobody_sees_the_others):
    at_once([tell] * 8)

    assert Payout.objects.count() == 1
    assert LedgerLine.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_eight_failures_at_once_post_one_way_back():
    tell()

    at_once([lambda: tell("failed")] * 8)

    assert LedgerLine.objects.count() == 4
    assert set(balances().values()) == {0}


UNIQUE = "CONSTRAINT one_payout_per_processor_reference"


def test_control_without_the_unique_reference_eight_tellings_post_eight(nobody_sees_the_others):
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE payments_payout DROP {UNIQUE}")
    try:
        at_once([tell] * 8)
        assert balances()["bank", "USD"] == 8 * 9_000
    finally:
        connection.ops.execute_sql_flush(["TRUNCATE payments_payout CASCADE"])
        with connection.cursor() as cursor:
            columns = "(processor, processor_reference)"
            cursor.execute(f"ALTER TABLE payments_payout ADD {UNIQUE} UNIQUE {columns}")


@pytest.mark.django_db
def test_a_payout_of_nothing_is_refused():
    with pytest.raises(IntegrityError, match="payout_amount_not_zero"):
        tell(amount=0)
