"""What must hold over checkouts and their keys: carried by somebody, or ended cleanly."""

from foundation.invariants import Invariant, register


@register
class UnfinishedCheckoutsAreCarried(Invariant):
    """G-1: a story without an end has a lease somebody will take over."""

    name = "unfinished_checkouts_are_carried"
    rule = "Every checkout that has not ended has an open key, which the sweep takes over."
    about = "checkout"
    sql = """
        SELECT checkout.id, checkout.state || ' since ' || checkout.started_at
        FROM orders_checkout checkout
        WHERE checkout.id >= %(since)s AND checkout.ended_at IS NULL AND NOT EXISTS (
            SELECT 1 FROM foundation_idempotencykey key
            WHERE key.subject_id = checkout.id AND key.state = 'in_progress'
        )
    """


@register
class EndedCheckoutsAreAnswered(Invariant):
    """I-5: an ended story leaves no key open, and its end is written."""

    name = "ended_checkouts_are_answered"
    rule = "A checkout has an end exactly when its state is final, and then no key of it is open."
    about = "checkout"
    sql = """
        SELECT checkout.id, checkout.state || ', ended ' || coalesce(checkout.ended_at::text, 'no')
        FROM orders_checkout checkout
        WHERE checkout.id >= %(since)s AND (
            (checkout.ended_at IS NOT NULL)
                <> (checkout.state IN ('completed', 'failed', 'expired', 'compensated'))
            OR (checkout.ended_at IS NOT NULL AND EXISTS (
                SELECT 1 FROM foundation_idempotencykey key
                WHERE key.subject_id = checkout.id AND key.state = 'in_progress'
            ))
        )
    """


@register
class CheckoutsEndInTime(Invariant):
    """G-6: past its window a checkout is undone, or a person knows of it."""

    name = "checkouts_end_in_time"
    rule = "A checkout ends within a day of its deadline, unless a case is open."
    about = "checkout"
    grace_seconds = 86_400.0
    sql = """
        SELECT checkout.id, checkout.state || ', was to end by ' || checkout.forward_until
        FROM orders_checkout checkout
        WHERE checkout.ended_at IS NULL AND checkout.forward_until < %(settled)s
          AND NOT EXISTS (
            SELECT 1 FROM foundation_case told
            WHERE told.aggregate_id = checkout.id AND told.state <> 'resolved'
        )
    """


@register
class AttentionIsACase(Invariant):
    """G-1: needs_attention without a case is a state nobody sees."""

    name = "attention_is_a_case"
    rule = "Every checkout in needs_attention has a case that a person sees."
    about = "checkout"
    sql = """
        SELECT checkout.id, checkout.state FROM orders_checkout checkout
        WHERE checkout.id >= %(since)s AND checkout.state = 'needs_attention' AND NOT EXISTS (
            SELECT 1 FROM foundation_case told
            WHERE told.aggregate_id = checkout.id AND told.state <> 'resolved'
        )
    """


@register
class OrderAndKeyCommitTogether(Invariant):
    """I-6: a 201 that was stored has its order, and an order's checkout is completed."""

    name = "order_and_key_commit_together"
    rule = "A key that answers 201 has an order, and only completed checkouts have one."
    about = "checkout"
    sql = """
        SELECT checkout.id, checkout.state || ', answered 201, no order'
        FROM foundation_idempotencykey key
        JOIN orders_checkout checkout ON checkout.id = key.subject_id
        LEFT JOIN orders_order placed ON placed.checkout_id = checkout.id
        WHERE key.id >= %(since)s AND key.subject_kind = 'checkout' AND key.response_status = 201
          AND placed.id IS NULL
        UNION ALL
        SELECT checkout.id, checkout.state || ', order ' || coalesce(placed.state, 'missing')
        FROM orders_checkout checkout
        LEFT JOIN orders_order placed ON placed.checkout_id = checkout.id
        WHERE checkout.id >= %(since)s
          AND (placed.id IS NOT NULL) <> (checkout.state = 'completed')
    """


@register
class ANoLeavesNothingBehind(Invariant):
    """I-7 and M-2 as far as our own rows show: no hold that belongs to nobody."""

    name = "a_no_leaves_no_hold"
    rule = "A checkout that came to nothing has no payment that is held, taken or in doubt."
    about = "checkout"
    grace_seconds = 3600.0
    sql = """
        SELECT checkout.id, checkout.state || ', its payment is ' || payment.state
        FROM orders_checkout checkout
        JOIN payments_payment payment ON payment.stream = checkout.id
        WHERE payment.id >= %(since)s AND checkout.id >= %(since)s
          AND checkout.ended_at < %(settled)s
          AND checkout.state IN ('failed', 'expired', 'compensated')
          AND payment.state NOT IN ('declined', 'voided', 'abandoned', 'expired', 'refunded')
    """


@register
class EveryPaymentHasACheckout(Invariant):
    """M-2: a hold that no story knows of would never be released."""

    name = "every_payment_has_a_checkout"
    rule = "Every payment belongs to the story of a checkout."
    about = "payment"
    sql = """
        SELECT payment.id, payment.state FROM payments_payment payment
        LEFT JOIN orders_checkout checkout ON checkout.id = payment.stream
        WHERE payment.id >= %(since)s AND checkout.id IS NULL
    """
