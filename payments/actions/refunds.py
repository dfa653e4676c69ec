"""POST /v1/payments/{id}/refunds, from the row that is written down to the answer."""

import uuid
from typing import Final

from foundation.actions import Reply
from foundation.idempotency import Answer
from payments import representations
from payments.actions import performing
from payments.actions.performing import Caller, Verb
from payments.models import Refund
from payments.refusals import RefundRefused
from payments.services import refund, resolve


def ask_refund(caller: Caller, *, amount: int | None, reason: str) -> Reply:
    """Give back once. 201 with the refund, 202 while unknown, 402 when the processor refuses.

    `amount` in minor units, None for all that is left. Raises what `refund.create` refuses,
    `KeyReused` and `InProgress`.
    """

    def begin(operation_id: uuid.UUID) -> Refund:
        caller.expects()
        wish = caller.of(operation_id)
        return refund.create(caller.payment, wish, amount=amount, reason=reason)

    return performing.perform(REFUND, caller, begin=begin)


def _ask(operation_id: uuid.UUID) -> None:
    if _is_in_doubt(_row(operation_id)):
        resolve.try_refund_now(operation_id)


def _outcome(operation_id: uuid.UUID) -> Answer | None:
    made = _row(operation_id)
    if _is_in_doubt(made):
        return None
    if made.state != "failed":
        return performing.final(201, representations.refund(made), _url(made))
    refused = RefundRefused(
        "The money was not given back.", refund=made.reference, failure_code=made.failure_code
    )
    return performing.refusal(refused, made.payment)


def _is_in_doubt(made: Refund) -> bool:
    """Whether the processor is not known to have it; what it has may stay pending for days."""
    return made.state == "pending" and not made.processor_reference


def _pending(operation_id: uuid.UUID) -> Answer:
    made = _row(operation_id)
    return performing.for_now(representations.refund(made), _url(made))


def _row(operation_id: uuid.UUID) -> Refund:
    return Refund.objects.select_related("payment").get(pk=operation_id)


def _url(made: Refund) -> str:
    return f"/v1/refunds/{made.reference}"


REFUND: Final = Verb("refund", refund.send, _ask, performing.nothing, _outcome, _pending)
