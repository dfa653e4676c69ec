"""Coming back to a checkout with a key of one's own: to go on with it, or to give it up.

A visit decides nothing by itself. It takes the saga up where its rows say it stands (and that
asks the processor), or marks it as given up and takes it up; the answer is read from the rows.
"""

import uuid
from collections.abc import Callable
from typing import Final

import orjson

from foundation.actions import Action
from foundation.idempotency import Answer
from orders import representations
from orders.checkout import endings, recovery
from orders.models import Checkout, CheckoutVisit
from orders.refusals import CheckoutCompleted

Verb = CheckoutVisit.Verb
_OTHERS_MUST_ACT: Final = ("requires_action", "in_review")


def confirming(checkout: Checkout, *, actor: str, request_id: str) -> Callable[[uuid.UUID], None]:
    """What T1 of a confirmation does: write down that somebody came back."""

    def begin(visit_id: uuid.UUID) -> None:
        _write_down(visit_id, checkout, Verb.CONFIRM, actor, request_id)

    return begin


def canceling(checkout: Checkout, *, actor: str, request_id: str) -> Callable[[uuid.UUID], None]:
    """What T1 of giving up does: from then on the checkout only goes back.

    Raises `CheckoutCompleted` when it is an order already. One that is over otherwise is left
    as it is: nothing is held, which is what was wanted.
    """

    def begin(visit_id: uuid.UUID) -> None:
        # Whoever is at the pivot holds this row; the order, or this mark, is first.
        open_ones = Checkout.objects.filter(pk=checkout.pk, ended_at__isnull=True)
        if open_ones.update(canceled_by=actor[:120]) == 0:
            _refuse_if_ordered(checkout.pk)
        _write_down(visit_id, checkout, Verb.CANCEL, actor, request_id)

    return begin


def _refuse_if_ordered(checkout_id: uuid.UUID) -> None:
    checkout = Checkout.objects.get(pk=checkout_id)
    if checkout.state == "completed":
        url = f"/v1/orders/{checkout.order_reference}"
        raise CheckoutCompleted(
            f"Cancel the order instead: POST {url}/cancel.", order=checkout.order_reference
        )


def _write_down(
    visit_id: uuid.UUID, checkout: Checkout, verb: Verb, actor: str, request_id: str
) -> None:
    CheckoutVisit.objects.create(
        id=visit_id, checkout=checkout, verb=verb, actor=actor[:120], request_id=request_id
    )


def _confirm(visit_id: uuid.UUID) -> Answer | None:
    """Ask the processor through the saga; final is an end, or that others must act (still)."""
    visit = CheckoutVisit.objects.get(pk=visit_id)
    was_taken_up = recovery.resume(visit.checkout_id)
    checkout = _now(visit)
    if (answer := endings.outcome(checkout)) is not None:
        return answer
    is_waiting = checkout.state in _OTHERS_MUST_ACT and was_taken_up
    return endings.in_flight(checkout) if is_waiting or _is_a_case(checkout) else None


def _cancel(visit_id: uuid.UUID) -> Answer | None:
    """Walk the saga's own way back; final is that nothing is held, or that a person must see."""
    visit = CheckoutVisit.objects.get(pk=visit_id)
    if _now(visit).ended_at is None:
        recovery.resume(visit.checkout_id)
    checkout = _now(visit)
    if checkout.ended_at is not None:
        return _as_it_is(checkout)
    return endings.in_flight(checkout) if _is_a_case(checkout) else None


def _is_a_case(checkout: Checkout) -> bool:
    """It may take days: the checkout's own URL tells the rest."""
    return checkout.state == "needs_attention"


def _confirm_for_now(visit_id: uuid.UUID) -> Answer:
    checkout = _now(CheckoutVisit.objects.get(pk=visit_id))
    return endings.outcome(checkout) or endings.in_flight(checkout)


def _cancel_for_now(visit_id: uuid.UUID) -> Answer:
    checkout = _now(CheckoutVisit.objects.get(pk=visit_id))
    return _as_it_is(checkout) if checkout.ended_at else endings.in_flight(checkout)


def _as_it_is(checkout: Checkout) -> Answer:
    body = orjson.dumps(representations.checkout(checkout))
    return Answer(200, body, {"Content-Type": "application/json"})


def _now(visit: CheckoutVisit) -> Checkout:
    rows = Checkout.objects.select_related("payment").prefetch_related("order__lines")
    return rows.get(pk=visit.checkout_id)


CONFIRM: Final = Action("checkout_confirm", finish=_confirm, for_now=_confirm_for_now)
CANCEL: Final = Action("checkout_cancel", finish=_cancel, for_now=_cancel_for_now)
