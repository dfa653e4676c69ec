"""Shipments are told of as they are, refused for the right reason, on record, and bounded."""

import importlib

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from foundation.models import AuditEntry
from orders.models import Fulfillment, Order
from payments.models import Payment
from tests import builders
from tests.stories import world
from tests.stories.orders.desk import patch, shipments, take_out
from tests.stories.orders.test_fulfillment import held, order, units  # noqa: F401 - fixtures

EVERYTHING = {"MUG-BLUE": 3, "PLATE": 2}


def test_listeners_hear_that_the_automatic_shipment_gave_everything_away(api, order):  # noqa: F811
    take_out(api, order, EVERYTHING)

    told = [event for event in world.play_events() if event.startswith("fulfillment.")]

    assert told == ["fulfillment.canceled", "fulfillment.created"]
    assert Fulfillment.objects.get(is_automatic=True).state == "canceled"


@pytest.mark.parametrize("state", ["capturing", "voiding"])
def test_while_a_step_of_the_payment_is_in_doubt_one_is_asked_to_come_back(api, held, state):  # noqa: F811
    (shipment,) = shipments(api, held)
    Payment.objects.update(state=state)
    key = builders.a_key()

    for reply in (
        patch(api, shipment, status="shipped"),
        take_out(api, held, {"MUG-BLUE": 1}, key=key),
    ):
        assert (reply.status_code, reply.json()["code"]) == (409, "payment_in_progress")
        assert (reply.json()["retryable"], reply.json()["retry_with"]) == (True, "same_key")
        assert reply["Retry-After"] == "2"

    Payment.objects.update(state="captured", captured_amount=4298)
    assert take_out(api, held, {"MUG-BLUE": 1}, key=key).status_code == 201


def test_a_delivered_shipment_says_that_it_is_delivered(api, order):  # noqa: F811
    part = take_out(api, order, {"MUG-BLUE": 3}).json()
    patch(api, part, status="shipped")
    patch(api, part, status="delivered")

    late = patch(api, part, status="shipped")

    assert (late.status_code, late.json()["code"]) == (409, "fulfillment_state_conflict")
    assert late.json()["fulfillment_status"] == "delivered"


def test_so_does_one_of_an_order_that_is_completed(api, order):  # noqa: F811
    (shipment,) = shipments(api, order)
    patch(api, shipment, status="shipped")

    late = patch(api, shipment, status="canceled")

    assert late.json()["code"] == "fulfillment_state_conflict"
    assert late.json()["detail"] == "It is shipped; it can not become canceled."


def test_tracking_that_is_corrected_later_is_on_record_with_what_it_was(api, order):  # noqa: F811
    (shipment,) = shipments(api, order)
    patch(api, shipment, status="shipped", carrier="DHL", tracking_number="JD01")
    patch(api, shipment, tracking_number="JD02")
    patch(api, shipment, tracking_number="JD02")

    shipped, tracked = AuditEntry.objects.filter(aggregate="fulfillment").order_by("at")

    assert (shipped.action, shipped.before["state"]) == ("fulfillment.shipped", "pending")
    assert (shipped.after["state"], shipped.after["tracking_number"]) == ("shipped", "JD01")
    assert tracked.action == "fulfillment.tracked"
    assert (tracked.before["tracking_number"], tracked.after["tracking_number"]) == ("JD01", "JD02")


def test_who_makes_and_cancels_shipments_in_a_loop_is_stopped(api, order, monkeypatch):  # noqa: F811
    monkeypatch.setattr(importlib.import_module("orders.fulfillment.create"), "SHIPMENTS_MAX", 4)
    first = take_out(api, order, EVERYTHING).json()
    patch(api, first, status="canceled")
    second = take_out(api, order, EVERYTHING).json()

    late = take_out(api, order, {"PLATE": 1})

    assert (late.status_code, late.json()["code"]) == (409, "order_not_fulfillable")
    assert patch(api, second, status="canceled").status_code == 200
    assert units(order) == EVERYTHING


def test_a_list_of_orders_costs_the_same_however_they_were_shipped(api, order):  # noqa: F811
    def cost():
        with CaptureQueriesContext(connection) as queries:
            (shown,) = api.get("/v1/orders").json()["items"]
        return len(queries), shown["fulfillment_status"]

    api.get("/v1/orders")
    plain, _ = cost()
    for sku, quantity in EVERYTHING.items():
        patch(api, take_out(api, order, {sku: quantity}).json(), status="shipped")
    assert Order.objects.get().state == "completed"

    assert cost() == (plain, "fulfilled")
