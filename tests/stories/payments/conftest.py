"""Payments at the points where their own life begins: held, held for several captures, taken."""

import pytest

from payments.models import Payment, Refund
from tests import builders, ledger_witness
from tests.stories import world
from tests.stories.payments.moves import Till


@pytest.fixture(autouse=True)
def _three_witnesses_agree(shop):
    """At the end of every story that came to rest: ledger, steps and the processor's journal."""
    yield
    is_open = Payment.objects.filter(state__in=["capturing", "voiding", "unknown"]).exists()
    if not is_open and not Refund.objects.filter(state="pending").exists():
        ledger_witness.agree(shop)


@pytest.fixture
def till(api, shop):
    """A client that moves money over HTTP."""
    return Till(api, shop)


@pytest.fixture
def payment(api):
    """42.98 USD, held."""
    return world.an_order(api).payment


@pytest.fixture
def several(api):
    """42.98 USD, held, and the processor grants several captures of it."""
    body = builders.a_purchase(payment_method=builders.several_captures())
    reply = api.checkout(body)
    assert reply.status_code == 201, reply.content
    payment = Payment.objects.get()
    assert payment.is_multicapture
    return payment


@pytest.fixture
def taken(till, payment):
    """42.98 USD, captured."""
    assert till.capture(payment).status_code == 201
    payment.refresh_from_db()
    return payment
