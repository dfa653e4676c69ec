"""Purchases and refunds as lines of JSON in a file, for whoever ships them on."""

import os
from pathlib import Path
from typing import Any

import orjson
from django.conf import settings

from attribution.analytics.base import Purchase, Refund, Unavailable


class FilePort:
    """Appends a line for each of them, and is done when it is on disk."""

    def send(self, purchase: Purchase) -> None:
        """Raises `Unavailable` when it can not be written."""
        _append(
            {
                "event": "purchase",
                "transaction_id": purchase.number,
                "value": purchase.total.as_json(),
                "tax": purchase.tax.as_json(),
                "shipping": purchase.shipping.as_json(),
                "occurred_at": purchase.placed_at,
                "client_id": purchase.browser_id,
                "session_id": purchase.session_id or None,
            }
        )

    def send_refund(self, refund: Refund) -> None:
        """Raises `Unavailable` when it can not be written."""
        _append(
            {
                "event": "refund",
                "transaction_id": refund.number,
                "refund_id": refund.reference,
                "value": refund.amount.as_json(),
                "occurred_at": refund.given_at,
                "client_id": refund.browser_id,
            }
        )


def _append(told: dict[str, Any]) -> None:
    line = orjson.dumps(told, option=orjson.OPT_APPEND_NEWLINE | orjson.OPT_UTC_Z)
    try:
        with Path(settings.ANALYTICS_FILE).open("ab") as stream:
            stream.write(line)
            stream.flush()
            os.fsync(stream.fileno())
    except OSError as error:
        raise Unavailable(f"not written: {type(error).__name__}") from error
