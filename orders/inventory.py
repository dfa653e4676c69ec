"""Stock: reserve, commit, consume, release. A hold and the counter move in one statement.

Stock rows are locked in SKU order everywhere, so carts in opposite order can not deadlock;
the counter is touched last in its transaction, so that one hot product is locked briefly.
"""

import uuid
from collections.abc import Mapping, Sequence

from django.db import connection

from foundation import clock
from foundation.ids import new_id

_RESERVE = """
    WITH wanted AS (
        SELECT * FROM unnest(%s::uuid[], %s::text[], %s::int[]) AS w (id, sku, quantity)
    ), locked AS (
        SELECT stock.sku, wanted.id, wanted.quantity
        FROM orders_stockitem stock JOIN wanted ON wanted.sku = stock.sku
        ORDER BY stock.sku FOR NO KEY UPDATE OF stock
    ), taken AS (
        UPDATE orders_stockitem stock SET reserved = stock.reserved + locked.quantity
        FROM locked
        WHERE stock.sku = locked.sku AND stock.on_hand - stock.reserved >= locked.quantity
        RETURNING locked.id, locked.sku, locked.quantity
    )
    INSERT INTO orders_reservation
        (id, checkout_id, sku, quantity, consumed_quantity, state, created_at)
    SELECT id, %s, sku, quantity, 0, 'held', %s FROM taken
    RETURNING sku
"""

_RELEASE = """
    WITH freed AS (
        UPDATE orders_reservation SET state = 'released'
        WHERE checkout_id = %s AND state = ANY(%s)
        RETURNING sku, quantity - consumed_quantity AS quantity
    ), locked AS (
        SELECT stock.sku, freed.quantity
        FROM orders_stockitem stock JOIN freed ON freed.sku = stock.sku
        ORDER BY stock.sku FOR NO KEY UPDATE OF stock
    )
    UPDATE orders_stockitem stock SET reserved = stock.reserved - locked.quantity
    FROM locked WHERE stock.sku = locked.sku
"""

_CONSUME = """
    WITH shipped AS (
        SELECT * FROM unnest(%s::text[], %s::int[]) AS s (sku, quantity)
    ), consumed AS (
        UPDATE orders_reservation hold
        SET consumed_quantity = hold.consumed_quantity + shipped.quantity,
            state = CASE WHEN hold.consumed_quantity + shipped.quantity = hold.quantity
                    THEN 'consumed' ELSE hold.state END
        FROM shipped
        WHERE hold.checkout_id = %s AND hold.sku = shipped.sku AND hold.state = 'committed'
          AND hold.consumed_quantity + shipped.quantity <= hold.quantity
        RETURNING hold.sku, shipped.quantity
    ), locked AS (
        SELECT stock.sku, consumed.quantity
        FROM orders_stockitem stock JOIN consumed ON consumed.sku = stock.sku
        ORDER BY stock.sku FOR NO KEY UPDATE OF stock
    )
    UPDATE orders_stockitem stock
    SET on_hand = stock.on_hand - locked.quantity, reserved = stock.reserved - locked.quantity
    FROM locked WHERE stock.sku = locked.sku
"""


class NotCommitted(RuntimeError):
    """More would leave the shelf than is committed to the order: an invariant is broken."""


def reserve(checkout_id: uuid.UUID, wanted: Mapping[str, int]) -> list[str]:
    """Hold stock for a checkout; returns the SKUs of which there was not enough.

    What there was enough of is held nevertheless: the caller refuses, and so releases.
    """
    skus = sorted(wanted)
    with connection.cursor() as cursor:
        cursor.execute(
            _RESERVE,
            [
                [new_id() for _ in skus],
                skus,
                [wanted[sku] for sku in skus],
                checkout_id,
                clock.now(),
            ],
        )
        held = {sku for (sku,) in cursor.fetchall()}
    return [sku for sku in skus if sku not in held]


def release(checkout_id: uuid.UUID, *, states: Sequence[str] = ("held",)) -> None:
    """Give the stock of a checkout back; a repeat changes nothing."""
    with connection.cursor() as cursor:
        cursor.execute(_RELEASE, [checkout_id, list(states)])


def commit(checkout_id: uuid.UUID) -> int:
    """held → committed: it belongs to an order now. Returns how many holds were committed."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE orders_reservation SET state = 'committed'"
            " WHERE checkout_id = %s AND state = 'held'",
            [checkout_id],
        )
        return int(cursor.rowcount)


def consume(checkout_id: uuid.UUID, shipped: Mapping[str, int]) -> None:
    """committed → consumed, unit by unit: off the shelf, and no longer reserved.

    `shipped` is SKU → units of this shipment. Raises `NotCommitted`; then nothing may be kept.
    """
    skus = sorted(shipped)
    with connection.cursor() as cursor:
        cursor.execute(_CONSUME, [skus, [shipped[sku] for sku in skus], checkout_id])
        if cursor.rowcount != len(skus):
            raise NotCommitted(f"checkout {checkout_id}: not all of {skus} is committed")
