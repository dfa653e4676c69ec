"""How a cancellation's row is written, and what its caller is told: at the end, and for now."""

from typing import Final

import orjson

from foundation import clock, idempotency, rows
from foundation.idempotency import Answer
from foundation.models import IdempotencyKey
from foundation.saga import Pause
from foundation.state_machine import move
from orders import representations, selectors
from orders.cancellation import attention
from orders.models import Cancellation
from orders.states import CANCELLATION

_MEMORY: Final = (
    "recovery_point", "direction", "refusal", "step_log", "payment_action", "tries", "last_error",
    "ended_at",
)  # fmt: skip


def remember(cancellation: Cancellation) -> None:
    """Write the saga's memory: an INSERT the first time, then guarded moves."""
    if cancellation._state.adding:  # noqa: SLF001 - Django's documented flag for "not in the database"
        rows.insert(cancellation)
    elif cancellation.state != cancellation.stored_state:
        changes = {name: getattr(cancellation, name) for name in _MEMORY}
        target, came_from = cancellation.state, cancellation.stored_state
        move(
            cancellation,
            table=CANCELLATION,
            to=target,
            by=cancellation.actor,
            only_from=(came_from,),
            **changes,
        )
    else:
        cancellation.save(update_fields=_MEMORY)
    cancellation.stored_state = cancellation.state


def answer_the_request(cancellation: Cancellation, key: IdempotencyKey) -> None:
    """The end: the final answer is stored in the transaction that cancels the order."""
    cancellation.ended_at = clock.now()
    cancellation.state = "completed"
    attention.is_over(cancellation)
    cancellation.answer = _answer(cancellation, status=200)
    idempotency.complete(key, cancellation.answer)


def answer_for_now(cancellation: Cancellation, key: IdempotencyKey, pause: Pause) -> None:
    """The money is not settled yet: 202, not stored, and somebody comes back for it."""
    cancellation.state = pause.state
    if pause.state == "needs_attention":
        attention.tell_not_undone(cancellation)
    idempotency.postpone(key, seconds=pause.seconds)
    cancellation.answer = in_flight(cancellation)


def in_flight(cancellation: Cancellation) -> Answer:
    """What a caller hears of a cancellation that has not ended."""
    return _answer(cancellation, status=202, headers={"Retry-After": "2"})


def _answer(
    cancellation: Cancellation, *, status: int, headers: dict[str, str] | None = None
) -> Answer:
    order = selectors.whole_order(cancellation.order_id)
    body = representations.order(
        order,
        lines=order.lines.all(),
        fulfillments=order.fulfillments.all(),
        canceled=cancellation,
    )
    told = {"Content-Type": "application/json", "Location": f"/v1/orders/{order.reference}"}
    return Answer(status, orjson.dumps(body), told | (headers or {}))
