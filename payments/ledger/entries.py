"""The entries of the ledger, page by page, through what the caller may see."""

import uuid
from dataclasses import dataclass

from django.db.models import QuerySet

from foundation import ids
from foundation.edge import lookup
from foundation.edge.authentication import Principal
from foundation.errors import InvalidInput
from payments.models import LedgerLine
from payments.postings import ACCOUNTS


@dataclass(frozen=True)
class Entry:
    """Lines that sum to zero in each currency, debits first."""

    id: uuid.UUID
    lines: list[LedgerLine]

    @property
    def first(self) -> LedgerLine:
        """What all its lines share (kind, origin, moment) is read from any of them."""
        return self.lines[0]


def lines(principal: Principal) -> QuerySet[LedgerLine]:
    """Only lines of this client's payments, unless its key says otherwise; then payouts too."""
    found = LedgerLine.objects.all()
    return found if principal.sees_all else found.filter(payment__client_id=principal.client_id)


def page(rows: QuerySet[LedgerLine], *, limit: str, cursor: str) -> tuple[list[Entry], str | None]:
    """The entries with a line among `rows`, newest first, each whole; and the next cursor."""
    size, after = lookup.window(prefix="ent", limit=limit, cursor=cursor)
    if after is not None:
        rows = rows.filter(entry__lt=after)
    found = list(rows.order_by("-entry").values_list("entry", flat=True).distinct()[: size + 1])
    following = ids.public("ent", found[size - 1]) if len(found) > size else None
    return _whole(found[:size]), following


def of_payment(rows: QuerySet[LedgerLine], reference: str) -> QuerySet[LedgerLine]:
    """Those of one payment. Raises `InvalidInput` for what is no payment's id."""
    payment_id = ids.parse("pay", reference)
    if payment_id is None:
        raise InvalidInput("payment is the id of a payment.", errors=[lookup.bad("payment")])
    return rows.filter(payment_id=payment_id)


def of_account(rows: QuerySet[LedgerLine], account: str) -> QuerySet[LedgerLine]:
    """Those with a line in one account. Raises `InvalidInput` for one that there is not."""
    if account not in ACCOUNTS:
        text = f"account is one of {', '.join(ACCOUNTS)}."
        raise InvalidInput(text, errors=[lookup.bad("account")])
    return rows.filter(account=account)


def _whole(entries: list[uuid.UUID]) -> list[Entry]:
    found: dict[uuid.UUID, list[LedgerLine]] = {entry: [] for entry in entries}
    for line in LedgerLine.objects.filter(entry__in=entries).order_by("-amount", "account"):
        found[line.entry].append(line)
    return [Entry(entry, members) for entry, members in found.items()]
