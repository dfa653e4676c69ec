"""What is owed, shipped and delivered: never more than was ordered, never what is not paid for."""

import pytest
from django.core import mail

from foundation import clock
from foundation.models import Transition
from orders.models import Fulfillment, Order, Reservation, StockItem
from payments.models import Payment
from tests import builders
from tests.stories import world
from tests.stories.orders.desk import cancel, patch, shipments, take_out


@pytest.fixture
def order(api):
    """Three blue mugs and two plates, captured, owed by the warehouse."""
    builders.a_product("PLATE", amount=700, on_hand=10)
    lines = [{"sku": "MUG-BLUE", "quantity": 3}, {"sku": "PLATE", "quantity": 2}]
    assert api.checkout(builders.a_purchase(lines=lines)).status_code == 201
    world.play_events()
    mail.outbox.clear()
    return Order.objects.select_related("payment").get()


def units(order):
    """SKU → units over all shipments that were not canceled."""
    found = {}
    for shipment in order.fulfillments.exclude(state="canceled"):
        for part in shipment.lines.all():
            found[part.order_line.sku] = found.get(part.order_line.sku, 0) + part.quantity
    return found


def shelf(sku="MUG-BLUE"):
    item = StockItem.objects.get(sku=sku)
    return item.on_hand, item.reserved


def test_what_was_ordered_is_owed_in_one_automatic_shipment(api, order):
    (shipment,) = shipments(api, order)

    assert (shipment["status"], shipment["automatic"]) == ("pending", True)
    assert shipment["lines"] == [
        {"sku": "MUG-BLUE", "quantity": 3},
        {"sku": "PLATE", "quantity": 2},
    ]


def test_what_ships_leaves_the_shelf_and_completes_the_order(api, order):
    (shipment,) = shipments(api, order)

    reply = patch(api, shipment, status="shipped", carrier="DHL", tracking_number="JD01")

    assert reply.status_code == 200, reply.content
    assert reply.json()["status"] == "shipped"
    assert (reply.json()["carrier"], reply.json()["tracking_number"]) == ("DHL", "JD01")
    assert shelf("MUG-BLUE") == (97, 0)
    assert shelf("PLATE") == (8, 0)
    assert set(Reservation.objects.values_list("state", flat=True)) == {"consumed"}
    shown = api.get(f"/v1/orders/{order.reference}").json()
    assert (shown["status"], shown["fulfillment_status"]) == ("completed", "fulfilled")


def test_a_part_is_shipped_and_the_rest_stays_owed(api, order):
    made = take_out(api, order, {"MUG-BLUE": 2})
    assert made.status_code == 201, made.content
    assert made["Location"] == f"/v1/fulfillments/{made.json()['id']}"
    assert made.json()["status"] == "pending"

    patch(api, made.json(), status="shipped")

    assert shelf("MUG-BLUE") == (98, 1)
    assert Reservation.objects.get(sku="MUG-BLUE").state == "committed"
    assert units(order) == {"MUG-BLUE": 3, "PLATE": 2}
    shown = api.get(f"/v1/orders/{order.reference}").json()
    assert (shown["status"], shown["fulfillment_status"]) == ("fulfilling", "partial")

    rest = next(s for s in shipments(api, order) if s["automatic"] and s["status"] == "pending")
    assert rest["lines"] == [{"sku": "MUG-BLUE", "quantity": 1}, {"sku": "PLATE", "quantity": 2}]
    patch(api, rest, status="shipped")
    assert shelf("MUG-BLUE") == (97, 0)
    assert Order.objects.get().state == "completed"


def test_more_than_is_left_is_refused_and_names_what(api, order):
    take_out(api, order, {"MUG-BLUE": 2})

    reply = take_out(api, order, {"PLATE": 2, "MUG-BLUE": 2})

    assert (reply.status_code, reply.json()["code"]) == (409, "quantity_not_owed")
    (error,) = reply.json()["errors"]
    assert error["pointer"] == "/lines/1/quantity"
    assert "1 of MUG-BLUE" in error["detail"]
    assert units(order) == {"MUG-BLUE": 3, "PLATE": 2}


def test_what_was_never_ordered_is_not_owed(api, order):
    assert take_out(api, order, {"SPOON": 1}).json()["code"] == "quantity_not_owed"


