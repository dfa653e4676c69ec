"""The shelf, and changing it by hand: on the record, once, never below what is promised."""

import pytest

from foundation.models import AuditEntry
from orders.models import StockAdjustment, StockItem
from tests import builders
from tests.stories import world
from tests.stories.orders.desk import adjust


def test_the_shelf_is_shown_as_it_is(api, shop):
    world.an_order(api)

    reply = api.get("/v1/inventory-items/MUG-BLUE")

    assert reply.json() == {"sku": "MUG-BLUE", "on_hand": 100, "reserved": 2, "available": 98}
    assert reply["ETag"]


def test_goods_that_came_in_can_be_sold_and_who_said_so_is_on_record(api, shop):
    reply = adjust(api, "MUG-BLUE", 20, reason="delivery 4711")

    assert reply.status_code == 201, reply.content
    assert (reply.json()["delta"], reply.json()["on_hand"]) == (20, 120)
    entry = AuditEntry.objects.get(action="stock.adjust")
    assert entry.reason == "delivery 4711"
    assert (entry.before["on_hand"], entry.after["on_hand"]) == (100, 120)


def test_the_same_key_counts_once(api, shop):
    key = builders.a_key()
    first = adjust(api, "MUG-BLUE", -5, key=key)

    again = adjust(api, "MUG-BLUE", -5, key=key)

    assert again.content == first.content
    assert again["Idempotent-Replayed"] == "true"
    assert StockItem.objects.get().on_hand == 95


def test_what_is_promised_can_not_be_taken_off_the_shelf(api, shop):
    world.an_order(api)

    reply = adjust(api, "MUG-BLUE", -99)

    assert (reply.status_code, reply.json()["code"]) == (409, "stock_below_reserved")
    assert (reply.json()["on_hand"], reply.json()["reserved"]) == (100, 2)
    assert StockItem.objects.get().on_hand == 100
    assert not StockAdjustment.objects.exists()
    assert adjust(api, "MUG-BLUE", -98).status_code == 201


@pytest.mark.parametrize(
    ("body", "status"),
    [({}, 422), ({"delta": 0, "reason": "x"}, 422), ({"delta": "1", "reason": "x"}, 422),
     ({"delta": 1}, 422), ({"delta": 1, "reason": ""}, 422), ({"delta": 1_000_001,
     "reason": "x"}, 422), ({"delta": 1, "reason": "a\u0000b"}, 400)],
)  # fmt: skip
def test_an_adjustment_is_read_strictly(api, shop, body, status):
    path = "/v1/inventory-items/MUG-BLUE/adjustments"

    assert api.post(path, body, key=builders.a_key()).status_code == status
    assert not StockAdjustment.objects.exists()


def test_a_shelf_counts_only_so_far(api, shop):
    StockItem.objects.update(on_hand=2**31 - 10)

    reply = adjust(api, "MUG-BLUE", 100)

    assert (reply.status_code, reply.json()["code"]) == (422, "invalid_request")


def test_a_sku_with_slashes_has_a_shelf_as_well(api, shop):
    builders.a_product("CUPS/BLUE/2", on_hand=3)

    assert api.get("/v1/inventory-items/CUPS/BLUE/2").json()["on_hand"] == 3
    assert adjust(api, "CUPS/BLUE/2", 1).json()["on_hand"] == 4


@pytest.mark.parametrize("sku", ["NOPE", "NO%00PE", "%F0%9F%8D%B5"])
def test_what_is_not_there_has_no_shelf(api, shop, sku):
    assert api.get(f"/v1/inventory-items/{sku}").status_code == 404
    assert adjust(api, sku, 1).status_code == 404


def test_changing_the_shelf_needs_the_scope_and_a_key(api, shop):
    path = "/v1/inventory-items/MUG-BLUE/adjustments"
    assert api.post(path, {"delta": 1, "reason": "x"}).json()["code"] == "idempotency_key_missing"
    _, api.key = builders.a_client(scopes=["orders:read"])

    assert adjust(api, "MUG-BLUE", 1).json()["code"] == "scope_missing"
