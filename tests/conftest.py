"""Fixtures: roles that a test's story needs. The servers are started by tests/services.py."""

import json

import hypothesis
import pytest
from django.conf import settings as django_settings
from django.test import Client

from foundation import clock
from foundation.edge import rate_limits
from foundation.edge.authentication import ApiKeyAuthentication
from orders import rate_tables
from payments import processors
from payments.processors.breaker import breaker
from tests import builders
from tests.sandbox import Sandbox

# Examples that are drawn slowly are no fault of ours: the machine may be busy with other tests.
hypothesis.settings.register_profile(
    "busy machine", suppress_health_check=[hypothesis.HealthCheck.too_slow], deadline=None
)
hypothesis.settings.load_profile("busy machine")


@pytest.fixture(scope="session")
def _sandbox_process(tmp_path_factory):
    sandbox = Sandbox(tmp_path_factory.mktemp("sandbox")).start()
    yield sandbox
    sandbox.stop()


@pytest.fixture
def sandbox(_sandbox_process, settings):
    """The processor, healthy, and the application pointed at it."""
    _sandbox_process.as_at_start()
    settings.STRIPE_API_BASE = _sandbox_process.url
    settings.STRIPE_READ_SECONDS = 1.0
    settings.PROCESSOR_LOOKUP_LAG_SECONDS = 0.0
    settings.RESOLVE_FIRST_SECONDS = 5.0
    processors.processor.cache_clear()
    yield _sandbox_process
    _sandbox_process.as_at_start()
    processors.processor.cache_clear()


@pytest.fixture(autouse=True)
def _nothing_remembered():
    """No test leans on what the one before it left in this process."""
    ApiKeyAuthentication._believed.clear()
    rate_limits.forget()
    rate_tables.forget()
    breaker.cache_clear()
    clock.reset()
    yield
    clock.reset()


class Api:
    """A caller with a key, speaking JSON."""

    def __init__(self, key):
        self.key = key
        self.client = Client(raise_request_exception=False)

    def post(self, path, body, *, key=None, raw=None, **headers):
        given = {"Authorization": f"Bearer {self.key}"}
        if key is not None:
            given["Idempotency-Key"] = key
        return self.client.post(
            path,
            data=json.dumps(body) if raw is None else raw,
            content_type=headers.pop("content_type", "application/json"),
            headers=given | headers,
        )

    def patch(self, path, body, **headers):
        return self.client.patch(
            path,
            data=json.dumps(body),
            content_type="application/json",
            headers={"Authorization": f"Bearer {self.key}"} | headers,
        )

    def get(self, path, **query):
        return self.client.get(path, query, headers={"Authorization": f"Bearer {self.key}"})

    def checkout(self, body=None, *, key=None, **headers):
        """POST /v1/checkouts; a fresh key unless one is given."""
        return self.post(
            "/v1/checkouts",
            body or builders.a_purchase(),
            key=builders.a_key() if key is None else key,
            **headers,
        )


@pytest.fixture
def shop(transactional_db, sandbox):
    """Tax, shipping, a blue mug in stock, and the processor."""
    builders.a_shop()
    builders.a_product("MUG-BLUE")
    return sandbox


@pytest.fixture
def api(shop):
    """A caller that may do everything."""
    _, key = builders.a_client()
    return Api(key)


@pytest.fixture
def another_api(shop):
    """Another client of the same shop."""
    _, key = builders.a_client()
    return Api(key)


@pytest.fixture
def limits():
    """The settings, for tests that compare with them."""
    return django_settings
