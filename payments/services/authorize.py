"""Hold the money: written down before it is asked for, looked up before it is asked again.

`open_payment` and `next_call` run inside a transaction, the call outside, `record` inside
the next one. An answer that never came is `unknown`, and stays so until the processor says.
"""

import datetime as dt
import uuid
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from django.conf import settings

from foundation import clock, rows
from foundation.idempotency import from_now
from foundation.money import Money
from foundation.state_machine import move
from payments import hold_windows
from payments.amounts import fold
from payments.models import Payment, PaymentTransaction, Source
from payments.processors import processor
from payments.processors.base import ProcessorPayment
from payments.processors.breaker import breaker
from payments.services import hold, journal, steps
from payments.services.ask import Answer, ask, look
from payments.states import PAYMENT

Kind = PaymentTransaction.Kind


def open_payment(
    *,
    payment_id: uuid.UUID,
    client_id: uuid.UUID,
    stream: uuid.UUID,
    total: Money,
    payment_method: str,
    metadata: Mapping[str, str],
) -> Payment:
    """The intent, in the caller's transaction: what will be asked, under which derived key."""
    payment = Payment(
        id=payment_id,
        client_id=client_id,
        stream=stream,
        amount=total.amount,
        currency=total.currency,
        payment_method=payment_method,
        metadata=dict(metadata),
    )
    rows.insert(payment)
    payment.is_fresh = payment.is_first_sending = True
    return payment


def next_call(payment: Payment) -> Callable[[], Answer] | None:
    """What to ask the processor next, or None when the hold is settled one way or the other.

    A payment made in this very run is sent; one found in the database may have been sent by
    somebody who died, so it is looked up first.
    """
    if payment.state == "authorized" and not payment.is_confirmed:
        return look_up(payment)  # taken up after a wait: the hold may have died meanwhile
    if payment.state not in ("authorizing", "unknown", "requires_action"):
        return None
    if payment.is_fresh:
        payment.is_fresh = False
        return _authorization(payment)
    if payment.is_proven_absent:
        _begin_again(payment)
        return _authorization(payment)
    return look_up(payment)


def look_up(payment: Payment) -> Callable[[], Answer]:
    """Ask by our reference what became of it."""
    find = partial(
        processor(payment.processor).find,
        reference=payment.reference,
        processor_reference=payment.processor_reference,
        since=payment.asked_at,
    )
    return partial(look, find)


def record(payment: Payment, answer: Answer, *, by: str) -> None:
    """Store what the processor said. Moves the payment, or leaves it where it is."""
    if answer.outcome == "answered" and answer.payment is not None:
        _record_answer(payment, answer.payment, by=by)
    elif answer.outcome == "refused":
        _record_decline(payment, answer.code, answer.payment, by=by)
    else:
        _record_silence(payment, answer, by=by)


def abandon(payment: Payment, *, by: str) -> None:
    """Close a payment that is proven never to have happened; it is looked at once more later."""
    move(
        payment,
        table=PAYMENT,
        to="abandoned",
        by=by,
        reason="not known to the processor",
        leased_until=from_now(settings.SECOND_LOOK_SECONDS),
    )


def absence_is_proof_at(payment: Payment) -> dt.datetime:
    """From when on "not found" means "never happened": the processor's own look-up lag."""
    return payment.asked_at + dt.timedelta(seconds=settings.PROCESSOR_LOOKUP_LAG_SECONDS)


def _authorization(payment: Payment) -> Callable[[], Answer]:
    call = partial(
        processor(payment.processor).authorize,
        reference=payment.reference,
        amount=payment.amount,
        currency=payment.currency,
        payment_method=payment.payment_method,
        key=payment.processor_key("authorize", payment.attempt),
        metadata=payment.metadata,
        off_session=payment.replaces_id is not None,  # nobody is there to confirm a second hold
    )
    return partial(ask, partial(breaker(payment.processor).call, call))


def _begin_again(payment: Payment) -> None:
    payment.is_proven_absent = False
    if payment.absences >= steps.ABSENCES_PER_ATTEMPT and payment.last_error.startswith("http_5"):
        payment.attempt, payment.absences, payment.last_error = payment.attempt + 1, 0, ""
    payment.asked_at = clock.now()
    payment.save(update_fields=["attempt", "absences", "last_error", "asked_at"])


