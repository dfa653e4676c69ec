"""The idempotent POSTs of the shop that are no sagas, by kind; the sweep finishes any of them."""

import uuid
from typing import Final

import orjson

from foundation.actions import Action
from foundation.idempotency import Answer
from orders import representations, selectors
from orders.checkout import visits
from orders.models import StockAdjustment

_JSON: Final = {"Content-Type": "application/json"}


def _created(fulfillment_id: uuid.UUID) -> Answer:
    row = selectors.whole_fulfillment(fulfillment_id)
    location = {"Location": f"/v1/fulfillments/{row.reference}"}
    return Answer(201, orjson.dumps(representations.fulfillment(row)), _JSON | location)


def _adjusted(adjustment_id: uuid.UUID) -> Answer:
    row = StockAdjustment.objects.select_related("item").get(pk=adjustment_id)
    return Answer(201, orjson.dumps(representations.adjustment(row)), _JSON)


FULFILLMENT: Final = Action("fulfillment", finish=_created, for_now=_created)
ADJUSTMENT: Final = Action("stock_adjustment", finish=_adjusted, for_now=_adjusted)

ACTIONS: Final = {
    action.kind: action for action in (visits.CONFIRM, visits.CANCEL, FULFILLMENT, ADJUSTMENT)
}
