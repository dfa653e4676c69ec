"""A bug of ours is a 500 that claims nothing about the money, and is finished all the same."""

import datetime as dt

from foundation import clock
from orders import placement
from orders.checkout.recovery import recover_checkouts
from orders.models import Order
from tests import builders


def test_a_bug_after_the_hold_says_that_the_charge_is_unknown_and_the_sweep_finishes(
    api, shop, monkeypatch
):
    def broken(checkout):
        raise RuntimeError("a bug")

    key, body = builders.a_key(), builders.a_purchase()
    with monkeypatch.context() as patched:
        patched.setattr(placement, "place", broken)
        reply = api.checkout(body, key=key)
    assert reply.status_code == 500
    assert reply.json()["code"] == "server_error"
    assert reply.json()["charge_state"] == "unknown"
    assert reply.json()["retry_with"] == "same_key"
    assert "a bug" not in reply.content.decode()

    clock.move(dt.timedelta(minutes=2))
    recover_checkouts(limit=10)

    order = Order.objects.get()
    assert len(shop.effects(order.payment.reference, "authorization")) == 1
    assert api.checkout(body, key=key).status_code == 201
