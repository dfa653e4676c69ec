"""Who acts at the processor, and how we hear of it."""

import pytest

from payments.models import Payment
from tests.at_the_processor import Courier, Dashboard
from tests.stories import world


@pytest.fixture
def dashboard(shop):
    """Somebody signed in at the processor."""
    return Dashboard(shop)


@pytest.fixture
def courier(shop, live_server):
    """The processor's events, delivered over HTTP when the story says."""
    return Courier(shop, live_server.url)


@pytest.fixture
def payment(api):
    """Of an order that was bought, captured and told of."""
    order = world.an_order(api)
    world.play_events()
    return Payment.objects.get(order=order)
