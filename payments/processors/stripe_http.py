"""The HTTP client under Stripe's SDK: pooled, with bounded time, and honest about what was sent.

The SDK's own clients report every connection failure alike. Money needs the difference
between "no byte can have reached them" (refused, DNS, TLS) and "they may have it".
"""

import ssl
from collections.abc import Mapping
from typing import Any

import stripe
import urllib3
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    NameResolutionError,
    NewConnectionError,
    SSLError,
)

_NOT_SENT = (NewConnectionError, ConnectTimeoutError, NameResolutionError)


class NotSent(stripe.APIConnectionError):
    """The request cannot have reached the processor."""


class BoundedClient(stripe.HTTPClient):
    """One pool a process, one time limit a request, no retries of its own."""

    name = "urllib3"

    def __init__(self, *, connect_seconds: float, read_seconds: float, pool_size: int) -> None:
        super().__init__(verify_ssl_certs=True)
        self._pool = urllib3.PoolManager(
            maxsize=pool_size,
            retries=False,
            timeout=urllib3.Timeout(connect=connect_seconds, read=read_seconds),
            ca_certs=stripe.ca_bundle_path,
        )

    def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None,
        post_data: Any = None,
        **_options: Any,
    ) -> tuple[Any, int, Mapping[str, str]]:
        """One request, or `NotSent` / `APIConnectionError`."""
        try:
            response = self._pool.request(
                method.upper(), url, headers=dict(headers or {}), body=post_data, redirect=False
            )
        except _NOT_SENT as error:
            raise NotSent(f"not sent: {type(error).__name__}") from error  # type: ignore[no-untyped-call]
        except HTTPError as error:
            if _is_certificate_refused(error):
                raise NotSent("not sent: certificate refused") from error  # type: ignore[no-untyped-call]
            lost = f"no answer: {type(error).__name__}"
            raise stripe.APIConnectionError(lost) from error  # type: ignore[no-untyped-call]
        return response.data, response.status, response.headers

    def close(self) -> None:
        """Close the pooled connections."""
        self._pool.clear()


def _is_certificate_refused(error: HTTPError) -> bool:
    """Only this TLS failure is known to come before the request; others may come after it."""
    cause = error.args[0] if isinstance(error, SSLError) and error.args else None
    return isinstance(cause, ssl.SSLCertVerificationError)
