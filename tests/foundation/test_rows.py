"""Rows in plain SQL are what `save()` would have written, in one statement, guarded."""

import datetime as dt

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from attribution.models import Attribution
from foundation import clock, rows
from foundation.models import IdempotencyKey
from orders.models import Checkout, Order, OrderLine
from tests import builders

pytestmark = pytest.mark.django_db


def unsaved_payment():
    return builders.PaymentFactory.build(
        metadata={"ünï": ["c", 1, None, True]}, next_action=None, leased_until=clock.now()
    )


def test_a_row_is_read_back_as_it_was_written():
    payment = unsaved_payment()

    rows.insert(payment)

    kept = type(payment).objects.get(pk=payment.pk)
    for field in payment._meta.concrete_fields:
        assert getattr(kept, field.attname) == getattr(payment, field.attname), field.name
    assert not payment._state.adding


def an_order_with_lines():
    payment = unsaved_payment()
    checkout = builders.CheckoutFactory.build(payment=payment, ip="2001:db8::1")
    order = Order(
        id=checkout.order_id, client_id=checkout.client_id, checkout=checkout, payment=payment,
        attribution=Attribution(), cart_id="c", customer_reference="r", email="e@example.com",
        currency="USD", subtotal_amount=10, tax_amount=0, shipping_amount=0, total_amount=10,
        shipping_method="standard", shipping_address={},
    )  # fmt: skip
    lines = [
        OrderLine(
            order=order, position=n, sku=f"S{n}", title="t", quantity=1, unit_amount=5,
            net_amount=5, tax_amount=0, tax_rate_ppm=0, tax_jurisdiction="", tax_inclusive=False,
        )
        for n in (1, 2)
    ]  # fmt: skip
    return payment, checkout, order.attribution, order, *lines


def test_rows_of_many_models_travel_in_one_statement_and_bring_their_number_back():
    made = an_order_with_lines()

    with CaptureQueriesContext(connection) as captured:
        rows.insert(*made)

    assert len(captured) == 1
    order = Order.objects.get()
    assert order.number == made[3].number >= 1_000_001
    assert order.lines.count() == 2
    assert Checkout.objects.get().ip == "2001:db8::1"


def test_all_of_them_or_none():
    *made, second = an_order_with_lines()
    second.quantity = -1

    with pytest.raises(IntegrityError), transaction.atomic():
        rows.insert(*made, second)

    assert not Order.objects.exists()
    assert not Checkout.objects.exists()


def test_a_guarded_update_changes_the_row_only_while_the_guard_holds():
    payment = unsaved_payment()
    rows.insert(payment)

    assert rows.update(payment, guard={"lease_token": 0}, lease_token=1, metadata={"a": 1})
    assert not rows.update(payment, guard={"lease_token": 0}, lease_token=7)

    assert payment.lease_token == 1
    payment.refresh_from_db()
    assert (payment.lease_token, payment.metadata) == (1, {"a": 1})


def test_bytes_and_moments_survive():
    key = IdempotencyKey(
        scope="s", key="k" * 16, fingerprint=b"\x00\xff" * 16, subject_kind="checkout",
        subject_id=builders.new_id(), leased_until=clock.now() + dt.timedelta(microseconds=1),
        response_headers={},
    )  # fmt: skip
    rows.insert(key)

    kept = IdempotencyKey.objects.get()
    assert bytes(kept.fingerprint) == b"\x00\xff" * 16
    assert kept.leased_until == key.leased_until
