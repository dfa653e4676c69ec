"""What two books say of one payment, and where they differ: the reference, pure and slow.

`pairing.py` and `verdicts.py` do the same in SQL, a million at once; property tests hold them
against this.
"""

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

DAY: Final = dt.timedelta(days=1)


@dataclass(frozen=True)
class Grace:
    """How long a difference is a matter of time, and no break.

    `told`: until what the processor did is known here. `settled`: until what we know was done is
    in the processor's books (T+2 at the card networks).
    """

    told: dt.timedelta = dt.timedelta(minutes=15)
    settled: dt.timedelta = 2 * DAY


@dataclass(frozen=True)
class Side:
    """One book's sums of one payment, in minor units of `currency`. "" when it shows nothing.

    `captured` as taken, `refunded` and `disputed` as given or taken back, none below zero unless
    more came back than had left. `moved_at`: when its last line was.
    """

    currency: str = ""
    captured: int = 0
    refunded: int = 0
    disputed: int = 0
    fee: int = 0
    moved_at: dt.datetime | None = None

    @property
    def is_empty(self) -> bool:
        """Whether this book shows no money of the payment."""
        return not (self.captured or self.refunded or self.disputed)


@dataclass(frozen=True)
class Pair:
    """One payment in both books. `is_known`: a payment of ours has one of the processor's ids."""

    is_known: bool
    ours: Side = field(default_factory=Side)
    theirs: Side = field(default_factory=Side)


def joined(pairs: Sequence[Pair]) -> Pair:
    """What a person said belongs together, as one: the sums of each side."""
    return Pair(
        is_known=any(pair.is_known for pair in pairs),
        ours=_sum([pair.ours for pair in pairs]),
        theirs=_sum([pair.theirs for pair in pairs]),
    )


def _sum(sides: Sequence[Side]) -> Side:
    moved = [side for side in sides if side.moved_at is not None]
    if not moved:
        return Side()
    return Side(
        # One that is another's makes it incomparable, whichever is said.
        currency=min(side.currency for side in moved),
        captured=sum(side.captured for side in moved),
        refunded=sum(side.refunded for side in moved),
        disputed=sum(side.disputed for side in moved),
        fee=sum(side.fee for side in moved),
        moved_at=max(side.moved_at for side in moved if side.moved_at is not None),
    )


@dataclass(frozen=True)
class Difference:
    """A class of difference, and the money at risk: minor units of `currency`, above zero."""

    kind: str
    amount: int
    currency: str
    is_waiting: bool


def differences(pair: Pair, *, at: dt.datetime, grace: Grace) -> list[Difference]:
    """Where the two differ at the moment `at`, sorted; waiting ones are only young."""
    found = [
        Difference(kind, amount, currency, is_waiting=_is_young(pair, kind, at=at, grace=grace))
        for kind, amount, currency in _compare(pair)
    ]
    return sorted(found, key=lambda each: each.kind)


def _compare(pair: Pair) -> Iterator[tuple[str, int, str]]:
    ours, theirs = pair.ours, pair.theirs
    if not pair.is_known:
        if not theirs.is_empty:
            yield "orphan_capture", _at_risk(theirs), theirs.currency
        return
    if ours.currency and theirs.currency and ours.currency != theirs.currency:
        yield "currency_mismatch", _at_risk(theirs), theirs.currency
        return
    currency = theirs.currency or ours.currency
    if ours.captured != theirs.captured:
        yield _of_captures(ours, theirs), abs(ours.captured - theirs.captured), currency
    elif ours.fee != theirs.fee:
        yield "fee_mismatch", abs(ours.fee - theirs.fee), currency
    if ours.refunded != theirs.refunded:
        kind = "refund_missing_local" if theirs.refunded > ours.refunded else _REMOTE
        yield kind, abs(ours.refunded - theirs.refunded), currency
    if ours.disputed != theirs.disputed:
        yield "dispute_unrecorded", abs(ours.disputed - theirs.disputed), currency


_REMOTE: Final = "refund_missing_remote"
# What we know and they do not show yet; the others, they showed and we should know.
_THEIRS_LAG: Final = ("missing_at_processor", "amount_mismatch", "fee_mismatch", _REMOTE)


def _of_captures(ours: Side, theirs: Side) -> str:
    if theirs.captured == 0:
        return "missing_at_processor"
    return "status_mismatch" if ours.captured == 0 else "amount_mismatch"


def _at_risk(side: Side) -> int:
    return max(abs(side.captured), abs(side.refunded), abs(side.disputed))


def _is_young(pair: Pair, kind: str, *, at: dt.datetime, grace: Grace) -> bool:
    moments = [side.moved_at for side in (pair.ours, pair.theirs) if side.moved_at is not None]
    borne = grace.settled if kind in _THEIRS_LAG else grace.told
    return max(moments) > at - borne
