"""What must hold over the outbox: nothing is skipped, and nothing waits unseen."""

from collections.abc import Iterable

from events.catalogue import PUBLIC
from foundation.invariants import Invariant, register


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"'{name}'" for name in sorted(names))


@register
class SequencesHaveNoGap(Invariant):
    """O-3. A stream's id is its story's, so recent streams are found by it."""

    name = "event_sequences_have_no_gap"
    rule = "The events of a stream are numbered 1 to n, and n is its counter."
    about = "eventstream"
    sql = """
        SELECT stream.id, 'counter ' || stream.last_sequence || ', events ' || count(event.id)
            || ', highest ' || coalesce(max(event.sequence), 0)
        FROM events_eventstream stream
        LEFT JOIN events_outboxevent event ON event.stream = stream.id
        WHERE stream.id >= %(since)s
        GROUP BY stream.id
        HAVING count(event.id) <> stream.last_sequence
            OR coalesce(max(event.sequence), 0) <> stream.last_sequence
    """


@register
class EventsAreTold(Invariant):
    """O-2: what waits is due soon, and what is dead is on somebody's desk."""

    name = "events_are_told"
    rule = "No event waits to be told for more than ten minutes; a dead one has an open case."
    about = "outboxevent"
    grace_seconds = 600.0
    sql = """
        SELECT id, type || ' waits since ' || created_at FROM events_outboxevent
        WHERE state IN ('pending', 'leased', 'retrying') AND created_at < %(settled)s
          AND due_at < %(now)s
        UNION ALL
        SELECT event.id, event.type || ' is dead: ' || event.last_error
        FROM events_outboxevent event
        WHERE event.id >= %(since)s AND event.state = 'dead' AND NOT EXISTS (
            SELECT 1 FROM foundation_case told
            WHERE told.aggregate_id = event.id AND told.kind = 'event_dead'
              AND told.state <> 'resolved'
        )
    """


@register
class EventsBelongToAStream(Invariant):
    """O-3: an event outside any counted stream would never be missed."""

    name = "events_belong_to_a_stream"
    rule = "Every event belongs to a stream that counts it."
    about = "outboxevent"
    sql = """
        SELECT event.id, event.type || ' number ' || event.sequence
        FROM events_outboxevent event
        LEFT JOIN events_eventstream stream ON stream.id = event.stream
        WHERE event.id >= %(since)s
          AND (stream.id IS NULL OR event.sequence > stream.last_sequence)
    """


@register
class PublicEventsAreInTheFeed(Invariant):
    """O-1: who is told by the feed misses nothing, and nobody waits for a place for long."""

    name = "public_events_are_in_the_feed"
    rule = "Every public event is in the feed, and has its place there within ten minutes."
    about = "outboxevent"
    grace_seconds = 600.0
    sql = f"""
        SELECT event.id, event.type || ' is not in the feed' FROM events_outboxevent event
        LEFT JOIN events_feedentry entry ON entry.event_id = event.id
        WHERE event.id >= %(since)s AND event.type IN ({_listed(PUBLIC)})
          AND entry.event_id IS NULL
        UNION ALL
        SELECT event.id, event.type || ' has no place in the feed since ' || event.created_at
        FROM events_feedentry entry JOIN events_outboxevent event ON event.id = entry.event_id
        WHERE entry.position IS NULL AND event.created_at < %(settled)s
    """  # noqa: S608 - names of our own catalogue


@register
class WebhooksAreSent(Invariant):
    """O-2, outside: what is due is sent soon, unless its endpoint asked to be left alone."""

    name = "webhooks_are_sent"
    rule = "No delivery to an enabled endpoint is overdue for more than an hour."
    about = "webhookdelivery"
    grace_seconds = 3_600.0
    sql = """
        SELECT delivery.id, delivery.state || ', due since ' || delivery.due_at
        FROM events_webhookdelivery delivery
        JOIN events_webhookendpoint endpoint ON endpoint.id = delivery.endpoint_id
        WHERE delivery.state IN ('pending', 'leased', 'retrying')
          AND delivery.due_at < %(settled)s AND endpoint.state = 'enabled'
          AND (endpoint.paused_until IS NULL OR endpoint.paused_until < %(settled)s)
    """
