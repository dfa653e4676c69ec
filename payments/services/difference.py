"""What the processor has done that our rows do not show yet: a comparison, nothing else.

Amounts at the processor only grow, and so does this: a view older than our rows differs in
nothing, and the same view compared again differs in nothing.
"""

from dataclasses import dataclass
from typing import Final

from payments.amounts import Amounts
from payments.processors.base import ProcessorPayment

_OVER: Final = ("captured", "canceled")
_HELD: Final = ("authorized", "captured")


@dataclass(frozen=True)
class Difference:
    """Integer minor units, none of them negative.

    `excess` was taken beyond what we know to be held. `is_over`: nothing is held any more.
    """

    authorized: int = 0
    captured: int = 0
    released: int = 0
    fee: int = 0
    excess: int = 0
    is_over: bool = False

    @property
    def is_nothing(self) -> bool:
        """Whether there is no step to write down."""
        return not (self.authorized or self.captured or self.released or self.fee)


def between(known: Amounts, seen: ProcessorPayment) -> Difference:
    """Compare what we know with what the processor shows; `known.fees` are those of captures."""
    was_taken_unheld = known.authorized == 0 and seen.captured_amount > 0
    authorized = seen.amount if was_taken_unheld and seen.status in _HELD else 0
    held = known.authorized + authorized
    taken = max(known.captured, min(seen.captured_amount, held))
    is_over = seen.status in _OVER
    return Difference(
        authorized=authorized,
        captured=taken - known.captured,
        released=max(0, held - taken - known.voided) if is_over else 0,
        fee=max(0, (seen.fee_amount or 0) - known.fees),
        excess=max(0, seen.captured_amount - held),
        is_over=is_over,
    )
