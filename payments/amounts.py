"""What a payment amounts to: a fold over its transactions, in any order, repeats included."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Protocol


class Step(Protocol):
    """What the fold needs to know of a payment transaction."""

    @property
    def kind(self) -> str: ...
    @property
    def sequence(self) -> int: ...
    @property
    def succeeded(self) -> bool: ...
    @property
    def amount(self) -> int: ...


@dataclass(frozen=True)
class Amounts:
    """Integer minor units: held, taken, let go, given back, taken back by the bank."""

    authorized: int = 0
    captured: int = 0
    voided: int = 0
    refunded: int = 0
    charged_back: int = 0
    fees: int = 0

    @property
    def capturable(self) -> int:
        """What a capture may still take."""
        return max(0, self.authorized - self.captured - self.voided)

    @property
    def refundable(self) -> int:
        """What a refund may still give back; what the bank took back can not be given twice."""
        return max(0, self.captured - self.refunded - self.charged_back)


# kind → (what it adds to, +1 or -1)
_EFFECT: Final = {
    "authorization": ("authorized", 1),
    "capture": ("captured", 1),
    "void": ("voided", 1),
    "refund": ("refunded", 1),
    "refund_failure": ("refunded", -1),
    "chargeback": ("charged_back", 1),
    "chargeback_reversal": ("charged_back", -1),
    "fee": ("fees", 1),
}


def fold(steps: Iterable[Step]) -> Amounts:
    """Sum the successful steps, each (kind, sequence) once, whatever their order."""
    unique = {(step.kind, step.sequence): step.amount for step in steps if step.succeeded}
    totals = {name: 0 for name, _ in _EFFECT.values()}
    for (kind, _), amount in unique.items():
        name, sign = _EFFECT[kind]
        totals[name] += sign * amount
    return Amounts(**totals)


def settled_state(amounts: Amounts, *, is_disputed: bool = False) -> str:
    """The state that these amounts mean, for a payment that nobody is at work on.

    `partially_captured` has a remainder that may still be taken; `captured` has none.
    Raises `ValueError` when nothing was ever held.
    """
    if amounts.authorized == 0:
        raise ValueError("nothing was held: the amounts say no state")
    if amounts.captured == 0:
        return "authorized" if amounts.capturable else "voided"
    if is_disputed:
        return "disputed"
    if amounts.charged_back > 0:
        return "charged_back"
    if amounts.capturable:
        return "partially_captured"
    if amounts.refunded <= 0:
        return "captured"
    return "refunded" if amounts.refunded >= amounts.captured else "partially_refunded"
