"""Promise 3: a final refusal leaves nothing behind, and is the same answer for ever."""

import pytest

from foundation.models import IdempotencyKey
from orders.models import BlockListEntry, Checkout, Order, Reservation, StockItem
from payments.models import Payment
from tests import builders


def nothing_is_held(shop):
    held = Reservation.objects.filter(state__in=["held", "committed"])
    return (
        not held.exists()
        and sum(StockItem.objects.values_list("reserved", flat=True)) == 0
        and not [h for p in Payment.objects.all() for h in shop.holds(p.reference)]
        and not Order.objects.exists()
    )


def test_a_declined_card_puts_the_stock_back(api, shop):
    body = builders.a_purchase(payment_method=builders.decline("chargeDeclinedInsufficientFunds"))

    reply = api.checkout(body)

    assert reply.status_code == 402
    assert reply["Content-Type"] == "application/problem+json"
    problem = reply.json()
    assert problem["code"] == "payment_declined"
    assert problem["decline_code"] == "insufficient_funds"
    assert problem["charge_state"] == "not_charged"
    assert problem["retry_with"] == "new_key"
    assert nothing_is_held(shop)
    assert Checkout.objects.get().state == "failed"


def test_a_decline_is_replayed_for_its_key_and_another_key_may_try_another_card(api, shop):
    key = builders.a_key()
    body = builders.a_purchase(payment_method=builders.decline())
    first = api.checkout(body, key=key)

    again = api.checkout(body, key=key)
    other_card = api.checkout(body | {"payment_method": "pm_card_visa__other"})

    assert again.content == first.content
    assert again.status_code == 402
    assert again["Idempotent-Replayed"] == "true"
    assert other_card.status_code == 201


def test_out_of_stock_holds_nothing_of_the_other_lines(api, shop):
    builders.a_product("MUG-RARE", on_hand=1)
    lines = [{"sku": "MUG-BLUE", "quantity": 1}, {"sku": "MUG-RARE", "quantity": 2}]

    reply = api.checkout(builders.a_purchase(lines=lines))

    assert reply.status_code == 409
    assert reply.json()["code"] == "out_of_stock"
    assert "MUG-RARE" in reply.json()["detail"]
    assert nothing_is_held(shop)
    assert shop.requests(Checkout.objects.get().reference) == []


def test_a_total_the_shopper_did_not_see_is_not_charged(api, shop):
    reply = api.checkout(builders.a_purchase(expected_total={"amount": 4297, "currency": "USD"}))

    assert reply.status_code == 409
    assert reply.json()["code"] == "price_changed"
    assert reply.json()["total"] == {"amount": 4298, "currency": "USD"}
    assert nothing_is_held(shop)


def test_a_blocked_customer_is_refused_without_a_word_about_why(api, shop):
    BlockListEntry.objects.create(kind="email", value="bad@example.com", reason="chargebacks")
    body = builders.a_purchase(customer={"reference": "cus_bad", "email": "Bad@example.com"})

    reply = api.checkout(body)

    assert reply.status_code == 422
    assert reply.json()["code"] == "risk_declined"
    assert b"chargeback" not in reply.content
    assert b"block" not in reply.content
    assert "chargebacks" in str(Checkout.objects.get().risk)
    assert nothing_is_held(shop)


@pytest.mark.parametrize("refusal", ["decline", "stock", "price", "risk"])
def test_a_refusal_is_stored_with_its_key_in_the_transaction_that_released_the_stock(
    api, shop, refusal
):
    changes = {
        "decline": {"payment_method": builders.decline()},
        "stock": {"lines": [{"sku": "MUG-BLUE", "quantity": 1000}]},
        "price": {"expected_total": {"amount": 1, "currency": "USD"}},
        "risk": {"customer": {"reference": "cus_bad", "email": "x@example.com"}},
    }[refusal]
    BlockListEntry.objects.create(kind="customer", value="cus_bad", reason="known")

    reply = api.checkout(builders.a_purchase(**changes))

    key = IdempotencyKey.objects.get()
    assert key.state == "completed"
    assert bytes(key.response_body) == reply.content
    assert key.response_status == reply.status_code
    assert nothing_is_held(shop)


def test_a_hold_of_another_amount_is_released_and_refused(api, shop):
    body = builders.a_purchase(payment_method=builders.faulty("wrong_amount_echoed"))

    reply = api.checkout(body)

    assert reply.status_code == 402
    assert reply.json()["decline_code"] == "authorized_amount_differs"
    assert nothing_is_held(shop)
    assert Payment.objects.get().state == "voided"
    assert Checkout.objects.get().state == "compensated"


def test_the_last_units_bought_by_this_very_cart_are_no_reason_to_say_out_of_stock(api, shop):
    builders.a_product("MUG-LAST", on_hand=2)
    body = builders.a_purchase(lines=[{"sku": "MUG-LAST", "quantity": 2}])
    assert api.checkout(body).status_code == 201

    again = api.checkout(body)

    assert (again.status_code, again.json()["code"]) == (409, "cart_already_ordered")
