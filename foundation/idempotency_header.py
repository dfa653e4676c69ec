"""Reading `Idempotency-Key`, and recognizing the same request again.

Syntax: draft-ietf-httpapi-idempotency-key-header-07, and bare as every deployed client sends it.
"""

import hashlib
import re
from typing import Any, Final

import orjson

from foundation.card_numbers import contains_card_number
from foundation.errors import DomainError

_SHAPE: Final = re.compile(r"[\x21-\x7e][\x20-\x7e]{14,253}[\x21-\x7e]")
_LOOKS_LIKE_EMAIL: Final = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


class KeyMissing(DomainError):
    """No `Idempotency-Key` on an operation that moves money or stock."""

    code, status, title = "idempotency_key_missing", 400, "An Idempotency-Key header is required"
    retryable, retry_with = True, "new_key"


class KeyInvalid(DomainError):
    """A key that is blank, too short, too long, or not printable ASCII."""

    code, status, title = "idempotency_key_invalid", 400, "The Idempotency-Key is not valid"
    retryable, retry_with = True, "new_key"


def read_key(header: str | None) -> str:
    """The key in its one canonical form, from a quoted (draft) or bare header value.

    Raises `KeyMissing` or `KeyInvalid`; blank never means "unprotected".
    """
    if header is None:
        raise KeyMissing("Send a fresh UUID made when the shopper presses Pay, kept over retries.")
    value = header.strip(" \t")
    if len(value) >= 2 and value[0] == value[-1] == '"':
        value = value[1:-1]
    elif "," in value:  # as servers join a header that was sent twice
        raise KeyInvalid("Send one key; a comma may stand in a quoted one only.")
    if not _SHAPE.fullmatch(value) or '"' in value or "\\" in value:
        raise KeyInvalid("Use 16 to 255 printable ASCII characters, quoted or bare.")
    if _LOOKS_LIKE_EMAIL.fullmatch(value):
        raise KeyInvalid("A key must not carry personal data; use a random UUID.")
    if contains_card_number(value):
        raise KeyInvalid("A key must not carry a card number; use a random UUID.")
    return value


def fingerprint(scope: str, body: Any) -> bytes:
    """SHA-256 over the scope and the parsed body: spacing and key order do not matter."""
    canonical = orjson.dumps(body, option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(scope.encode() + b"\n" + canonical).digest()
