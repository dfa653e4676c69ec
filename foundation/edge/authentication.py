"""API keys: `sk_test_…` / `sk_live_…` with a checksum, kept as SHA-256, scoped, revocable.

The underscored prefix and the checksum let secret scanners find a leaked key without false
alarms. With 190 random bits one fast hash is enough; nothing here is guessable.
"""

import datetime as dt
import hashlib
import secrets
import string
import time
import uuid
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.conf import settings
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from foundation import clock
from foundation.edge import rate_limits
from foundation.errors import DomainError
from foundation.models import ApiClient, ApiKey

SCOPES: Final = (
    "checkout", "orders:read", "orders:write", "payments:write", "webhooks", "reports",
    "reconciliation:write",
)  # fmt: skip
_TEST_PREFIX: Final = "sk_test_"
_ALPHABET: Final = string.ascii_letters + string.digits
_RANDOM_LENGTH: Final = 32
_CHECKSUM_LENGTH: Final = 6
_LAST_USED_EVERY: Final = dt.timedelta(hours=1)
_CACHE_MAX: Final = 10_000


class Unauthenticated(DomainError):
    """No key, or one that is unknown, expired or revoked; which of these is not said."""

    code, status, title = "unauthenticated", 401, "A valid API key is required"


class ScopeMissing(DomainError):
    """A genuine key that is not allowed to do this."""

    code, status, title = "scope_missing", 403, "This key may not do that"


@dataclass(frozen=True)
class Principal:
    """Who is calling: the client behind the key, and what the key allows."""

    client_id: uuid.UUID
    client_name: str
    scopes: frozenset[str]
    sees_all: bool
    is_authenticated: bool = True

    @property
    def actor(self) -> str:
        """How this caller is named on the record."""
        return f"api:{self.client_name}"[:120]


def create_key(
    client: ApiClient, *, scopes: Sequence[str], live: bool = False, sees_all: bool = False
) -> str:
    """Make a key for a client and return it; it is never readable again."""
    unknown = set(scopes) - set(SCOPES)
    if unknown:
        raise ValueError(f"unknown scopes: {', '.join(sorted(unknown))}")
    prefix = "sk_live_" if live else _TEST_PREFIX
    body = "".join(secrets.choice(_ALPHABET) for _ in range(_RANDOM_LENGTH))
    text = f"{prefix}{body}{_checksum(prefix + body)}"
    ApiKey.objects.create(
        client=client,
        digest=digest_of(text),
        hint=f"{text[:12]}…{text[-4:]}",
        scopes=list(scopes),
        sees_all=sees_all,
    )
    return text


def _checksum(text: str) -> str:
    number, letters = zlib.crc32(text.encode()), []
    for _ in range(_CHECKSUM_LENGTH):
        number, digit = divmod(number, len(_ALPHABET))
        letters.append(_ALPHABET[digit])
    return "".join(letters)


def digest_of(text: str) -> bytes:
    """What is kept of a key."""
    return hashlib.sha256(text.encode()).digest()


def principal(request: Request) -> Principal:
    """Who sent this request, past authentication."""
    caller: Any = request.user
    if not isinstance(caller, Principal):
        raise Unauthenticated(headers={"WWW-Authenticate": "Bearer"})
    return caller


class ApiKeyAuthentication(BaseAuthentication):
    """`Authorization: Bearer <key>`.

    A key found valid is believed for `API_KEY_CACHE_SECONDS` in this worker; so a revocation
    takes at most that long, and a checkout is one statement shorter.
    """

    _believed: dict[bytes, tuple[float, Principal]] = {}

    def authenticate(self, request: Request) -> tuple[Principal, None]:
        """The caller. Raises `Unauthenticated` or `RateLimited`."""
        try:
            caller, digest = self._caller(request)
        except Unauthenticated:
            rate_limits.count_failure(request)
            raise
        rate_limits.spend(request, digest)
        return caller, None

    def _caller(self, request: Request) -> tuple[Principal, bytes]:
        digest = digest_of(_bearer(request))
        believed_until, caller = self._believed.get(digest, (0.0, None))
        if caller is None:
            rate_limits.refuse_guessing(request)
        if caller is None or believed_until < time.monotonic():
            caller = self._look_up(digest)
        return caller, digest

    def _look_up(self, digest: bytes) -> Principal:
        key = ApiKey.objects.select_related("client").filter(digest=digest).first()
        moment = clock.now()
        if key is None or not _is_live(key, moment):
            self._believed.pop(digest, None)
            raise Unauthenticated(headers={"WWW-Authenticate": "Bearer"})
        if key.last_used_at is None or moment - key.last_used_at > _LAST_USED_EVERY:
            ApiKey.objects.filter(pk=key.pk).update(last_used_at=moment)
        caller = Principal(
            client_id=key.client_id,
            client_name=key.client.name,
            scopes=frozenset(key.scopes),
            sees_all=key.sees_all,
        )
        if len(self._believed) >= _CACHE_MAX:
            self._believed.clear()
        until = time.monotonic() + settings.API_KEY_CACHE_SECONDS
        self._believed[digest] = (until, caller)
        return caller

    def authenticate_header(self, request: Request) -> str:  # noqa: ARG002 - DRF's signature
        """What a 401 asks for."""
        return "Bearer"


def _bearer(request: Request) -> str:
    scheme, _, text = get_authorization_header(request).decode("latin-1").partition(" ")
    text = text.strip()
    body, checksum = text[:-_CHECKSUM_LENGTH], text[-_CHECKSUM_LENGTH:]
    if scheme.lower() != "bearer" or not body.isascii() or _checksum(body) != checksum:
        raise Unauthenticated(headers={"WWW-Authenticate": "Bearer"})
    if settings.API_KEYS_LIVE_ONLY and text.startswith(_TEST_PREFIX):
        raise Unauthenticated(headers={"WWW-Authenticate": "Bearer"})
    return text


def _is_live(key: ApiKey, moment: dt.datetime) -> bool:
    return key.revoked_at is None and (key.expires_at is None or key.expires_at > moment)


class HasScope(BasePermission):
    """The view says which scope each method needs: `scopes = {"POST": "checkout"}`."""

    def has_permission(self, request: Request, view: Any) -> bool:
        """Deny by default: a method without a scope is allowed to nobody."""
        method = request.method or ""
        if method == "OPTIONS" or not hasattr(view, method.lower()):
            return True  # there is nothing to allow: which methods there are is no secret, or 405
        needed: dict[str, Any] = getattr(view, "scopes", {})
        scope = needed.get("GET" if method == "HEAD" else method)
        if scope is None or scope not in principal(request).scopes:
            raise ScopeMissing(f"The scope {scope!r} is needed.")
        return True
