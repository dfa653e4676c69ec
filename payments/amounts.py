"""What a payment amounts to: a fold over its transactions, in any order, repeats included."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol


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
    """Integer minor units: held, taken, released and given back."""

    authorized: int = 0
    captured: int = 0
    voided: int = 0
    refunded: int = 0

    @property
    def capturable(self) -> int:
        """What a capture may still take."""
        return max(0, self.authorized - self.captured - self.voided)


_FIELD_OF = {
    "authorization": "authorized",
    "capture": "captured",
    "void": "voided",
    "refund": "refunded",
}


def fold(steps: Iterable[Step]) -> Amounts:
    """Sum the successful steps, each (kind, sequence) once, whatever their order."""
    unique = {(step.kind, step.sequence): step.amount for step in steps if step.succeeded}
    totals = dict.fromkeys(_FIELD_OF.values(), 0)
    for (kind, _), amount in unique.items():
        totals[_FIELD_OF[kind]] += amount
    return Amounts(**totals)
