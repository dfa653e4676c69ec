"""A break's page says what it is to whoever meets its class for the first time."""

import pytest
from django.contrib.auth.models import User
from django.urls import reverse

from foundation import clock
from foundation.ids import public
from reconciliation.admin.meanings import MEANINGS
from reconciliation.models import ReconciliationBreak
from tests.stories import world
from tests.stories.test_staff import Staff


@pytest.fixture
def root(shop):
    """A superuser."""
    return Staff(User.objects.create_superuser("root", password="x"))


def test_every_class_has_a_meaning():
    assert set(MEANINGS) == set(ReconciliationBreak.Kind)


def test_the_page_says_its_class_and_leads_to_payment_order_and_lines(root, api):
    order = world.an_order(api)
    row = ReconciliationBreak.objects.create(
        account="stripe", kind="amount_mismatch", fingerprint="f", amount=5, currency="USD",
        payment_id=order.payment_id, order_number=order.number, began_at=clock.now(),
        processor_reference=order.payment.processor_reference,
    )  # fmt: skip

    page = root.page("reconciliation_reconciliationbreak_change", row.pk)

    assert "amount mismatch" in page
    assert MEANINGS["amount_mismatch"] in page
    assert public("pay", order.payment_id) in page
    assert f"?q={order.payment.processor_reference}" in page
    found = root.client.get(f"{reverse('admin_find')}?q=R{order.number}")
    assert found["Location"] == reverse("admin:orders_order_change", args=[order.pk])
    assert f"{reverse('admin_find')}?q=R{order.number}" in page
