"""What can be measured of payments."""

from typing import Final

from foundation.metrics import Gauge, register

# Claimed steps are found by their lease, authorizations in doubt by their saga's open key: both
# are partial indexes, so that a scrape costs the same however many payments there ever were.
_IN_DOUBT: Final = """
    SELECT payment.id FROM payments_payment payment
    WHERE payment.leased_until IS NOT NULL AND payment.state IN ('capturing', 'voiding')
    UNION
    SELECT payment.id FROM foundation_idempotencykey key
    JOIN payments_payment payment ON payment.stream = key.subject_id
    WHERE key.state = 'in_progress' AND payment.state = 'unknown'
"""

register(
    Gauge(
        "payment_unknown_current",
        "Payments with a step at the processor whose outcome is not known (yet).",
        f"SELECT count(*) FROM ({_IN_DOUBT}) AS doubted",  # noqa: S608 - a constant of ours
    ),
    Gauge(
        "payment_unknown_oldest_age_seconds",
        "How long the longest of them has been so.",
        f"""SELECT extract(epoch FROM %(now)s - min(last_move.at)) FROM ({_IN_DOUBT}) AS doubted,
            LATERAL (SELECT max(moved.at) AS at FROM foundation_transition moved
                     WHERE moved.aggregate_id = doubted.id) AS last_move""",  # noqa: S608 - as above
    ),
    Gauge(
        "processor_events_waiting",
        "Messages of the processor that are not followed yet.",
        "SELECT count(*) FROM payments_processorevent WHERE state IN ('received', 'parked')",
    ),
    Gauge(
        "processor_events_oldest_age_seconds",
        "How long the oldest of them waits.",
        """SELECT extract(epoch FROM %(now)s - min(received_at)) FROM payments_processorevent
           WHERE state IN ('received', 'parked')""",
    ),
    Gauge(
        "processor_event_last_received_timestamp_seconds",
        "When the processor last told us anything.",
        """SELECT extract(epoch FROM received_at) FROM payments_processorevent
           ORDER BY id DESC LIMIT 1""",
    ),
    Gauge(
        "disputes_open",
        "Disputes and inquiries that are not decided.",
        "SELECT count(*) FROM payments_dispute WHERE state = 'open'",
    ),
)
