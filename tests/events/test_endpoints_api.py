"""Endpoints over the API: made, read, changed, removed, each client its own; bad input refused."""

import base64

import pytest

from events import endpoints
from events.models import WebhookEndpoint
from foundation.models import AuditEntry
from tests.events.conftest import Subscriber, deliver, publish
from tests.events.receiver import answer

URL = "https://shop.example/hooks"


def test_an_endpoint_is_made_with_a_secret_that_is_shown_once(subscriber):
    made = subscriber.subscribe(URL, description="our shop", event_types=["order.placed"])

    assert made["secret"].startswith("whsec_")
    assert len(base64.b64decode(made["secret"].removeprefix("whsec_"))) == 32
    read = subscriber.get(f"webhook-endpoints/{made['id']}").json()
    assert read == {name: value for name, value in made.items() if name != "secret"}
    assert subscriber.get("webhook-endpoints").json()["items"] == [read]


def test_a_stranger_sees_and_changes_nothing_of_it(subscriber, stranger):
    path = f"webhook-endpoints/{subscriber.subscribe(URL)['id']}"

    assert stranger.get("webhook-endpoints").json()["items"] == []
    answers = [
        stranger.get(path), stranger.api.patch(f"/v1/{path}", {}), stranger.delete(path),
        stranger.post(f"{path}/ping"), stranger.post(f"{path}/rotate-secret"),
        stranger.post(f"{path}/replay", {"since": "2020-01-01T00:00:00Z"}),
    ]  # fmt: skip
    assert {reply.status_code for reply in answers} == {404}


def test_it_is_changed_and_disabled_and_enabled_and_each_is_on_record(subscriber):
    made = subscriber.subscribe(URL)
    path = f"/v1/webhook-endpoints/{made['id']}"

    changed = subscriber.api.patch(path, {"url": URL + "/2", "event_types": ["order.canceled"]})
    assert changed.json()["url"] == URL + "/2"
    disabled = subscriber.api.patch(path, {"state": "disabled"}).json()
    assert disabled["state"] == "disabled"
    assert disabled["disabled_reason"] == "by its client"
    enabled = subscriber.api.patch(path, {"state": "enabled"}).json()
    assert (enabled["state"], enabled["disabled_reason"]) == ("enabled", None)

    actions = AuditEntry.objects.filter(aggregate="webhookendpoint").order_by("at")
    assert [entry.action.partition(".")[2] for entry in actions] == [
        "created", "changed", "changed", "changed",
    ]  # fmt: skip


def test_if_match_holds_a_change_to_what_was_read(subscriber):
    path = f"/v1/webhook-endpoints/{subscriber.subscribe(URL)['id']}"
    tag = subscriber.api.get(path).headers["ETag"]
    assert subscriber.api.patch(path, {"description": "a"}, **{"If-Match": tag}).status_code == 200

    late = subscriber.api.patch(path, {"description": "b"}, **{"If-Match": tag})

    assert (late.status_code, late.json()["code"]) == (412, "precondition_failed")
    assert WebhookEndpoint.objects.get().description == "a"


@pytest.mark.parametrize("method", ["patch", "delete"])
def test_if_match_is_held_against_what_stands_there_under_the_lock(subscriber, monkeypatch, method):
    path = f"/v1/webhook-endpoints/{subscriber.subscribe(URL)['id']}"
    given = {"Authorization": f"Bearer {subscriber.api.key}"}
    given["If-Match"] = subscriber.api.get(path).headers["ETag"]
    takes_the_lock = endpoints.locked

    def somebody_was_faster(endpoint_id):
        WebhookEndpoint.objects.filter(pk=endpoint_id).update(description="theirs")
        return takes_the_lock(endpoint_id)

    monkeypatch.setattr(endpoints, "locked", somebody_was_faster)
    late = getattr(subscriber.api.client, method)(
        path, b'{"description": "mine"}', content_type="application/json", headers=given
    )

    assert late.status_code == 412, late.content
    row = WebhookEndpoint.objects.get()
    assert row.state == "enabled"
    assert row.description != "mine"


