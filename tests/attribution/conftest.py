"""A caller without a shop: attribution needs neither stock nor processor."""

import pytest

from tests import builders
from tests.conftest import Api


@pytest.fixture
def client_and_api(transactional_db):
    client, key = builders.a_client()
    return client, Api(key)


@pytest.fixture
def caller(client_and_api):
    """Who may tell of visits and conversions."""
    return client_and_api[1]


@pytest.fixture
def client(client_and_api):
    """The same caller's row."""
    return client_and_api[0]
