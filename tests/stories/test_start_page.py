"""The first page tells today's money and what needs a person, to whoever may see it."""

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test.utils import CaptureQueriesContext

from events.models import OutboxEvent
from orders import reviews
from orders.models import Checkout
from tests import builders
from tests.stories import world
from tests.stories.test_staff import Staff, a_review, in_review, somebody

__all__ = ["a_review"]
# session, user, money (2), cases and rules, checkouts, payments, breaks, outbox, and five drawn
STATEMENTS_MAX = 15


@pytest.fixture
def root(shop):
    """A superuser."""
    return Staff(User.objects.create_superuser("root", password="x"))


def tile(page, text):
    """The number on one tile."""
    before = page.partition(f"<span>{text}</span>")[0]
    return int(before.rpartition("<strong>")[2].partition("</strong>")[0])


def test_todays_money_is_told_for_each_currency(root, api):
    world.an_order(api)
    paid = world.an_order(api)
    world.play_events()
    path = f"/v1/payments/{paid.payment.reference}/refunds"
    given = {"amount": {"amount": 100, "currency": "USD"}}
    assert api.post(path, given, key=builders.a_key()).status_code == 201

    page = root.page("index")

    for column, amount in (
        ("Orders", "2"), ("Placed", "85.96 USD"), ("Authorized", "85.96 USD"),
        ("Captured", "85.96 USD"), ("Refunded", "1.00 USD"),
    ):  # fmt: skip
        assert f'data-name="{column}">{amount}</td>' in page, column


def test_what_needs_a_person_is_a_number_that_leads_to_the_list(root, a_review):
    before = root.page("index")
    fact = OutboxEvent.objects.create(
        type="order.placed", stream=a_review.pk, sequence=9, payload={}
    )
    OutboxEvent.objects.filter(pk=fact.pk).update(state="dead")

    page = root.page("index")

    assert tile(page, "checkouts to review") == 1
    assert (tile(before, "events given up"), tile(page, "events given up")) == (0, 1)
    assert "/admin/events/outboxevent/?state=dead" in page
    assert "1 outbox" in root.page("events_outboxevent_changelist", state="dead")


def test_nobody_is_told_of_what_they_may_not_see(shop, api):
    api.checkout(in_review())
    person = somebody("viewer")
    person.user.user_permissions.clear()
    page = person.page("index")

    for text in ("Money today", "checkouts to review", "<svg", "events given up"):
        assert text not in page
    assert "Nothing here is yours to see." in page


def test_every_drawing_has_a_title_and_its_numbers_as_a_table(root, api):
    world.an_order(api)
    page = root.page("index")

    assert page.count('<svg class="plot"') == page.count("The numbers</summary>") == 6
    assert page.count('role="img"') == 6
    for title in (
        "Checkouts by how they ended", "Authorizations that the bank granted",
        "Declines by what the bank said", "From authorization to capture",
        "Breaks by the day they were found", "The gap between analytics and orders",
    ):  # fmt: skip
        assert f"<title>{title}</title>" in page, title


def test_the_page_costs_the_same_for_one_order_and_for_twelve(root, api):
    world.an_order(api)
    one = _statements(root)
    for _ in range(11):
        world.an_order(api)
    world.play_events()

    assert _statements(root) == one <= STATEMENTS_MAX


def _statements(person):
    with CaptureQueriesContext(connection) as captured:
        person.page("index")
    return len(captured)


def test_an_order_that_was_begun_the_day_before_and_approved_today_counts_today(
    root, api, settings
):
    settings.REVIEW_SECONDS = 3 * 86_400.0
    assert api.checkout(in_review()).status_code == 202
    world.later(26 * 3600)
    assert "Nothing was placed or moved yet." in root.page("index")
    checkout = Checkout.objects.get()
    reviews.decide(checkout.pk, approved=True, by="staff:ana", reason="known customer")

    page = root.page("index")

    assert 'data-name="Orders">1</td>' in page
    assert 'data-name="Placed">42.98 USD</td>' in page


def test_whoever_sees_one_list_is_told_of_it_and_of_no_other(shop, a_review):
    person = somebody("gina")
    for permission, text in (
        ("view_approval", "approvals to decide"), ("view_dispute", "disputes to answer"),
        ("view_webhookdelivery", "webhooks given up"), ("view_checkout", "checkouts to review"),
    ):  # fmt: skip
        person.user.user_permissions.set(Permission.objects.filter(codename=permission))
        page = person.page("index")
        assert text in page, permission
        assert page.count('class="tile ') == (2 if permission == "view_checkout" else 1), permission
