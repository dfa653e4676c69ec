"""What can be measured of the outbox, the feed and webhooks."""

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
    Gauge(
        "feed_unnumbered",
        "Public events that have no place in the feed yet.",
        "SELECT count(*) FROM events_feedentry WHERE position IS NULL",
    ),
    Gauge(
        "webhook_endpoints",
        "Addresses that want to be told, by their state.",
        """SELECT state, count(*) FROM events_webhookendpoint
           WHERE state <> 'deleted' GROUP BY state""",
        ("state",),
    ),
    Gauge(
        "webhook_deliveries",
        "Deliveries of the last hour by their state, and all that are still open.",
        """SELECT state, count(*) FROM events_webhookdelivery
           WHERE id >= %(hour_ago)s OR state IN ('pending', 'leased', 'retrying')
           GROUP BY state""",
        ("state",),
    ),
    Gauge(
        "webhook_overdue_seconds",
        "How long the delivery that is due longest waits, of those to enabled endpoints.",
        """SELECT extract(epoch FROM %(now)s - min(delivery.due_at))
           FROM events_webhookdelivery delivery
           JOIN events_webhookendpoint endpoint ON endpoint.id = delivery.endpoint_id
           WHERE delivery.state IN ('pending', 'leased', 'retrying')
             AND delivery.due_at < %(now)s AND endpoint.state = 'enabled'""",
    ),
    Gauge(
        "webhook_latency_seconds",
        "From the event to its arrival, at the median and the 95th percentile, of the last hour.",
        """SELECT share.name, percentile_cont(share.value) WITHIN GROUP (
               ORDER BY extract(epoch FROM delivery.sent_at - event.created_at))
           FROM (VALUES ('0.5', 0.5::float8), ('0.95', 0.95::float8)) AS share (name, value)
           CROSS JOIN events_webhookdelivery delivery
           JOIN events_outboxevent event ON event.id = delivery.event_id
           WHERE delivery.id >= %(hour_ago)s AND delivery.state = 'sent'
           GROUP BY share.name, share.value""",
        ("quantile",),
    ),
)