@pytest.mark.parametrize(
    "lines",
    [[], None, [{"sku": "PLATE", "quantity": 0}], [{"sku": "PLATE"}],
     [{"sku": "PLATE", "quantity": 1}, {"sku": "PLATE", "quantity": 1}]],
)  # fmt: skip
def test_a_shipment_is_read_strictly(api, order, lines):
    path = f"/v1/orders/{order.reference}/fulfillments"

    assert api.post(path, {"lines": lines}, key=builders.a_key()).status_code == 422
    assert Fulfillment.objects.count() == 1


def test_the_same_key_makes_one_shipment(api, order):
    key = builders.a_key()
    first = take_out(api, order, {"PLATE": 1}, key=key)

    again = take_out(api, order, {"PLATE": 1}, key=key)

    assert again.content == first.content
    assert again["Idempotent-Replayed"] == "true"
    assert Fulfillment.objects.filter(is_automatic=False).count() == 1


def test_a_shipment_that_will_not_leave_is_owed_again_and_its_stock_stays(api, order):
    made = take_out(api, order, {"MUG-BLUE": 3, "PLATE": 2}).json()
    assert Fulfillment.objects.get(is_automatic=True).state == "canceled"

    assert patch(api, made, status="canceled").status_code == 200

    assert units(order) == {"MUG-BLUE": 3, "PLATE": 2}
    owed = Fulfillment.objects.get(is_automatic=True, state="pending")
    assert owed.sequence == 3
    assert shelf("MUG-BLUE") == (100, 3)


def test_what_is_owed_is_not_canceled_piece_by_piece(api, order):
    (shipment,) = shipments(api, order)

    reply = patch(api, shipment, status="canceled")

    assert (reply.status_code, reply.json()["code"]) == (409, "fulfillment_state_conflict")
    assert Fulfillment.objects.get().state == "pending"


def test_a_shipment_goes_forward_only(api, order):
    (shipment,) = shipments(api, order)
    assert patch(api, shipment, status="delivered").json()["code"] == "fulfillment_state_conflict"
    patch(api, shipment, status="shipped")

    assert patch(api, shipment, status="canceled").status_code == 409
    delivered = patch(api, shipment, status="delivered")

    assert delivered.json()["status"] == "delivered"
    assert delivered.json()["delivered_at"]
    assert Order.objects.get().state == "completed"


def test_shipped_twice_is_shipped_once(api, order):
    (shipment,) = shipments(api, order)
    patch(api, shipment, status="shipped")

    again = patch(api, shipment, status="shipped", tracking_number="LATER-1")

    assert again.status_code == 200
    assert again.json()["tracking_number"] == "LATER-1"
    assert shelf() == (97, 0)
    assert Transition.objects.filter(aggregate="fulfillment", to_state="shipped").count() == 1


def test_with_if_match_only_the_copy_that_was_read_is_changed(api, order):
    (shipment,) = shipments(api, order)
    tag = api.get(f"/v1/fulfillments/{shipment['id']}")["ETag"]
    patch(api, shipment, carrier="DHL")

    late = patch(api, shipment, if_match=tag, status="shipped")

    assert (late.status_code, late.json()["code"]) == (412, "precondition_failed")
    assert Fulfillment.objects.get().state == "pending"
    fresh = api.get(f"/v1/fulfillments/{shipment['id']}")["ETag"]
    done = patch(api, shipment, if_match=fresh, status="shipped")
    assert done.status_code == 200
    assert done["ETag"] != fresh


@pytest.mark.parametrize("body", [{}, {"status": "lost"}, {"status": None}, {"weight": 1}])
def test_a_change_is_read_strictly(api, order, body):
    (shipment,) = shipments(api, order)

    assert patch(api, shipment, **body).status_code == 422


def test_the_customer_is_told_of_each_shipment_once(api, order):
    made = take_out(api, order, {"MUG-BLUE": 2}).json()
    patch(api, made, status="shipped", carrier="DHL", tracking_number="JD01")
    world.play_events()
    rest = next(s for s in shipments(api, order) if s["status"] == "pending")
    patch(api, rest, status="shipped")
    world.play_events()
    world.drive_everything(3)

    assert len(mail.outbox) == 2
    first, second = mail.outbox
    assert "2 x Mug MUG-BLUE" in first.body
    assert "DHL: JD01" in first.body
    assert "2 x Mug PLATE" in second.body
    assert first.extra_headers["Message-ID"] != second.extra_headers["Message-ID"]
    assert Order.objects.get().next_step_at is None


