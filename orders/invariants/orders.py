"""What must hold over what is shipped and what is undone."""

from foundation.invariants import Invariant, register


@register
class ShipmentsAddUp(Invariant):
    """What is owed and what left are together what was bought: nothing is forgotten."""

    name = "shipments_add_up"
    rule = "The shipments of an order, canceled ones aside, carry all of it, or all not given back."
    about = "order"
    sql = """
        WITH shipping AS (
            SELECT part.order_line_id, sum(part.quantity) AS units
            FROM orders_fulfillmentline part
            JOIN orders_fulfillment shipment ON shipment.id = part.fulfillment_id
            WHERE shipment.state <> 'canceled' GROUP BY part.order_line_id
        )
        SELECT placed.id, line.sku || ': bought ' || line.quantity || ', in shipments '
            || coalesce(shipping.units, 0)
        FROM orders_order placed
        JOIN orders_orderline line ON line.order_id = placed.id
        LEFT JOIN shipping ON shipping.order_line_id = line.id
        LEFT JOIN orders_reservation hold ON placed.state = 'completed' AND hold.state = 'released'
            AND hold.checkout_id = placed.checkout_id AND hold.sku = line.sku
        WHERE placed.id >= %(since)s AND placed.state IN ('fulfilling', 'completed')
          AND coalesce(shipping.units, 0) <> coalesce(hold.consumed_quantity, line.quantity)
    """


@register
class PaidOrdersAreOwed(Invariant):
    """Whoever paid gets the goods: a paid order that nothing begins is watched, and never ships."""

    name = "paid_orders_are_owed"
    rule = "An hour after an order was paid the warehouse owes it, or a case is open."
    about = "order"
    grace_seconds = 3600.0
    sql = """
        SELECT placed.id, 'nothing of it is owed, its payment is ' || payment.state
        FROM orders_order placed
        JOIN payments_payment payment ON payment.id = placed.payment_id
        WHERE placed.id >= %(since)s AND placed.state = 'placed'
          AND payment.state IN ('captured', 'partially_refunded')
          AND NOT EXISTS (
            SELECT 1 FROM foundation_transition moved
            WHERE moved.aggregate_id = payment.id AND moved.to_state = payment.state
              AND moved.at > %(settled)s
        ) AND NOT EXISTS (
            SELECT 1 FROM foundation_case told
            WHERE told.aggregate_id = placed.id AND told.state <> 'resolved'
        )
    """


@register
class CancellationsAreCarried(Invariant):
    """G-1 for the second saga: a lock that nobody holds would lock for ever."""

    name = "cancellations_are_carried"
    rule = "Every order being canceled has a cancellation with an open key, and no other order has."
    about = "order"
    sql = """
        SELECT placed.id, placed.state || ', its cancellation is '
            || coalesce(undone.state, 'missing')
        FROM orders_order placed
        LEFT JOIN orders_cancellation undone ON undone.order_id = placed.id
        LEFT JOIN foundation_idempotencykey key
            ON key.subject_id = undone.id AND key.state = 'in_progress'
        WHERE placed.id >= %(since)s AND (placed.state = 'canceling') <> (key.id IS NOT NULL)
    """


@register
class UnsettledCancellationsAreCases(Invariant):
    """G-1: needs_attention without a case is a state nobody sees."""

    name = "unsettled_cancellations_are_cases"
    rule = "Every cancellation in needs_attention has a case that a person sees."
    about = "order"
    sql = """
        SELECT undone.order_id, undone.state FROM orders_cancellation undone
        WHERE undone.order_id >= %(since)s AND undone.state = 'needs_attention' AND NOT EXISTS (
            SELECT 1 FROM foundation_case told
            WHERE told.aggregate_id = undone.order_id AND told.state <> 'resolved'
        )
    """


@register
class MailsAreSentOrSeen(Invariant):
    """A shopper who is not told, and nobody knows of it, calls the shop instead."""

    name = "mails_are_sent_or_seen"
    rule = "A mail is sent, tried within an hour of its time, or given up with a case."
    about = "order"
    grace_seconds = 3600.0
    sql = """
        SELECT mail.order_id, mail.template || ', tried ' || mail.attempts || ' times'
        FROM orders_notification mail
        WHERE mail.order_id >= %(since)s AND mail.sent_at IS NULL AND mail.obsolete_at IS NULL
          AND CASE WHEN mail.given_up_at IS NULL THEN mail.leased_until < %(settled)s
              ELSE NOT EXISTS (
                SELECT 1 FROM foundation_case told
                WHERE told.kind = 'mail_given_up' AND told.aggregate_id = mail.order_id
            ) END
    """
