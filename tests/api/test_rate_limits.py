"""Who asks too often waits; nobody else does, no store is needed for it, and nothing is stored."""

import pytest

from foundation.edge import rate_limits
from foundation.edge.authentication import _checksum
from foundation.edge.rate_limits import Buckets
from foundation.models import IdempotencyKey
from tests import builders
from tests.conftest import Api

pytestmark = pytest.mark.django_db


@pytest.fixture
def now(monkeypatch):
    """A clock that is moved by hand."""

    class Clock:
        seconds = 1000.0

        def monotonic(self):
            return self.seconds

    clock = Clock()
    monkeypatch.setattr(rate_limits, "time", clock)
    return clock


def a_caller():
    _, key = builders.a_client()
    return Api(key)


def a_wrong_key(number):
    body = f"sk_test_{number:032}"
    return f"{body}{_checksum(body)}"


def test_a_bucket_grants_its_quota_at_once_and_then_as_fast_as_it_fills(now):
    bucket, rate = Buckets("key"), (10, 60.0)
    granted = [bucket.take("a", rate) for _ in range(10)]

    assert [standing.remaining for standing in granted] == list(range(9, -1, -1))
    refused = bucket.take("a", rate)
    assert refused.wait == pytest.approx(6.0)
    now.seconds += 5.9
    assert bucket.take("a", rate).wait > 0
    now.seconds += 0.2
    assert bucket.take("a", rate).wait == 0
    now.seconds += 3600
    assert bucket.take("a", rate).remaining == 9


def test_being_refused_costs_nothing(now):
    bucket, rate = Buckets("key"), (1, 10.0)
    bucket.take("a", rate)
    waits = [bucket.take("a", rate).wait for _ in range(100)]

    assert waits[0] == waits[-1] == pytest.approx(10.0)


def test_looking_costs_nothing_either(now):
    bucket, rate = Buckets("key"), (2, 10.0)
    for _ in range(50):
        assert bucket.take("a", rate, cost=0).wait == 0
    assert bucket.take("a", rate).remaining == 1


def test_a_flood_of_callers_does_not_fill_the_memory(now):
    bucket = Buckets("address", most=100)
    for number in range(1_000):
        bucket.take(f"caller {number}", (5, 60.0))

    assert len(bucket._full_at) == 100


def test_a_key_that_asks_too_often_hears_429_until_it_has_waited(settings, now):
    settings.RATE_LIMIT_KEY = (3, 60.0)
    api, other = a_caller(), a_caller()
    replies = [api.get("/v1/orders") for _ in range(4)]

    assert [reply.status_code for reply in replies] == [200, 200, 200, 429]
    assert [reply["RateLimit"] for reply in replies] == [
        '"key";r=2;t=20', '"key";r=1;t=40', '"key";r=0;t=60', '"key";r=0;t=60',
    ]  # fmt: skip
    refused = replies[-1]
    assert refused["Content-Type"] == "application/problem+json"
    assert refused.json()["code"] == "rate_limited"
    assert refused.json()["retry_with"] == "same_key"
    assert int(refused["Retry-After"]) == 20
    assert other.get("/v1/orders").status_code == 200
    now.seconds += 20
    assert api.get("/v1/orders").status_code == 200


def test_a_purchase_that_is_refused_for_its_rate_leaves_its_key_unused(settings, now):
    settings.RATE_LIMIT_KEY = (1, 60.0)
    api = a_caller()
    api.get("/v1/orders")

    assert api.checkout().status_code == 429
    assert not IdempotencyKey.objects.exists()


def test_who_guesses_keys_is_not_even_looked_up_any_more(settings, now, django_assert_num_queries):
    settings.RATE_LIMIT_FAILURES = (3, 60.0)
    statuses = [Api(a_wrong_key(number)).get("/v1/orders").status_code for number in range(3)]
    assert statuses == [401, 401, 401]

    with django_assert_num_queries(0):
        reply = Api(a_wrong_key(9)).get("/v1/orders")

    assert reply.status_code == 429
    assert reply["RateLimit-Policy"] == '"address";q=3;w=60'
    assert int(reply["Retry-After"]) == 20


def test_a_client_that_was_here_before_is_served_next_to_somebody_who_guesses(settings, now):
    settings.RATE_LIMIT_FAILURES = (2, 60.0)
    settings.API_KEY_CACHE_SECONDS = 0.0
    api = a_caller()
    assert api.get("/v1/orders").status_code == 200
    for number in range(5):
        Api(a_wrong_key(number)).get("/v1/orders")

    assert api.get("/v1/orders").status_code == 200


def test_of_ipv6_a_whole_network_is_one_caller(rf):
    def address(text):
        return rate_limits._address(rf.get("/", REMOTE_ADDR=text))

    assert address("2001:db8:0:1::1") == address("2001:db8:0:1:ffff::2")
    assert address("2001:db8:0:1::1") != address("2001:db8:0:2::1")
    assert address("203.0.113.7") == "203.0.113.7"


def test_limits_can_be_switched_off(settings, now):
    settings.RATE_LIMIT_KEY = settings.RATE_LIMIT_FAILURES = None
    reply = a_caller().get("/v1/orders")

    assert reply.status_code == 200
    assert "RateLimit" not in reply.headers
    assert Api(a_wrong_key(1)).get("/v1/orders").status_code == 401
