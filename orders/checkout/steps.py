"""What each step of a checkout does. Home steps run in the engine's transaction."""

from collections.abc import Callable
from typing import Final

from django.conf import settings

from foundation import clock
from foundation.backoff import doubling
from foundation.money import Money
from foundation.saga import Pause
from orders import inventory, placement
from orders.models import Checkout
from orders.refusals import CartTaken, OutOfStock, PaymentDeclined, RiskDeclined
from orders.states import HOLDS_ITS_CART
from payments.models import Payment
from payments.services import authorize, void
from payments.services.ask import Answer

BY: Final = "system:checkout"
_NOTHING_HELD: Final = ("declined", "voided", "abandoned", "expired", "refunded")
_LOOK_DAILY_SECONDS: Final = 86_400.0


def reserve_stock(checkout: Checkout) -> None:
    """Hold every line or none."""
    wanted = {line["sku"]: line["quantity"] for line in checkout.lines}
    short = inventory.reserve(checkout.pk, wanted)
    if short:
        _refuse_a_second_attempt(checkout)
        raise OutOfStock(
            f"Not enough in stock of {', '.join(short)}.",
            errors=[
                {"pointer": "/lines", "code": "out_of_stock", "detail": f"Not enough of {sku}."}
                for sku in short
            ],
            charge_state="not_charged",
        )


def _refuse_a_second_attempt(checkout: Checkout) -> None:
    """What is missing may be what this very cart holds already: then that is the answer."""
    others = Checkout.objects.filter(client_id=checkout.client_id, cart_id=checkout.cart_id)
    if others.filter(state__in=HOLDS_ITS_CART).exclude(pk=checkout.pk).exists():
        raise CartTaken


def release_stock(checkout: Checkout) -> None:
    """Give back what was held; nothing when nothing was."""
    inventory.release(checkout.pk)


def intend_authorization(checkout: Checkout) -> Callable[[], Answer] | None:
    """Write down what will be asked, then ask; a payment that was asked before is looked up."""
    if checkout.payment is None:
        _open_payment(checkout)
    assert checkout.payment is not None  # noqa: S101 - opened above
    return authorize.next_call(checkout.payment)


def _open_payment(checkout: Checkout) -> None:
    checkout.payment = authorize.open_payment(
        payment_id=checkout.payment_uuid,
        client_id=checkout.client_id,
        stream=checkout.pk,
        total=Money(checkout.total_amount, checkout.currency),
        payment_method=checkout.payment_method,
        metadata={"checkout": checkout.reference, "order": checkout.order_reference},
    )
    checkout.state = "authorizing"


def record_authorization(checkout: Checkout, answer: Answer) -> None:
    """Held: go on. Declined: a final no. Anything else waits, and says for what."""
    payment = checkout.payment
    assert payment is not None  # noqa: S101 - the intent was recorded first
    authorize.record(payment, answer, by=BY)
    if payment.state == "authorized" and not payment.is_confirmed:
        raise _hold_in_doubt(checkout, answer)
    if payment.state == "authorized":
        _check_amount(checkout)
    elif payment.state == "declined":
        raise PaymentDeclined(
            "The card was declined.",
            decline_code=payment.decline_code,
            charge_state="not_charged",
        )
    elif payment.state == "requires_action":
        raise Pause("requires_action", seconds=settings.ACTION_POLL_SECONDS)
    elif payment.state not in ("expired", "voided") and not payment.is_proven_absent:
        raise _unsettled(checkout, answer)


def _check_amount(checkout: Checkout) -> None:
    """A hold of another amount is no hold of ours: refuse it, and so release it."""
    payment = checkout.payment
    if payment is None:
        return
    if payment.authorized_amount != checkout.total_amount or payment.is_of_another_currency:
        raise PaymentDeclined(
            "The processor held another amount than asked for; it is being released.",
            decline_code="authorized_amount_differs",
            charge_state="not_charged",
        )


