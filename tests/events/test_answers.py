"""What is answered of endpoints, events and deliveries has the shape that the document gives."""

import json

import jsonschema

from checkout_project.openapi.views import document
from tests.events.conftest import deliver
from tests.events.receiver import answer

ENDPOINT = "/v1/webhook-endpoints/{id}"


def assert_told(reply, method, path):
    """The answer's status stands at this operation, and its body has that status's shape."""
    made = json.loads(document())
    told = made["paths"][path][method]["responses"][str(reply.status_code)]
    (content,) = told["content"].values()
    schema = {**content["schema"], "components": made["components"]}
    jsonschema.Draft202012Validator(schema).validate(reply.json())
    assert set(told["headers"]) <= set(reply.headers)
    return reply.json()


def test_an_endpoint_in_every_condition(subscriber):
    wanted = {"url": "https://shop.example/hooks"}
    made = assert_told(
        subscriber.api.post("/v1/webhook-endpoints", wanted), "post", "/v1/webhook-endpoints"
    )
    path = f"webhook-endpoints/{made['id']}"

    rotated = subscriber.post(f"{path}/rotate-secret")
    assert_told(rotated, "post", f"{ENDPOINT}/rotate-secret")
    assert_told(subscriber.post(f"{path}/ping"), "post", f"{ENDPOINT}/ping")
    since = {"since": "2020-01-01T00:00:00Z"}
    assert_told(subscriber.post(f"{path}/replay", since), "post", f"{ENDPOINT}/replay")
    disabled = subscriber.api.patch(f"/v1/{path}", {"state": "disabled"})
    assert assert_told(disabled, "patch", ENDPOINT)["disabled_reason"]
    assert_told(subscriber.post(f"{path}/ping"), "post", f"{ENDPOINT}/ping")
    assert_told(subscriber.get(path), "get", ENDPOINT)
    assert_told(subscriber.get("webhook-endpoints"), "get", "/v1/webhook-endpoints")
    assert_told(subscriber.delete(path, **{"If-Match": '"no"'}), "delete", ENDPOINT)
    assert subscriber.delete(path).status_code == 204


def test_an_event_and_a_delivery_that_failed_and_arrived(subscriber, receiver):
    subscriber.subscribe(receiver.url)
    receiver.answers = [answer(500)]
    subscriber.happened("order.placed", order="ord_1", order_id="uuid")
    deliver()
    page = assert_told(subscriber.get("deliveries"), "get", "/v1/deliveries")
    path = f"deliveries/{page['items'][0]['id']}"
    assert assert_told(subscriber.get(path), "get", "/v1/deliveries/{id}")["state"] == "retrying"
    again = subscriber.post(f"{path}/retry")
    assert_told(again, "post", "/v1/deliveries/{id}/retry")
    deliver()

    sent = assert_told(subscriber.get(path), "get", "/v1/deliveries/{id}")
    assert (sent["state"], [each["status"] for each in sent["attempts"]]) == ("sent", [500, 204])
    feed = assert_told(subscriber.get("events"), "get", "/v1/events")
    event = subscriber.get(f"events/{feed['items'][0]['id']}")
    assert_told(event, "get", "/v1/events/{id}")
