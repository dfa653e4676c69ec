"""The model: pure, small, and honest about what it can not know.

A purchase is a set of worlds that are still possible. An answer that was lost keeps several
alive; every later answer is evidence and takes worlds away. An answer that fits none of them,
or a set that is empty at the end, is a bug of the real code.
"""

from dataclasses import dataclass, field
from typing import Final

PLACED: Final = "placed"
DECLINED: Final = "declined"
SOLD_OUT: Final = "sold out"
EXPIRED: Final = "expired"
UNSETTLED: Final = frozenset({PLACED, EXPIRED})

# what a final answer says about the world: (status, code) → world
_WORLD_OF: Final = {
    (201, None): PLACED,
    (402, "payment_declined"): DECLINED,
    (409, "out_of_stock"): SOLD_OUT,
    (409, "checkout_expired"): EXPIRED,
}
NOT_FINAL: Final = (202, 503)


class Impossible(AssertionError):
    """The real code said something that no possible world explains."""


@dataclass
class Purchase:
    """One wish with one key: what it may have come to, and what was promised about it."""

    key: str
    body: dict
    quantity: int
    worlds: frozenset = UNSETTLED
    answer: tuple | None = None
    order: str = ""
    payment: str = ""

    @property
    def is_known(self):
        """Whether one world only is left."""
        return len(self.worlds) == 1

    def may_be(self, world):
        return world in self.worlds

    def is_(self, world):
        return self.worlds == {world}

    def settle(self, world):
        """Evidence from elsewhere: this is what it came to. Raises `Impossible`."""
        if world not in self.worlds:
            raise Impossible(f"it is {world} while only {sorted(self.worlds)} is possible")
        self.worlds = frozenset({world})

    def hear(self, status, code, raw, *, is_repeat):
        """Take an answer as evidence. Raises `Impossible`."""
        if status in NOT_FINAL and self.answer is None:
            return
        world = _WORLD_OF.get((status, code))
        if world is None or world not in self.worlds:
            raise Impossible(f"{status} {code} while only {sorted(self.worlds)} is possible")
        if self.answer is not None and self.answer != (status, raw):
            raise Impossible("one key was told two different final answers")
        if self.answer is None and is_repeat and status == 201 and not self.may_be(PLACED):
            raise Impossible("a repeat bought what the first could not")
        self.worlds, self.answer = frozenset({world}), (status, raw)


@dataclass
class Money:
    """One payment after its order was placed: what may have been taken, let go, given back."""

    total: int
    states: frozenset = frozenset({"authorized"})
    part: int | None = None  # what a capture of a part took; None when all was taken
    refunds: dict = field(default_factory=dict)  # reference → amount, of those told of
    unheard: int = 0  # asked for, and the answer was lost

    @property
    def taken(self):
        """What was captured, if it was."""
        return self.total if self.part is None else self.part

    @property
    def refundable(self):
        """(at least, at most) what may still be given back."""
        most = self.taken - sum(self.refunds.values()) if "captured" in self.states else 0
        least = most - self.unheard if self.states == {"captured"} else 0
        return max(0, least), most

    def is_(self, state):
        return self.states == {state}

    def settle(self, state):
        """Evidence: this is what it is. Raises `Impossible`."""
        if state not in self.states:
            raise Impossible(f"it is {state} while only {sorted(self.states)} is possible")
        self.states = frozenset({state})


@dataclass
class Shelf:
    """Stock of one product: what is certainly and what is possibly spoken for."""

    on_hand: int
    purchases: list[Purchase] = field(default_factory=list)
    returned: int = 0

    @property
    def free(self):
        """(at least, at most) what may still be sold."""
        held = [p for p in self.purchases if p.may_be(PLACED)]
        surely = sum(p.quantity for p in held if p.is_(PLACED))
        maybe = sum(p.quantity for p in held)
        return self.on_hand - maybe, self.on_hand - surely

    def may_sell(self, quantity):
        """The worlds that a purchase of so many may come to, before anything is known."""
        least, most = self.free
        worlds = set()
        if most >= quantity:
            worlds |= UNSETTLED
        if least < quantity:
            worlds.add(SOLD_OUT)
        return frozenset(worlds)
