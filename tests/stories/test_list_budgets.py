"""No list of the admin asks once a row: with twenty rows it costs what it costs with one."""

import datetime as dt

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group, User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from attribution.models import (
    Conversion,
    ConversionBatch,
    GapVersion,
    PurchaseSending,
    RefundSending,
    Touchpoint,
)
from events.models import OutboxEvent, WebhookDelivery, WebhookEndpoint
from foundation import audit, clock
from foundation.models import Approval, Case, Crossing, InvariantResult
from orders import bulk
from orders.models import BlockListEntry, Order
from payments.services.payout import record_payout
from reconciliation.models import (
    ReconciliationBreak,
    ReconciliationRun,
    SettlementLine,
    SettlementReport,
)
from tests import builders
from tests.stories import world
from tests.stories.test_staff import Staff

STATEMENTS_MAX = 7  # session, user, two counts, rows, one prefetch, and one for filters
ROWS = 20


@pytest.fixture
def root(shop):
    """A superuser."""
    return Staff(User.objects.create_superuser("root", password="x"))


def one_more(api, number):
    """A row of every kind that has a list."""
    order = world.an_order(api)
    now, client = order.placed_at, order.client_id
    user = User.objects.create_user(f"person-{number}")
    user.groups.add(Group.objects.create(name=f"role-{number}"))
    builders.a_product(f"SKU-{number}")
    builders.a_client()
    BlockListEntry.objects.create(kind="email", value=f"{number}@example.org", reason="fraud")
    builders.DisputeFactory(payment=order.payment)
    builders.ProcessorEventFactory(payment=order.payment)
    bulk.begin([order.payment_id], by="staff:root", reason="recalled")
    record_payout(
        processor_reference=f"po_{number}", amount=4000, currency="USD", state="paid",
        arrives_on=None, by="processor",
    )  # fmt: skip
    _of_the_ground(order, user, number)
    _of_the_books(order, number)
    told = {"client_id": client, "occurred_at": now}
    Touchpoint.objects.create(**told)
    batch = ConversionBatch.objects.create(client_id=client, rows=1)
    Conversion.objects.create(
        **told, batch=batch, transaction_id=order.public_number, amount=1, currency="USD"
    )
    PurchaseSending.objects.create(
        client_id=client, number=order.public_number, amount=1, tax_amount=0, shipping_amount=0,
        currency="USD", placed_at=now,
    )  # fmt: skip
    RefundSending.objects.create(
        client_id=client, number=order.public_number, amount=1, currency="USD",
        refund_id=order.payment_id, given_at=now,
    )  # fmt: skip
    endpoint = WebhookEndpoint.objects.create(
        client_id=client, url="https://shop.example/", event_types=["*"], secret=b"s" * 32
    )
    event = OutboxEvent.objects.filter(type="order.placed").last()
    WebhookDelivery.objects.create(endpoint=endpoint, event=event, state="dead")
    GapVersion.objects.create(
        client_id=client, day=now.date() - dt.timedelta(days=number), base="placed", version=1
    )


def _of_the_ground(order, user, number):
    Case.objects.create(
        kind="order_unpaid", aggregate="order", aggregate_id=order.pk, title="unpaid",
        owner="role:operations", due_at=clock.now(),
    )  # fmt: skip
    Approval.objects.create(
        verb="payment.void", aggregate="payment", aggregate_id=order.payment_id, seen=[], amount=1,
        currency="USD", asked_by="staff:root", asked_by_user=user.pk, reason="fraud",
        expires_at=clock.now(),
    )  # fmt: skip
    audit.record(
        actor="staff:root", action="look", aggregate="order", aggregate_id=order.pk,
        reason="for the list", before={}, after={},
    )  # fmt: skip
    Crossing.objects.create(
        rule="reconciliation.aged_breaks", subject=f"account-{number}", day=clock.now().date(),
        value=1, most=0,
    )  # fmt: skip
    InvariantResult.objects.create(
        name=f"rule-{number}", everything=True, checked_at=clock.now(), seconds=0.1, violations=0
    )


def _of_the_books(order, number):
    day = order.placed_at.date() - dt.timedelta(days=number)
    ReconciliationRun.objects.create(
        account="stripe", day=day, version=1, state="failed", asked_by="test",
        finished_at=clock.now(),
    )  # fmt: skip
    report = SettlementReport.objects.create(
        account="stripe", origin="upload", name="march.csv", format="stripe", sha256=str(number),
        begins_at=clock.now(), ends_at=clock.now(), line_count=1, new_line_count=1,
        ingested_by="test",
    )  # fmt: skip
    SettlementLine.objects.create(
        report=report, account="stripe", number=2, external_id=f"txn_{number}", digest="d",
        category="charge", currency="USD", gross=100, fee=3, net=97, occurred_at=clock.now(),
        payment_id=order.payment_id, raw={},
    )  # fmt: skip
    ReconciliationBreak.objects.create(
        account="stripe", kind="amount_mismatch", fingerprint=f"f{number}", amount=5,
        currency="USD", payment_id=order.payment_id, began_at=clock.now(),
    )  # fmt: skip


def costs(root):
    """How many statements the list of each model costs, and how many rows it shows."""
    found = {}
    for model in admin.site._registry:
        opts = model._meta
        address = reverse(f"admin:{opts.app_label}_{opts.model_name}_changelist")
        with CaptureQueriesContext(connection) as captured:
            reply = root.client.get(address)
        assert reply.status_code == 200, address
        found[opts.label] = (len(captured), len(reply.context["cl"].result_list))
    return found


# The tables the shop keeps by hand, and what one order alone makes many of.
FEW = {"orders.TaxRate", "orders.ShippingRate"}


def test_a_list_of_twenty_costs_what_a_list_of_one_costs(root, api):
    one_more(api, 0)
    world.play_events()
    before = costs(root)
    for number in range(1, ROWS):
        one_more(api, number)
    world.play_events()

    after = costs(root)

    assert Order.objects.count() == ROWS
    assert {name for name, (_, rows) in before.items() if rows == 0} == set()
    assert {name for name, (_, rows) in after.items() if rows < ROWS} <= FEW
    assert {n: (before[n], cost) for n, cost in after.items() if cost[0] > before[n][0]} == {}
    assert {name: cost for name, (cost, _) in after.items() if cost > STATEMENTS_MAX} == {}
