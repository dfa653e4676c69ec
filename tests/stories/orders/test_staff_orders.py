"""What staff do with orders: permitted, asked first, reasoned, on record, and counted once."""

import datetime as dt
import re

import pytest

from foundation import clock
from foundation.models import AuditEntry
from orders.models import (
    BulkRow,
    BulkRun,
    Cancellation,
    Checkout,
    Fulfillment,
    Order,
    StockItem,
)
from payments.models import Payment, Refund
from tests import builders
from tests.races.crowd import at_once
from tests.stories import world
from tests.stories.orders.desk import cancel
from tests.stories.test_staff import somebody

EVERYTHING = (
    "cancel_order", "ship_order", "reauthorize_order", "capture_payment", "refund_payment",
    "void_payment",
)  # fmt: skip
DEEDS = ("cancel", "capture", "complete", "refund", "reauthorize", "ship")


@pytest.fixture
def ana(shop):
    """May do everything with orders."""
    return somebody("ana", *EVERYTHING)


def do(person, deed, order, *, reason="customer called", **fields):
    route = f"orders_order_{deed}"
    token = person.form(route, order)
    return person.send(route, order, token=token, reason=reason, **fields)


def fresh(order):
    return Order.objects.select_related("payment").get(pk=order.pk)


def test_canceling_releases_the_money_returns_the_stock_and_is_on_record(ana, shop, held):
    question = ana.page("orders_order_cancel", held.pk)
    assert "The hold of 42.98 USD is released" in question

    status, page = do(ana, "cancel", held, reason="ordered twice")

    assert status == 302
    assert "Canceled. The money: voided." in page
    assert fresh(held).state == "canceled"
    assert shop.holds(held.payment.reference) == []
    assert StockItem.objects.get().reserved == 0
    entry = AuditEntry.objects.get(action="order.cancel")
    assert (entry.actor, entry.reason) == ("staff:ana", "ordered twice")


def test_canceling_what_was_taken_says_that_it_goes_back(ana, shop, paid):
    assert "42.98 USD go back to the card" in ana.page("orders_order_cancel", paid.pk)

    _, page = do(ana, "cancel", paid)

    assert "Canceled. The money: refunded." in page
    assert [e["amount"] for e in shop.effects(paid.payment.reference, "refund")] == [4298]


def test_a_cancellation_in_doubt_is_told_as_what_it_is(ana, shop, held):
    shop.fault("cancel", "lost_reply", times=1)
    shop.fault("retrieve", "500_before", times=1)

    _, page = do(ana, "cancel", held)

    assert "It is being canceled" in page
    world.drive_everything(4, seconds=300)
    assert fresh(held).state == "canceled"


def test_capturing_takes_all_that_is_held(ana, shop, held):
    assert "Capture 42.98 USD now?" in ana.page("orders_order_capture", held.pk)

    _, page = do(ana, "capture", held, reason="goods are packed")

    assert "The payment is captured: 42.98 USD are taken." in page
    assert [e["amount"] for e in shop.effects(held.payment.reference, "capture")] == [4298]
    entry = AuditEntry.objects.get(action="payment.capture")
    assert (entry.actor, entry.reason) == ("staff:ana", "goods are packed")


def test_a_part_is_refunded_and_the_order_stays(ana, shop, paid):
    _, page = do(ana, "refund", paid, amount="10.50")

    assert "The refund of 10.50 USD is succeeded." in page
    assert [e["amount"] for e in shop.effects(paid.payment.reference, "refund")] == [1050]
    assert fresh(paid).state == "fulfilling"
    assert fresh(paid).payment.state == "partially_refunded"


@pytest.mark.parametrize("amount", ["0", "-1", "42.99", "1,50", "ten", "1.005", ""])
def test_a_refund_of_what_is_no_amount_is_asked_again(ana, shop, paid, amount):
    status, page = do(ana, "refund", paid, amount=amount)

    assert status == 422
    assert "errorlist" in page
    assert shop.effects(paid.payment.reference, "refund") == []


def test_the_same_form_sent_at_the_same_moment_refunds_once(ana, shop, paid):
    token = ana.form("orders_order_refund", paid)
    send = lambda: ana.send(  # noqa: E731 - the same act, several times
        "orders_order_refund", paid, token=token, reason="double click", amount="1.00"
    )

    at_once([send] * 4)

    assert Refund.objects.count() == 1
    assert [e["amount"] for e in shop.effects(paid.payment.reference, "refund")] == [100]


