"""Releasing many holds at once: each by itself, through the outbox, with a result for each.

One that is refused keeps no other waiting; one whose message is lost is found by the sweep. The
release itself is the verb that a single one uses, so nothing here can do what that would refuse.
"""

import logging
import uuid
from collections.abc import Sequence
from typing import Final

from django.conf import settings

from events import outbox
from events.outbox import Event
from foundation import clock
from foundation.errors import DomainError, InvalidInput
from foundation.idempotency import from_now
from foundation.state_machine import IllegalTransition, move
from foundation.transactions import durable
from orders import alone
from orders.models import BulkRow, BulkRun
from orders.states import BULK_ROW
from payments.models import Payment, Source
from payments.refusals import NotVoidable
from payments.services import void

_log = logging.getLogger(__name__)
ROWS_MAX: Final = 500
_HELD: Final = ("authorized", "partially_captured", "requires_action")
_TRIES_MAX: Final = 20  # about as many sweeps; then the payment's own resolver is left to it


def begin(payment_ids: Sequence[uuid.UUID], *, by: str, reason: str) -> BulkRun:
    """Write down the wish, and tell of each row of it, in one transaction.

    Raises `InvalidInput` for nothing or for more than `ROWS_MAX` at once.
    """
    unique = list(dict.fromkeys(payment_ids))
    if not 0 < len(unique) <= ROWS_MAX:
        raise InvalidInput(f"Between 1 and {ROWS_MAX} payments can be chosen at once.")
    with durable():
        run = BulkRun.objects.create(actor=by[:120], reason=reason[:500])
        due = from_now(settings.STALLED_AFTER_SECONDS)
        rows = BulkRow.objects.bulk_create(
            BulkRow(run=run, payment_id=payment_id, position=position, due_at=due)
            for position, payment_id in enumerate(unique, start=1)
        )
        outbox.record(
            run.pk,
            [Event("bulk_void.requested", {"row_id": str(r.pk)}) for r in rows],
            client_id=None,
        )
    return run


def work(row_id: uuid.UUID) -> None:
    """Release the hold of one row, and write down what became of it; a repeat is a no-op."""
    row = BulkRow.objects.select_related("run", "payment").get(pk=row_id)
    if row.state != "pending" or not _claim(row):
        return
    state, result = _release(row)
    if state == "pending":
        return
    try:
        with durable():
            move(
                row,
                table=BULK_ROW,
                to=state,
                by=row.run.actor,
                reason=result,
                result=result[:200],
                due_at=None,
                ended_at=clock.now(),
            )
    except IllegalTransition:
        _log.info("bulk: row %s was ended by somebody else", row.pk)


def finish(*, limit: int) -> int:
    """Work up to `limit` rows whose message was lost, or whose hold was in doubt; how many."""
    due = BulkRow.objects.filter(state="pending", due_at__lte=clock.now()).order_by("due_at")
    ids = list(due.values_list("pk", flat=True)[:limit])
    for row_id in ids:
        try:
            work(row_id)
        except Exception:  # noqa: BLE001 - logged with its trace; the others go on
            _log.exception("bulk: row %s could not be worked", row_id)
    return len(ids)


def _claim(row: BulkRow) -> bool:
    """Nobody else works on it for a lease's time; the try is counted before it is made."""
    free = BulkRow.objects.filter(pk=row.pk, state="pending", tries=row.tries)
    row.tries += 1
    return free.update(tries=row.tries, due_at=from_now(settings.PAYMENT_LEASE_SECONDS)) == 1


def _release(row: BulkRow) -> tuple[str, str]:
    """(state of the row, in words) after trying; `pending` while the processor is silent."""
    payment = row.payment
    try:
        if payment.state != "voided":
            payment = void.void(
                payment.pk,
                by=row.run.actor,
                reason=row.run.reason,
                source=Source.STAFF,
                asks_owner=True,
                guard=alone.refuse_if_large,
            )
    except (NotVoidable, IllegalTransition):
        payment = Payment.objects.get(pk=row.payment_id)
    except DomainError as forbidden:
        payment = Payment.objects.get(pk=row.payment_id)
        if payment.state in _HELD:
            return "refused", forbidden.detail
    if payment.state == "voided":
        return "done", "the hold is released"
    if payment.state != "voiding":
        return "refused", f"it is {payment.state.replace('_', ' ')}"
    if row.tries >= _TRIES_MAX:
        return "refused", "the processor did not confirm; the payment is asked about on its own"
    return "pending", ""
