"""Settle: take what is held, all or a part of it. Claimed before the processor is called.

The claim stores how much, and whether the rest is let go; a worker that dies leaves the payment
`capturing` under a lease, and whoever comes after it asks the processor first. What is sent again
is exactly what was claimed, under the same key, and only when it is proven not to have happened.
"""

import uuid
from collections.abc import Callable
from functools import partial
from typing import Final

from foundation import audit
from foundation.state_machine import IllegalTransition, move
from foundation.transactions import durable
from payments.models import Payment, PaymentTransaction, Source
from payments.processors import processor
from payments.processors.base import ProcessorPayment
from payments.refusals import (
    AmountExceedsCapturable,
    MulticaptureNotGranted,
    NotCapturable,
    PaymentAlreadyCaptured,
    PaymentInProgress,
    links,
)
from payments.services import hold, owner, steps
from payments.services.ask import Answer, ask
from payments.services.attention import CAPTURE_REFUSED, needs_person
from payments.services.authorize import look_up
from payments.services.steps import Kind, Wish
from payments.states import HELD, IN_DOUBT, PAYMENT, TAKEN

_REFUSALS_BORNE: Final = 3


def capture(
    payment_id: uuid.UUID,
    *,
    by: str,
    source: str = Source.SYSTEM,
    amount: int | None = None,
    final: bool = True,
    operation_id: uuid.UUID | None = None,
) -> Payment:
    """Take `amount` of what is held (all of it by default), for a policy or a person.

    Run twice, or by two at once, it is done once: all that is held can be taken once only, and a
    part is taken once per `operation_id`, the id that its transaction will have. Returns the
    payment: `captured`, `partially_captured`, `capturing` while somebody else is at it or the
    outcome is unknown (the sweep settles that), or whatever else became of the hold. Raises the
    refusals of `claim` for a part that can not be taken and, for a client, those of the owner.
    """
    payment = Payment.objects.get(pk=payment_id)
    if payment.state not in HELD or _is_done(operation_id):
        return payment
    wish = Wish(by, source, operation_id)
    try:
        with durable():
            if source == Source.API:
                owner.ask(payment.pk, owner.CAPTURE)
            claim(payment, wish, amount=amount, final=final)
        send(payment, by=by)
    except (IllegalTransition, PaymentInProgress, PaymentAlreadyCaptured, NotCapturable):
        payment.refresh_from_db()  # somebody else was faster
    return payment


def _is_done(operation_id: uuid.UUID | None) -> bool:
    if operation_id is None:
        return False
    return PaymentTransaction.objects.filter(pk=operation_id).exists()


def was_refused(payment_id: uuid.UUID) -> bool:
    """Whether the last capture of this hold, if there was one, was refused."""
    captures = PaymentTransaction.objects.filter(payment_id=payment_id, kind=Kind.CAPTURE)
    last = captures.order_by("-created_at", "-id").first()
    return last is not None and not last.succeeded


def claim(payment: Payment, wish: Wish, *, amount: int | None = None, final: bool = True) -> None:
    """authorized or partially captured → capturing: from here on the call is ours.

    In the caller's transaction. `amount` in minor units, None for all that is capturable; `final`
    lets go of the rest. Raises `PaymentAlreadyCaptured`, `NotCapturable`, `PaymentInProgress`,
    `MulticaptureNotGranted`, `AmountExceedsCapturable`, and `IllegalTransition` when somebody
    else was faster.
    """
    steps.lock_and_read(payment)
    wanted, is_last = _wanted(payment, amount, final=final)
    move(
        payment, table=PAYMENT, to="capturing", by=wish.by, only_from=(payment.state,),
        lease_token=payment.lease_token + 1, claimed_amount=wanted, claimed_final=is_last,
        **steps.new_claim(wish),
    )  # fmt: skip
    payment.is_first_sending = True


def _wanted(payment: Payment, amount: int | None, *, final: bool) -> tuple[int, bool]:
    """How much would be taken, and whether that lets go of the rest."""
    capturable = _capturable(payment)
    wanted = capturable if amount is None else amount
    if not 0 < wanted <= capturable:
        raise AmountExceedsCapturable(
            f"{wanted} was asked for, {capturable} is still held.",
            capturable=steps.money(payment, capturable),
        )
    is_last = final or wanted == capturable
    if not (is_last or payment.is_multicapture):
        raise MulticaptureNotGranted(
            "The first capture lets go of the rest; send it as final.", **links(payment)
        )
    return wanted, is_last


def cannot_be_sent(payment: Payment) -> str:
    """Why what was claimed last, and put back, can not be taken of this hold any more, or "".

    A hold never grows and its grant never returns, so this is final.
    """
    try:
        _wanted(payment, payment.claimed_amount, final=payment.claimed_final)
    except (AmountExceedsCapturable, MulticaptureNotGranted) as refused:
        return refused.detail
    return ""


