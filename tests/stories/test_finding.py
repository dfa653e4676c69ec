"""One box finds whatever a person has in hand, and shows nobody what they may not see."""

import pytest
from django.contrib.auth.models import User
from django.urls import reverse

from events.models import OutboxEvent
from foundation.ids import public
from tests import builders
from tests.stories import world
from tests.stories.orders.desk import ship_everything
from tests.stories.test_staff import Staff, somebody


@pytest.fixture
def root(shop):
    """A superuser."""
    return Staff(User.objects.create_superuser("root", password="x"))


@pytest.fixture
def order(api):
    """A shipped order, of which a dollar was given back."""
    order = world.an_order(api)
    world.play_events()
    ship_everything(order)
    path = f"/v1/payments/{order.payment.reference}/refunds"
    given = {"amount": {"amount": 100, "currency": "USD"}}
    assert api.post(path, given, key=builders.a_key()).status_code == 201
    return order


def sought(person, term):
    return person.client.get(reverse("admin_find"), {"q": term})


def page_of(route, pk):
    return reverse(f"admin:{route}_change", args=[pk])


def test_an_id_leads_to_its_page_or_to_that_of_what_it_is_a_part_of(root, order):
    payment, the_order = (
        page_of("payments_payment", order.payment_id), page_of("orders_order", order.pk)
    )  # fmt: skip
    step, refund = payment_parts(order)
    event = OutboxEvent.objects.filter(type="order.placed").get()
    for term, address in (
        (order.reference, the_order),
        (f" {order.reference} ", the_order),
        (order.public_number, the_order),
        (order.fulfillments.get().reference, the_order),
        (order.checkout.reference, page_of("orders_checkout", order.checkout_id)),
        (order.payment.reference, payment),
        (step, payment),
        (refund, payment),
        (event.reference, page_of("events_outboxevent", event.pk)),
    ):
        reply = sought(root, term)
        assert (reply.status_code, reply.headers.get("Location")) == (302, address), term


def payment_parts(order):
    step = order.payment.transactions.order_by("pk").first()
    return step.reference, public("rfd", order.payment.refunds.get().pk)


def test_a_text_shows_all_that_it_names(root, api, order):
    world.an_order(api)
    for term in (order.email, order.email.upper(), order.payment.processor_reference):
        page = sought(root, term).content.decode()
        assert page_of("orders_order", order.pk) in page, term
        assert page_of("orders_checkout", order.checkout_id) in page, term


def test_an_idempotency_key_is_found(root, api):
    key = builders.a_key()
    api.checkout(key=key)

    page = sought(root, key).content.decode()

    assert "/admin/orders/checkout/" in page
    assert key in page


@pytest.mark.parametrize(
    "term", ["", "   ", "ord_nonsense", "nobody@example.com", "\x00", "'--", "٣", "x" * 5000]
)
def test_nothing_found_says_so(root, order, term):
    reply = sought(root, term)

    assert reply.status_code == 200
    assert "/change/" not in reply.content.decode()


def test_nobody_finds_what_they_may_not_see(order):
    person = somebody("viewer")
    person.user.user_permissions.clear()

    for term in (order.reference, order.email, order.public_number):
        reply = sought(person, term)
        assert reply.status_code == 200
        assert str(order.pk) not in reply.content.decode()


def test_a_stranger_is_sent_to_the_login(client, order):
    assert "/admin/login/" in client.get(reverse("admin_find"), {"q": order.reference})["Location"]