def _hold_in_doubt(checkout: Checkout, answer: Answer) -> Exception:
    """Looked at again after a review, the hold was not there to be seen."""
    payment = checkout.payment
    if payment is None or answer.payment is not None:
        return _gone()  # taken, or declined: whatever it is, it is no hold
    return Pause("in_review", seconds=_patience(payment.look_ups))


def _gone() -> PaymentDeclined:
    return PaymentDeclined(
        "The authorization is gone.", decline_code="authorization_gone", charge_state="unknown"
    )


def _unsettled(checkout: Checkout, answer: Answer) -> Pause:
    payment = checkout.payment
    assert payment is not None  # noqa: S101 - the intent was recorded first
    if payment.state == "authorizing" and payment.is_first_sending:
        return Pause("authorizing", seconds=0)  # nobody ever reached the processor
    if answer.outcome == "absent":
        wait = (authorize.absence_is_proof_at(payment) - clock.now()).total_seconds()
        return Pause("unknown", seconds=max(wait, 0))
    return Pause("unknown", seconds=_patience(payment.look_ups))


def _patience(look_ups: int) -> float:
    """Seconds until the next look-up: doubling, at most a day."""
    return doubling(settings.RESOLVE_FIRST_SECONDS, times=look_ups, most=_LOOK_DAILY_SECONDS)


def intend_void(checkout: Checkout) -> Callable[[], Answer] | None:
    """Undo the hold: find out whether there is one, claim it, release it."""
    payment = checkout.payment
    if payment is None or payment.state in _NOTHING_HELD:
        return None
    if payment.state in ("authorizing", "unknown"):
        if payment.is_proven_absent:
            authorize.abandon(payment, by=BY)
            return None
        checkout.state = "compensating"
        return authorize.look_up(payment)
    if payment.state in ("authorized", "requires_action"):
        void.claim(payment, by=BY, reason=f"compensation of {checkout.reference}")
    if payment.state == "voiding":
        checkout.state = "compensating"
        return void.next_call(payment)
    # Taken meanwhile: giving money back is a person's decision; the stock need not wait for it.
    raise Pause("needs_attention", seconds=_LOOK_DAILY_SECONDS, others_go_on=True)


def record_void(checkout: Checkout, answer: Answer) -> None:
    """Store what the look-up found, or that the hold is gone; else come back later."""
    payment = checkout.payment
    assert payment is not None  # noqa: S101 - there was something to ask about
    if payment.state == "voiding":
        void.close(payment, answer, by=BY)
    else:
        authorize.record(payment, answer, by=BY)
    in_doubt = payment.state in ("authorizing", "unknown", "voiding")
    if in_doubt and not payment.is_proven_absent:
        is_case = payment.look_ups >= settings.ATTENTION_AFTER_TRIES
        if is_case:
            release_stock(checkout)  # nobody will be sold it by this checkout: others may be
        state = "needs_attention" if is_case else "compensating"
        raise Pause(state, seconds=_patience(payment.look_ups))


def place_order(checkout: Checkout) -> None:
    """The pivot: the order and everything that must be true with it."""
    if checkout.risk_outcome == "review" and checkout.review_decision != "approved":
        if checkout.review_decision == "rejected":
            raise RiskDeclined("Declined after review.", charge_state="not_charged")
        checkout.recovery_point = "reserved"  # after a wait the hold is looked at again
        raise Pause("in_review", seconds=settings.REVIEW_SECONDS)
    if checkout.payment is None or not _is_still_held(checkout):
        raise _gone()
    placement.place(checkout)
    checkout.state = "completed"


def _is_still_held(checkout: Checkout) -> bool:
    """After a review others may have touched the payment: its row is asked, and locked."""
    payment = checkout.payment
    if payment is None or not checkout.review_decision:
        return payment is not None and payment.state == "authorized"
    rows = Payment.objects.select_for_update(no_key=True).filter(pk=payment.pk)
    return rows.filter(state="authorized").exists()
