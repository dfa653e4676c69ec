"""The feed: in an order that may be resumed from, each client its own, and nothing skipped."""

import threading

import pytest
from django.db import connection, transaction

from events import feed, outbox
from events.models import FeedEntry
from events.outbox import Event
from foundation.ids import new_id, public
from tests.events.conftest import Subscriber, happened, publish


def read(subscriber, **query):
    reply = subscriber.get("events", **query)
    assert reply.status_code == 200, reply.content
    return reply.json()


def types(page):
    return [item["type"] for item in page["items"]]


def test_a_client_reads_what_happened_to_its_things_oldest_first(subscriber, stranger):
    stream = new_id()
    subscriber.happened("order.placed", stream=stream, order="ord_1", order_id="uuid")
    stranger.happened("order.canceled")
    subscriber.happened("order.completed", stream=stream)
    publish()

    page = read(subscriber)

    assert types(page) == ["order.placed", "order.completed"]
    assert [item["data"]["sequence"] for item in page["items"]] == [1, 2]
    assert page["items"][0]["data"]["order"] == "ord_1"
    assert "order_id" not in page["items"][0]["data"]


def test_a_story_is_read_in_its_sequence_also_when_ids_were_drawn_the_other_way_round(
    subscriber, monkeypatch
):
    early, late, stream = new_id(), new_id(), new_id()
    for drawn, event_type in ((late, "payment.authorized"), (early, "order.placed")):
        monkeypatch.setattr(outbox, "new_id", lambda drawn=drawn: drawn)
        subscriber.happened(event_type, stream=stream)
    monkeypatch.undo()
    subscriber.happened("order.canceled")
    publish()

    page = read(subscriber)

    assert types(page) == ["payment.authorized", "order.placed", "order.canceled"]
    assert [item["data"]["sequence"] for item in page["items"]] == [1, 2, 1]


def test_whoever_resumes_sees_each_event_once_and_may_ask_again_at_the_end(subscriber):
    for _ in range(5):
        subscriber.happened()
    publish()
    seen, cursor = [], ""
    for _ in range(3):
        page = read(subscriber, limit="2", cursor=cursor)
        seen += [item["id"] for item in page["items"]]
        cursor = page["next_cursor"]
    assert len(set(seen)) == len(seen) == 5
    assert not page["has_more"]
    assert read(subscriber, cursor=cursor) == {
        "items": [], "next_cursor": cursor, "has_more": False,
    }  # fmt: skip

    subscriber.happened("order.canceled")
    publish()

    assert types(read(subscriber, cursor=cursor)) == ["order.canceled"]


def _record_and_wait(client_id, written, go_on):
    try:
        with transaction.atomic():
            outbox.record(new_id(), [Event("order.placed", {})], client_id=client_id)
            written.set()
            go_on.wait(timeout=30)
    finally:
        connection.close()


def _late_commit(subscriber):
    """An event that is written first and committed last; what a reader saw before and after."""
    written, go_on = threading.Event(), threading.Event()
    slow = threading.Thread(
        target=_record_and_wait, args=(subscriber.client.pk, written, go_on)
    )  # fmt: skip
    slow.start()
    assert written.wait(timeout=30)
    subscriber.happened("order.canceled")
    publish()
    before = read(subscriber)
    go_on.set()
    slow.join(timeout=30)
    publish()
    return before, read(subscriber, cursor=before["next_cursor"])


def test_what_is_committed_late_is_seen_by_whoever_had_read_on(subscriber):
    before, after = _late_commit(subscriber)

    assert types(before) == ["order.canceled"]
    assert types(after) == ["order.placed"]


def test_control_read_by_their_ids_the_late_one_is_skipped(subscriber):
    before, _ = _late_commit(subscriber)
    last = FeedEntry.objects.get(type="order.canceled").pk

    assert types(before) == ["order.canceled"]
    assert not FeedEntry.objects.filter(pk__gt=last).exists()
    assert FeedEntry.objects.filter(pk__lt=last, type="order.placed").exists()


def test_while_somebody_numbers_nobody_else_does(subscriber):
    subscriber.happened()
    locked, go_on, counts = threading.Event(), threading.Event(), []

    def hold():
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_xact_lock(%s)", [feed._LOCK])
                locked.set()
                go_on.wait(timeout=30)
        finally:
            connection.close()

    holder = threading.Thread(target=hold)
    holder.start()
    assert locked.wait(timeout=30)
    counts.append(publish())
    go_on.set()
    holder.join(timeout=30)
    counts.append(publish())

    assert counts == [0, 1]


def test_it_is_filtered_by_type_by_story_by_subject_and_by_time(subscriber):
    stream, order = new_id(), public("ord", new_id())
    subscriber.happened("order.placed", stream=stream, order=order, order_id="x")
    subscriber.happened("payment.captured", payment="pay_y", payment_id="y")
    publish()

    assert types(read(subscriber, type="payment.captured,order.canceled")) == ["payment.captured"]
    assert types(read(subscriber, subject=order)) == ["order.placed"]
    assert types(read(subscriber, subject=public("chk", stream))) == ["order.placed"]
    assert types(read(subscriber, since="2020-01-01T00:00:00Z")) == [
        "order.placed", "payment.captured",
    ]  # fmt: skip
    assert types(read(subscriber, since="2120-01-01T00:00:00+02:00")) == []


def test_a_key_that_sees_all_sees_all_and_what_is_nobodys(subscriber):
    everyone = Subscriber(sees_all=True)
    subscriber.happened("order.placed")
    happened("reconciliation.break_opened", client_id=None)
    publish()

    assert types(read(subscriber)) == ["order.placed"]
    assert types(read(everyone)) == ["order.placed", "reconciliation.break_opened"]


def test_one_event_is_read_by_its_id_and_is_nothing_to_a_stranger(subscriber, stranger):
    subscriber.happened()
    publish()
    event = read(subscriber)["items"][0]

    assert subscriber.get(f"events/{event['id']}").json() == event
    assert stranger.get(f"events/{event['id']}").status_code == 404


@pytest.mark.parametrize(
    "query",
    [
        {"cursor": "evt_x"}, {"cursor": "evt_" + "a" * 28}, {"limit": "0"},
        {"since": "yesterday"}, {"since": "2020-01-01T00:00:00"}, {"type": "a\x00b"},
        {"type": "order.plced"}, {"type": "order.placed,order.stalled"},
        {"since": "0001-01-01T00:00:00+23:00"}, {"subject": "\x00"},
    ],
    ids=str,
)  # fmt: skip
def test_what_can_not_be_asked_is_refused(subscriber, query):
    reply = subscriber.get("events", **query)

    assert reply.status_code == 422, reply.content
    assert reply.json()["code"] == "invalid_request"


def test_a_key_without_the_scope_reads_nothing(transactional_db):
    reader = Subscriber(scopes=["orders:read"])

    for path in ("events", "deliveries", "webhook-endpoints"):
        assert reader.get(path).status_code == 403


def test_every_event_of_a_real_purchase_is_told_to_its_client_with_its_ids(api, another_api):
    order = api.checkout().json()["order"]
    publish()

    told = api.get("/v1/events").json()["items"]

    assert [item["type"] for item in told] == ["payment.authorized", "order.placed"]
    assert told[1]["data"]["order"] == order["id"]
    assert told[1]["data"]["payment"].startswith("pay_")
    assert another_api.get("/v1/events").json()["items"] == []
