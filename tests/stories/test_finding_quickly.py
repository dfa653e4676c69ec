"""Among twenty thousand orders nothing that is searched for is looked for in a whole table."""

import json

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from attribution.models import Attribution, Conversion, PurchaseSending, RefundSending, Touchpoint
from events.models import EventStream, OutboxEvent
from foundation.ids import public
from foundation.models import AuditEntry, IdempotencyKey, Transition
from orders.models import Checkout, Order, Reservation
from payments.models import Payment, ProcessorEvent
from reconciliation.models import ReconciliationBreak, SettlementLine
from tests.many import an_id, copies
from tests.stories.test_list_budgets import one_more
from tests.stories.test_staff import Staff

ROWS = 20_000
BIG = (
    Attribution, AuditEntry, Checkout, Conversion, IdempotencyKey, Order, OutboxEvent, Payment,
    ProcessorEvent, PurchaseSending, ReconciliationBreak, RefundSending, Reservation,
    SettlementLine, Touchpoint, Transition,
)  # fmt: skip
TABLES = {model._meta.db_table for model in BIG}
OPEN_ONES = {"idempotency_open_leases", "outbox_due"}


@pytest.fixture
def root(shop):
    """A superuser."""
    return Staff(User.objects.create_superuser("root", password="x"))


@pytest.fixture
def order(api):
    """One order of twenty thousand, with rows of every kind for each."""
    one_more(api, 0)
    order = Order.objects.select_related("payment", "checkout").get()
    _fill_the_shop(order)
    _fill_the_rest()
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    return order


def _fill_the_shop(order):
    shopper = {
        "cart_id": "'cart_many_' || nth", "customer_reference": "'cus_many_' || nth",
        "email": "'many' || nth || '@example.com'",
    }  # fmt: skip
    copies(
        order.payment, ROWS, id=an_id("payment"), stream=an_id("checkout"), claimed_id="NULL",
        processor_reference="'pi_many_' || nth",
    )  # fmt: skip
    copies(
        order.checkout, ROWS, id=an_id("checkout"), order_id=an_id("order"),
        payment_uuid=an_id("payment"), payment_id=an_id("payment"), **shopper,
    )  # fmt: skip
    copies(order.attribution, ROWS, id=an_id("attribution"))
    copies(
        order, ROWS, id=an_id("order"), number="nextval('orders_order_number')",
        checkout_id=an_id("checkout"), payment_id=an_id("payment"),
        attribution_id=an_id("attribution"), **shopper,
    )  # fmt: skip
    key = IdempotencyKey.objects.get(subject_id=order.checkout_id)
    copies(
        key, ROWS, id=an_id("key"), scope="copied.scope || nth %% 1000", key="'key-many-' || nth",
        subject_id=an_id("checkout"),
    )  # fmt: skip
    copies(
        Reservation.objects.get(), ROWS, id=an_id("hold"), checkout_id=an_id("checkout"),
        sku="'SKU-' || nth %% 500",
    )  # fmt: skip


def _fill_the_rest():
    stream, nth_payment = an_id("checkout"), an_id("payment")
    copies(EventStream.objects.first(), ROWS, id=stream)
    copies(OutboxEvent.objects.first(), ROWS, id=an_id("event"), stream=stream)
    copies(
        ProcessorEvent.objects.get(), ROWS, id=an_id("told"), external_id="'evt_many_' || nth",
        object_id="'re_many_' || nth", processor_reference="'pi_many_' || nth",
        payment_id=nth_payment,
    )  # fmt: skip
    copies(Transition.objects.first(), ROWS, id="nth + 1000000", aggregate_id=nth_payment)
    copies(
        AuditEntry.objects.first(), ROWS, id=an_id("entry"), aggregate_id=nth_payment,
        actor="'api:shop-' || nth %% 500", action="'many.' || nth %% 500",
    )  # fmt: skip
    copies(
        SettlementLine.objects.get(), ROWS, id="nth + 1000000", external_id="'txn_many_' || nth",
        processor_reference="'pi_many_' || nth", source_id="'re_many_' || nth",
        payout_id="'po_many_' || nth %% 500", payment_id=nth_payment, number="nth + 2",
    )  # fmt: skip
    copies(
        ReconciliationBreak.objects.get(), ROWS, id=an_id("break"),
        fingerprint="'many' || nth", processor_reference="'pi_many_' || nth",
        payment_id=nth_payment,
    )  # fmt: skip
    copies(
        Touchpoint.objects.get(), ROWS, id=an_id("visit"), session_id="'s_many_' || nth",
        browser_id="'b_many_' || nth", customer_reference="'cus_many_' || nth",
    )  # fmt: skip
    copies(Conversion.objects.get(), ROWS, id=an_id("sale"), transaction_id="'RM' || nth")
    copies(PurchaseSending.objects.get(), ROWS, id=an_id("purchase"), number="'RM' || nth")
    copies(
        RefundSending.objects.get(), ROWS, id=an_id("given"), number="'RM' || nth",
        refund_id=an_id("refund"),
    )  # fmt: skip


