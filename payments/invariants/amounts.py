"""M: what was held, taken, released and given back, and that a payment's words fit its numbers."""

from foundation.invariants import Invariant, register


@register
class NeverMoreThanHeld(Invariant):
    """M-3."""

    name = "never_more_taken_than_held"
    rule = "Captured is at most authorized; refunded, with what is pending, at most captured."
    about = "payment"
    sql = """
        SELECT id, 'authorized ' || authorized_amount || ', captured ' || captured_amount
            || ', refunded ' || refunded_amount || ', pending ' || refund_pending_amount
            || ' ' || currency
        FROM payments_payment
        WHERE id >= %(since)s AND (captured_amount > authorized_amount
            OR refunded_amount + refund_pending_amount > captured_amount)
    """


@register
class NeverTakenAndReleased(Invariant):
    """M-4: what was released can not be taken too."""

    name = "never_taken_and_released"
    rule = "Captured and voided together are at most authorized."
    about = "payment"
    sql = """
        SELECT id, 'authorized ' || authorized_amount || ', captured ' || captured_amount
            || ', voided ' || voided_amount || ' ' || currency
        FROM payments_payment
        WHERE id >= %(since)s AND captured_amount + voided_amount > authorized_amount
    """


@register
class AmountsAreTheFold(Invariant):
    """M-1 on our side: a payment's columns are the sum of its steps."""

    name = "payment_amounts_are_the_fold"
    rule = "A payment's amounts are the sums of its successful steps."
    about = "payment"
    sql = """
        WITH summed AS (
            SELECT payment_id,
                sum(amount) FILTER (WHERE kind = 'authorization') AS authorized,
                sum(amount) FILTER (WHERE kind = 'capture') AS captured,
                sum(amount) FILTER (WHERE kind = 'void') AS voided,
                coalesce(sum(amount) FILTER (WHERE kind = 'refund'), 0)
                    - coalesce(sum(amount) FILTER (WHERE kind = 'refund_failure'), 0) AS refunded,
                coalesce(sum(amount) FILTER (WHERE kind = 'chargeback'), 0)
                    - coalesce(sum(amount) FILTER (WHERE kind = 'chargeback_reversal'), 0) AS back
            FROM payments_paymenttransaction
            WHERE succeeded AND payment_id >= %(since)s GROUP BY payment_id
        )
        SELECT payment.id, concat_ws(' ', 'steps sum to authorized', authorized, 'captured',
            captured, 'voided', voided, 'refunded', refunded, 'charged back', back)
        FROM payments_payment payment LEFT JOIN summed ON summed.payment_id = payment.id
        WHERE payment.id >= %(since)s AND (
            coalesce(authorized, 0) <> authorized_amount OR coalesce(captured, 0) <> captured_amount
            OR coalesce(voided, 0) <> voided_amount OR coalesce(refunded, 0) <> refunded_amount
            OR coalesce(back, 0) <> charged_back_amount
        )
    """


@register
class PendingRefundsAreTheSum(Invariant):
    """M-3: what is on its way back counts against what may still be given."""

    name = "pending_refunds_are_their_sum"
    rule = "What a payment has pending is the sum of its refunds whose end is not known."
    about = "payment"
    sql = """
        WITH summed AS (
            SELECT payment_id, sum(amount) AS pending FROM payments_refund
            WHERE state = 'pending' AND payment_id >= %(since)s GROUP BY payment_id
        )
        SELECT payment.id, 'pending ' || payment.refund_pending_amount || ', refunds sum to '
            || coalesce(summed.pending, 0) || ' ' || payment.currency
        FROM payments_payment payment LEFT JOIN summed ON summed.payment_id = payment.id
        WHERE payment.id >= %(since)s
          AND payment.refund_pending_amount <> coalesce(summed.pending, 0)
    """


@register
class StepsAreInThePaymentsCurrency(Invariant):
    """M-6 on our side. (A hold in another currency is refused; fees are in the payout's.)"""

    name = "captures_are_in_the_payments_currency"
    rule = "Money is taken, released and given back in the currency it was asked for in."
    about = "payment"
    sql = """
        SELECT payment.id, step.kind || ' of ' || step.amount || ' ' || step.currency
        FROM payments_payment payment
        JOIN payments_paymenttransaction step ON step.payment_id = payment.id
        WHERE payment.id >= %(since)s AND step.currency <> payment.currency
          AND step.kind IN ('capture', 'void', 'refund') AND step.succeeded
    """


@register
class StateFitsTheAmounts(Invariant):
    """G-2: the word a payment stands under and its numbers tell one story."""

    name = "payment_state_fits_its_amounts"
    rule = "Taken states have captured money, released ones a release, held ones an open hold."
    about = "payment"
    sql = """
        SELECT id, state || ': authorized ' || authorized_amount || ', captured '
            || captured_amount || ', voided ' || voided_amount || ', refunded ' || refunded_amount
        FROM payments_payment
        WHERE id >= %(since)s AND NOT CASE
            WHEN state IN ('authorizing', 'unknown', 'requires_action', 'declined', 'abandoned')
                THEN authorized_amount = 0 AND captured_amount = 0
            WHEN state IN ('authorized', 'capturing')
                THEN authorized_amount > captured_amount + voided_amount
            WHEN state = 'captured' THEN captured_amount > 0 AND refunded_amount = 0
            WHEN state IN ('partially_captured', 'disputed') THEN captured_amount > 0
            WHEN state = 'partially_refunded'
                THEN refunded_amount > 0 AND refunded_amount < captured_amount
            WHEN state = 'refunded' THEN refunded_amount > 0 AND refunded_amount = captured_amount
            WHEN state = 'charged_back' THEN charged_back_amount > 0
            WHEN state = 'voided' THEN captured_amount = 0 AND voided_amount = authorized_amount
            ELSE TRUE
        END
    """
