"""Undoing an order: nothing held, nothing kept, nothing shipped; the customer is told once."""

import pytest
from django.core import mail

from events.models import OutboxEvent
from foundation import cases
from foundation.models import AuditEntry, Case, IdempotencyKey
from orders import fulfillment, settlement
from orders.cancellation.recovery import recover_cancellations
from orders.models import Cancellation, Fulfillment, Order, Reservation, StockItem
from payments.models import Payment
from tests import builders
from tests.stories import world
from tests.stories.orders.desk import cancel, ship_everything


@pytest.fixture
def order(api):
    return world.an_order(api)


def in_doubt(shop):
    """The release is done, its answer is lost, and so is the first look after it."""
    shop.fault("cancel", "lost_reply", times=1)
    shop.fault("retrieve", "500_before", times=1)


def assert_undone(shop, order):
    order = Order.objects.select_related("payment").get(pk=order.pk)
    assert order.state == "canceled"
    assert shop.holds(order.payment.reference) == []
    assert StockItem.objects.get().reserved == 0
    assert Reservation.objects.get().state == "released"
    assert Cancellation.objects.get().state == "completed"


def test_an_order_that_is_canceled_leaves_no_hold_and_no_reserved_stock(api, shop, order):
    reply = cancel(api, order, reason="ordered twice")

    assert reply.status_code == 200, reply.content
    assert reply.json()["status"] == "canceled"
    assert reply.json()["cancellation"]["status"] == "completed"
    assert reply.json()["cancellation"]["payment_action"] == "voided"
    assert_undone(shop, order)
    assert api.get(f"/v1/orders/{order.reference}").json()["payment_status"] == "voided"


def test_the_same_key_hears_the_same_bytes_and_nobody_is_called_again(api, shop, order):
    key = builders.a_key()
    first = cancel(api, order, key=key)
    asked = len(shop.requests())

    again = cancel(api, order, key=key)

    assert (again.status_code, again.content) == (first.status_code, first.content)
    assert again["Idempotent-Replayed"] == "true"
    assert len(shop.requests()) == asked


def test_another_body_under_the_same_key_is_refused(api, order):
    key = builders.a_key()
    cancel(api, order, key=key, reason="one")

    assert cancel(api, order, key=key, reason="another").status_code == 422


def test_an_order_is_canceled_once_whatever_the_key(api, order):
    cancel(api, order)

    again = cancel(api, order)

    assert (again.status_code, again.json()["code"]) == (409, "order_not_cancelable")
    assert again.json()["reason"] == "canceled"
    assert Cancellation.objects.count() == 1


def test_what_was_shipped_can_not_be_canceled_and_nothing_is_stored(api, shop, order):
    world.play_events()
    ship_everything(order)

    reply = cancel(api, order)

    assert (reply.status_code, reply.json()["code"]) == (409, "order_not_cancelable")
    assert reply.json()["reason"] == "shipped"
    assert not Cancellation.objects.exists()
    assert not IdempotencyKey.objects.filter(subject_kind="cancellation").exists()
    assert shop.effects(order.payment.reference, "refund") == []


def test_what_the_warehouse_owed_is_not_owed_any_more(api, order):
    fulfillment.fulfill(order.pk)

    cancel(api, order)

    assert Fulfillment.objects.get().state == "canceled"


def test_the_customer_is_told_once_and_listeners_hear_it_in_order(api, order):
    world.play_events()
    mail.outbox.clear()
    cancel(api, order)

    told = [event for event in world.play_events() if event.startswith(("order.", "fulfillment."))]
    world.drive_everything(3)

    assert told == ["order.cancellation_started", "fulfillment.canceled", "order.canceled"]
    number = order.public_number
    assert sorted(message.subject for message in mail.outbox) == [
        f"42.98 USD back for your order {number}", f"Your order {number} is canceled",
    ]  # fmt: skip
    assert Order.objects.get().next_step_at is None


def test_a_customer_whose_message_was_lost_is_told_all_the_same(api, order):
    world.lose_events()
    cancel(api, order)
    world.lose_events()

    world.drive_everything(2)

    assert len(mail.outbox) == 1


def test_who_canceled_and_why_is_on_record(api, order):
    cancel(api, order, reason="ordered twice")

    entry = AuditEntry.objects.get(action="order.cancel")
    assert entry.aggregate_id == order.pk
    assert entry.reason == "ordered twice"
    assert entry.actor.startswith("api:shop-")
    assert (entry.before["state"], entry.after["state"]) == ("placed", "canceling")


def test_another_clients_order_can_not_be_canceled(another_api, order):
    assert cancel(another_api, order).status_code == 404
    assert Order.objects.get().state == "placed"


@pytest.mark.parametrize(
    ("body", "status"),
    [([], 422), ({"reason": ""}, 422), ({"reason": 7}, 422), ({"why": "x"}, 422), ({}, 200)],
)
def test_a_cancellation_is_read_strictly(api, order, body, status):
    path = f"/v1/orders/{order.reference}/cancel"

    assert api.post(path, body, key=builders.a_key()).status_code == status


def test_a_cancellation_needs_a_key_and_the_scope(api, order):
    path = f"/v1/orders/{order.reference}/cancel"
    assert api.post(path, {}).json()["code"] == "idempotency_key_missing"

    _, reader = builders.a_client(scopes=["orders:read"])
    api.key = reader
    assert api.post(path, {}, key=builders.a_key()).json()["code"] == "scope_missing"
    assert Order.objects.get().state == "placed"


