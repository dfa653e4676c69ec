"""Purchases as lines of JSON in a file, for whoever ships them on."""

import os
from pathlib import Path

import orjson
from django.conf import settings

from attribution.analytics.base import Purchase, Unavailable


class FilePort:
    """Appends a line for each purchase, and is done when it is on disk."""

    def send(self, purchase: Purchase) -> None:
        """Raises `Unavailable` when it can not be written."""
        line = orjson.dumps(
            {
                "transaction_id": purchase.number,
                "value": purchase.total.as_json(),
                "tax": purchase.tax.as_json(),
                "shipping": purchase.shipping.as_json(),
                "occurred_at": purchase.placed_at,
                "client_id": purchase.browser_id,
                "session_id": purchase.session_id or None,
            },
            option=orjson.OPT_APPEND_NEWLINE | orjson.OPT_UTC_Z,
        )
        try:
            with Path(settings.ANALYTICS_FILE).open("ab") as stream:
                stream.write(line)
                stream.flush()
                os.fsync(stream.fileno())
        except OSError as error:
            raise Unavailable(f"not written: {type(error).__name__}") from error
