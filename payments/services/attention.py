"""What only a person can decide is put on a person's desk, and never keeps a row from moving on."""

from foundation import cases
from foundation.cases import Subject
from foundation.money import Money
from payments.models import Payment, Refund


def needs_person(
    payment: Payment, *, what: str, amount: int, detail: str, about: Refund | None = None
) -> None:
    """Somebody must look at this payment, or at one refund of it: a case `payment_<what>`.

    `amount` at stake, in minor units. Called in the transaction that found it out. A repeat
    refreshes the case. Raises `LookupError` for a `what` that has no kind of case.
    """
    row = payment if about is None else about
    cases.open_once(
        f"payment_{what}",
        about=Subject("payment" if about is None else "refund", row.pk),
        title=f"{row.reference}: {what.replace('_', ' ')}",
        detail=f"{detail}. At the processor: {payment.processor_reference or 'no id known'}.",
        stake=Money(amount, payment.currency),
    )
