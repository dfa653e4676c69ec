"""What a step touches: enough to say that two steps, one after the other, may change places.

Tables, not rows: whatever names a table may touch any row of it, so two steps that are called
strangers are strangers. Under READ COMMITTED a step sees tables as they are committed, shows
what it commits, and holds locks or waits for them. Triggers here look at their own table only,
which `tests/races/test_reduction.py` asks PostgreSQL. Time, and whatever is not known, meets
everything: code between two steps reads the clock, and nothing else that others change.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

from django.apps import apps
from django.db.models import ForeignKey

from tests.races.explorer.schedules import Choice

AUTOCOMMIT: Final = " -- in no transaction"  # how the point of such a statement ends
_NOTHING: Final[frozenset[str]] = frozenset()
_REST: Final = re.compile(r"(SAVEPOINT|RELEASE SAVEPOINT|SET) |SELECT pg_notify\(")
_CALL: Final = re.compile(r"(GET|POST|DELETE) /")
_CHANGES: Final = re.compile(r"\b(INSERT|UPDATE|DELETE|SHARE|MERGE|TRUNCATE|LOCK)\b", re.IGNORECASE)
_PROCESSOR: Final = "the processor"
_MAIL: Final = "the post"


@dataclass(frozen=True)
class Footprint:
    """One step: what it sees, what others see after it, what it locks, alone or shared."""

    sees: frozenset[str] = _NOTHING
    shows: frozenset[str] = _NOTHING
    locks: frozenset[str] = _NOTHING
    shares: frozenset[str] = _NOTHING  # the rows that a new row refers to
    is_anything: bool = False

    def meets(self, other: "Footprint") -> bool:
        """Whether it may matter which of the two comes first."""
        return (
            self.is_anything
            or other.is_anything
            or bool(self.sees & other.shows or self.shows & other.sees)
            or bool(self.locks & (other.locks | other.shares) or self.shares & other.locks)
        )

    def __or__(self, other: "Footprint") -> "Footprint":
        return Footprint(
            self.sees | other.sees,
            self.shows | other.shows,
            self.locks | other.locks,
            self.shares | other.shares,
            self.is_anything or other.is_anything,
        )


EMPTY: Final = Footprint()
ANYTHING: Final = Footprint(is_anything=True)


def footprints(choices: Sequence[Choice]) -> list[Footprint]:
    """One for each step of a run. Who waits for a lock goes on within somebody else's step."""
    open_: dict[str, Footprint] = {}  # what each actor's transaction did so far
    pending: dict[str, Footprint] = {}  # the last step of each actor
    found = []
    for choice in choices:
        step, open_[choice.who] = _step(choice.point, open_.get(choice.who, EMPTY))
        pending[choice.who] = step
        for waiting in choice.waiting:
            step |= pending[waiting]
        found.append(step)
    return found


def _step(point: str, so_far: Footprint) -> tuple[Footprint, Footprint]:
    """The step, and what its transaction did so far after it."""
    if point == "COMMIT":
        return Footprint(so_far.shares, so_far.shows, so_far.locks, so_far.shares), EMPTY
    if point == "ROLLBACK":
        return Footprint(locks=so_far.locks, shares=so_far.shares), EMPTY
    if point.startswith("ROLLBACK TO"):
        return Footprint(locks=so_far.locks, shares=so_far.shares), so_far
    touched = touches(point)
    if point.endswith(AUTOCOMMIT) or not touched.locks:
        return touched, so_far
    return Footprint(touched.sees, _NOTHING, touched.locks, touched.shares), so_far | touched


@cache
def touches(point: str) -> Footprint:
    """One statement or call by itself, as if it were committed at once."""
    if _REST.match(point):
        return EMPTY
    if call := _CALL.match(point):
        changed = _NOTHING if call[1] == "GET" else frozenset({_PROCESSOR})
        return Footprint(sees=frozenset({_PROCESSOR}), shows=changed, locks=changed)
    if point.startswith("MAIL "):
        return Footprint(locks=frozenset({_MAIL}))
    named = frozenset(_parents().keys() & re.findall(r"\w+", point))
    if not named:
        return ANYTHING
    if not _CHANGES.search(point):
        return Footprint(sees=named)
    relatives = frozenset[str]().union(*(_parents()[table] for table in named))
    if "DELETE" in point.upper():
        relatives |= {child for child, parents in _parents().items() if named & parents}
    return Footprint(named, named, named, relatives)


@cache
def _parents() -> Mapping[str, frozenset[str]]:
    """Each table with those that its rows refer to."""
    return {
        model._meta.db_table: frozenset(
            field.remote_field.model._meta.db_table
            for field in model._meta.local_fields
            if isinstance(field, ForeignKey)
        )
        for model in apps.get_models(include_auto_created=True)
    }
