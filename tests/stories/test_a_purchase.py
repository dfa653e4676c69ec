"""The main story: pressing Pay, and pressing it again."""

from orders.models import Order, Reservation, StockItem
from tests import builders
from tests.stories import world


def test_a_purchase_gives_one_order_and_one_hold(api, shop):
    reply = api.checkout(builders.a_purchase(expected_total={"amount": 4298, "currency": "USD"}))

    assert reply.status_code == 201, reply.content
    body = reply.json()
    assert body["status"] == "completed"
    assert body["order"]["total"] == {"amount": 4298, "currency": "USD"}
    assert body["payment"]["status"] == "authorized"
    assert reply["Location"] == f"/v1/orders/{body['order']['id']}"
    assert [hold["amount"] for hold in shop.holds(body["payment"]["id"])] == [4298]
    assert Reservation.objects.get().state == "committed"
    assert StockItem.objects.get().reserved == 2


def test_the_same_request_again_gives_the_same_bytes_and_calls_nobody(api, shop):
    key, body = builders.a_key(), builders.a_purchase()
    first = api.checkout(body, key=key)
    asked = len(shop.requests())

    again = api.checkout(body, key=key)

    assert again.status_code == 201
    assert again.content == first.content
    assert again["Idempotent-Replayed"] == "true"
    assert "Idempotent-Replayed" not in first
    assert again["Location"] == first["Location"]
    assert len(shop.requests()) == asked
    assert Order.objects.count() == 1


def test_the_checkout_shows_its_order_as_it_is_now(api, shop):
    bought, another = (api.checkout().json() for _ in range(2))
    world.play_events()
    path, tag = f"/v1/checkouts/{bought['id']}", api.get(f"/v1/checkouts/{bought['id']}")["ETag"]
    (shipment,) = api.get(f"/v1/orders/{bought['order']['id']}/fulfillments").json()["items"]
    api.patch(f"/v1/fulfillments/{shipment['id']}", {"status": "shipped"})
    api.post(f"/v1/orders/{another['order']['id']}/cancel", {}, key=builders.a_key())

    shipped, canceled = (api.get(f"/v1/checkouts/{each['id']}") for each in (bought, another))

    assert shipped.json()["order"]["fulfillment_status"] == "fulfilled"
    assert shipped["ETag"] != tag
    assert canceled.json()["order"]["cancellation"]["status"] == "completed"
    for reply, each in ((shipped, bought), (canceled, another)):
        shown = api.get(f"/v1/orders/{each['order']['id']}").json()
        shown.pop("attribution")
        assert reply.json()["order"] == shown
    assert api.get(path)["ETag"] == shipped["ETag"]
