"""The one place where a step at the processor is written down, with what it posts to the ledger."""

from foundation import rows
from payments.models import LedgerLine, PaymentTransaction
from payments.postings import entry_kind, postings


def append(*steps: PaymentTransaction) -> None:
    """Write steps that were taken, in one statement, in the transaction of the move they belong to.

    The ledger lines of those that succeeded travel in the same statement. Raises
    `IntegrityError` when a step of this kind and sequence has succeeded before.
    """
    rows.insert(*steps, *(line for step in steps for line in lines_of(step)))


def lines_of(step: PaymentTransaction) -> list[LedgerLine]:
    """The entry of one step; nothing for one that failed, or that moved nothing."""
    if not step.succeeded:
        return []
    kind = entry_kind(step.kind, step.note)
    return [
        LedgerLine(
            entry=step.pk,
            kind=kind,
            payment_id=step.payment_id,
            transaction=step,
            account=posting.account,
            currency=step.currency,
            amount=posting.amount,
            posted_at=step.created_at,
            description=step.note,
        )
        for posting in postings(kind, step.amount)
    ]
