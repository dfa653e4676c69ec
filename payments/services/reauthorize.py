"""A new hold in place of one that is over, or is released for it: another payment, a chain of two.

The old hold is over before the new one is asked for, so that there is never more than one. The
customer is not there: what would need him is a decline. Whoever made an order of the old payment
hears `payment.reauthorized` or `payment.reauthorization_failed` in the same transaction as the
outcome; until then the release of the old hold is nobody's news.
"""

import uuid
from typing import Final

from foundation import audit, rows
from foundation.ids import new_id
from foundation.state_machine import IllegalTransition
from foundation.transactions import durable
from payments.models import Payment, Source
from payments.refusals import NotReauthorizable, PaymentInProgress
from payments.services import authorize, steps, void
from payments.services.ask import Answer
from payments.services.steps import Wish
from payments.states import IN_DOUBT

IN_FLIGHT: Final = ("authorizing", "unknown")
_OVER: Final = ("expired", "voided", "declined", "abandoned")
_CALLS_MAX: Final = 4  # a look-up, a sending, and both again


def reauthorize(
    payment_id: uuid.UUID, *, by: str, reason: str, source: str = Source.SYSTEM
) -> Payment:
    """Hold the same amount anew, with the same payment method.

    Returns the new payment: `authorized`, `declined`, or `authorizing`/`unknown` while it is not
    settled (the sweep settles it). Called again, it is the same new payment. Raises
    `PaymentInProgress` or `NotReauthorizable`.
    """
    with durable():
        made = claim(payment_id, by=by, reason=reason, source=source)
    return send(made, by=by)


def claim(payment_id: uuid.UUID, *, by: str, reason: str, source: str) -> Payment:
    """The new payment written down and the old hold on its way out, in the caller's transaction.

    Raises `PaymentInProgress` or `NotReauthorizable`.
    """
    old = Payment.objects.select_for_update(no_key=True).get(pk=payment_id)
    made = Payment.objects.filter(replaces=old).first()
    return made or _open(old, Wish(by, source), reason=reason)


def send(made: Payment, *, by: str) -> Payment:
    """Make the calls that were claimed in this run; those of another run are left to it."""
    old = made.replaces
    if not made.is_fresh or old is None:
        return made
    try:
        if old.state == "voiding":
            void.send(old, by=by)
        go_on(made, by=by)
    except IllegalTransition:
        made.refresh_from_db()  # the sweep was faster
    return made


def _open(old: Payment, wish: Wish, *, reason: str) -> Payment:
    """The intent: the old hold on its way out, the new payment written down, who wanted it."""
    before = {"state": old.state}
    if old.state in IN_DOUBT or old.state in IN_FLIGHT:
        raise PaymentInProgress(old)
    if old.state == "authorized":
        void.claim_on_record(old, by=wish.by, reason=reason, source=wish.source)
    elif old.state not in _OVER:
        raise NotReauthorizable(f"It is {old.state}.", payment=old.reference)
    made = Payment(
        id=new_id(),
        client_id=old.client_id,
        stream=old.stream,
        amount=old.amount,
        currency=old.currency,
        payment_method=old.payment_method,
        processor=old.processor,
        replaces=old,
        metadata=old.metadata,
        **steps.new_claim(wish),
    )
    rows.insert(made)
    made.is_fresh = made.is_first_sending = True
    audit.record(
        actor=wish.by,
        action="payment.reauthorize",
        aggregate="payment",
        aggregate_id=old.pk,
        reason=reason,
        before=before,
        after={"state": old.state, "replaced_by": made.reference},
    )
    return made


def go_on(made: Payment, *, by: str) -> None:
    """Bring a new hold to its end: look before sending again, and never beside the old one.

    The caller has its lease. What is not settled in this run is asked about later.
    """
    old = Payment.objects.get(replaced_by=made)
    if old.state not in _OVER:
        with durable():
            _stand_back(made, old, by=by)
        return
    for number in range(_CALLS_MAX):
        with durable():
            if number:
                steps.renew(made)
            call = authorize.next_call(made)
        if call is None:
            return
        answer = call()
        with durable():
            _record(made, answer, by=by)
        if made.state not in IN_FLIGHT or not made.is_proven_absent:
            return


def _stand_back(made: Payment, old: Payment, *, by: str) -> None:
    """The old hold is not out of the way yet; or it was taken, and there is nothing to hold."""
    if old.state == "voiding":
        _let_go(made)
        return
    authorize.abandon(made, by=by)
    _tell_end(made)


def _record(made: Payment, answer: Answer, *, by: str) -> None:
    """Store what the processor said, with the news of it."""
    authorize.record(made, answer, by=by)
    if made.state in IN_FLIGHT:
        if not made.is_proven_absent:
            _let_go(made)
        return
    rows.update(made, guard={"state": made.state}, leased_until=None, resolve_at=None)
    is_other = made.authorized_amount != made.amount or made.is_of_another_currency
    if made.state == "requires_action" or (made.state == "authorized" and is_other):
        void.claim_on_record(made, by=by, reason="not the hold that was asked for")
    _tell_end(made)


def _let_go(made: Payment) -> None:
    rows.update(made, guard={"lease_token": made.lease_token}, **steps.let_go(made))


def _tell_end(made: Payment) -> None:
    is_held = made.state == "authorized"
    old = made.replaces
    assert old is not None  # noqa: S101 - made in place of it
    steps.tell(
        made,
        ["payment.reauthorized" if is_held else "payment.reauthorization_failed"],
        replaces=old.reference,
        replaces_id=str(old.pk),
        amount=steps.money(made, made.amount),
    )
