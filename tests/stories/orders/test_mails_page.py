"""The page of an order's e-mails says truly which were sent, and what the others would say."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from foundation import clock
from orders import letters
from orders.models import Notification, Order
from tests.stories import world
from tests.stories.test_staff import somebody


@pytest.fixture
def viewer(shop):
    """May only look."""
    return somebody("viewer")


@pytest.fixture
def paid(api):
    """An order that is captured and confirmed."""
    return now(world.an_order(api))


def now(order):
    world.play_events()
    return Order.objects.select_related("payment", "checkout").get(pk=order.pk)


def test_what_was_sent_is_never_called_an_example_however_many_came_after(viewer, paid):
    for number in range(1, 25):
        Notification.objects.create(
            order=paid, template=letters.PAYMENT_REQUIRED, number=number, recipient=paid.email,
            leased_until=clock.now(), sent_at=clock.now(),
        )  # fmt: skip

    page = viewer.page("orders_order_mails", paid.pk)

    assert "Payment required 24" in page
    assert "Order placed" not in page


def test_the_example_of_a_cancellation_says_what_would_become_of_the_money(paid, api, settings):
    settings.SETTLEMENT_POLICY = "manual"
    held = now(world.an_order(api))

    assert "on its way back to your card" in letters.example(paid, letters.CANCELED).text
    assert "You were not charged" in letters.example(held, letters.CANCELED).text


def test_an_order_of_many_mails_costs_what_one_of_one_does(paid):
    cara = somebody("cara", "resend_notification")
    few = statements(cara, paid)
    for number in range(1, 25):
        Notification.objects.create(
            order=paid, template=letters.PAYMENT_REQUIRED, number=number, recipient=paid.email,
            leased_until=clock.now(), sent_at=clock.now(),
        )  # fmt: skip

    assert statements(cara, paid) == few


def statements(person, order):
    with CaptureQueriesContext(connection) as captured:
        assert "Send an e-mail again" in person.page("orders_order_change", order.pk)
    return len(captured)