def _record_answer(payment: Payment, seen: ProcessorPayment, *, by: str) -> None:
    facts = _facts(seen)
    if payment.state == "authorized":
        _record_confirmation(payment, seen, by=by)
    elif seen.status in ("authorized", "captured"):
        record_hold(payment, seen, by=by)
    elif seen.status in ("declined", "canceled"):
        _record_decline(payment, seen.decline_code or seen.status, seen, by=by)
    elif seen.status == "requires_action" and payment.state != "requires_action":
        next_action = dict(seen.next_action or {})
        move(payment, table=PAYMENT, to="requires_action", by=by, next_action=next_action, **facts)
    elif seen.status == "pending":
        _record_silence(payment, Answer("unknown", code="pending"), by=by)


def _record_confirmation(payment: Payment, seen: ProcessorPayment, *, by: str) -> None:
    payment.is_confirmed = seen.status == "authorized"
    if seen.status == "canceled":
        # One that is being released meanwhile is its releaser's to close: this raises then.
        steps.lock(payment)
        hold.follow(payment, seen, by=by, source=Source.PROCESSOR)


def record_hold(payment: Payment, seen: ProcessorPayment, *, by: str) -> None:
    """The processor holds the money. Raises `IllegalTransition` when somebody wrote it first."""
    step = PaymentTransaction(
        payment=payment,
        kind=Kind.AUTHORIZATION,
        succeeded=True,
        amount=seen.amount,
        currency=seen.currency,
        processor_reference=seen.processor_reference,
        actor=by,
    )
    # The guarded move first: whoever lost the race writes nothing.
    move(
        payment,
        table=PAYMENT,
        to="authorized",
        by=by,
        authorized_amount=fold([step]).authorized,
        capture_before=seen.capture_before or _fallback_capture_before(seen),
        is_multicapture=seen.multicapture,
        **_facts(seen),
    )
    journal.append(step)
    payment.is_confirmed = True
    payment.is_of_another_currency = seen.currency != payment.currency


def _record_decline(payment: Payment, code: str, seen: ProcessorPayment | None, *, by: str) -> None:
    facts = _facts(seen) if seen else {}
    move(payment, table=PAYMENT, to="declined", by=by, decline_code=code[:64], **facts)
    step = PaymentTransaction(
        payment=payment,
        kind=Kind.AUTHORIZATION,
        succeeded=False,
        amount=payment.amount,
        currency=payment.currency,
        processor_reference=seen.processor_reference if seen else "",
        error_code=code[:64],
        actor=by,
    )
    journal.append(step)


def _record_silence(payment: Payment, answer: Answer, *, by: str) -> None:
    """No settled answer. What is known is kept: that we asked, and whether absence was proof."""
    payment.look_ups += 1
    if answer.outcome == "absent" and clock.now() >= absence_is_proof_at(payment):
        payment.is_proven_absent = True
        payment.absences += 1
    # A time-out of this attempt is never forgotten for a later 5xx: see `ABSENCES_PER_ATTEMPT`.
    may_replace = payment.absences == 0 or payment.last_error.startswith("http_5")
    if answer.outcome == "unknown" and not answer.is_look_up and may_replace:
        payment.last_error = answer.code[:64]
    payment.save(update_fields=["look_ups", "absences", "last_error"])
    is_unsent = answer.outcome == "unavailable" and payment.is_first_sending
    if payment.state == "authorizing" and answer.outcome != "absent" and not is_unsent:
        move(payment, table=PAYMENT, to="unknown", by=by, reason=answer.code)


def _facts(seen: ProcessorPayment) -> dict[str, Any]:
    return {
        "processor_reference": seen.processor_reference,
        "card_brand": seen.card.brand[:32],
        "card_last4": seen.card.last4[:4],
        "card_country": seen.card.country[:2],
        "card_fingerprint": seen.card.fingerprint[:64],
    }


def _fallback_capture_before(seen: ProcessorPayment) -> dt.datetime:
    """When the processor names no deadline: the shortest that the card's network grants."""
    return clock.now() + hold_windows.window(seen.network or seen.card.brand)