def test_a_removed_endpoint_is_gone_and_keeps_no_secret(subscriber):
    made = subscriber.subscribe(URL)
    path = f"webhook-endpoints/{made['id']}"

    assert subscriber.delete(path).status_code == 204
    assert subscriber.get(path).status_code == 404
    assert subscriber.delete(path).status_code == 404
    row = WebhookEndpoint.objects.get()
    assert (bytes(row.secret), row.previous_secret, row.older_secrets) == (b"", None, None)


@pytest.mark.parametrize(
    ("body", "pointer", "code"),
    [
        ({}, "/url", "required"),
        ({"url": 7}, "/url", "not_a_string"),
        ({"url": "http://shop.example/"}, "/url", "url_refused"),
        ({"url": "https://shop.example:22/"}, "/url", "url_refused"),
        ({"url": "https://user:pass@shop.example/"}, "/url", "url_refused"),
        ({"url": "https://10.0.0.1/"}, "/url", "url_refused"),
        ({"url": "https://[::1]/"}, "/url", "url_refused"),
        ({"url": "https://169.254.169.254/latest"}, "/url", "url_refused"),
        ({"url": "https://"}, "/url", "url_refused"),
        ({"url": "https://[::1/"}, "/url", "url_refused"),
        ({"url": "https://a:b/"}, "/url", "url_refused"),
        ({"url": "file:///etc/passwd"}, "/url", "url_refused"),
        ({"url": URL, "event_types": []}, "/event_types", "wrong_length"),
        ({"url": URL, "event_types": ["order.eaten"]}, "/event_types/0", "unknown_event_type"),
        ({"url": URL, "event_types": ["order.stalled"]}, "/event_types/0", "unknown_event_type"),
        ({"url": URL, "secret": "mine"}, "/secret", "unknown_field"),
        ({"url": URL, "description": "x" * 201}, "/description", "too_long"),
        ([], "", "not_an_object"),
    ],
    ids=str,
)
def test_what_can_not_be_an_endpoint_is_refused_and_nothing_is_stored(
    subscriber, body, pointer, code
):
    reply = subscriber.api.post("/v1/webhook-endpoints", body)

    assert reply.status_code == 422, reply.content
    assert (pointer, code) in [(e["pointer"], e["code"]) for e in reply.json()["errors"]]
    assert not WebhookEndpoint.objects.exists()


def test_a_client_has_only_so_many_endpoints(subscriber, settings):
    settings.WEBHOOK_ENDPOINTS_MAX = 1
    made = subscriber.subscribe(URL)
    refused = subscriber.api.post("/v1/webhook-endpoints", {"url": URL})
    assert (refused.status_code, refused.json()["code"]) == (409, "too_many_endpoints")

    subscriber.delete(f"webhook-endpoints/{made['id']}")

    subscriber.subscribe(URL)


def test_every_clients_things_are_told_only_to_a_key_that_sees_all(subscriber, receiver):
    refused = subscriber.api.post("/v1/webhook-endpoints", {"url": URL, "all_clients": True})
    assert (refused.status_code, refused.json()["code"]) == (403, "all_clients_not_allowed")
    Subscriber(sees_all=True).subscribe(receiver.url, all_clients=True)
    subscriber.happened()

    assert deliver() == 1


def test_a_ping_reaches_its_endpoint_and_no_other(subscriber, receiver):
    pinged = subscriber.subscribe(receiver.url, event_types=["order.placed"])
    subscriber.subscribe(receiver.url)

    assert subscriber.post(f"webhook-endpoints/{pinged['id']}/ping").status_code == 202
    deliver()

    (delivery,) = subscriber.deliveries()
    assert (delivery["endpoint"], delivery["type"]) == (pinged["id"], "webhook_endpoint.pinged")
    assert len(receiver.heard) == 1