def test_a_form_that_somebody_else_overtook_does_nothing(ana, shop, paid):
    token = ana.form("orders_order_refund", paid)
    do(ana, "refund", paid, amount="1.00")

    _, page = ana.send("orders_order_refund", paid, token=token, reason="again", amount="1.00")

    assert "the form is out of date" in page
    assert len(shop.effects(paid.payment.reference, "refund")) == 1


def test_shipping_names_the_parcel_and_consumes_the_stock(ana, paid):
    shipment = Fulfillment.objects.get()

    _, page = do(ana, "ship", paid, shipment=shipment.pk, carrier="DHL", tracking_number="JD01")

    assert "2 of MUG-BLUE: shipped." in page
    assert fresh(paid).state == "completed"
    assert StockItem.objects.get().on_hand == 98
    assert AuditEntry.objects.get(action="fulfillment.shipped").reason == "customer called"


def test_a_shipment_nobody_paid_for_is_not_shipped_by_staff_either(ana, held):
    Payment.objects.update(capture_before=clock.now())

    _, page = do(ana, "ship", held, shipment=Fulfillment.objects.get().pk)

    assert "Nothing was done." in page
    assert Fulfillment.objects.get().state == "pending"


def test_a_new_hold_takes_the_place_of_the_old_one(ana, shop, held):
    _, page = do(ana, "reauthorize", held)
    world.play_events()

    assert "The bank holds the money anew" in page
    order = fresh(held)
    assert order.payment.replaces_id == held.payment_id
    assert shop.holds(held.payment.reference) == []
    assert [hold["amount"] for hold in shop.holds(order.payment.reference)] == [4298]
    assert order.state == "fulfilling"


def test_an_order_that_waits_for_money_goes_on_when_the_bank_says_yes_at_last(ana, shop, held):
    Payment.objects.update(payment_method="pm_card_chargeDeclined")
    do(ana, "reauthorize", held)
    world.play_events()
    assert fresh(held).state == "payment_required"
    assert Fulfillment.objects.get().state == "canceled"

    Payment.objects.update(payment_method="pm_card_visa")
    _, page = do(ana, "reauthorize", held)
    world.play_events()

    assert "The bank holds the money anew" in page
    order = fresh(held)
    assert (order.state, order.payment.state) == ("fulfilling", "authorized")
    assert order.fulfillments.filter(state="pending").count() == 1
    assert Payment.objects.count() == 3


@pytest.mark.parametrize("deed", DEEDS)
def test_every_deed_needs_its_permission(deed, held):
    viewer = somebody("viewer")
    url_page = viewer.get(f"orders_order_{deed}", held.pk)

    assert url_page.status_code == 403
    assert "Nothing" not in viewer.page("orders_order_change", held.pk)


@pytest.mark.parametrize("deed", DEEDS)
def test_a_deed_that_can_not_be_done_says_why_and_does_nothing(ana, api, held, deed):
    cancel(api, held)

    reply = ana.client.get(f"/admin/orders/order/{held.pk}/{deed}/", follow=True)

    assert "Nothing was done." in reply.content.decode()
    assert Cancellation.objects.count() == 1


def test_a_deed_wants_a_reason(ana, held):
    token = ana.form("orders_order_cancel", held)

    status, _ = ana.send("orders_order_cancel", held, token=token, reason="")

    assert status == 422
    assert fresh(held).state == "fulfilling"


def test_the_order_page_offers_what_can_be_done_now_and_shows_what_was(ana, held):
    page = ana.page("orders_order_change", held.pk)
    assert all(f"/{deed}/" in page for deed in ("cancel", "capture", "reauthorize", "ship"))
    assert f"{held.pk}/refund/" not in page

    do(ana, "cancel", held)
    page = ana.page("orders_order_change", held.pk)
    assert "Cancellation" in page
    assert f"{held.pk}/cancel/" not in page


def test_what_runs_out_next_is_listed_with_what_will_happen(ana, held):
    page = ana.page("orders_order_expiring")

    assert held.public_number in page
    assert "42.98 USD" in page
    assert "asked for anew" in page
    assert "expiring/" in ana.page("orders_order_changelist")


def choose(person, orders, **fields):
    data = {"action": "void_payments", "_selected_action": [str(o.pk) for o in orders]} | fields
    return person.client.post("/admin/orders/order/", data, follow=True)


@pytest.fixture
def three(api, settings):
    """Two orders whose money is held, and one whose money was taken."""
    taken = world.an_order(api)
    world.play_events()
    settings.SETTLEMENT_POLICY = "manual"
    others = [world.an_order(api) for _ in range(2)]
    world.play_events()
    return [taken, *others]


def begin_run(ana, orders):
    asked = choose(ana, orders).content.decode()
    token = re.search(r'name="token" value="([^"]+)"', asked)[1]
    return choose(ana, orders, token=token, reason="recall of the blue mugs")


