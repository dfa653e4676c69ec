"""Whatever happens to a payment, its postings balance and add up to the fold of its steps."""

from collections import Counter
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payments import postings
from payments.amounts import fold
from payments.models import PaymentTransaction
from payments.postings import ACCOUNTS, CHART, CLEARING, KINDS, RULES, entry_kind

STEP_KINDS = PaymentTransaction.Kind.values
MINOR_UNITS = st.integers(min_value=0, max_value=10**15)  # of currencies with 0, 2 or 3 decimals


@dataclass(frozen=True)
class Step:
    kind: str
    sequence: int
    succeeded: bool
    amount: int
    note: str


HISTORIES = st.lists(
    st.builds(
        Step,
        kind=st.sampled_from(STEP_KINDS),
        sequence=st.integers(1, 4),
        succeeded=st.booleans(),
        amount=MINOR_UNITS,
        note=st.sampled_from(["", "dispute", "remainder", "expired"]),
    ),
    unique_by=lambda step: (step.kind, step.sequence),
)


def balances(steps):
    """What the ledger holds in each account after these steps."""
    totals = Counter()
    for step in steps:
        if step.succeeded:
            for posting in postings.postings(entry_kind(step.kind, step.note), step.amount):
                totals[posting.account] += posting.amount
    return totals


@given(st.sampled_from(KINDS), st.integers(-(10**15), 10**15))
def test_every_entry_sums_to_zero_has_each_account_once_and_no_empty_line(kind, amount):
    lines = postings.postings(kind, amount)

    assert sum(line.amount for line in lines) == 0
    assert len({line.account for line in lines}) == len(lines)
    assert all(line.amount for line in lines)
    assert bool(lines) == bool(amount)


@given(HISTORIES)
def test_the_balances_of_any_history_are_the_fold_of_its_steps(steps):
    amounts, found = fold(steps), balances(steps)

    assert found["authorizations_held"] == amounts.authorized - amounts.captured - amounts.voided
    assert found["authorizations_granted"] == -found["authorizations_held"]
    assert found["customer_receipts"] == -amounts.captured
    assert found["refunds"] == amounts.refunded
    assert found["chargebacks"] == amounts.charged_back
    assert found["processing_fees"] + found["dispute_fees"] == amounts.fees
    assert found["processor_receivable"] == (
        amounts.captured - amounts.refunded - amounts.charged_back - amounts.fees
    )


@given(HISTORIES)
def test_the_trial_balance_is_zero_after_any_history(steps):
    assert sum(balances(steps).values()) == 0


@pytest.mark.parametrize(
    ("kind", "undone_by"),
    [
        ("refund", "refund_failure"),
        ("chargeback", "chargeback_reversal"),
        ("payout", "payout_failure"),
    ],
)
def test_what_is_undone_leaves_nothing(kind, undone_by):
    totals = Counter()
    for posting in [*postings.postings(kind, 700), *postings.postings(undone_by, 700)]:
        totals[posting.account] += posting.amount

    assert set(totals.values()) == {0}


def test_every_kind_of_step_has_a_rule_and_every_account_a_use():
    assert set(STEP_KINDS) <= set(KINDS)
    assert {account for rule in RULES.values() for account, _ in rule} == set(ACCOUNTS)
    assert set(CLEARING) < set(ACCOUNTS)
    assert len({account.meaning for account in CHART}) == len(CHART)


def test_a_kind_without_a_rule_is_not_guessed():
    with pytest.raises(ValueError, match="no posting rule for 'tip'"):
        postings.postings("tip", 100)


def test_a_fee_of_a_dispute_is_told_from_a_fee_of_a_payment():
    assert entry_kind("fee", "dispute") == "dispute_fee"
    assert entry_kind("fee") == "fee"
    assert entry_kind("capture", "dispute") == "capture"
