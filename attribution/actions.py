"""The idempotent POSTs of attribution, by kind; the sweep finishes any of them."""

import uuid
from typing import Final

import orjson

from attribution import conversions, representations
from attribution.models import Touchpoint
from foundation import actions
from foundation.actions import Action
from foundation.idempotency import Answer

_JSON: Final = {"Content-Type": "application/json"}


def _recorded(touchpoint_id: uuid.UUID) -> Answer:
    row = Touchpoint.objects.get(pk=touchpoint_id)
    return Answer(201, orjson.dumps(representations.touchpoint(row)), _JSON)


def _taken(batch_id: uuid.UUID) -> Answer:
    answer = representations.batch(batch_id, conversions.results(batch_id))
    return Answer(201, orjson.dumps(answer), _JSON)


CONVERSIONS: Final = Action("conversions", finish=_taken, for_now=_taken)
TOUCHPOINT: Final = Action("touchpoint", finish=_recorded, for_now=_recorded)

_ACTIONS: Final = {action.kind: action for action in (TOUCHPOINT, CONVERSIONS)}


def recover(*, limit: int) -> int:
    """Finish what clients told and whose runner is gone; returns how many it took."""
    return actions.recover(_ACTIONS, limit=limit)
