"""What must hold over orders: what they cost, what was taken, what was told, what is due."""

from foundation.invariants import Invariant, register


@register
class OrdersAddUp(Invariant):
    """M-7: the total is the sum of its parts, and what was asked of the card."""

    name = "orders_add_up"
    rule = "Lines, tax and shipping sum to an order's total, and the payment asks for exactly it."
    about = "order"
    sql = """
        WITH summed AS (
            SELECT order_id, sum(net_amount) AS net, sum(tax_amount) AS tax
            FROM orders_orderline WHERE id >= %(since)s GROUP BY order_id
        )
        SELECT placed.id, concat_ws(' ', 'lines', summed.net, 'of', placed.subtotal_amount,
            'tax', placed.tax_amount, 'shipping', placed.shipping_amount,
            'total', placed.total_amount, placed.currency,
            'asked', payment.amount, payment.currency)
        FROM orders_order placed
        JOIN payments_payment payment ON payment.id = placed.payment_id
        LEFT JOIN summed ON summed.order_id = placed.id
        WHERE placed.id >= %(since)s AND (
            summed.net IS DISTINCT FROM placed.subtotal_amount::numeric
            OR summed.tax > placed.tax_amount
            OR placed.total_amount
                <> placed.subtotal_amount + placed.tax_amount + placed.shipping_amount
            OR placed.total_amount <> payment.amount OR placed.currency <> payment.currency
        )
    """


@register
class OrdersWereHeld(Invariant):
    """Promise 1: an order exists only once all of it is held."""

    name = "orders_were_held"
    rule = "Every order has a payment whose authorization of its total succeeded."
    about = "order"
    sql = """
        SELECT placed.id, 'total ' || placed.total_amount || ', payment ' || payment.state
            || ', authorized ' || payment.authorized_amount
        FROM orders_order placed
        JOIN payments_payment payment ON payment.id = placed.payment_id
        WHERE placed.id >= %(since)s AND payment.authorized_amount < placed.total_amount
    """


@register
class EndedOrdersAreSquare(Invariant):
    """M-11: completed means paid in full, canceled means nothing kept.

    What a person ended with a part was shipped and paid when it ended; its rest was given back.
    """

    name = "ended_orders_are_square"
    rule = "A day later a completed order is captured in full, and a canceled one keeps nothing."
    about = "order"
    grace_seconds = 86_400.0
    sql = """
        SELECT placed.id, placed.state || ': total ' || placed.total_amount || ', captured '
            || payment.captured_amount || ', refunded ' || payment.refunded_amount
        FROM orders_order placed
        JOIN payments_payment payment ON payment.id = placed.payment_id
        WHERE placed.id >= %(since)s AND NOT EXISTS (
            SELECT 1 FROM foundation_case told
            WHERE told.aggregate_id IN (placed.id, placed.checkout_id, payment.id)
              AND told.state <> 'resolved'
        ) AND (
            (placed.state = 'completed' AND payment.captured_amount < placed.total_amount
                AND placed.settlement_policy <> 'manual' AND NOT EXISTS (
                    SELECT 1 FROM orders_reservation hold
                    WHERE hold.checkout_id = placed.checkout_id AND hold.state = 'released'
                ))
            OR (placed.state = 'canceled' AND payment.captured_amount > payment.refunded_amount)
        ) AND NOT EXISTS (
            SELECT 1 FROM foundation_transition moved
            WHERE moved.aggregate_id = placed.id AND moved.to_state = placed.state
              AND moved.at > %(settled)s
        )
    """


@register
class OrdersAreTold(Invariant):
    """O-1: the fact and its event commit together."""

    name = "order_events_are_told_once"
    rule = "An order has one order.placed event; canceled, one order.canceled; taken, one capture."
    about = "order"
    sql = """
        WITH told AS (
            SELECT stream,
                count(*) FILTER (WHERE type = 'order.placed') AS placed,
                count(*) FILTER (WHERE type = 'order.canceled') AS canceled,
                count(*) FILTER (WHERE type IN ('payment.captured', 'payment.partially_captured'))
                    AS captured
            FROM events_outboxevent WHERE stream >= %(since)s GROUP BY stream
        )
        SELECT placed.id, concat_ws(' ', placed.state, 'told placed', coalesce(told.placed, 0),
            'canceled', coalesce(told.canceled, 0), 'captured', coalesce(told.captured, 0))
        FROM orders_order placed
        JOIN payments_payment payment ON payment.id = placed.payment_id
        LEFT JOIN told ON told.stream = placed.checkout_id
        WHERE placed.checkout_id >= %(since)s AND (
            coalesce(told.placed, 0) <> 1
            OR coalesce(told.canceled, 0) <> (placed.state = 'canceled')::int
            OR (coalesce(told.captured, 0) > 0) <> (payment.captured_amount > 0)
        )
    """


@register
class DueOrdersAreWatched(Invariant):
    """The chain is only the fast path: something in the rows brings every order on."""

    name = "unfinished_orders_are_watched"
    rule = "An order with a step left by itself has a time for it, or a case is open."
    about = "order"
    sql = """
        SELECT placed.id, placed.state || ', its payment is ' || payment.state
        FROM orders_order placed
        JOIN payments_payment payment ON payment.id = placed.payment_id
        WHERE placed.id >= %(since)s AND placed.next_step_at IS NULL
          AND (placed.state = 'placed'
               OR (placed.state IN ('fulfilling', 'completed') AND (payment.state = 'capturing'
                   OR (payment.state = 'authorized' AND placed.settlement_policy = 'on_order'))))
          AND NOT EXISTS (
            SELECT 1 FROM foundation_case told
            WHERE told.aggregate_id = placed.id AND told.state <> 'resolved'
        )
    """


@register
class UnpaidOrdersAreCases(Invariant):
    """No sweep moves an order that waits for money: only a person does, who must know of it."""

    name = "unpaid_orders_are_cases"
    rule = "An hour after an order came to wait for money, a case says so (closed: it was seen)."
    about = "order"
    grace_seconds = 3600.0
    sql = """
        SELECT placed.id, placed.state || ', and nobody is told'
        FROM orders_order placed
        WHERE placed.id >= %(since)s AND placed.state = 'payment_required'
          AND NOT EXISTS (
            SELECT 1 FROM foundation_case told
            WHERE told.kind = 'order_unpaid' AND told.aggregate_id = placed.id
              AND told.state <> 'resolved'
        ) AND NOT EXISTS (
            SELECT 1 FROM foundation_transition moved
            WHERE moved.aggregate_id = placed.id AND moved.to_state = 'payment_required'
              AND moved.at > %(settled)s
        )
    """
