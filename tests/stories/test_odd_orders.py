"""The pages of an order on a bad day: whatever state it is in, whatever it is called, how long."""

import re

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from attribution.models import Touchpoint
from events.models import OutboxEvent
from orders.admin.orders import DEEDS
from orders.models import Order, Product
from orders.states import ORDER
from payments.models import Payment
from payments.states import PAYMENT
from tests import builders
from tests.many import an_id, copies
from tests.stories import world
from tests.stories.orders.desk import ship_everything
from tests.stories.test_staff import Staff

EVIL = "<script>alert(1)</script>\"'=1+1&amp;\u202egnp\U0001f9e8"
STATEMENTS_MAX = 45


@pytest.fixture
def root(shop):
    """A superuser."""
    return Staff(User.objects.create_superuser("root", password="x"))


@pytest.fixture
def order(api, settings):
    """A shipped order, whose money is held."""
    settings.SETTLEMENT_POLICY = "manual"
    order = world.an_order(api)
    world.play_events()
    ship_everything(order)
    return order


def pages(order):
    """Every page and question of an order, its payment and its checkout."""
    routes = ["change", "mails", *(deed.slug for deed in DEEDS)]
    yield from (reverse(f"admin:orders_order_{route}", args=[order.pk]) for route in routes)
    yield reverse("admin:orders_order_expiring")
    yield reverse("admin:payments_payment_change", args=[order.payment_id])
    yield reverse("admin:payments_payment_void", args=[order.payment_id])
    yield reverse("admin:orders_checkout_change", args=[order.checkout_id])


def broken(root, order):
    found = {each: root.client.get(each).status_code for each in pages(order)}
    return {each: status for each, status in found.items() if status not in (200, 302)}


def test_an_order_opens_in_every_state_of_its_payment(root, order):
    for state in sorted(PAYMENT.states):
        Payment.objects.filter(pk=order.payment_id).update(state=state)
        assert broken(root, order) == {}, state


def test_an_order_opens_in_every_state_of_its_own(root, order):
    for state in sorted(ORDER.states):
        Order.objects.filter(pk=order.pk).update(state=state)
        assert broken(root, order) == {}, state


@pytest.mark.parametrize(
    ("currency", "country", "price", "shown"),
    [("JPY", "JP", 1234, "2,968 JPY"), ("KWD", "KW", 123_456, "247.912 KWD")],
)
def test_amounts_are_written_as_their_currency_is(root, api, currency, country, price, shown):
    builders.a_product("MUG-FAR", amount=price, currency=currency)
    address = {"line1": "1", "city": "C", "postal_code": "1", "country": country}
    body = builders.a_purchase(
        currency=currency, lines=[{"sku": "MUG-FAR", "quantity": 2}], shipping_address=address
    )
    order = world.an_order_of(api, body)
    world.play_events()

    assert broken(root, order) == {}
    assert shown in root.page("orders_order_change", order.pk)
    assert shown in root.page("index")


def test_what_others_wrote_is_shown_and_never_run(root, api):
    Product.objects.update(title=EVIL)
    body = builders.a_purchase(
        cart_id=EVIL, metadata={"note": EVIL}, customer={"reference": EVIL, "email": "a@b.example"},
        attribution={"utm_source": EVIL, "utm_term": EVIL, "landing_page": f"https://a.b/{EVIL}"},
    )  # fmt: skip
    body["shipping_address"] |= {"name": EVIL, "line1": EVIL}
    reply = api.checkout(body, **{"User-Agent": EVIL.encode("ascii", "ignore").decode()})
    assert reply.status_code == 201, reply.content
    order = Order.objects.get()
    world.play_events()
    Touchpoint.objects.create(
        client_id=order.client_id, occurred_at=order.placed_at, source=EVIL, campaign=EVIL
    )
    OutboxEvent.objects.filter(type="order.placed").update(state="dead", last_error=EVIL)
    lists = ["orders_order", "orders_checkout", "attribution_touchpoint", "events_outboxevent"]
    addresses = [*pages(order), reverse("admin:index"), f"{reverse('admin_find')}?q={EVIL}"]
    addresses += [reverse(f"admin:{each}_changelist") for each in lists]

    for address in addresses:
        page = root.client.get(address, follow=True).content.decode()
        assert "<script>alert" not in page, address
        assert not re.search(r'srcdoc="[^"]*<', page), address
    assert "&lt;script&gt;alert(1)" in root.page("orders_order_change", order.pk)


def test_a_story_of_five_thousand_entries_is_told_in_five_hundred(root, order):
    few = cost(root, order)
    event = OutboxEvent.objects.order_by("-sequence").first()
    copies(event, 5000, id=an_id("event"), sequence="copied.sequence + nth")

    page = root.page("orders_order_change", order.pk)

    assert re.search(r"<li class=\"day\">4,[0-9]{3} entries between are not shown", page)
    assert 500 <= page.count("<time ") <= 501
    assert cost(root, order) == few <= STATEMENTS_MAX


def cost(root, order):
    with CaptureQueriesContext(connection) as captured:
        root.page("orders_order_change", order.pk)
    return len(captured)


def test_an_order_of_a_hundred_lines_costs_what_one_of_one_does(root, api, order):
    few = cost(root, order)
    for number in range(100):
        builders.a_product(f"MUG-{number:03}")
    lines = [{"sku": f"MUG-{number:03}", "quantity": 1} for number in range(100)]
    long = world.an_order_of(api, builders.a_purchase(lines=lines))
    world.play_events()
    ship_everything(long)

    page = root.page("orders_order_change", long.pk)

    assert 'data-name="SKU">MUG-099' in page
    assert cost(root, long) <= few