def test_nothing_is_captured_or_shipped_of_an_order_that_is_being_undone(api, shop, order):
    in_doubt(shop)
    assert cancel(api, order).status_code == 202

    world.play_events()

    assert shop.effects(order.payment.reference, "capture") == []
    assert not Fulfillment.objects.exists()
    assert Order.objects.get().state == "canceling"
    assert Reservation.objects.get().state == "committed"


def test_while_the_money_is_in_doubt_the_same_key_hears_so_and_later_the_end(api, shop, order):
    key = builders.a_key()
    in_doubt(shop)
    first = cancel(api, order, key=key)
    assert first.status_code == 202
    assert first["Location"] == f"/v1/orders/{order.reference}"
    assert int(first["Retry-After"]) > 0
    assert first.json()["cancellation"]["status"] == "processing"
    assert cancel(api, order).json()["code"] == "cancellation_in_progress"

    world.drive_everything(4)

    assert_undone(shop, order)
    last = cancel(api, order, key=key)
    assert last.status_code == 200
    assert last.json()["cancellation"]["status"] == "completed"
    assert len(shop.effects(order.payment.reference, "cancel")) == 1


@pytest.mark.parametrize("fault", ["timeout_before", "timeout_after", "500_before", "500_after",
                                   "lost_reply", "malformed"])  # fmt: skip
def test_a_cancellation_whose_answer_is_lost_ends_without_the_client(api, shop, order, fault):
    shop.fault("cancel", fault, times=1, seconds=2)
    assert cancel(api, order).status_code in (200, 202)

    world.drive_everything(8, seconds=120)

    assert_undone(shop, order)
    assert len(shop.effects(order.payment.reference, "cancel")) == 1


def test_a_processor_that_is_away_is_waited_for(api, shop, order):
    with world.processor_away():
        assert cancel(api, order).status_code == 202
        world.drive_everything(2)
        assert Order.objects.get().state == "canceling"

    world.drive_everything(4, seconds=600)

    assert_undone(shop, order)


def test_one_that_finds_no_end_is_shown_to_a_person_and_still_goes_on(api, shop, order, settings):
    settings.ATTENTION_AFTER_TRIES = 3
    with world.processor_away():
        cancel(api, order)
        for _ in range(6):
            world.later(900)
            recover_cancellations(limit=5)
        assert Cancellation.objects.get().state == "needs_attention"
        case = Case.objects.get(kind="order_not_undone")
        assert (case.state, case.aggregate_id, case.amount) == ("open", order.pk, 4298)

    world.drive_everything(6, seconds=86_400)

    assert_undone(shop, order)
    case.refresh_from_db()
    assert case.state == "resolved"


def test_a_person_takes_a_cancellation_up_before_its_time(api, shop, order, settings):
    settings.ATTENTION_AFTER_TRIES = 1
    with world.processor_away():
        cancel(api, order)
    case = Case.objects.get(kind="order_not_undone")

    told = cases.act(case.pk, verb="retry", by="staff:anna", reason="the processor is back")

    assert "canceled" in told
    assert_undone(shop, order)


def test_what_was_taken_is_given_back_once(api, shop, order):
    world.play_events()
    assert Payment.objects.get().state == "captured"

    reply = cancel(api, order)

    assert reply.status_code == 200, reply.content
    assert reply.json()["cancellation"]["payment_action"] == "refunded"
    assert [e["amount"] for e in shop.effects(order.payment.reference, "refund")] == [4298]
    assert Payment.objects.get().state == "refunded"
    assert StockItem.objects.get().reserved == 0


@pytest.mark.parametrize("fault", ["timeout_before", "timeout_after", "500_after", "lost_reply"])
def test_a_refund_whose_answer_is_lost_is_made_once_and_ends_the_order(api, shop, order, fault):
    world.play_events()
    shop.fault("refund", fault, times=1, seconds=2)
    assert cancel(api, order).status_code in (200, 202)

    world.drive_everything(8, seconds=600)

    assert Order.objects.get().state == "canceled"
    assert len(shop.effects(order.payment.reference, "refund")) == 1
    assert Payment.objects.get().state == "refunded"


def test_a_capture_under_way_is_waited_for_and_then_given_back(api, shop, order):
    shop.fault("capture", "timeout_after", times=1, seconds=2)
    settlement.settle(order.pk)
    assert Payment.objects.get().state == "capturing"

    assert cancel(api, order).status_code in (200, 202)
    world.drive_everything(6, seconds=600)

    assert Order.objects.get().state == "canceled"
    assert len(shop.effects(order.payment.reference, "capture")) == 1
    assert len(shop.effects(order.payment.reference, "refund")) == 1


def test_an_order_that_waits_for_money_is_canceled_at_once(api, shop, order):
    world.release_behind_our_back(order.payment)
    Payment.objects.update(state="expired")
    Order.objects.update(state="payment_required")

    reply = cancel(api, order)

    assert reply.status_code == 200
    assert reply.json()["cancellation"]["payment_action"] == "none"
    assert OutboxEvent.objects.filter(type="order.canceled").count() == 1
    assert StockItem.objects.get().reserved == 0
