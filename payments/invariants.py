"""What must hold over payments and their steps at the processor, as far as our own rows show."""

from typing import ClassVar

from foundation.invariants import Invariant, MovesFormAPath, register
from payments.models import Payment
from payments.states import PAYMENT


@register
class PaymentMovesFormAPath(MovesFormAPath):
    """G-2 for payments."""

    name = "payment_moves_form_a_path"
    rule = "A payment's moves are legal, follow one another, and end where it stands."
    table: ClassVar = PAYMENT
    db_table: ClassVar = Payment._meta.db_table  # noqa: SLF001 - Django's public meta API


@register
class NeverMoreThanHeld(Invariant):
    """M-3."""

    name = "never_more_taken_than_held"
    rule = "Captured is at most authorized, and refunded at most captured."
    about = "payment"
    sql = """
        SELECT id, 'authorized ' || authorized_amount || ', captured ' || captured_amount
            || ', refunded ' || refunded_amount || ' ' || currency
        FROM payments_payment
        WHERE id >= %(since)s
          AND (captured_amount > authorized_amount OR refunded_amount > captured_amount)
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
    rule = "A payment's amounts are the sums of its successful steps, in its own currency."
    about = "payment"
    sql = """
        WITH folded AS (
            SELECT payment.id, payment.currency,
                payment.authorized_amount, payment.captured_amount, payment.voided_amount,
                payment.refunded_amount,
                coalesce(sum(step.amount) FILTER (WHERE kind = 'authorization'), 0) AS authorized,
                coalesce(sum(step.amount) FILTER (WHERE kind = 'capture'), 0) AS captured,
                coalesce(sum(step.amount) FILTER (WHERE kind = 'void'), 0) AS voided,
                coalesce(sum(step.amount) FILTER (WHERE kind = 'refund'), 0) AS refunded
            FROM payments_payment payment
            LEFT JOIN payments_paymenttransaction step
                ON step.payment_id = payment.id AND step.succeeded
            WHERE payment.id >= %(since)s
            GROUP BY payment.id
        )
        SELECT id, concat_ws(' ', 'steps sum to authorized', authorized, 'captured', captured,
            'voided', voided, 'refunded', refunded, currency)
        FROM folded
        WHERE (authorized, captured, voided, refunded)
            <> (authorized_amount, captured_amount, voided_amount, refunded_amount)
    """


@register
class StepsAreInThePaymentsCurrency(Invariant):
    """M-6 on our side. A hold in another currency is refused, and its release recorded."""

    name = "captures_are_in_the_payments_currency"
    rule = "Money is taken, released and given back in the currency it was asked for in."
    about = "payment"
    sql = """
        SELECT payment.id, step.kind || ' of ' || step.amount || ' ' || step.currency
        FROM payments_payment payment
        JOIN payments_paymenttransaction step ON step.payment_id = payment.id
        WHERE payment.id >= %(since)s AND step.currency <> payment.currency
          AND step.kind <> 'authorization' AND step.succeeded
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
            WHEN state IN ('captured', 'partially_captured')
                THEN captured_amount > 0 AND refunded_amount = 0
            WHEN state = 'partially_refunded'
                THEN refunded_amount > 0 AND refunded_amount < captured_amount
            WHEN state = 'refunded' THEN refunded_amount > 0 AND refunded_amount = captured_amount
            WHEN state = 'voided' THEN captured_amount = 0 AND voided_amount = authorized_amount
            ELSE TRUE
        END
    """


@register
class StepsInFlightAreLeased(Invariant):
    """G-5: a step claimed without a lease would be nobody's."""

    name = "payment_steps_in_flight_are_leased"
    rule = "A payment that is capturing or voiding has a lease, and nobody's dead one for long."
    about = "payment"
    grace_seconds = 3600.0
    sql = """
        SELECT id, state || ', lease ' || coalesce('ended ' || leased_until::text, 'missing')
        FROM payments_payment
        WHERE id >= %(since)s AND state IN ('capturing', 'voiding')
          AND (leased_until IS NULL OR leased_until < %(settled)s)
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
