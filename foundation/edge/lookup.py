"""Finding rows for a caller: only its own, by public id, in pages that survive inserts."""

import uuid
from collections.abc import Collection, Mapping
from typing import Final, TypeVar

from django.db.models import Model, QuerySet
from django.http import QueryDict

from foundation import ids
from foundation.edge.authentication import Principal
from foundation.errors import InvalidInput, NotFound

M = TypeVar("M", bound=Model)
LIMIT_DEFAULT = 20
LIMIT_MAX = 100
PAGE: Final = ("limit", "cursor")  # the parameters of every page


def visible(rows: QuerySet[M], principal: Principal) -> QuerySet[M]:
    """Only what this client made, unless its key says otherwise."""
    return rows if principal.sees_all else rows.filter(client_id=principal.client_id)


def one(rows: QuerySet[M], *, prefix: str, reference: str) -> M:
    """The row behind a public id, or `NotFound`, the same for "none" and "not yours"."""
    row_id = ids.parse(prefix, reference)
    row = rows.filter(pk=row_id).first() if row_id else None
    if row is None:
        raise NotFound(f"There is no {reference!r}.")
    return row


def page(rows: QuerySet[M], *, prefix: str, limit: str, cursor: str) -> tuple[list[M], str | None]:
    """Newest first, after the row the cursor names; survives inserts. And the next cursor."""
    size, after = window(prefix=prefix, limit=limit, cursor=cursor)
    if after is not None:
        rows = rows.filter(pk__lt=after)
    found = list(rows.order_by("-pk")[: size + 1])
    more = ids.public(prefix, _id(found[size - 1])) if len(found) > size else None
    return found[:size], more


def window(*, prefix: str, limit: str, cursor: str) -> tuple[int, uuid.UUID | None]:
    """How many to show, and after which id (None: from the newest). Raises `InvalidInput`."""
    size = _size(limit)
    after = ids.parse(prefix, cursor) if cursor else None
    if cursor and after is None:
        raise InvalidInput("The cursor is not one of ours.", errors=[bad("cursor")])
    return size, after


def _id(row: Model) -> uuid.UUID:
    return uuid.UUID(str(row.pk))


def _size(limit: str) -> int:
    if not limit:
        return LIMIT_DEFAULT
    if limit.isascii() and limit.isdecimal() and len(limit) <= 4 and 1 <= int(limit) <= LIMIT_MAX:
        return int(limit)
    raise InvalidInput(f"limit is a number from 1 to {LIMIT_MAX}.", errors=[bad("limit")])


def asked(query: QueryDict, *known: str) -> dict[str, str]:
    """The parameters of a list, each told once at most.

    A filter that is lost in silence shows what nobody asked for. Raises `InvalidInput`.
    """
    unknown = [bad("*") for name in query if name not in known]  # it may be a secret
    twice = [bad(name) for name, told in query.lists() if name in known and len(told) > 1]
    if unknown or twice:
        every = ", ".join(known) or "none"
        raise InvalidInput(
            f"The parameters are: {every}; each once at most.", errors=[*unknown[:1], *twice]
        )
    return {name: str(told[-1]) for name, told in query.lists()}


def choice(query: Mapping[str, str], name: str, *, among: Collection[str]) -> str:
    """A filter's value, or ''. Raises `InvalidInput` for one that is none of these."""
    value = query.get(name, "")
    if value and value not in among:
        raise InvalidInput(f"There is no such {name}.", errors=[bad(name)])
    return value


def text(query: Mapping[str, str], name: str) -> str:
    """A filter's value, or ''. Raises `InvalidInput` for one that no row can have."""
    value = query.get(name, "")
    if not value.isprintable():
        raise InvalidInput(f"{name} has characters that can not be.", errors=[bad(name)])
    return value


def bad(name: str) -> dict[str, str]:
    """What an error says of a query parameter."""
    return {"pointer": f"?{name}", "code": "invalid", "detail": f"{name} is not valid"}
