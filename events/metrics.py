"""What can be measured of the outbox."""

from foundation.metrics import Gauge, register

register(
    Gauge(
        "outbox_pending",
        "Events that are not told yet.",
        """SELECT count(*) FROM events_outboxevent
           WHERE state IN ('pending', 'leased', 'retrying')""",
    ),
    Gauge(
        "outbox_oldest_age_seconds",
        "Age of the oldest event that is not told yet.",
        """SELECT extract(epoch FROM %(now)s - min(created_at)) FROM events_outboxevent
           WHERE state IN ('pending', 'leased', 'retrying')""",
    ),
)
