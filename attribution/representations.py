"""How attribution looks on the wire."""

import datetime as dt
import uuid
from collections.abc import Sequence
from typing import Any

from attribution.conversions import Result
from attribution.credit import MODEL_VERSION, MODELS, Credit, Touch
from attribution.models import Touchpoint
from foundation.ids import public
from foundation.money import Money


def touchpoint(row: Touchpoint) -> dict[str, Any]:
    """One visit as it was stored, with the names of what was left out."""
    return {
        "id": row.reference,
        "session_id": row.session_id or None,
        "client_id": row.browser_id or None,
        "customer_reference": row.customer_reference or None,
        "source": row.source,
        "medium": row.medium,
        "campaign": row.campaign,
        "term": row.term or None,
        "content": row.content or None,
        "campaign_id": row.campaign_id or None,
        "click_ids": row.click_ids,
        "referrer_host": row.referrer_host or None,
        "landing_page": row.landing_page or None,
        "device": row.device,
        "consent": row.consent,
        "dropped": row.dropped,
        "occurred_at": moment(row.occurred_at),
        "received_at": moment(row.received_at),
    }


def moment(value: dt.datetime) -> str:
    """RFC 3339 in UTC."""
    return value.astimezone(dt.UTC).isoformat().replace("+00:00", "Z")


def batch(batch_id: uuid.UUID, results: Sequence[Result]) -> dict[str, Any]:
    """What became of each row of one request, in its order."""
    repeated = sum(result.is_duplicate for result in results)
    return {
        "id": public("cvb", batch_id),
        "accepted": len(results),
        "duplicates": repeated,
        "results": [
            {
                "index": index,
                "transaction_id": result.transaction_id,
                "status": "duplicate" if result.is_duplicate else "accepted",
            }
            for index, result in enumerate(results)
        ],
    }


def journey(touches: Sequence[Touch], total: Money) -> dict[str, Any]:
    """What led to an order, and whom each model thanks for it."""
    return {
        "model_version": MODEL_VERSION,
        "touches": [_touch(touch) for touch in touches],
        "credit": {
            name: [_credit(given, total.currency) for given in model(touches, total.amount)]
            for name, model in MODELS.items()
        },
    }


def _touch(touch: Touch) -> dict[str, Any]:
    return {
        "at": moment(touch.at),
        "source": touch.source,
        "medium": touch.medium,
        "campaign": touch.campaign,
    }


def _credit(given: Credit, currency: str) -> dict[str, Any]:
    amount = Money(given.amount, currency).as_json()
    return _touch(given.touch) | {"amount": amount}
