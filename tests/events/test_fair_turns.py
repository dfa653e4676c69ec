"""Whose turn it is: no endpoint, no client and no backlog takes the turns of all the others."""

import json

import psycopg
import pytest
from django.db import connection, transaction

from events import webhook_delivery
from events.models import WebhookEndpoint
from tests.events.conftest import publish

BACKLOG = 5_000
_A_BACKLOG = """
    WITH made AS (
        INSERT INTO events_outboxevent
            (id, type, stream, sequence, payload, created_at, state, due_at, attempts, last_error)
        SELECT gen_random_uuid(), 'order.placed', gen_random_uuid(), 1, '{}', now(), 'sent', now(),
            0, '' FROM generate_series(1, %(rows)s) RETURNING id
    )
    INSERT INTO events_webhookdelivery
        (id, endpoint_id, event_id, state, due_at, attempts, tries, last_error, created_at)
    SELECT gen_random_uuid(), %(endpoint)s, id, 'retrying', now() + interval '1 hour', 1, 1, '',
        now() FROM made
"""


@pytest.fixture(autouse=True)
def limits(settings):
    settings.WEBHOOK_PER_ENDPOINT, settings.WEBHOOK_PER_CLIENT = 1, 2


def claimed_url():
    delivery = webhook_delivery.claim()
    return delivery and delivery.endpoint.url


def test_a_client_whose_addresses_all_keep_silent_leaves_turns_to_the_others(subscriber, stranger):
    for number in range(4):
        subscriber.subscribe(f"https://silent-{number}.example/")
    subscriber.happened()
    publish()
    first, second = claimed_url(), claimed_url()
    stranger.subscribe("https://quick.example/")
    stranger.happened()
    publish()

    assert len({first, second}) == 2
    assert claimed_url() == "https://quick.example/"
    assert claimed_url() is None


def test_what_its_client_has_under_way_no_more_gives_its_turn_back(subscriber):
    for number in range(3):
        subscriber.subscribe(f"https://silent-{number}.example/")
    subscriber.happened()
    publish()
    one = webhook_delivery.claim()
    assert claimed_url()
    assert claimed_url() is None

    webhook_delivery._close(one, webhook_delivery.Reply(204, 1), one.created_at)

    assert claimed_url()


def rows_read(plan):
    """Of a plan that was run: rows that each of its steps took or threw away, added up."""
    taken = plan["Actual Rows"] + plan.get("Rows Removed by Filter", 0)
    below = sum(rows_read(step) for step in plan.get("Plans", ()))
    return taken * plan["Actual Loops"] + below


def test_a_claim_does_not_read_what_waits_for_later(subscriber):
    subscriber.subscribe("https://down.example/")
    endpoint = WebhookEndpoint.objects.get()
    values = {"now": endpoint.created_at, "due": endpoint.created_at}
    values |= {"per_endpoint": 1, "per_client": 2}
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_A_BACKLOG, {"rows": BACKLOG, "endpoint": endpoint.pk})
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("ANALYZE events_webhookdelivery, events_webhookendpoint")
        claim = psycopg.ClientCursor(connection.connection).mogrify(webhook_delivery._NEXT, values)
        cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {claim}")
        told = cursor.fetchone()[0]

    (told,) = json.loads(told) if isinstance(told, str) else told
    assert rows_read(told["Plan"]) < 100
