"""What is in flight is somebody's, and comes to an end."""

from foundation.invariants import Invariant, register


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
          AND (leased_until IS NULL
               OR greatest(leased_until, coalesce(resolve_at, leased_until)) < %(settled)s)
    """


@register
class PendingRefundsAreAskedAfter(Invariant):
    """G-6: a refund whose end nobody knows is asked after, by a lease or at a time."""

    name = "pending_refunds_are_asked_after"
    rule = "A pending refund has a time to be asked after, and it is not long past."
    about = "refund"
    grace_seconds = 3600.0
    sql = """
        SELECT id, 'asked ' || look_ups || ' times, next ' || coalesce(resolve_at::text, 'never')
        FROM payments_refund
        WHERE id >= %(since)s AND state = 'pending'
          AND (greatest(leased_until, resolve_at) IS NULL
               OR greatest(leased_until, resolve_at) < %(settled)s)
    """


@register
class HoldsDoNotOutliveTheirDeadline(Invariant):
    """Money that is not taken in time is lost to us, and to nobody's notice."""

    name = "holds_do_not_outlive_their_deadline"
    rule = "Nothing is held, of all or of a rest, more than an hour after the hold must have died."
    about = "payment"
    grace_seconds = 3600.0
    sql = """
        SELECT id, state || ', to be captured before ' || capture_before FROM payments_payment
        WHERE id >= %(since)s AND state IN ('authorized', 'partially_captured')
          AND capture_before < %(settled)s
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
