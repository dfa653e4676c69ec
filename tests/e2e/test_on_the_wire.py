"""What the real web server makes of odd requests, and how far a trace goes."""

import contextlib
import http.client
import json

import httpx
import pytest

from checkout_project.embedded import children
from tests import builders
from tests.e2e import books

pytestmark = pytest.mark.e2e
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
TASKS = ("settle_order", "fulfill_order", "notify_customer")


def posted(house, path, *, headers, body):
    """POST with exactly these headers; a body that is an iterator goes in chunks."""
    line = http.client.HTTPConnection(house.shop.host, house.shop.web_port, timeout=30)
    with contextlib.closing(line):
        line.putrequest("POST", path)
        for name, value in [("Authorization", f"Bearer {house.key}"), *headers]:
            line.putheader(name, value)
        with contextlib.suppress(BrokenPipeError):  # it answers before it has heard all
            line.endheaders(body, encode_chunked=not isinstance(body, bytes))
        reply = line.getresponse()
        return reply.status, json.loads(reply.read())


def test_a_refund_of_a_part_in_chunks_is_refused_and_gives_nothing_back(house):
    wish = books.wishes()
    body, key = wish[0]
    house.checkout(body, key=key)
    (placed,) = books.finished(house, wish)
    path, part = f"/v1/payments/{placed.payment}/refunds", {"amount": {"amount": 100}}
    headers = [
        ("Idempotency-Key", builders.a_key()), ("Content-Type", "application/json"),
        ("Transfer-Encoding", "chunked"),
    ]  # fmt: skip

    status, problem = posted(house, path, headers=headers, body=iter([json.dumps(part).encode()]))

    assert (status, problem["code"]) == (411, "length_required")
    assert house.get(path).json()["items"] == []


def test_a_key_that_is_sent_twice_is_no_key(house):
    body = json.dumps(books.wishes()[0][0]).encode()
    for second in ("the-key-number-one", "the-key-number-two"):
        headers = [
            ("Idempotency-Key", "the-key-number-one"), ("Idempotency-Key", second),
            ("Content-Type", "application/json"), ("Content-Length", str(len(body))),
        ]  # fmt: skip

        status, problem = posted(house, "/v1/checkouts", headers=headers, body=body)

        assert (status, problem["code"]) == (400, "idempotency_key_invalid")


def test_a_trace_goes_from_the_request_through_every_task_to_the_webhook(house):
    made = httpx.post(
        f"{house.shop.web_url}/v1/webhook-endpoints",
        json={"url": f"http://127.0.0.1:{house.receiver.port}/traced"},
        headers={"Authorization": f"Bearer {house.key}"},
    ).json()
    wish = books.wishes()
    body, key = wish[0]
    trace = f"00-{TRACE}-00f067aa0ba902b7-01"
    reply = httpx.post(
        f"{house.shop.web_url}/v1/checkouts", json=body, timeout=30,
        headers={
            "Authorization": f"Bearer {house.key}", "Idempotency-Key": key, "traceparent": trace,
        },
    )  # fmt: skip
    assert reply.status_code == 201
    (placed,) = books.finished(house, wish)

    def was_told():
        return {
            headers.get("traceparent")
            for headers, told in list(house.receiver.told)
            if placed.reference in told.decode()
        } == {trace}

    def tasks_logged():
        lines = house.shop.log("worker").read_text().splitlines()
        traced = [json.loads(line)["event"] for line in lines if TRACE in line]
        return all(any(task in line for line in traced) for task in TASKS)

    assert children.until(was_told, seconds=30, pause=0.1), "the webhook is told in no trace"
    assert children.until(tasks_logged, seconds=30, pause=0.1), "a task ran in no trace"
    httpx.delete(
        f"{house.shop.web_url}/v1/webhook-endpoints/{made['id']}",
        headers={"Authorization": f"Bearer {house.key}"},
    )
