"""Promise 1 under a crowd, and each guard's control: the same race without it must go wrong."""

import time
from collections import Counter

import pytest
from django.db import IntegrityError, connection

from foundation import idempotency
from foundation.models import IdempotencyKey
from orders import inventory
from orders.models import Order, Reservation, StockItem
from payments.models import Payment
from payments.services import capture, void
from tests import builders
from tests.races.crowd import at_once, checkouts_at_once

SECONDS_BETWEEN = 0.1  # a control's look and its write: others come between, on any machine


def authorizations(shop):
    return sum(len(shop.effects(p.reference, "authorization")) for p in Payment.objects.all())


def test_sixty_four_at_once_with_one_key_make_one_order_and_one_authorization(api, shop):
    key, body = builders.a_key(), builders.a_purchase()

    replies = checkouts_at_once(api, [body] * 64, keys=[key] * 64)

    statuses = Counter(reply.status_code for reply in replies)
    assert set(statuses) <= {201, 409}, [
        r.content for r in replies if r.status_code not in (201, 409)
    ]
    assert statuses[201] >= 1
    assert Order.objects.count() == 1
    assert authorizations(shop) == 1
    assert len({reply.content for reply in replies if reply.status_code == 201}) == 1
    for reply in replies:
        if reply.status_code == 409:
            assert reply.json()["code"] == "idempotency_in_progress"
            assert int(reply["Retry-After"]) >= 1
    assert api.checkout(body, key=key)["Idempotent-Replayed"] == "true"


def _claim_by_looking_first(*, scope, key, fingerprint, lease_seconds, subject):
    """The guard taken away: SELECT, then INSERT, with nothing unique to stop the second."""
    row = IdempotencyKey.objects.filter(scope=scope, key=key).first()
    time.sleep(SECONDS_BETWEEN)
    if row is not None and row.state == "completed":
        return idempotency.Claim(row=row, answer=idempotency.stored_answer(row))
    fresh = IdempotencyKey.objects.create(
        scope=scope, key=key, fingerprint=fingerprint, subject_kind=subject[0],
        subject_id=subject[1], leased_until=idempotency.from_now(lease_seconds),
    )  # fmt: skip
    return idempotency.Claim(row=fresh, is_new=True)


@pytest.fixture
def without_uniqueness(shop):
    """The database without the two constraints that stop a second checkout of one wish."""
    drops = [
        ("foundation_idempotencykey", "one_row_per_scope_and_key", "UNIQUE (key, scope)"),
    ]
    with connection.cursor() as cursor:
        for table, name, _ in drops:
            cursor.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
        cursor.execute("DROP INDEX one_live_checkout_per_cart")
    yield
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE foundation_idempotencykey, orders_checkout CASCADE")
        for table, name, rule in drops:
            cursor.execute(f"ALTER TABLE {table} ADD CONSTRAINT {name} {rule}")
        cursor.execute(
            """CREATE UNIQUE INDEX one_live_checkout_per_cart ON orders_checkout
               (client_id, cart_id) WHERE state IN ('started', 'authorizing', 'unknown',
               'requires_action', 'in_review', 'compensating', 'needs_attention', 'completed')"""
        )


def test_control_without_the_unique_claim_one_key_makes_many_authorizations(
    api, shop, without_uniqueness, monkeypatch
):
    monkeypatch.setattr(idempotency, "claim", _claim_by_looking_first)
    key, body = builders.a_key(), builders.a_purchase()

    checkouts_at_once(api, [body] * 16, keys=[key] * 16)

    assert authorizations(shop) > 1


def test_thirty_two_buyers_of_the_last_five_units_give_five_orders_and_clean_refusals(api, shop):
    builders.a_product("MUG-RARE", on_hand=5)
    lines = [{"sku": "MUG-RARE", "quantity": 1}]

    replies = checkouts_at_once(
        api,
        [builders.a_purchase(lines=lines) for _ in range(32)],
        keys=[builders.a_key() for _ in range(32)],
    )

    assert Counter(reply.status_code for reply in replies) == {201: 5, 409: 27}
    assert {r.json()["code"] for r in replies if r.status_code == 409} == {"out_of_stock"}
    assert StockItem.objects.get(sku="MUG-RARE").reserved == 5
    assert Reservation.objects.filter(state="held").count() == 0
    assert Reservation.objects.filter(state="committed").count() == 5
    assert authorizations(shop) == 5


