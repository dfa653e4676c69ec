"""What must hold over payments and their steps at the processor, as far as our own rows show."""

from typing import ClassVar

from foundation.invariants import Invariant, MovesFormAPath, register
from payments.models import Dispute, Payment, ProcessorEvent, Refund
from payments.states import DISPUTE, PAYMENT, PROCESSOR_EVENT, REFUND


@register
class PaymentMovesFormAPath(MovesFormAPath):
    """G-2 for payments."""

    name = "payment_moves_form_a_path"
    rule = "A payment's moves are legal, follow one another, and end where it stands."
    table: ClassVar = PAYMENT
    db_table: ClassVar = Payment._meta.db_table  # noqa: SLF001 - Django's public meta API


@register
class RefundMovesFormAPath(MovesFormAPath):
    """G-2 for refunds."""

    name = "refund_moves_form_a_path"
    rule = "A refund's moves are legal, follow one another, and end where it stands."
    table: ClassVar = REFUND
    db_table: ClassVar = Refund._meta.db_table  # noqa: SLF001 - as above


@register
class DisputeMovesFormAPath(MovesFormAPath):
    """G-2 for disputes."""

    name = "dispute_moves_form_a_path"
    rule = "A dispute's moves are legal, follow one another, and end where it stands."
    table: ClassVar = DISPUTE
    db_table: ClassVar = Dispute._meta.db_table  # noqa: SLF001 - as above


@register
class ProcessorEventMovesFormAPath(MovesFormAPath):
    """G-2 for what the processor tells us."""

    name = "processor_event_moves_form_a_path"
    rule = "A processor event's moves are legal, follow one another, and end where it stands."
    table: ClassVar = PROCESSOR_EVENT
    db_table: ClassVar = ProcessorEvent._meta.db_table  # noqa: SLF001 - as above


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


@register
class StepsInFlightAreLeased(Invariant):
    """G-5: a step claimed without a lease would be nobody's."""

    name = "payment_steps_in_flight_are_leased"
    rule = "A payment that is capturing or voiding has a lease, or a time to be asked about."
    about = "payment"
    grace_seconds = 3600.0
    sql = """
        SELECT id, state || ', lease ' || coalesce('ended ' || leased_until::text, 'missing')
        FROM payments_payment
        WHERE id >= %(since)s AND state IN ('capturing', 'voiding')
          AND (leased_until IS NULL OR greatest(leased_until, resolve_at) < %(settled)s)
    """


@register
class HoldsDoNotOutliveTheirDeadline(Invariant):
    """Money that is not taken in time is lost to us, and to nobody's notice."""

    name = "holds_do_not_outlive_their_deadline"
    rule = "No payment is authorized for more than an hour after its hold must have died."
    about = "payment"
    grace_seconds = 3600.0
    sql = """
        SELECT id, 'to be captured before ' || capture_before FROM payments_payment
        WHERE id >= %(since)s AND state = 'authorized' AND capture_before < %(settled)s
    """


@register
class UnknownIsNotForEver(Invariant):
    """G-6: an outcome nobody knows is asked after, and at last a person's."""

    name = "unknown_outcomes_come_to_an_end"
    rule = "A payment is unknown, capturing or voiding for at most a day unless a case is open."
    about = "payment"
    grace_seconds = 86_400.0
    sql = """
        SELECT payment.id, payment.state || ' since ' || max(moved.at)
        FROM payments_payment payment
        JOIN foundation_transition moved
            ON moved.aggregate_id = payment.id AND moved.aggregate = 'payment'
        WHERE payment.id >= %(since)s AND payment.state IN ('unknown', 'capturing', 'voiding')
          AND NOT EXISTS (
            SELECT 1 FROM foundation_case open_case
            WHERE open_case.aggregate_id IN (payment.id, payment.stream)
              AND open_case.state = 'open'
        )
        GROUP BY payment.id HAVING max(moved.at) < %(settled)s
    """


@register
class ProcessorEventsAreWorkedOn(Invariant):
    """O-8: what the processor told is worked on, ignored with a reason, or parked and retried."""

    name = "processor_events_are_worked_on"
    rule = "No processor event waits for more than an hour past its time; a dead one has a case."
    about = "processorevent"
    grace_seconds = 3600.0
    sql = """
        SELECT id, type || ' ' || state || ', due ' || due_at FROM payments_processorevent
        WHERE state IN ('received', 'parked') AND due_at < %(settled)s
        UNION ALL
        SELECT event.id, event.type || ' is dead: ' || event.last_error
        FROM payments_processorevent event
        WHERE event.id >= %(since)s AND event.state = 'dead' AND NOT EXISTS (
            SELECT 1 FROM foundation_case told
            WHERE told.aggregate_id = event.id AND told.state <> 'resolved'
        )
    """
