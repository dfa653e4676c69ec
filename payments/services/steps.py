"""What every step at the processor has in common: a lock, the fold, one guarded move, the rows.

    lock(payment)            nobody else changes its amounts until the transaction ends
    book(payment, *rows)     move it to what its amounts now mean, then append the rows
    tell(payment, ...)       and say so, all in the caller's transaction

The guarded, fenced move comes before the rows: whoever lost the race writes nothing.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from django.conf import settings
from django.db.models import Max

from events import outbox
from events.outbox import Event
from foundation import clock, rows
from foundation.backoff import doubling
from foundation.idempotency import from_now
from foundation.ids import new_id
from foundation.state_machine import IllegalTransition, move
from payments.amounts import Amounts, fold, settled_state
from payments.models import Payment, PaymentTransaction, Refund
from payments.services import journal
from payments.services.ask import Answer
from payments.states import IN_DOUBT, PAYMENT

Kind = PaymentTransaction.Kind
_DAY_SECONDS: Final = 86_400.0
# A 5xx may be stored under its key and replayed for ever, as Stripe's v1 does. So when the
# same key was answered 5xx twice, and each time nothing was proven to have happened, the next
# attempt gets a number of its own. After a time-out it never does: that request may still be
# on its way, and only its own key stops it from happening twice.
ABSENCES_PER_ATTEMPT: Final = 2
NOTHING_IN_DOUBT: Final[dict[str, Any]] = {
    "leased_until": None,
    "resolve_at": None,
    "look_ups": 0,
    "crashes": 0,
    "absences": 0,
    "last_error": "",
}


def lock(payment: Payment) -> None:
    """Hold the payment's row until the transaction ends. Always before a refund's or dispute's."""
    Payment.objects.select_for_update(no_key=True).values("pk").get(pk=payment.pk)


def lock_and_read(payment: Payment) -> None:
    """The same, and the object says what the row says now."""
    payment.refresh_from_db(from_queryset=Payment.objects.select_for_update(no_key=True))


@dataclass(frozen=True)
class Wish:
    """Who wanted a step, where it was asked for, and the id that its row is to have, if any."""

    by: str
    source: str
    operation_id: uuid.UUID | None = None


def claimed(payment: Payment) -> Wish:
    """Whose capture or void is under way."""
    return Wish(payment.claimed_by, payment.claimed_source, payment.claimed_id)


def row(
    payment: Payment, kind: Kind, amount: int, wish: Wish, *, sequence: int = 1, **facts: Any
) -> PaymentTransaction:
    """A step that succeeded (unless told otherwise), unsaved. `amount` in minor units."""
    return PaymentTransaction(
        id=wish.operation_id or new_id(),
        payment=payment,
        kind=kind,
        sequence=sequence,
        amount=amount,
        currency=payment.currency,
        actor=wish.by,
        source=wish.source,
        **{"succeeded": True, "processor_reference": payment.processor_reference} | facts,
    )


def next_sequence(payment: Payment, kind: Kind) -> int:
    """The number of the next step of this kind. The payment's row is locked."""
    last = payment.transactions.filter(kind=kind).aggregate(last=Max("sequence"))["last"]
    return (last or 0) + 1


def book(
    payment: Payment,
    *steps: PaymentTransaction,
    by: str,
    reason: str = "",
    to: str = "",
    closes_claim: bool = False,
    **changes: Any,
) -> Amounts:
    """Append steps and bring state and columns in line with what the payment amounts to now.

    The caller holds the row (`lock`). A claimed payment stays claimed unless the caller, who
    holds its lease, `closes_claim`. Raises `IllegalTransition` when somebody else moved it.
    """
    amounts = fold([*payment.transactions.all(), *steps])
    target = to or _meaning(payment, amounts, changes, closes_claim=closes_claim)
    changes |= _columns(amounts)
    fence = {"lease_token": payment.lease_token} if closes_claim else {}
    if closes_claim:
        changes = NOTHING_IN_DOUBT | changes
    if target != payment.state:
        move(
            payment, table=PAYMENT, to=target, by=by, reason=reason, only_from=(payment.state,),
            fence=fence, **changes,
        )  # fmt: skip
    elif not rows.update(payment, guard={"state": payment.state} | fence, **changes):
        raise IllegalTransition(f"payment {payment.pk}: moved by somebody else")
    if steps:
        journal.append(*steps)
    return amounts


def _meaning(
    payment: Payment, amounts: Amounts, changes: dict[str, Any], *, closes_claim: bool
) -> str:
    if payment.state in IN_DOUBT and not closes_claim:
        return payment.state
    if amounts.authorized == 0 or (payment.state == "expired" and amounts.captured == 0):
        return payment.state
    return settled_state(amounts, is_disputed=changes.get("is_disputed", payment.is_disputed))