def _reserve_by_reading_first(checkout_id, wanted):
    """The guard taken away: read what is there, decide in Python, write it back."""
    short = []
    for sku, quantity in wanted.items():
        item = StockItem.objects.get(sku=sku)
        if item.on_hand - item.reserved < quantity:
            short.append(sku)
            continue
        time.sleep(SECONDS_BETWEEN)
        Reservation.objects.create(checkout_id=checkout_id, sku=sku, quantity=quantity)
        StockItem.objects.filter(sku=sku).update(reserved=item.reserved + quantity)
    return short


def test_control_without_the_conditional_update_the_last_units_are_oversold(api, shop, monkeypatch):
    monkeypatch.setattr(inventory, "reserve", _reserve_by_reading_first)
    builders.a_product("MUG-RARE", on_hand=5)
    lines = [{"sku": "MUG-RARE", "quantity": 1}]

    replies = checkouts_at_once(
        api,
        [builders.a_purchase(lines=lines) for _ in range(32)],
        keys=[builders.a_key() for _ in range(32)],
    )

    assert Counter(reply.status_code for reply in replies)[201] > 5


def test_carts_with_the_same_products_in_opposite_order_do_not_deadlock(api, shop):
    for letter in "ABCDEF":
        builders.a_product(f"CUP-{letter}", on_hand=1000)
    forth = [{"sku": f"CUP-{letter}", "quantity": 1} for letter in "ABCDEF"]
    bodies = [
        builders.a_purchase(lines=forth if number % 2 else forth[::-1]) for number in range(32)
    ]

    replies = checkouts_at_once(api, bodies, keys=[builders.a_key() for _ in bodies])

    assert Counter(reply.status_code for reply in replies) == {201: 32}


def test_one_cart_with_many_keys_at_once_is_ordered_once(api, shop):
    body = builders.a_purchase()

    replies = checkouts_at_once(api, [body] * 16, keys=[builders.a_key() for _ in range(16)])

    assert Counter(reply.status_code for reply in replies) == {201: 1, 409: 15}
    assert {r.json()["code"] for r in replies if r.status_code == 409} <= {
        "checkout_in_progress",
        "cart_already_ordered",
    }
    assert Order.objects.count() == 1
    assert authorizations(shop) == 1
    assert StockItem.objects.get(sku="MUG-BLUE").reserved == 2


def test_one_key_with_many_bodies_at_once_has_one_winner_and_the_rest_are_told(api, shop):
    key = builders.a_key()
    bodies = [builders.a_purchase() for _ in range(16)]

    replies = checkouts_at_once(api, bodies, keys=[key] * 16)

    statuses = Counter(reply.status_code for reply in replies)
    assert statuses == {201: 1, 422: 15}
    assert {r.json()["code"] for r in replies if r.status_code == 422} == {"idempotency_key_reused"}
    assert authorizations(shop) == 1


def test_the_permanent_constraints_hold_when_the_key_is_gone(api, shop):
    body = builders.a_purchase()
    api.checkout(body)
    IdempotencyKey.objects.all().delete()

    again = api.checkout(body)

    assert again.status_code == 409
    assert again.json()["code"] == "cart_already_ordered"
    assert again.json()["order"] == Order.objects.get().reference
    with pytest.raises(IntegrityError):
        Order.objects.create(
            checkout=Order.objects.get().checkout,
            payment=Order.objects.get().payment,
            attribution=Order.objects.get().attribution,
            client_id=Order.objects.get().client_id,
            subtotal_amount=1, tax_amount=0, shipping_amount=0, total_amount=1,
            shipping_address={},
        )  # fmt: skip


def test_captures_at_once_take_the_money_once(api, shop):
    api.checkout()
    payment = Payment.objects.get()

    at_once([lambda: capture.capture(payment.pk, by="test")] * 8)

    assert len(shop.effects(payment.reference, "capture")) == 1
    assert Payment.objects.get().state == "captured"


def test_a_void_and_a_capture_at_once_never_both_happen(api, shop):
    for _ in range(5):
        body = builders.a_purchase()
        reply = api.checkout(body)
        payment = Payment.objects.get(pk=Order.objects.order_by("-pk")[0].payment_id)
        assert reply.status_code == 201

        def try_void(payment=payment):
            try:
                return void.void(payment.pk, by="staff:anna", reason="test")
            except void.NotVoidable as refused:
                return refused

        at_once([try_void, lambda payment=payment: capture.capture(payment.pk, by="test")])

        effects = {e["effect"] for e in shop.effects(payment.reference)} & {"capture", "cancel"}
        assert len(effects) == 1
        payment.refresh_from_db()
        assert payment.state == {"capture": "captured", "cancel": "voided"}[effects.pop()]
