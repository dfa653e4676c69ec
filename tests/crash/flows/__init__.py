"""Every flow, one small declaration each. A new file in this folder is found by itself.

REFUND = Flow(
    name="refund",
    arrange=an_order_that_was_captured,      # not killed: places the world
    act=lambda scene: refund.refund(...),    # killed at each of its points
    strikes="refund",                        # the operation at the processor that goes wrong
    outcomes=outcomes.EFFECTS,
    expect=either_refunded_or_not,           # what must be true at the end, beyond the rules
)
"""

import importlib
import pkgutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Final

from tests.crash import outcomes
from tests.crash.facts import Facts
from tests.crash.outcomes import Outcome
from tests.crash.points import Variant
from tests.crash.scene import Scene

Expectation = Callable[[Facts, Outcome], Iterator[str]]
BY_CARD: Final = "card"


def nothing_more(_facts: Facts, _outcome: Outcome) -> Iterator[str]:
    """The rules of `tests.crash.invariants` say it all."""
    return iter(())


@dataclass(frozen=True)
class Flow:
    """A flow of the house, as it is tried.

    `again`: what happens by itself after a death (a client repeats). What the broker gives out
    again is not named here: it always does, in the variant of that name. `settles` is False
    for flows that end at somebody's desk or wait for somebody; `keeps_keys` is False where keys
    are forgotten. `declined_by` is a fault of the sandbox, or the card itself. `why_not` says why
    the flow can not be tried yet, '' when it can.
    """

    name: str
    arrange: Callable[[Scene], None]
    act: Callable[[Scene], None]
    strikes: str = ""
    outcomes: tuple[Outcome, ...] = outcomes.QUIET
    declined_by: str = ""
    again: Callable[[Scene], None] | None = None
    variants: tuple[Variant, ...] = ("again", "never")
    settles: bool = True
    keeps_keys: bool = True
    expect: Expectation = nothing_more
    why_not: Callable[[], str] = str

    def outcome(self, name: str) -> Outcome:
        """One of this flow's outcomes by name. Raises `LookupError`."""
        for outcome in self.outcomes:
            if outcome.name == name:
                return outcome
        known = ", ".join(outcome.name for outcome in self.outcomes)
        raise LookupError(f"flow {self.name} has no outcome {name!r}; it has {known}")

    def fault(self, outcome: Outcome) -> str:
        """The fault of the sandbox that makes this outcome; '' when none is needed."""
        if outcome.name == "decline":
            return "" if self.declined_by == BY_CARD else self.declined_by
        return outcome.fault

    def card(self, outcome: Outcome) -> str:
        """The card that this outcome is tried with."""
        declined = outcome.name == "decline" and self.declined_by == BY_CARD
        return "chargeDeclined" if declined else "visa"


@cache
def every() -> dict[str, Flow]:
    """All flows by name, in the order of their names."""
    found: dict[str, Flow] = {}
    for module in pkgutil.iter_modules(__path__, f"{__name__}."):
        for value in vars(importlib.import_module(module.name)).values():
            if isinstance(value, Flow):
                found[value.name] = value
    return dict(sorted(found.items()))
