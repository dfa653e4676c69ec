"""GA4's Measurement Protocol.

Collecting answers 2xx to whatever it is sent, so each event is validated first, by the address
that exists for that (`/debug/mp/collect`) and stores nothing.
https://developers.google.com/analytics/devguides/collection/protocol/ga4
"""

from typing import Any, Final
from urllib.parse import urlencode

import orjson
import urllib3
from django.conf import settings

from attribution.analytics.base import Purchase, Refund, Refused, Unavailable
from foundation.money import Money, major_units

_SECONDS: Final = urllib3.Timeout(connect=2.0, read=8.0)
_MICROS: Final = 1_000_000


class MeasurementProtocol:
    """Sends each purchase and each refund to one property."""

    def __init__(self) -> None:
        self._pool = urllib3.PoolManager(retries=False, timeout=_SECONDS)

    def send(self, purchase: Purchase) -> None:
        """Validate, then collect."""
        self._tell(message(purchase))

    def send_refund(self, refund: Refund) -> None:
        """Validate, then collect."""
        self._tell(refund_message(refund))

    def _tell(self, told: dict[str, Any]) -> None:
        body = orjson.dumps(told)
        found = self._post("/debug/mp/collect", body)
        if problems := _problems(found):
            raise Refused(problems)
        self._post("/mp/collect", body)

    def _post(self, path: str, body: bytes) -> bytes:
        """The secret is in the address, so no error may repeat the address."""
        whose = {
            "measurement_id": settings.GA4_MEASUREMENT_ID,
            "api_secret": settings.GA4_API_SECRET,
        }
        url = f"{settings.GA4_URL}{path}?{urlencode(whose)}"
        kind = {"Content-Type": "application/json"}
        try:
            answer = self._pool.request("POST", url, body=body, headers=kind, redirect=False)
        except urllib3.exceptions.HTTPError as error:
            raise Unavailable(f"no answer: {type(error).__name__}") from None
        if not 200 <= answer.status < 300:
            raise Unavailable(f"answered {answer.status}")
        return answer.data


def message(purchase: Purchase) -> dict[str, Any]:
    """One purchase as the protocol has it: amounts in major units, the moment in microseconds."""
    total = purchase.total
    told = {
        "transaction_id": purchase.number,
        "currency": total.currency,
        "value": _decimal(total),
        "tax": _decimal(purchase.tax),
        "shipping": _decimal(purchase.shipping),
        "engagement_time_msec": 1,
    }
    if purchase.session_id:
        told["session_id"] = purchase.session_id
    return {
        "client_id": purchase.browser_id,
        "timestamp_micros": round(purchase.placed_at.timestamp() * _MICROS),
        "events": [{"name": "purchase", "params": told}],
    }


def refund_message(refund: Refund) -> dict[str, Any]:
    """One refund: of the order's number, and of as much as was given back.

    GA4 tells purchases apart by their number, and refunds by nothing; ours carry their id, so
    that one that arrived twice can be seen in an export.
    """
    told = {
        "transaction_id": refund.number,
        "currency": refund.amount.currency,
        "value": _decimal(refund.amount),
        "refund_id": refund.reference,
        "engagement_time_msec": 1,
    }
    return {
        "client_id": refund.browser_id,
        "timestamp_micros": round(refund.given_at.timestamp() * _MICROS),
        "events": [{"name": "refund", "params": told}],
    }


def _decimal(money: Money) -> float:
    """JSON knows no decimals; of the shortest text of this float nothing is lost."""
    return float(major_units(money.amount, money.currency))


def _problems(answer: bytes) -> str:
    """What the validating address found wrong, or nothing."""
    try:
        messages = orjson.loads(answer)["validationMessages"]
        return ", ".join(str(each["validationCode"]) for each in messages)
    except (ValueError, LookupError, TypeError):
        raise Unavailable("what the validation says can not be read") from None
