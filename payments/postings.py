"""The chart of accounts, and what each kind of step posts to it. Pure; docs/ledger.md explains it.

Amounts are integer minor units with a sign: a debit is above zero, a credit below. The lines
of one entry sum to zero in each currency, and the database refuses what does not.
"""

from dataclasses import dataclass
from typing import Final, Literal, NamedTuple


@dataclass(frozen=True)
class Account:
    """One account: its kind, what a balance there means, and whether it should empty itself."""

    name: str
    kind: Literal["memo", "asset", "income", "expense"]
    meaning: str
    is_clearing: bool = False


HELD: Final = "authorizations_held"
GRANTED: Final = "authorizations_granted"
RECEIVABLE: Final = "processor_receivable"
BANK: Final = "bank"
RECEIPTS: Final = "customer_receipts"
REFUNDS: Final = "refunds"
CHARGEBACKS: Final = "chargebacks"
PROCESSING_FEES: Final = "processing_fees"
DISPUTE_FEES: Final = "dispute_fees"

CHART: Final[tuple[Account, ...]] = (
    Account(HELD, "memo", "Holds that live: neither captured nor released.", is_clearing=True),
    Account(GRANTED, "memo", "The other side of every hold."),
    Account(
        RECEIVABLE,
        "asset",
        "What the processor has of ours and has not paid out.",
        is_clearing=True,
    ),
    Account(BANK, "asset", "What the processor paid out to our bank account."),
    Account(RECEIPTS, "income", "What was taken from customers."),
    Account(REFUNDS, "income", "What was given back to customers."),
    Account(CHARGEBACKS, "income", "What banks took back for customers who disputed a charge."),
    Account(PROCESSING_FEES, "expense", "What the processor kept for its work."),
    Account(DISPUTE_FEES, "expense", "What the processor kept for disputes."),
)
ACCOUNTS: Final = tuple(account.name for account in CHART)
CLEARING: Final = tuple(account.name for account in CHART if account.is_clearing)

# The note by which a step of kind `fee` says that it was for a dispute.
DISPUTE_NOTE: Final = "dispute"

_RELEASE: Final = ((HELD, -1), (GRANTED, 1))

# kind of entry → (account, sign) of its lines. Those of steps are the kinds of payment
# transactions; a fee for a dispute has a kind of its own.
RULES: Final[dict[str, tuple[tuple[str, int], ...]]] = {
    "authorization": ((HELD, 1), (GRANTED, -1)),
    "capture": ((RECEIVABLE, 1), (RECEIPTS, -1), *_RELEASE),
    "void": _RELEASE,
    "refund": ((REFUNDS, 1), (RECEIVABLE, -1)),
    "refund_failure": ((RECEIVABLE, 1), (REFUNDS, -1)),
    "chargeback": ((CHARGEBACKS, 1), (RECEIVABLE, -1)),
    "chargeback_reversal": ((RECEIVABLE, 1), (CHARGEBACKS, -1)),
    "fee": ((PROCESSING_FEES, 1), (RECEIVABLE, -1)),
    "dispute_fee": ((DISPUTE_FEES, 1), (RECEIVABLE, -1)),
    "payout": ((BANK, 1), (RECEIVABLE, -1)),
    "payout_failure": ((RECEIVABLE, 1), (BANK, -1)),
}
KINDS: Final = tuple(RULES)


class Posting(NamedTuple):
    """One line to be: the account, and the signed amount in minor units (never zero)."""

    account: str
    amount: int


def entry_kind(step_kind: str, note: str = "") -> str:
    """Under which kind a payment transaction is posted."""
    return "dispute_fee" if step_kind == "fee" and note == DISPUTE_NOTE else step_kind


def postings(kind: str, amount: int) -> tuple[Posting, ...]:
    """The balanced lines of one entry; none for an amount of zero.

    `amount` in minor units; below zero only for a payout that took money from our bank.
    Raises `ValueError` for a kind that has no rule: money without a rule is not guessed.
    """
    if kind not in RULES:
        raise ValueError(f"no posting rule for {kind!r}")
    if amount == 0:
        return ()
    return tuple(Posting(account, sign * amount) for account, sign in RULES[kind])