def terms(order):
    """Whatever a person has in hand."""
    return [
        order.reference, order.checkout.reference, order.payment.reference, str(order.pk),
        str(order.payment_id), order.public_number, "R999999999", order.email, order.email[:9],
        order.email.upper(), "many777@example.com", "many777@", "cus_many_777", "cart_many_777",
        "pi_many_777", "re_many_777", "evt_many_777", "txn_many_777", "po_many_77",
        "ch_unknown", "key-many-777", "s_many_777", "RM777", "nobody", "staff:ana", "api:shop-7",
        public("rfd", order.pk),
    ]  # fmt: skip


def test_the_quick_search_reads_no_whole_table(root, order):
    slow = {term: plans for term in terms(order) if (plans := _whole(root, _found_by(term)))}

    assert slow == {}


def _found_by(term):
    return reverse("admin_find"), term


def test_no_lists_own_search_reads_a_whole_table(root, order):
    lists = [
        f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist"
        for model in BIG
        if admin.site.is_registered(model)
    ]
    slow = {
        (name, term): plans
        for name in lists
        for term in terms(order)[::4]
        if (plans := _whole(root, (reverse(name), term)))
    }

    assert slow == {}


def test_an_orders_page_and_what_it_links_to_read_no_whole_table(root, order):
    pages = {
        "orders_order": order.pk, "orders_checkout": order.checkout_id,
        "payments_payment": order.payment_id,
    }  # fmt: skip
    addresses = [reverse(f"admin:{name}_change", args=[pk]) for name, pk in pages.items()]
    addresses.append(reverse("admin:orders_order_mails", args=[order.pk]))
    addresses.append(reverse("admin:orders_order_cancel", args=[order.pk]))

    assert {each: plans for each in addresses if (plans := _whole(root, (each, None)))} == {}


def test_control_a_search_in_a_column_without_an_index_is_seen(root, order):
    plans = _scans("SELECT id FROM orders_order WHERE upper(email) LIKE '%X%' OR cart_id = 'a'")

    assert plans == ["orders_order"]


def _whole(root, asked):
    """The big tables of which a page reads more than an index leads to, with the statement."""
    address, term = asked
    with CaptureQueriesContext(connection) as captured:
        reply = root.client.get(address, {} if term is None else {"q": term})
    assert reply.status_code in (200, 302), (asked, reply.status_code)
    asked_for = [query["sql"] for query in captured if query["sql"].startswith("SELECT")]
    return [(sql[:2000], found) for sql in asked_for if (found := _scans(sql))]


def _scans(sql):
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (FORMAT JSON) {sql}")
        (plan,) = cursor.fetchone()
    plan = json.loads(plan) if isinstance(plan, str) else plan
    return [node["Relation Name"] for node in _nodes(plan[0]["Plan"]) if _is_whole(node)]


def _is_whole(node):
    """Read from end to end; an index of what is open only is none of a table's size."""
    is_led = "Index Cond" in node or node["Node Type"] == "Bitmap Heap Scan"
    is_small = node.get("Index Name") in OPEN_ONES
    return node.get("Relation Name") in TABLES and not (is_led or is_small)


def _nodes(plan):
    yield plan
    for child in plan.get("Plans", ()):
        yield from _nodes(child)
