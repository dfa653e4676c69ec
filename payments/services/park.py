"""What kills every sweep that asks about it: parked, with a case, until a person lets it go on.

The sweep counts itself in the row before it asks (`resolve._take_over_one`), and whoever came
through sets the count back, whatever he heard. So only deaths in a row reach `CRASHES_MAX`.
"""

import datetime as dt
import uuid
from typing import Final

from django.conf import settings
from django.db import InterfaceError, OperationalError, connection
from django.db.models import Q

from foundation import clock
from foundation.transactions import durable
from payments.models import Payment, Refund
from payments.services.attention import RESOLVING_CRASHES, needs_person

_LOOKED_AT_AGAIN: Final = dt.timedelta(days=1)


def goes_on() -> Q:
    """What sweeps still ask about."""
    return Q(crashes__lt=settings.CRASHES_MAX)


def is_parked() -> Q:
    """What no sweep asks about any more, although its end is not known."""
    return ~goes_on() & Q(leased_until__isnull=False)


def park_crashing(*, limit: int) -> None:
    """Open the cases of up to `limit` payments, and as many refunds, that it is time to ask about.

    Once a day for each, so that a case closed too early can be opened for another amount.
    """
    now = clock.now()
    due = is_parked() & Q(leased_until__lte=now, resolve_at__lte=now)
    for model in (Payment, Refund):
        if model.objects.filter(due).exists():
            _park_each(model, due, limit=limit)


def _park_each(model: type[Payment | Refund], due: Q, *, limit: int) -> None:
    with durable():
        free = model.objects.select_for_update(no_key=True, skip_locked=True)
        for asked in free.filter(due).order_by("leased_until")[:limit]:
            _park(asked)


def _park(asked: Payment | Refund) -> None:
    asked.resolve_at = clock.now() + _LOOKED_AT_AGAIN
    asked.save(update_fields=["resolve_at"])
    detail = f"It is {asked.state}; {asked.crashes} sweeps in a row died asking about it"
    needs_person(asked, RESOLVING_CRASHES, amount=asked.amount, detail=detail)


def survived(asked: Payment | Refund) -> None:
    """Whoever asked came through; nobody has died of it in a row any more.

    The line to the database may have broken while he asked, and that is no death either.
    """
    if not asked.crashes:
        return
    row = type(asked).objects.filter(pk=asked.pk)
    try:
        row.update(crashes=0)
    except (OperationalError, InterfaceError):
        connection.close()  # the next statement opens a new one
        row.update(crashes=0)


def let_go_on(row_id: uuid.UUID) -> bool:
    """Give a parked payment or refund all its sweeps again, from now on; False if it is not."""
    fresh = {"crashes": 0, "resolve_at": clock.now()}
    found = (m.objects.filter(is_parked(), pk=row_id) for m in (Payment, Refund))
    return any(each.update(**fresh) for each in found)
