"""Who acts at the processor, and how we hear of it."""

import pytest

from tests.at_the_processor import Courier, Dashboard


@pytest.fixture
def dashboard(shop):
    """Somebody signed in at the processor."""
    return Dashboard(shop)


@pytest.fixture
def courier(shop, live_server):
    """The processor's events, delivered over HTTP when the story says."""
    return Courier(shop, live_server.url)