def claim_on_record(
    payment: Payment, wish: Wish, *, amount: int | None, final: bool, reason: str = ""
) -> None:
    """Claim, and write who wanted it and how much, in the caller's transaction."""
    before = {"state": payment.state, "captured_amount": payment.captured_amount}
    claim(payment, wish, amount=amount, final=final)
    audit.record(
        actor=wish.by,
        action="payment.capture",
        aggregate="payment",
        aggregate_id=payment.pk,
        reason=reason or f"asked for by {wish.source}",
        before=before,
        after={"state": payment.state, "claimed_amount": payment.claimed_amount},
    )


def _capturable(payment: Payment) -> int:
    """What is still held, of a payment of which anything may be taken now."""
    if payment.state in IN_DOUBT:
        raise PaymentInProgress(payment)
    if payment.state == "partially_captured" and not payment.is_multicapture:
        raise MulticaptureNotGranted("A part of it was captured already.", **links(payment))
    if payment.state in HELD:
        return payment.capturable
    if payment.state in TAKEN:
        raise PaymentAlreadyCaptured("Nothing of it is held any more.", **links(payment))
    raise NotCapturable(f"It is {payment.state}.", payment=payment.reference)


def send(payment: Payment, *, by: str) -> None:
    """Make the call that was claimed in this run, and store what became of it."""
    close(payment, capture_call(payment)(), by=by)


def go_on(payment: Payment, *, by: str) -> None:
    """Finish a capture whose holder is gone: look first, and only then send again.

    Its holder may have died before it could tell that its key is answered 500 for ever; a last
    capture ends the hold, so one more key can not take twice. The caller has taken the payment's
    lease over. Raises `IllegalTransition` when overtaken.
    """
    answer = look_up(payment)()
    if _did_not_happen(payment, answer):
        with durable():
            once = payment.claimed_final
            steps.count_absence(payment, attempt="step_attempt", happens_once=once)
        answer = capture_call(payment)()
    close(payment, answer, by=by)


def _did_not_happen(payment: Payment, answer: Answer) -> bool:
    """The hold is alive, nothing more was taken of it, and the look-up is no older than its lag."""
    seen = answer.payment
    if seen is None or seen.status != "authorized":
        return False
    is_untaken = seen.captured_amount <= payment.captured_amount
    return is_untaken and steps.is_absence_proof(payment)


def capture_call(payment: Payment) -> Callable[[], Answer]:
    """The call for exactly what was claimed, under a key that is the same after every crash."""
    call = partial(
        processor(payment.processor).capture,
        processor_reference=payment.processor_reference,
        amount=payment.claimed_amount,
        key=payment.processor_key(f"capture-{payment.capture_sequence}", payment.step_attempt),
        final=payment.claimed_final,
    )
    return partial(ask, call)


def close(payment: Payment, answer: Answer, *, by: str) -> None:
    """Store what became of the capture; an unknown outcome leaves it `capturing`.

    Raises `IllegalTransition` when somebody took the claim over.
    """
    with durable():
        steps.lock(payment)
        if (seen := _end_told_by(payment, answer)) is not None:
            hold.follow(payment, seen, by=by, source=Source.PROCESSOR)
        elif answer.outcome == "refused":
            _put_back(payment, by=by, code=answer.code)
        elif answer.outcome == "unavailable" and payment.is_first_sending:
            reason = "not sent: processor unavailable"
            steps.book(payment, by=by, reason=reason, closes_claim=True)
        else:
            steps.wait(payment, answer)


def _end_told_by(payment: Payment, answer: Answer) -> ProcessorPayment | None:
    """What the processor shows, if that ends the claim.

    More than was ever held is not believed before the processor was asked once more.
    """
    seen = answer.payment
    if seen is None or (seen.captured_amount > payment.authorized_amount and not answer.is_look_up):
        return None
    is_taken = seen.captured_amount > payment.captured_amount
    return seen if is_taken or seen.status in ("captured", "canceled") else None


def _put_back(payment: Payment, *, by: str, code: str) -> None:
    """The hold stands, and the refusal may be stored under its key: the next has another."""
    refused = steps.row(
        payment, Kind.CAPTURE, payment.claimed_amount, steps.claimed(payment),
        sequence=payment.capture_sequence, succeeded=False, error_code=code[:64],
    )  # fmt: skip
    attempt, reason = payment.step_attempt + 1, f"capture refused: {code}"
    steps.book(payment, refused, by=by, reason=reason, closes_claim=True, step_attempt=attempt)
    amount = steps.money(payment, payment.claimed_amount)
    steps.tell(payment, ["payment.capture_refused"], amount=amount)
    _report_refusals(payment, code=code)


def _report_refusals(payment: Payment, *, code: str) -> None:
    """One may pass, like an issuer's bad hour; of a hold in its last hours none may."""
    times = payment.transactions.filter(kind=Kind.CAPTURE, succeeded=False).count()
    if times >= _REFUSALS_BORNE or payment.expiry_due_at is not None:
        detail = f"Its capture was refused ({code}); refusals of this hold so far: {times}"
        needs_person(payment, CAPTURE_REFUSED, amount=payment.claimed_amount, detail=detail)
