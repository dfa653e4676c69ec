"""One box finds whatever a person has in hand, and shows nobody what they may not see."""

import pytest
from django.contrib.auth.models import User
from django.urls import reverse

from attribution.models import Conversion, ConversionBatch
from events.models import OutboxEvent
from foundation.ids import public
from orders.models import Order
from payments.models import Payout
from payments.services.payout import record_payout
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


def test_the_processors_ids_of_refunds_and_payouts_lead_to_them(root, order):
    refund = order.payment.refunds.get()
    record_payout(
        processor_reference="po_theirs", amount=4000, currency="USD", state="paid",
        arrives_on=None, by="processor",
    )  # fmt: skip
    ours = Payout.objects.get()
    entry = order.payment.ledger_lines.first().entry_reference

    payment = page_of("payments_payment", order.payment_id)
    assert payment in _led_to(root, refund.processor_reference)
    for term in (ours.reference, "po_theirs"):
        assert page_of("payments_payout", ours.pk) in _led_to(root, term), term
    assert _led_to(root, entry) == f"/admin/payments/ledgerline/?q={entry}"


def _led_to(person, term):
    reply = sought(person, term)
    return reply.headers.get("Location") or reply.content.decode()


def test_a_number_that_only_analytics_knows_is_found_there(root, order):
    batch = ConversionBatch.objects.create(client_id=order.client_id, rows=1)
    sale = Conversion.objects.create(
        client_id=order.client_id, batch=batch, transaction_id="R999999", amount=1, currency="USD",
        occurred_at=order.placed_at,
    )  # fmt: skip

    assert _led_to(root, "R999999") == page_of("attribution_conversion", sale.pk)


def test_the_first_of_two_payments_of_an_order_leads_to_both(root, order):
    old, checkout = order.payment, order.checkout
    new = builders.PaymentFactory(replaces=old, stream=checkout.pk, client_id=order.client_id)
    Order.objects.filter(pk=order.pk).update(payment=new)

    for list_of in ("orders_order", "orders_checkout"):
        for payment in (old, new):
            page = root.page(f"{list_of}_changelist", q=payment.reference)
            assert "1 order" in page or "1 checkout" in page, (list_of, payment)
    page = root.page("payments_payment_change", old.pk)
    assert "Replaced by" in page
    assert "Replaces" in root.page("payments_payment_change", new.pk)
