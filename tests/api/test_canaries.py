"""What must never be kept is sent in every place there is, and then looked for everywhere.

A card number, the API key itself, and the secrets of the house are in no row of any table and in
no line of the log; an e-mail address is in the rows that need it, and in no line of the log.
"""

import json
import logging
import traceback

import pytest
from django.conf import settings
from django.db import IntegrityError, connection, transaction

from checkout_project.log_config import cut_details
from tests import builders

PAN = "4242424242424242"
WRITTEN = [PAN, "4242-4242-4242-4242", "4242 4242 4242 4242"]


@pytest.fixture
def logged(caplog, capfd):
    """Everything that was logged or printed so far."""
    caplog.set_level(logging.DEBUG)
    return lambda: caplog.text + "".join(capfd.readouterr())


def stored():
    """Every row of every table as text; bytes as what they spell."""
    found = []
    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        tables = [name for (name,) in cursor.fetchall() if name != "django_migrations"]
        for table in tables:
            cursor.execute(f'SELECT to_jsonb(row) FROM "{table}" AS row')
            found += [(table, spelled(row)) for (row,) in cursor.fetchall()]
    return found


def spelled(row):
    members = json.loads(row) if isinstance(row, str) else row
    texts = []
    for value in members.values():
        text = value if isinstance(value, str) else json.dumps(value)
        if text.startswith("\\x"):
            text = bytes.fromhex(text[2:]).decode("utf-8", "replace")
        texts.append(text)
    return "\n".join(texts)


def assert_nowhere(canary, log, rows):
    plain = canary.replace("-", "").replace(" ", "")
    assert plain not in log.replace("-", "").replace(" ", "")
    holders = [table for table, text in rows if plain in text.replace("-", "").replace(" ", "")]
    assert holders == []


def test_the_search_finds_what_is_there(api):
    """A control: without it an empty search proves nothing."""
    bought = api.checkout(builders.a_purchase(metadata={"note": "canary-in-the-mine"}))

    assert bought.status_code == 201
    assert {table for table, text in stored() if "canary-in-the-mine" in text} >= {
        "orders_order", "foundation_idempotencykey",
    }  # fmt: skip


@pytest.mark.parametrize("written", WRITTEN)
def test_a_card_number_is_kept_nowhere(api, logged, written):
    address = builders.a_purchase()["shipping_address"] | {"line1": written}
    bodies = [
        builders.a_purchase(cart_id=written),
        builders.a_purchase(customer={"reference": written, "email": "a@example.com"}),
        builders.a_purchase(shipping_address=address),
        builders.a_purchase(metadata={"note": f"card {written} please"}),
        builders.a_purchase(attribution={"utm_source": written}),
    ]
    for body in bodies:
        assert api.checkout(body).status_code == 422
    for headers in (
        {"User-Agent": f"Browser {written}"},
        {"Referer": f"https://shop.example.com/?card={written}"},
        {"Request-Id": written.replace(" ", "")},
        {"traceparent": written},
        {"X-Forwarded-For": written},
        {"Cookie": f"card={written}"},
    ):
        assert api.checkout(**headers).status_code == 201, headers
    assert api.checkout(key=written).status_code == 400
    for path, body in (
        ("/v1/touchpoints", {"session_id": written, "user_agent": written}),
        ("/v1/inventory-items/MUG-BLUE/adjustments", {"delta": 1, "reason": written}),
    ):
        assert api.post(path, body, key=builders.a_key()).status_code == 422
    assert api.get(f"/v1/orders/{written}").status_code == 404
    assert api.get("/v1/orders", customer=written).status_code == 200

    assert_nowhere(written, logged(), stored())


def test_the_key_of_a_client_and_the_secrets_of_the_house_are_kept_nowhere(api, logged):
    api.checkout()
    api.checkout(builders.a_purchase(payment_method=builders.decline()))
    api.client.post(
        "/v1/processor-events/stripe", data=b"{}", content_type="application/json",
        headers={"Stripe-Signature": f"t=1,v1={settings.STRIPE_WEBHOOK_SECRET}"},
    )  # fmt: skip
    api.client.get("/v1/orders", headers={"Authorization": f"Bearer {api.key}x"})

    log, rows = logged(), stored()
    for secret in (
        api.key,
        settings.SECRET_KEY,
        settings.STRIPE_SECRET_KEY,
        settings.STRIPE_WEBHOOK_SECRET,
    ):
        assert_nowhere(secret, log, rows)


def test_an_email_address_is_in_no_line_of_the_log(api, logged):
    customer = {"reference": "cus_canary", "email": "canary.in.the.mine@example.com"}
    api.checkout(builders.a_purchase(customer=customer))
    api.checkout(builders.a_purchase(customer=customer, payment_method=builders.decline()))
    api.checkout(
        builders.a_purchase(customer=customer, payment_method=builders.faulty("timeout_after"))
    )
    api.checkout(builders.a_purchase(customer=customer, currency="XXQ"))

    assert customer["email"] not in logged()


def test_what_postgresql_quotes_of_a_refused_row_is_in_no_line_of_the_log(db):
    canary = "canary.in.the.mine@example.com"
    builders.a_client(canary)
    with pytest.raises(IntegrityError) as refused, transaction.atomic():
        builders.a_client(canary)
    told = "".join(traceback.format_exception(refused.value))
    assert canary in told  # a control: it is quoted

    line = cut_details(None, "error", {"event": "a bug", "exception": told, "number": 7})

    assert canary not in line["exception"]
    assert "duplicate key value violates unique constraint" in line["exception"]
    assert line["number"] == 7
