"""The one place where a step at the processor is written down."""

from foundation import rows
from payments.models import PaymentTransaction


def append(*steps: PaymentTransaction) -> None:
    """Write steps that were taken, in one statement, in the transaction of the move they belong to.

    Raises `IntegrityError` when a step of this kind and sequence has succeeded before.
    """
    rows.insert(*steps)
