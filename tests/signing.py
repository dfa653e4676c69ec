"""Signs a processor's event as Stripe signs it."""

import hashlib
import hmac
import time


def signed(body, *, secret, at=None):
    """The header `Stripe-Signature` of a body, made now unless told otherwise."""
    at = int(time.time()) if at is None else at
    digest = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={at},v1={digest}"
