"""The pairs. To add one: a subclass of `Pair` in one of these modules, or a module more here."""

from tests.races.explorer.pair import Pair
from tests.races.explorer.pairs import (
    canceling,
    challenge,
    keys,
    money,
    news,
    recovery,
    refunds,
    staff,
    stock,
    told,
)

MODULES = (keys, recovery, challenge, stock, money, refunds, news, canceling, staff, told)
PAIRS: dict[str, type[Pair]] = Pair.registry
# Every schedule of these is played, also where others are given only some of theirs.
WHOLE = frozenset(
    {
        "same-key-meets-same-key",
        "capture-meets-void",
        "response-meets-news",
        "sweep-meets-late-authorization",
        "sweep-meets-sweep",
        "relay-meets-relay",
        "resolver-meets-news",
        "reaper-meets-slow-original",
        "cancel-meets-fulfillment",
        "refund-meets-refund",
        "adjustment-meets-checkout",
    }
)