def test_a_disabled_endpoint_is_neither_pinged_nor_told(subscriber, receiver):
    made = subscriber.subscribe(receiver.url)
    path = f"webhook-endpoints/{made['id']}"
    subscriber.api.patch(f"/v1/{path}", {"state": "disabled"})
    subscriber.happened()

    assert subscriber.post(f"{path}/ping").json()["code"] == "endpoint_not_enabled"
    assert (deliver(), receiver.heard) == (0, [])


def test_a_delivery_is_sent_again_on_request_with_all_its_tries(subscriber, receiver):
    subscriber.subscribe(receiver.url)
    subscriber.happened()
    deliver()
    (delivery,) = subscriber.deliveries()

    again = subscriber.post(f"deliveries/{delivery['id']}/retry")

    assert (again.status_code, again.json()["state"]) == (202, "retrying")
    assert deliver() == 1
    assert len(set(receiver.ids)) == 1
    assert subscriber.get(f"deliveries/{delivery['id']}").json()["attempt_count"] == 2


def test_what_is_about_to_be_sent_is_not_asked_for_again(subscriber, receiver):
    subscriber.subscribe(receiver.url)
    subscriber.happened()
    publish()
    (delivery,) = subscriber.deliveries()

    reply = subscriber.post(f"deliveries/{delivery['id']}/retry")

    assert (reply.status_code, reply.json()["code"]) == (409, "delivery_in_progress")


def test_deliveries_are_a_clients_own_and_are_filtered(subscriber, stranger, receiver):
    endpoint = subscriber.subscribe(receiver.url)
    subscriber.happened()
    receiver.answers = [answer(500)]
    deliver()
    subscriber.happened()
    publish()
    waiting, failed = subscriber.deliveries(endpoint=endpoint["id"])

    assert stranger.deliveries() == []
    assert stranger.get(f"deliveries/{failed['id']}").status_code == 404
    assert stranger.post(f"deliveries/{failed['id']}/retry").status_code == 404
    assert subscriber.deliveries(state="retrying") == [failed]
    assert subscriber.deliveries(event=waiting["event"]) == [waiting]
    for query in ({"state": "eaten"}, {"endpoint": "x"}, {"event": "whe_x"}, {"cursor": "x"}):
        assert subscriber.get("deliveries", **query).status_code == 422


LONG_AGO = "2020-01-01T00:00:00Z"


def test_a_range_is_told_again_also_what_happened_before_the_endpoint_was_made(
    subscriber, stranger, receiver
):
    subscriber.happened("order.placed")
    stranger.happened("order.placed")
    publish()
    endpoint = subscriber.subscribe(receiver.url)
    subscriber.happened("order.canceled")
    deliver()
    path = f"webhook-endpoints/{endpoint['id']}/replay"

    first = subscriber.post(path, {"since": LONG_AGO})
    assert (first.status_code, first.json()["events"]) == (202, 2)
    assert deliver() == 2
    one = subscriber.post(path, {"since": LONG_AGO, "types": ["order.placed"]})

    assert one.json()["events"] == 1
    assert deliver() == 1
    assert len(set(receiver.ids)) == 2


def test_a_replay_of_too_much_or_of_nothing_is_refused(subscriber, receiver, settings):
    path = f"webhook-endpoints/{subscriber.subscribe(receiver.url)['id']}/replay"
    settings.WEBHOOK_REPLAY_MAX = 1
    subscriber.happened()
    subscriber.happened()
    publish()

    assert subscriber.post(path, {"since": LONG_AGO}).json()["code"] == "replay_too_large"
    backwards = {"since": "2020-01-02T00:00:00Z", "until": LONG_AGO}
    assert subscriber.post(path, backwards).status_code == 422
    for since in (7, "yesterday", "2020-01-01", None):
        assert subscriber.post(path, {"since": since}).status_code == 422
    assert deliver() == 2
