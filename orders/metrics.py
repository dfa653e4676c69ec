"""What can be measured of checkouts and stock."""

from foundation.metrics import Gauge, register

register(
    Gauge(
        "saga_in_flight",
        "Checkouts that have not ended.",
        """SELECT checkout.state, count(DISTINCT checkout.id) FROM foundation_idempotencykey key
           JOIN orders_checkout checkout ON checkout.id = key.subject_id
           WHERE key.state = 'in_progress' GROUP BY checkout.state""",
        ("state",),
    ),
    Gauge(
        "saga_oldest_age_seconds",
        "Age of the oldest checkout that has not ended.",
        """SELECT checkout.state, extract(epoch FROM %(now)s - min(checkout.started_at))
           FROM foundation_idempotencykey key
           JOIN orders_checkout checkout ON checkout.id = key.subject_id
           WHERE key.state = 'in_progress' GROUP BY checkout.state""",
        ("state",),
    ),
    Gauge(
        "checkouts_last_hour",
        "Checkouts begun in the last hour, by how they stand.",
        """SELECT state, count(*) FROM orders_checkout WHERE id >= %(hour_ago)s GROUP BY state""",
        ("outcome",),
    ),
    Gauge(
        "reservation_open",
        "Open holds of stock.",
        """SELECT state, count(*) FROM orders_reservation
           WHERE state IN ('held', 'committed') GROUP BY state""",
        ("state",),
    ),
)
