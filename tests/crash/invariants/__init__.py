"""What must be true after every trial, as plain functions over rows and journal.

An opinion of its own: nothing here uses the rules that run in production. The codes are those
of the project's list of invariants: I keys, M money, S stock, G states, O events, A record.
"""

from collections.abc import Callable, Iterator
from typing import Final

from tests.crash.facts import Facts
from tests.crash.invariants import keys, money, stock, story

Rule = Callable[[Facts], Iterator[str]]
RULES: Final[tuple[Rule, ...]] = (*money.RULES, *keys.RULES, *stock.RULES, *story.RULES)


# True only at rest: not for flows that wait for somebody.
_AT_REST: Final = (keys.i5_no_key_is_left_open, story.g1_every_checkout_ends,
                   story.g1_every_payment_is_settled, money.m11_what_ships_is_paid)  # fmt: skip
# Not where keys are forgotten: what comes with the key again is another request.
_OF_KEYS: Final = (keys.i3_every_final_answer_is_the_same,)


def rules(*, settles: bool = True, keeps_keys: bool = True) -> tuple[Rule, ...]:
    """The rules that apply to a flow."""
    without = (() if settles else _AT_REST) + (() if keeps_keys else _OF_KEYS)
    return tuple(rule for rule in RULES if rule not in without)


def first_violated(facts: Facts, applying: tuple[Rule, ...] = RULES) -> str:
    """The first rule that does not hold, with its reason; '' when all do."""
    for rule in applying:
        for reason in rule(facts):
            return f"{rule.__name__}: {reason}"
    return ""
