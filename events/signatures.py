"""Secrets and signatures of Standard Webhooks 1.0: HMAC-SHA256 over `id.timestamp.body`."""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Iterable
from typing import Final

_PREFIX: Final = "whsec_"
_SECRET_BYTES: Final = 32  # the specification asks for 24 to 64


def new_secret() -> bytes:
    """Random bytes that sign what one endpoint is told."""
    return secrets.token_bytes(_SECRET_BYTES)


def shown(secret: bytes) -> str:
    """The secret as its owner gets it: `whsec_` and base64."""
    return _PREFIX + base64.b64encode(secret).decode()


def headers(
    *, message_id: str, timestamp: int, body: bytes, secrets_: Iterable[bytes]
) -> dict[str, str]:
    """The three headers. `timestamp` in seconds, of this try; one signature for each secret."""
    signed = b".".join([message_id.encode(), str(timestamp).encode(), body])
    signatures = [_signature(secret, signed) for secret in secrets_]
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(signatures),
    }


def _signature(secret: bytes, signed: bytes) -> str:
    digest = hmac.new(secret, signed, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(digest).decode()}"
