"""What was acknowledged is there after kill -9, and a crowd is served."""

import contextlib
import sqlite3
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
import stripe

from sandbox_processor.journal import Journal
from tests.sandbox_processor.conftest import order

AUTHORIZED = {"Authorization": "Bearer sk_test_1"}


def form(reference):
    return {
        "amount": "1999",
        "currency": "usd",
        "confirm": "true",
        "capture_method": "manual",
        "payment_method": "pm_card_visa",
        "metadata[payment]": reference,
    }


def authorize(client, reference):
    return client.post(
        "/v1/payment_intents",
        data=form(reference),
        headers={**AUTHORIZED, "Idempotency-Key": f"key-{reference}"},
    )


def buy_until_it_dies(url, buyer, acknowledged):
    with httpx.Client(base_url=url, timeout=10) as client:
        for number in range(10_000):
            reference = f"pay_{buyer}_{number}"
            try:
                answer = authorize(client, reference)
            except httpx.TransportError:
                return
            acknowledged[reference] = answer.content


def test_no_acknowledged_authorization_is_lost_by_a_kill_in_mid_load(processor):
    acknowledged = {}
    buyers = [
        threading.Thread(target=buy_until_it_dies, args=(processor.url, buyer, acknowledged))
        for buyer in range(8)
    ]
    for buyer in buyers:
        buyer.start()
    deadline = time.monotonic() + 30
    while len(acknowledged) < 200 and time.monotonic() < deadline:
        time.sleep(0.02)
    processor.kill()
    for buyer in buyers:
        buyer.join(20)
    processor.start()
    assert len(acknowledged) > 50
    held = {
        hold["metadata"]["payment"]
        for hold in processor.http.get("/_sandbox/holds").json()["holds"]
    }
    assert set(acknowledged) <= held
    for reference in list(acknowledged)[::25]:
        again = authorize(processor.http, reference)
        assert again.content == acknowledged[reference]
        assert again.headers["Idempotent-Replayed"] == "true"
        assert processor.effects(reference) == {"authorization": 1}


def test_an_answer_is_given_only_when_its_effect_is_on_disk(processor):
    """Another connection to the file sees only what is committed."""
    with contextlib.closing(sqlite3.connect(processor.journal_path)) as disk:
        for number in range(300):
            assert authorize(processor.http, f"pay_{number}").status_code == 200
            question = "SELECT count(*) FROM keys WHERE key = ?"
            assert disk.execute(question, (f"key-pay_{number}",)).fetchone() == (1,)


def test_every_commit_is_synced(processor):
    """The durability of the file is SQLite's, as long as nobody turned it down."""
    journal = Journal(path=processor.journal_path)
    assert journal.read("PRAGMA synchronous") == [(2,)]
    assert journal.read("PRAGMA journal_mode") == [("wal",)]
    journal.close()


def test_an_unacknowledged_request_sent_again_with_its_key_has_one_effect(processor):
    with ThreadPoolExecutor(1) as crowd:
        slow = {**form("pay_1"), "payment_method": "pm_card_visa__fault_timeout_after_9"}
        headers = {**AUTHORIZED, "Idempotency-Key": "key-1"}
        waiting = crowd.submit(
            httpx.post, f"{processor.url}/v1/payment_intents", data=slow, headers=headers
        )
        while processor.effects("pay_1") != {"authorization": 1}:
            time.sleep(0.02)
        processor.kill()
        assert isinstance(waiting.exception(10), httpx.TransportError)
    processor.start()
    again = processor.http.post("/v1/payment_intents", data=slow, headers=headers)
    assert again.json()["status"] == "requires_capture"
    assert processor.effects("pay_1") == {"authorization": 1}


def test_sixty_four_clients_on_kept_connections_are_all_served(processor):
    gate = threading.Barrier(64)

    def buy(buyer):
        with httpx.Client(base_url=processor.url, timeout=30) as client:
            gate.wait(30)
            return [authorize(client, f"pay_{buyer}_{n}").status_code for n in range(5)]

    with ThreadPoolExecutor(64) as crowd:
        statuses = [status for served in crowd.map(buy, range(64)) for status in served]
    assert statuses == [200] * 320
    assert processor.http.get("/_sandbox/holds").json()["count"] == 320


def test_a_hanging_request_does_not_hold_up_the_others(processor, intents):
    with ThreadPoolExecutor(1) as crowd:
        slow = {**form("pay_1"), "payment_method": "pm_card_visa__fault_timeout_before_2"}
        hanging = crowd.submit(
            httpx.post, f"{processor.url}/v1/payment_intents", data=slow, headers=AUTHORIZED
        )
        started = time.monotonic()
        assert intents.create(order("pay_2")).status == "requires_capture"
        assert time.monotonic() - started < 1
        assert isinstance(hanging.exception(10), httpx.TransportError)


def test_the_journal_is_only_forgotten_when_that_is_allowed(processor, intents):
    intent = intents.create(order("pay_1"))
    processor.kill()
    processor.start()
    assert processor.http.delete("/_sandbox/journal").status_code == 403
    assert intents.retrieve(intent.id).id == intent.id
    processor.kill()
    processor.start("--allow-reset")
    assert processor.http.delete("/_sandbox/journal").status_code == 200
    assert processor.journal()["entries"] == []
    with pytest.raises(stripe.InvalidRequestError, match="No such payment_intent"):
        intents.retrieve(intent.id)


def test_the_journal_can_be_asked_by_another_name_in_the_metadata(processor, intents):
    intents.create(order("pay_1", metadata={"cart": "cart_9"}))
    intents.create(order("pay_2", metadata={"cart": "cart_8"}))
    found = processor.journal(payment="cart_9", metadata_key="cart")
    assert found["effects"] == {"authorization": 1}
    assert {entry["metadata"]["payment"] for entry in found["entries"]} == {"pay_1"}


def test_a_request_stands_before_its_effects_in_the_journal(processor, intents):
    intent = intents.create(order("pay_1"))
    intents.capture(intent.id)
    entries = processor.journal(payment="pay_1")["entries"]
    assert [entry.get("effect", entry["kind"]) for entry in entries] == [
        "request",
        "authorization",
        "request",
        "capture",
    ]
    assert entries[1]["request"] == entries[0]["seq"]
    assert (entries[1]["amount"], entries[1]["currency"]) == (1999, "usd")
