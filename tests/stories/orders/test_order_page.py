"""The order page is the whole story on one screen, each entry linked; notes are kept with it."""

import pytest
from django.contrib.auth.models import User
from django.urls import reverse

from events.models import OutboxEvent, WebhookDelivery, WebhookEndpoint
from foundation.models import AuditEntry, Case
from tests import builders
from tests.stories import world
from tests.stories.test_staff import Staff, somebody


@pytest.fixture
def root(shop):
    """A superuser."""
    return Staff(User.objects.create_superuser("root", password="x"))


@pytest.fixture
def ana(shop):
    """At the desk."""
    return somebody("ana", "handle_case")


@pytest.fixture
def order(api):
    """A paid order, of which a dollar was given back."""
    order = world.an_order(api)
    world.play_events()
    path = f"/v1/payments/{order.payment.reference}/refunds"
    given = {"amount": {"amount": 100, "currency": "USD"}}
    assert api.post(path, given, key=builders.a_key()).status_code == 201
    return order


def page_of(route, pk):
    return reverse(f"admin:{route}_change", args=[pk])


def test_one_timeline_merges_all_that_is_known_and_links_it(root, order):
    told = builders.ProcessorEventFactory(payment=order.payment)
    case = Case.objects.create(
        kind="order_unpaid", aggregate="order", aggregate_id=order.pk, title="unpaid",
        owner="role:operations", due_at=order.placed_at,
    )  # fmt: skip

    endpoint = WebhookEndpoint.objects.create(
        client_id=order.client_id, url="https://shop.example/", event_types=["*"], secret=b"s" * 32
    )
    placed = OutboxEvent.objects.get(type="order.placed")
    hook = WebhookDelivery.objects.create(endpoint=endpoint, event=placed, state="dead")

    page = root.page("orders_order_change", order.pk)
    story = page.partition('<ol class="timeline">')[2]

    for text in (
        "reserved", "authorization succeeded", "capture succeeded", "refund succeeded",
        "payment: authorizing → authorized", "refund: pending → succeeded", "order.placed",
        "order placed", told.type.replace("_", " "), "case: unpaid",
        "order.placed to https://shop.example/",
    ):  # fmt: skip
        assert text in story, text
    for address in (
        page_of("payments_payment", order.payment_id),
        page_of("payments_processorevent", told.pk),
        page_of("foundation_case", case.pk),
        page_of("events_webhookdelivery", hook.pk),
    ):
        assert f'href="{address}"' in story, address


def test_a_client_is_told_neither_rows_nor_what_staff_see(api, order):
    builders.ProcessorEventFactory(payment=order.payment)
    entries = api.get(f"/v1/orders/{order.reference}/timeline").json()["items"]

    assert {kind for entry in entries for kind in entry} <= {
        "at", "kind", "what", "actor", "amount", "currency", "state",
    }  # fmt: skip
    assert "told" not in {entry["kind"] for entry in entries}


def test_the_page_says_how_long_a_hold_lasts_and_what_then(root, api, settings):
    settings.SETTLEMENT_POLICY = "manual"
    order = world.an_order(api)
    world.play_events()

    page = root.page("orders_order_change", order.pk)

    assert "Hold lasts" in page
    assert "asked for anew" in page


def test_a_note_is_kept_once_with_its_writer_and_stands_on_the_page(ana, order):
    token = ana.form("orders_order_note", order)
    for _ in range(2):
        ana.send("orders_order_note", order, token=token, reason="will call back on Monday")

    entry = AuditEntry.objects.get(action="order.note")
    assert (entry.actor, entry.reason) == ("staff:ana", "will call back on Monday")
    page = ana.page("orders_order_change", order.pk)
    assert 'data-name="Note">will call back on Monday' in page
