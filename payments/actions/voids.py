"""POST /v1/payments/{id}/void, from the claim to the answer."""

import uuid
from typing import Final

from foundation.actions import Reply
from foundation.edge import problems
from foundation.idempotency import Answer
from payments import representations
from payments.actions import performing
from payments.actions.performing import Caller, Verb
from payments.models import Payment, PaymentTransaction, Source
from payments.refusals import PaymentAlreadyCaptured, PaymentChanged, links
from payments.services import owner, resolve, steps, void
from payments.states import TAKEN

_NO_REASON: Final = "asked for by api"


def ask_void(caller: Caller, *, reason: str) -> Reply:
    """Release once. 200 with the payment, 202 while unknown, 409 when it was captured meanwhile.

    Raises what its owner and `void.check_voidable` refuse, `KeyReused` and `InProgress`.
    """

    def begin(operation_id: uuid.UUID) -> Payment:
        payment = caller.payment
        owner.ask(payment.pk, owner.VOID)
        caller.expects()
        steps.lock_and_read(payment)
        void.check_voidable(payment)
        void.claim_on_record(
            payment,
            by=caller.actor,
            reason=reason or _NO_REASON,
            source=Source.API,
            operation_id=operation_id,
        )
        return payment

    return performing.perform(VOID, caller, begin=begin)


def _ask(operation_id: uuid.UUID) -> None:
    payment = performing.payment_of(operation_id)
    if payment is not None:
        resolve.try_now(payment.pk)


def _outcome(operation_id: uuid.UUID) -> Answer | None:
    payment = performing.payment_of(operation_id)
    if payment is None:
        changed = PaymentChanged("See the payment for what became of it.")
        return problems.answer(changed)
    if payment.state == "voiding":
        return None
    was_released = PaymentTransaction.objects.filter(pk=operation_id).exists()
    if payment.state in TAKEN and not was_released:
        detail = "It was captured before it could be released; it goes back by a refund."
        return performing.refusal(PaymentAlreadyCaptured(detail, **links(payment)), payment)
    return performing.final(200, representations.payment(payment), performing.url(payment))


def _pending(operation_id: uuid.UUID) -> Answer:
    payment = Payment.objects.get(claimed_id=operation_id)
    return performing.for_now(representations.payment(payment), performing.url(payment))


VOID: Final = Verb("payment_void", void.send, _ask, performing.nothing, _outcome, _pending)
