"""Rows by what a person has in hand: each look is at one column, by that column's index.

Looks that are joined by OR are answered by reading the whole table, as an index serves only one
of them. So each is a query of its own inside the search, and UNION ALL puts them together. Where
an index begins with a column of a few values (a processor, an account, a client), PostgreSQL
skips from one value to the next.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Field, ForeignObject, Lookup, Model, Q

if TYPE_CHECKING:
    _Lookup = Lookup[Any]
else:
    _Lookup = Lookup

START_MIN: Final = 3  # letters: the start of a text that is shorter names half the shop


@ForeignObject.register_lookup  # a key that is another row, too
@Field.register_lookup
class Among(_Lookup):
    """`pk__among=ArraySubquery(...)`: found first, and then read by the key, in any order.

    With IN, whoever wants the newest ten is read the table to from its newest end on, in the
    hope that ten will soon have come by: all of it, when there are fewer.
    """

    lookup_name = "among"
    prepare_rhs = False

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, tuple[Any, ...]]:
        """Of one column and one array."""
        one, own = self.process_lhs(compiler, connection)
        many, theirs = self.process_rhs(compiler, connection)
        return f"{one} = ANY({many})", (*own, *theirs)


def any_of(model: type[Model], looks: Sequence[Q]) -> Q:
    """What one look or more finds; nothing, when there is nothing to look for."""
    if not looks:
        return Q(pk__in=[])
    manager = model._default_manager  # noqa: SLF001 - Django's documented manager
    first, *others = [manager.filter(look).order_by().values("pk") for look in looks]
    return Q(pk__among=ArraySubquery(first.union(*others, all=True) if others else first))


def begins(column: str, term: str) -> list[Q]:
    """Where a column that is kept in lower case begins with the term, if that is long enough."""
    return [Q(**{f"{column}__startswith": term.lower()})] if len(term) >= START_MIN else []
