"""Rows by what a person has in hand: each look is at one column, by that column's index.

Looks that are joined by OR are answered by reading the whole table, as an index serves only one
of them. So each is a query of its own inside the search, and UNION puts them together. Where an
index begins with a column of a few values (a processor, an account, a client), PostgreSQL skips
from one value to the next.
"""

from collections.abc import Sequence
from typing import Final

from django.db.models import Model, Q

START_MIN: Final = 3  # letters: the start of a text that is shorter names half the shop


def any_of(model: type[Model], looks: Sequence[Q]) -> Q:
    """What one look or more finds; nothing, when there is nothing to look for."""
    if len(looks) < 2:
        return looks[0] if looks else Q(pk__in=[])
    found = [model._default_manager.filter(look).order_by().values("pk") for look in looks]  # noqa: SLF001 - Django's documented manager
    return Q(pk__in=found[0].union(*found[1:], all=True))


def begins(column: str, term: str) -> list[Q]:
    """Where a column that is kept in lower case begins with the term, if that is long enough."""
    return [Q(**{f"{column}__startswith": term.lower()})] if len(term) >= START_MIN else []
