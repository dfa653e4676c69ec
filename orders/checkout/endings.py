"""How a checkout's row is written, and what its client is told: at the end, and for now."""

import datetime as dt
from dataclasses import replace
from typing import Final

import orjson
from django.conf import settings

from foundation import clock, idempotency, rows
from foundation.edge import problems
from foundation.errors import DomainError
from foundation.idempotency import SYSTEM_SCOPE, Answer
from foundation.models import IdempotencyKey
from foundation.saga import FORWARD, Pause
from foundation.state_machine import move
from orders import representations
from orders.checkout import attention
from orders.models import Checkout
from orders.refusals import TaxDown, from_memory
from orders.states import CHECKOUT
from payments.refusals import ProcessorDown

BY: Final = "system:checkout"
_MEMORY: Final = ("recovery_point", "direction", "refusal", "step_log")
_FROZEN: Final = (
    "lines", "subtotal_amount", "tax_amount", "shipping_amount", "total_amount", "risk",
    "risk_outcome",
)  # fmt: skip
_WAITS_FOR_OTHERS: Final = ("requires_action", "in_review")
_NOTHING_SENT: Final[dict[str, tuple[type[DomainError], str]]] = {
    "started": (TaxDown, "Nothing is held: the tax is not known yet."),
    "authorizing": (ProcessorDown, "Nothing was sent to the processor yet."),
}
_CAME_LATE: Final = ("unknown", "compensating", "needs_attention")  # a case may be open


def remember(checkout: Checkout) -> None:
    """Write the saga's memory: an INSERT the first time, then guarded moves."""
    if checkout._state.adding:  # noqa: SLF001 - Django's documented flag for "not in the database"
        rows.insert(checkout)
    elif checkout.state != checkout.stored_state:
        changes = {name: getattr(checkout, name) for name in (*_remembered(checkout), "ended_at")}
        changes |= {"forward_until": checkout.forward_until, "payment": checkout.payment}
        target, came_from = checkout.state, checkout.stored_state
        # Given up by its client at this very moment, it must not become an order.
        fence = {"canceled_by": ""} if target == "completed" else None
        move(
            checkout, table=CHECKOUT, to=target, by=BY, only_from=(came_from,), fence=fence,
            **changes,
        )  # fmt: skip
    else:
        checkout.save(update_fields=_remembered(checkout))
    checkout.stored_state = checkout.state


def _remembered(checkout: Checkout) -> tuple[str, ...]:
    """Whoever is asked about fraud or tax outside answers after the row was first written."""
    return (*_MEMORY, *_FROZEN) if checkout.stored_state == "started" else _MEMORY


def answer_the_request(checkout: Checkout, key: IdempotencyKey) -> None:
    """The end, forward or undone: the final answer is stored in the ending transaction."""
    checkout.ended_at = clock.now()
    if checkout.direction == FORWARD:
        answer = _completed(checkout, is_placed_now=True)
    else:
        answer = _refused(checkout)
        checkout.state = _undone_state(checkout)
    if checkout.stored_state in _CAME_LATE:
        attention.is_over(checkout)
    is_abandoned = (checkout.refusal or {}).get("code") == "checkout_expired"
    idempotency.complete(key, answer, abandoned=is_abandoned)
    checkout.answer = answer


def answer_for_now(checkout: Checkout, key: IdempotencyKey, pause: Pause) -> None:
    """A pause: who must act next, until when, and what the client hears meanwhile."""
    checkout.state = pause.state
    seconds = pause.seconds
    if pause.state == "needs_attention":
        attention.tell_not_undone(checkout)
    if pause.state in _WAITS_FOR_OTHERS:
        checkout.forward_until = _extended(checkout, pause.state)
        if key.scope != SYSTEM_SCOPE:
            # Stored: the same key hears the same 202 for ever, and the URL in it tells the rest.
            checkout.answer = in_flight(checkout)
            idempotency.complete(key, checkout.answer)
            idempotency.open_successor(key, seconds=seconds)
            return
    idempotency.postpone(key, seconds=seconds)
    checkout.answer = in_flight(checkout)


def _extended(checkout: Checkout, state: str) -> dt.datetime:
    """The deadline of whoever must act; set once, when they are first asked."""
    if checkout.stored_state == state:
        return checkout.forward_until
    seconds = settings.ACTION_SECONDS if state == "requires_action" else settings.REVIEW_SECONDS
    return idempotency.from_now(seconds)


def outcome(checkout: Checkout) -> Answer | None:
    """What somebody hears who comes back to a checkout; None while it has not ended."""
    if checkout.ended_at is None:
        return None
    if checkout.state != "completed":
        return _refused(checkout)
    return replace(_completed(checkout), status=200)  # it was made before, or by this very visit


def in_flight(checkout: Checkout) -> Answer:
    """What a client hears of a checkout that has not ended: 202, or 503 when nothing was sent."""
    if checkout.state in _NOTHING_SENT:
        kind, what = _NOTHING_SENT[checkout.state]
        error = kind(
            f"{what} Repeat the request with the same key; "
            "without you it is finished, or undone, within minutes.",
            headers={"Retry-After": "5"},
            charge_state="not_charged",
        )
        return problems.answer(error, instance=_url(checkout), request_id=checkout.request_id)
    headers = {"Content-Type": "application/json", "Location": _url(checkout), "Retry-After": "2"}
    return Answer(202, orjson.dumps(representations.checkout(checkout)), headers)


def _completed(checkout: Checkout, *, is_placed_now: bool = False) -> Answer:
    body = representations.checkout(checkout, is_placed_now=is_placed_now)
    location = f"/v1/orders/{checkout.order_reference}"
    return Answer(
        201, orjson.dumps(body), {"Content-Type": "application/json", "Location": location}
    )


def _refused(checkout: Checkout) -> Answer:
    refusal = from_memory(checkout.refusal or {})
    return problems.answer(refusal, instance=_url(checkout), request_id=checkout.request_id)


def _undone_state(checkout: Checkout) -> str:
    if "compensating" in (checkout.state, checkout.stored_state):
        return "compensated"
    if checkout.stored_state == "needs_attention":
        return "compensated"
    return "expired" if (checkout.refusal or {}).get("code") == "checkout_expired" else "failed"


def _url(checkout: Checkout) -> str:
    return f"/v1/checkouts/{checkout.reference}"
