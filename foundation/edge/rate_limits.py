"""How often somebody may ask: token buckets in this process, and nowhere else (ADR 37).

A bucket is one number, the moment at which it is full again (GCRA), so it costs no memory of
single requests and no clock that ticks. Each process of the web server has its own: with n of
them somebody who is spread over all may ask n times as often. What must hold over all processes
(card testing) is counted from rows, in `orders/fraud/`.
"""

import ipaddress
import math
import time
from collections import OrderedDict
from dataclasses import dataclass
from threading import Lock
from typing import Final

from django.conf import settings
from rest_framework.request import Request

from foundation.edge.http import client_ip
from foundation.errors import DomainError

STANDING: Final = "checkout.rate_limit"  # where a request carries how its caller stands
_BUCKETS_MAX: Final = 20_000
_IPV6_PREFIX: Final = 64  # of IPv6 one customer has at least this network to choose from


class RateLimited(DomainError):
    """Asked too often with one key, or with too many wrong keys from one address."""

    code, status, title = "rate_limited", 429, "Too many requests"
    retryable, retry_with = True, "same_key"


@dataclass(frozen=True, slots=True)
class Standing:
    """How somebody stands: what is granted, what is left, and in how many seconds all is again."""

    policy: str
    quota: int
    window: float
    remaining: int
    full_in: float
    wait: float = 0.0  # seconds until the next request is granted; zero: this one was

    @property
    def headers(self) -> dict[str, str]:
        """`RateLimit` and `RateLimit-Policy` (draft-ietf-httpapi-ratelimit-headers-11)."""
        return {
            "RateLimit": f'"{self.policy}";r={self.remaining};t={math.ceil(self.full_in)}',
            "RateLimit-Policy": f'"{self.policy}";q={self.quota};w={self.window:g}',
        }


class Buckets:
    """One policy, and the bucket of everybody who was here lately."""

    def __init__(self, policy: str, *, most: int = _BUCKETS_MAX) -> None:
        self.policy, self.most = policy, most
        self._full_at: OrderedDict[str | bytes, float] = OrderedDict()
        self._lock = Lock()

    def take(self, who: str | bytes, rate: tuple[int, float], *, cost: int = 1) -> Standing:
        """Take a token if there is one; with `cost=0` only look."""
        quota, window = rate
        each = window / quota
        with self._lock:
            now = time.monotonic()
            full_at = max(self._full_at.get(who, now), now)
            after = full_at + each * max(cost, 1)
            over = after - now - window
            if over <= 0 and cost:
                full_at = after
                self._keep(who, after)
        left = max(0, math.floor((window - (full_at - now)) / each + 1e-9))
        return Standing(self.policy, quota, window, left, full_at - now, max(over, 0.0))

    def forget(self) -> None:
        """Everybody starts anew."""
        with self._lock:
            self._full_at.clear()

    def _keep(self, who: str | bytes, full_at: float) -> None:
        self._full_at[who] = full_at
        self._full_at.move_to_end(who)
        if len(self._full_at) > self.most:
            self._full_at.popitem(last=False)  # who was not here for longest is full soonest


_keys, _strangers = Buckets("key"), Buckets("address")


def spend(request: Request, key: bytes) -> None:
    """One request with a valid key. Raises `RateLimited`."""
    rate: tuple[int, float] | None = settings.RATE_LIMIT_KEY
    if rate is not None:
        _hold(request, _keys.take(key, rate), "This key was used too often.")


def count_failure(request: Request) -> None:
    """One request without a valid key. Raises `RateLimited` instead of what it would hear."""
    _of_strangers(request, cost=1)


def refuse_guessing(request: Request) -> None:
    """Before a key that nobody knows is looked up. Raises `RateLimited`."""
    _of_strangers(request, cost=0)


def forget() -> None:
    """Everybody starts anew."""
    _keys.forget()
    _strangers.forget()


def _of_strangers(request: Request, *, cost: int) -> None:
    rate: tuple[int, float] | None = settings.RATE_LIMIT_FAILURES
    if rate is None:
        return
    standing = _strangers.take(_address(request), rate, cost=cost)
    if cost or standing.wait:
        _hold(request, standing, "Too many requests without a valid key came from this address.")


def _hold(request: Request, standing: Standing, told: str) -> None:
    request.META[STANDING] = standing
    if standing.wait:
        wait = str(max(1, math.ceil(standing.wait)))
        raise RateLimited(told, headers={"Retry-After": wait})


def _address(request: Request) -> str:
    found = client_ip(request, trusted=settings.TRUSTED_PROXIES)
    if found is None or ":" not in found:
        return found or "unknown"
    return str(ipaddress.ip_network((found, _IPV6_PREFIX), strict=False))
