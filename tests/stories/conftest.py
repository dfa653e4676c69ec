"""Orders that stories begin with."""

import pytest

from tests.stories import world


@pytest.fixture
def held(api, settings):
    """An order whose money is held, owed by the warehouse."""
    settings.SETTLEMENT_POLICY = "manual"
    order = world.an_order(api)
    world.play_events()
    return order


@pytest.fixture
def paid(api):
    """An order whose money was taken, owed by the warehouse."""
    order = world.an_order(api)
    world.play_events()
    return order
