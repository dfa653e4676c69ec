"""What is mended without a person, and nothing else is.

    our status lags, and the processor confirms it when asked   we follow, by the observer's moves
    a hold that no order wants, older than an hour              it is released

Through the same services and locks as live traffic, at most so many a day, each on record. A
refund, a second capture, a write-off: never.
"""

import datetime as dt
import logging
import time
import uuid
from typing import Final

from django.conf import settings

from foundation import audit, clock
from foundation.errors import DomainError
from foundation.models import AuditEntry
from foundation.transactions import durable
from payments.models import Source
from payments.services import void
from payments.services.observe import InFlight, NotAnswered, look_and_observe
from reconciliation.models import ReconciliationBreak

_log = logging.getLogger(__name__)
BY: Final = "system:reconciliation"
FOLLOWS: Final = (
    "status_mismatch",
    "amount_mismatch",
    "refund_missing_local",
    "dispute_unrecorded",
    "unknown_stale",
)
RELEASES: Final = ("orphan_authorization",)
_AGAIN_AFTER: Final = dt.timedelta(hours=20)
_ACTION: Final = "break.repair"


def repair(*, account: str) -> int:
    """Try to mend what may be mended of an account; returns how many were tried.

    Whether it was mended is for the next run to say: it ends the break, or meets it again.
    """
    give_up_at = time.monotonic() + settings.SWEEP_BUDGET_SECONDS
    tried = 0
    for row in _due(account, most=_left_today()):
        if time.monotonic() >= give_up_at:
            break
        _repair_one(row)
        tried += 1
    return tried


def _left_today() -> int:
    midnight = clock.now().replace(hour=0, minute=0, second=0, microsecond=0)
    done = AuditEntry.objects.filter(action=_ACTION, at__gte=midnight).count()
    most: int = settings.RECONCILIATION_REPAIRS_PER_DAY
    return max(0, most - done)


def _due(account: str, *, most: int) -> list[ReconciliationBreak]:
    """Open ones that nobody has taken, the largest first; each at most once a day."""
    recent = AuditEntry.objects.filter(action=_ACTION, at__gt=clock.now() - _AGAIN_AFTER)
    rows = ReconciliationBreak.objects.filter(
        account=account,
        state__in=("open", "reopened"),
        kind__in=(*FOLLOWS, *RELEASES),
        payment_id__isnull=False,
    ).exclude(pk__in=recent.values("aggregate_id"))
    return list(rows.order_by("-amount")[:most])


def _repair_one(row: ReconciliationBreak) -> None:
    """On record before it is tried: one that kills its worker is not tried all day."""
    assert row.payment_id is not None  # noqa: S101 - by `_due`
    releases = row.kind in RELEASES
    reason = "released: no order wants it" if releases else "asked, and followed what it says"
    with durable():
        audit.record(
            actor=BY,
            action=_ACTION,
            aggregate="break",
            aggregate_id=row.pk,
            reason=reason,
            before={"state": row.state, "kind": row.kind},
            after={"payment": str(row.payment_id)},
        )
    try:
        _release(row.payment_id) if releases else _follow(row.payment_id)
    except (DomainError, InFlight, NotAnswered) as refusal:
        _log.info("reconciliation: %s is not mended now: %s", row, refusal)
    except Exception:  # noqa: BLE001 - logged with its trace; the others go on
        _log.exception("reconciliation: %s could not be mended", row)


def _follow(payment_id: uuid.UUID) -> None:
    look_and_observe(payment_id, by=BY, source=Source.PROCESSOR)


def _release(payment_id: uuid.UUID) -> None:
    """Its owner is asked: a checkout that came to life again keeps its hold."""
    reason = "no order wants it"
    void.void(payment_id, by=BY, reason=reason, source=Source.SYSTEM, asks_owner=True)
