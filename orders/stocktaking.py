"""Somebody counted, found, lost or received goods: the shelf is changed by hand, on the record."""

import uuid
from typing import Final

from django.db.models import F

from foundation import audit
from foundation.errors import InvalidInput, NotFound
from orders.models import StockAdjustment, StockItem
from orders.refusals import StockBelowReserved

ON_HAND_MAX: Final = 2**31 - 1


def adjust(
    sku: str,
    delta: int,
    *,
    adjustment_id: uuid.UUID,
    by: str,
    reason: str,
    client_id: uuid.UUID | None = None,
) -> StockAdjustment:
    """Change what lies on the shelf by `delta` units, in the caller's transaction.

    One guarded UPDATE: a checkout that reserves at the same moment is first or second, and what
    it holds is never taken off the shelf. Raises `NotFound`, `StockBelowReserved`, and
    `InvalidInput` for more than a shelf can count.
    """
    fits = StockItem.objects.filter(
        sku=sku, on_hand__gte=F("reserved") - delta, on_hand__lte=ON_HAND_MAX - delta
    )
    if fits.update(on_hand=F("on_hand") + delta) == 0:
        raise _why_not(sku, delta)
    item = StockItem.objects.get(sku=sku)  # under the lock that the update took
    audit.record(
        actor=by,
        action="stock.adjust",
        aggregate="stock_item",
        aggregate_id=item.pk,
        reason=reason,
        before={"sku": sku, "on_hand": item.on_hand - delta},
        after={"sku": sku, "on_hand": item.on_hand},
    )
    return StockAdjustment.objects.create(
        id=adjustment_id,
        item=item,
        client_id=client_id,
        delta=delta,
        on_hand_after=item.on_hand,
        reason=reason,
        actor=by[:120],
    )


def _why_not(sku: str, delta: int) -> Exception:
    item = StockItem.objects.filter(sku=sku).first()
    if item is None:
        return NotFound("There is no such SKU.")
    if delta > 0:
        error = {"pointer": "/delta", "code": "too_large", "detail": "More than can be counted."}
        return InvalidInput("More than can be counted.", errors=[error])
    return StockBelowReserved(
        f"{item.on_hand} are there, {item.reserved} of them reserved.",
        on_hand=item.on_hand,
        reserved=item.reserved,
    )