def test_many_holds_are_voided_one_by_one_with_a_result_for_each(ana, shop, three):
    asked = choose(ana, three).content.decode()
    assert "Void the payments of 3 orders?" in asked
    assert "85.96 USD" in asked
    assert not BulkRun.objects.exists()

    begun = begin_run(ana, three)
    assert "3 payments are being voided" in begun.content.decode()
    world.play_events()

    assert [(row.state, row.result) for row in BulkRow.objects.order_by("position")] == [
        ("refused", "it is captured"),
        ("done", "the hold is released"),
        ("done", "the hold is released"),
    ]
    assert [fresh(order).state for order in three] == ["fulfilling", "canceled", "canceled"]
    assert [len(shop.holds(order.payment.reference)) for order in three] == [0, 0, 0]
    page = ana.page("orders_bulkrun_change", BulkRun.objects.get().pk)
    assert "it is captured" in page
    assert "recall of the blue mugs" in page
    assert AuditEntry.objects.filter(action="payment.void", actor="staff:ana").count() == 2


def test_a_run_whose_messages_were_lost_is_finished_by_the_sweep(ana, shop, three):
    begin_run(ana, three)
    world.lose_events()

    world.drive_everything(2)

    assert not BulkRow.objects.filter(state="pending").exists()


def test_a_hold_in_doubt_keeps_its_row_open_until_the_processor_says(ana, shop, three):
    shop.fault("cancel", "lost_reply", times=1)
    begin_run(ana, three[1:])
    world.play_events()
    assert BulkRow.objects.filter(state="pending").count() == 1

    world.drive_everything(6, seconds=120)

    assert {row.state for row in BulkRow.objects.all()} == {"done"}


def test_a_row_worked_twice_at_once_releases_its_hold_once(ana, shop, three):
    begin_run(ana, three[1:2])

    at_once([world.play_events, world.sweep, lambda: world.later(200) or world.sweep()])
    world.drive_everything(3)

    assert BulkRow.objects.get().state == "done"
    assert len(shop.effects(three[1].payment.reference, "cancel")) == 1


def test_a_run_needs_the_permission(three):
    viewer = somebody("viewer")

    choose(viewer, three)

    assert not BulkRun.objects.exists()
    assert "void_payments" not in viewer.page("orders_order_changelist")


def test_a_run_form_of_other_orders_is_refused(ana, three):
    asked = choose(ana, three[:1]).content.decode()
    token = re.search(r'name="token" value="([^"]+)"', asked)[1]

    reply = choose(ana, three, token=token, reason="more than was asked")

    assert "the form is out of date" in reply.content.decode()
    assert not BulkRun.objects.exists()


def test_the_builders_place_what_the_pages_show(ana, held):
    builders.a_cancellation_of(held, state="needs_attention", last_error="disputed")

    page = ana.page("orders_order_change", held.pk)

    assert "disputed" in page
    assert "needs_attention" in page or "needs attention" in page


def test_a_hold_in_review_that_runs_out_is_counted_and_listed(ana, api):
    address = {"line1": "Weg 1", "city": "Berlin", "postal_code": "10115", "country": "DE"}
    assert api.checkout(builders.a_purchase(billing_address=address)).status_code == 202
    checkout = Checkout.objects.select_related("payment").get()
    Payment.objects.update(capture_before=clock.now() + dt.timedelta(hours=2))

    assert "<strong>1</strong> <span>holds that run out soon" in ana.page("index")
    page = ana.page("orders_order_expiring")

    assert checkout.reference in page
    assert "released, unless its checkout is finished before" in page


@pytest.mark.parametrize(
    ("currency", "country", "price"),
    [("USD", "US", 60_000), ("JPY", "JP", 9_999), ("KWD", "KW", 123_456)],
)
def test_a_refund_is_made_of_the_form_as_it_was_drawn(ana, api, settings, currency, country, price):
    settings.STAFF_ALONE_MAX = {"*": 100_000}
    builders.a_product("MUG-DEAR", amount=price, currency=currency)
    region = "OR" if country == "US" else ""
    to = {"line1": "1", "city": "P", "region": region, "postal_code": "97201", "country": country}
    lines = [{"sku": "MUG-DEAR", "quantity": 3}]
    body = builders.a_purchase(currency=currency, lines=lines, shipping_address=to)
    order = world.an_order_of(api, body)
    world.play_events()
    form = ana.page("orders_order_refund", order.pk)
    drawn = re.search(r'name="amount" value="([^"]+)"', form)[1]

    _, page = do(ana, "refund", order, amount=drawn)

    assert Refund.objects.get().amount == order.total_amount, page
