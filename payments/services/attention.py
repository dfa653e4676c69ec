"""What only a person can decide is put on a person's desk, and never keeps a row from moving on."""

from typing import Final

from foundation import cases
from foundation.cases import Subject
from foundation.money import Money
from payments.models import Payment, Refund

OUTCOME_UNKNOWN: Final = "payment_outcome_unknown"
DIFFERS: Final = "payment_differs"
CAPTURE_REFUSED: Final = "capture_refused"
CAPTURED_ABOVE_HOLD: Final = "captured_above_hold"
RESOLVING_CRASHES: Final = "resolving_crashing"
REFUND_UNKNOWN: Final = "refund_outcome_unknown"
REFUND_DIFFERS: Final = "refund_differs"
REFUND_CAME_BACK: Final = "refund_came_back"


def needs_person(about: Payment | Refund, kind: str, *, amount: int, detail: str) -> None:
    """Somebody must look at this payment, or this refund: a case of `kind`.

    `amount` at stake, in minor units. Called in the transaction that found it out. A repeat
    refreshes the case.
    """
    is_refund = isinstance(about, Refund)
    known = about.processor_reference or "no id known"
    cases.open_once(
        kind,
        about=Subject("refund" if is_refund else "payment", about.pk),
        title=f"{about.reference}: {kind.replace('_', ' ')}",
        detail=f"{detail}. At the processor: {known}.",
        stake=Money(amount, about.currency),
    )