def test_a_shipment_whose_message_was_lost_is_told_of_all_the_same(api, order):
    (shipment,) = shipments(api, order)
    patch(api, shipment, status="shipped")
    world.lose_events()

    world.drive_everything(2)

    assert len(mail.outbox) == 1


def test_listeners_hear_of_every_shipment(api, order):
    made = take_out(api, order, {"MUG-BLUE": 2}).json()
    patch(api, made, status="shipped")
    patch(api, made, status="delivered")

    assert [event for event in world.play_events() if event.startswith("fulfillment.")] == [
        "fulfillment.created", "fulfillment.shipped", "fulfillment.delivered",
    ]  # fmt: skip


def test_listeners_hear_that_it_is_completed_with_the_last_shipment_alone(api, order):
    patch(api, take_out(api, order, {"MUG-BLUE": 2}).json(), status="shipped")
    assert "order.completed" not in world.play_events()

    (rest,) = [each for each in shipments(api, order) if each["status"] == "pending"]
    patch(api, rest, status="shipped")

    assert world.play_events().count("order.completed") == 1


def test_nothing_is_shipped_of_an_order_that_was_canceled(api, order):
    made = take_out(api, order, {"PLATE": 1}).json()
    Order.objects.update(state="canceling")

    assert patch(api, made, status="shipped").json()["code"] == "order_not_fulfillable"
    assert take_out(api, order, {"PLATE": 1}).json()["code"] == "order_not_fulfillable"
    assert shelf("PLATE") == (10, 2)


def test_another_clients_shipment_does_not_exist(another_api, api, order):
    (shipment,) = shipments(api, order)

    assert patch(another_api, shipment, status="shipped").status_code == 404
    assert another_api.get(f"/v1/fulfillments/{shipment['id']}").status_code == 404
    assert another_api.get(f"/v1/orders/{order.reference}/fulfillments").status_code == 404
    assert take_out(another_api, order, {"PLATE": 1}).status_code == 404


@pytest.fixture
def held(api, settings):
    """An order whose money is held and not taken: the shop captures by hand."""
    settings.SETTLEMENT_POLICY = "manual"
    order = world.an_order(api)
    world.play_events()
    assert Payment.objects.get().state == "authorized"
    return order


@pytest.mark.parametrize(
    "state",
    ["voided", "expired", "refunded", "disputed", "charged_back"],
)
def test_what_no_live_hold_and_no_capture_covers_does_not_leave(api, held, state):
    (shipment,) = shipments(api, held)
    Payment.objects.update(state=state)

    reply = patch(api, shipment, status="shipped")

    assert (reply.status_code, reply.json()["code"]) == (409, "fulfillment_not_covered")
    assert reply.json()["payment_status"] == state
    assert reply.json()["needed"] == {"amount": 4298, "currency": "USD"}
    assert Fulfillment.objects.get().state == "pending"
    assert shelf() == (100, 2)


def test_a_hold_that_ran_out_covers_nothing_even_before_anybody_noticed(api, held):
    (shipment,) = shipments(api, held)
    Payment.objects.update(capture_before=clock.now())

    reply = patch(api, shipment, status="shipped")

    assert reply.json()["code"] == "fulfillment_not_covered"
    assert reply.json()["covered"] == {"amount": 0, "currency": "USD"}


def test_a_live_hold_covers_a_shipment(api, held):
    (shipment,) = shipments(api, held)

    assert patch(api, shipment, status="shipped").status_code == 200


def test_a_shipment_can_be_taken_out_of_an_order_just_placed(api, shop):
    order = world.an_order(api)

    assert take_out(api, order, {"MUG-BLUE": 1}).status_code == 201

    assert Order.objects.get().state == "fulfilling"
    assert units(order) == {"MUG-BLUE": 2}
    world.play_events()
    assert units(order) == {"MUG-BLUE": 2}


def test_a_canceled_order_gives_back_all_its_stock_after_a_shipment_was_called_off(api, order):
    made = take_out(api, order, {"PLATE": 1}).json()
    patch(api, made, status="canceled")
    cancel(api, order)
    world.drive_everything(3)

    assert shelf("MUG-BLUE") == (100, 0)
    assert shelf("PLATE") == (10, 0)
