"""Every list, page and form of the admin opens for a superuser, on rows of every kind."""

from contextlib import suppress

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.test import Client
from django.urls import NoReverseMatch, reverse

from attribution.models import (
    Conversion,
    ConversionBatch,
    GapVersion,
    PurchaseSending,
    RefundSending,
    Touchpoint,
)
from events.models import OutboxEvent, WebhookDelivery, WebhookEndpoint
from foundation import approvals, clock
from foundation.models import ApiClient, Case, Crossing
from foundation.money import Money
from orders import bulk
from orders.models import BlockListEntry, Order
from payments.models import Payment
from payments.services.payout import record_payout
from reconciliation.runs import reconcile
from tests import builders
from tests.reconciliation.books import DAY, Line, Story, write
from tests.stories import world
from tests.stories.orders.desk import cancel, ship_everything

OURS = ("attribution", "events", "foundation", "orders", "payments", "reconciliation")
QUERIES = ("", "?q=x", "?q=%00", "?p=99", "?o=99")
# A form whose deed is not due leads back with the reason; nobody adds or deletes what is a record.
ANSWERS = (200, 302, 403)
NEVER_HERE = {"InvariantResult"}


@pytest.fixture
def root(shop):
    browser = Client()
    browser.force_login(User.objects.create_superuser("root", password="x"))
    return browser


@pytest.fixture
def orders(api, shop):
    """One that shipped and was partly given back, one that was canceled, one just placed."""
    shipped = world.an_order(api)
    world.play_events()
    ship_everything(shipped)
    world.play_events()
    path = f"/v1/payments/{shipped.payment.reference}/refunds"
    given = {"amount": {"amount": 100, "currency": "USD"}}
    assert api.post(path, given, key=builders.a_key()).status_code == 201
    canceled = world.an_order(api)
    assert cancel(api, canceled).status_code == 200
    return [shipped, canceled, world.an_order(api)]


@pytest.fixture
def a_busy_shop(orders, root):
    """Rows of every kind."""
    builders.DisputeFactory(payment=orders[0].payment)
    builders.ProcessorEventFactory(payment=orders[0].payment)
    record_payout(
        processor_reference="po_1", amount=4000, currency="USD", state="paid",
        arrives_on=None, by="processor",
    )  # fmt: skip
    bulk.begin([orders[2].payment_id], by="staff:root", reason="recalled")
    Case.objects.create(
        kind="order_unpaid", aggregate="order", aggregate_id=orders[2].pk, title="unpaid",
        owner="role:operations", due_at=orders[2].payment.capture_before,
    )  # fmt: skip
    approvals.ask(
        "payment.void", aggregate="payment", row_id=orders[2].payment_id, stake=Money(1, "USD"),
        user=User.objects.get(), by="staff:root", reason="recalled",
    )  # fmt: skip
    told = {"client_id": orders[0].client_id, "occurred_at": orders[0].placed_at}
    Touchpoint.objects.create(**told)
    batch = ConversionBatch.objects.create(client_id=orders[0].client_id, rows=1)
    Conversion.objects.create(
        **told, batch=batch, transaction_id=orders[0].public_number, amount=1, currency="USD"
    )
    PurchaseSending.objects.create(
        client_id=orders[0].client_id, number=orders[0].public_number, amount=1, tax_amount=0,
        shipping_amount=0, currency="USD", placed_at=orders[0].placed_at,
    )  # fmt: skip
    Crossing.objects.create(
        rule="reconciliation.aged_breaks",
        subject="stripe",
        day=orders[0].placed_at,
        value=1,
        most=0,
    )
    RefundSending.objects.create(
        client_id=orders[0].client_id, number=orders[0].public_number, amount=1, currency="USD",
        refund_id=orders[0].payment_id, given_at=orders[0].placed_at,
    )  # fmt: skip
    GapVersion.objects.create(
        client_id=orders[0].client_id, day=orders[0].placed_at, base="placed", version=1
    )
    BlockListEntry.objects.create(kind="email", value="a@example.com", reason="fraud")
    write(Story(theirs=[Line("charge", 100)], is_known=False))
    reconcile(account="stripe", day=DAY, by="test")
    told_somewhere(ApiClient.objects.get(pk=orders[0].client_id))
    return [Order, Payment, ApiClient]


def told_somewhere(client):
    """An endpoint of the client, and what happened on its way there."""
    endpoint = WebhookEndpoint.objects.create(
        client=client, url="https://shop.example/", event_types=["*"], secret=b"s" * 32
    )
    event = OutboxEvent.objects.filter(type="order.placed").first()
    delivery = WebhookDelivery.objects.create(endpoint=endpoint, event=event, state="dead")
    delivery.log.create(number=1, at=clock.now(), milliseconds=7, error="no connection in time")


def models():
    return [each for each in admin.site._registry if each._meta.app_label in OURS]


def addresses(model):
    """Of its list with every odd query, and of every page and form of every third row."""
    lists = f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist"
    yield from (reverse(lists) + query for query in QUERIES)
    names = [
        f"admin:{route.name}" for route in admin.site._registry[model].get_urls() if route.name
    ]
    for row in model._default_manager.order_by("pk")[:3]:
        for name in names:
            yield address(name, row)


def address(name, row):
    """A page of the row, or of one verb for it, or of the list's own."""
    for args in ([row.pk], [row.pk, "retry"], []):
        with suppress(NoReverseMatch):
            return reverse(name, args=args)
    raise AssertionError(f"{name} takes what no page here takes")


def test_every_page_and_form_of_the_admin_opens(a_busy_shop, root):
    assert {m.__name__ for m in models() if not m._default_manager.exists()} <= NEVER_HERE
    broken = {
        address: status
        for model in models()
        for address in dict.fromkeys(addresses(model))
        if (status := root.get(address).status_code) not in ANSWERS
    }
    assert broken == {}