def _columns(amounts: Amounts) -> dict[str, int]:
    columns = {f"{name}_amount": value for name, value in asdict(amounts).items()}
    columns["fee_amount"] = columns.pop("fees_amount")
    return columns


def facts(payment: Payment, **more: Any) -> dict[str, Any]:
    """What every event of a payment carries: its ids."""
    return {"payment": payment.reference, "payment_id": str(payment.pk), **more}


def money(payment: Payment, amount: int) -> dict[str, Any]:
    """An amount as events tell it."""
    return {"amount": amount, "currency": payment.currency}


def tell(payment: Payment, types: Sequence[str], **more: Any) -> None:
    """Say what happened to the payment, in the caller's transaction."""
    if types:
        payload = facts(payment, **more)
        events = [Event(each, payload) for each in types]
        outbox.record(payment.stream, events, client_id=payment.client_id)


def new_claim(wish: Wish) -> dict[str, Any]:
    """What claiming a capture or a void writes, next to the state: whose it is, and a lease."""
    return NOTHING_IN_DOUBT | {
        "claimed_id": wish.operation_id or new_id(),
        "claimed_by": wish.by,
        "claimed_source": wish.source,
        "leased_until": from_now(settings.PAYMENT_LEASE_SECONDS),
        "asked_at": clock.now(),
    }


class StillLeased(Exception):
    """Whoever is at work on it may still be alive."""


def take_over(asked: Payment | Refund, *, also: Mapping[str, Any] | None = None) -> None:
    """Become the one who is at work on it, in the caller's transaction, under the row's lock.

    Raises `StillLeased` while the lease of somebody else lives.
    """
    if asked.leased_until is not None and asked.leased_until > clock.now():
        raise StillLeased(str(asked))
    asked.lease_token += 1
    asked.leased_until = from_now(settings.PAYMENT_LEASE_SECONDS)
    for name, value in (also or {}).items():
        setattr(asked, name, value)
    asked.save(update_fields=["lease_token", "leased_until", *(also or {})])


def renew(asked: Payment | Refund) -> None:
    """The lease begins anew before one more call, as it is shorter than several of them.

    Raises `IllegalTransition` when somebody took the claim over meanwhile.
    """
    lease = {"leased_until": from_now(settings.PAYMENT_LEASE_SECONDS)}
    if not rows.update(asked, guard=_held(asked), **lease):
        raise IllegalTransition(f"{asked.pk}: somebody else is at work on it")


def let_go(asked: Payment | Refund) -> dict[str, Any]:
    """What is written when the processor did not say: anybody may ask now, the sweep does later."""
    return {"leased_until": clock.now(), "resolve_at": from_now(patience(asked.look_ups))}


def wait(asked: Payment | Refund, answer: Answer, **more: Any) -> None:
    """No settled answer: keep what is known, and let go of the lease.

    Raises `IllegalTransition` when somebody took the claim over meanwhile.
    """
    changes = let_go(asked) | more
    if not answer.is_look_up and answer.outcome == "unknown" and _may_replace(asked):
        changes["last_error"] = answer.code[:64]
    if not rows.update(asked, guard=_held(asked), **changes):
        raise IllegalTransition(f"{asked.pk}: somebody else is at work on it")


def _may_replace(asked: Payment | Refund) -> bool:
    """A time-out of this attempt is never forgotten for a later 5xx."""
    return asked.absences == 0 or asked.last_error.startswith("http_5")


def _held(asked: Payment | Refund) -> dict[str, Any]:
    return {"state": asked.state, "lease_token": asked.lease_token}


def patience(look_ups: int) -> float:
    """Seconds until the next look-up: doubling, at most a day."""
    return doubling(settings.RESOLVE_FIRST_SECONDS, times=look_ups, most=_DAY_SECONDS)


def count_absence(asked: Payment | Refund, *, attempt: str, happens_once: bool = False) -> None:
    """The last sending is proven not to have happened: it may be sent again.

    Under the same number, unless that number was answered 5xx and may be so for ever, or the
    step can happen only once whatever its number (`happens_once`); `attempt` names the column
    that counts. Raises `IllegalTransition` when somebody took the claim over.
    """
    absences, number, error = asked.absences + 1, getattr(asked, attempt), asked.last_error
    may_renumber = happens_once or error.startswith("http_5")
    if absences >= ABSENCES_PER_ATTEMPT and may_renumber:
        absences, number, error = 0, number + 1, ""
    changes = {"absences": absences, attempt: number, "last_error": error}
    if not rows.update(asked, guard=_held(asked), asked_at=clock.now(), **changes):
        raise IllegalTransition(f"{asked.pk}: somebody else is at work on it")


def is_absence_proof(asked: Payment | Refund) -> bool:
    """Whether "not there" means "never happened": the processor's own look-up lag is over."""
    age = (clock.now() - asked.asked_at).total_seconds()
    lag: float = settings.PROCESSOR_LOOKUP_LAG_SECONDS
    return age >= lag
