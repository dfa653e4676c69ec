"""What must hold over stock and the holds on it."""

from foundation.invariants import Invariant, register


@register
class StockIsNotOversold(Invariant):
    """S-1."""

    name = "stock_is_not_oversold"
    rule = "Nothing is reserved that is not on hand, and neither is negative."
    about = "stockitem"
    sql = """
        SELECT product_id, sku || ': on hand ' || on_hand || ', reserved ' || reserved
        FROM orders_stockitem WHERE on_hand < 0 OR reserved < 0 OR reserved > on_hand
    """


@register
class ReservedIsTheSumOfHolds(Invariant):
    """S-2: counter and holds move in one statement, so they always agree."""

    name = "reserved_stock_is_the_sum_of_its_holds"
    rule = "What is reserved of a SKU is what its open reservations hold and did not ship."
    about = "stockitem"
    sql = """
        WITH open_holds AS (
            SELECT sku, sum(quantity - consumed_quantity) AS quantity FROM orders_reservation
            WHERE state IN ('held', 'committed') GROUP BY sku
        )
        SELECT stock.product_id, coalesce(stock.sku, open_holds.sku)
            || ': reserved ' || coalesce(stock.reserved, 0)
            || ', held ' || coalesce(open_holds.quantity, 0)
        FROM orders_stockitem stock FULL JOIN open_holds ON open_holds.sku = stock.sku
        WHERE coalesce(stock.reserved, 0) <> coalesce(open_holds.quantity, 0)
    """


@register
class NothingShipsTwice(Invariant):
    """S-4: what leaves the shelf was bought, once."""

    name = "nothing_ships_twice"
    rule = "The shipments of an order line that are not canceled carry at most what was bought."
    about = "order"
    sql = """
        SELECT line.order_id, line.sku || ': bought ' || line.quantity
            || ', shipping ' || sum(part.quantity)
        FROM orders_orderline line
        JOIN orders_fulfillmentline part ON part.order_line_id = line.id
        JOIN orders_fulfillment shipment ON shipment.id = part.fulfillment_id
        WHERE line.id >= %(since)s AND shipment.state <> 'canceled'
        GROUP BY line.id HAVING sum(part.quantity) > line.quantity
    """


@register
class EndedStoriesHoldNoStock(Invariant):
    """S-5 and G-3: a final no, or a canceled order, gave its stock back in the same commit."""

    name = "ended_stories_hold_no_stock"
    rule = "No reservation is open for a checkout that came to nothing or a canceled order."
    about = "checkout"
    sql = """
        SELECT checkout.id, hold.quantity || ' x ' || hold.sku || ' ' || hold.state || ', checkout '
            || checkout.state || coalesce(', order ' || placed.state, '')
        FROM orders_reservation hold
        JOIN orders_checkout checkout ON checkout.id = hold.checkout_id
        LEFT JOIN orders_order placed ON placed.checkout_id = checkout.id
        WHERE hold.state IN ('held', 'committed') AND (
            checkout.state IN ('failed', 'expired', 'compensated') OR placed.state = 'canceled'
            OR (hold.state = 'held' AND placed.id IS NOT NULL)
        )
    """


@register
class OrdersHoldTheirStock(Invariant):
    """S-6. Of an order that ended with a part, the stock of the rest was given back."""

    name = "orders_hold_their_stock"
    rule = "Every line of a live order has one reservation of its quantity, committed or consumed."
    about = "order"
    sql = """
        SELECT placed.id, line.quantity || ' x ' || line.sku || ', held '
            || coalesce(hold.quantity || ' ' || hold.state, 'none')
        FROM orders_order placed
        JOIN orders_orderline line ON line.order_id = placed.id
        LEFT JOIN orders_reservation hold
            ON hold.checkout_id = placed.checkout_id AND hold.sku = line.sku
        WHERE placed.id >= %(since)s AND placed.state <> 'canceled' AND (
            hold.id IS NULL OR hold.quantity <> line.quantity
            OR NOT (hold.state IN ('committed', 'consumed')
                OR (placed.state = 'completed' AND hold.state = 'released'))
        )
    """
