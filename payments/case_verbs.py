"""What a person may have done about what happens to payments, and when its trouble is over."""

import uuid
from collections.abc import Sequence
from typing import Final

from django.db.models import Q

from foundation.models import Case
from payments.models import Dispute, Payment, ProcessorEvent, Refund, Source
from payments.services import capture, park, resolve
from payments.services.observe import InFlight, NotAnswered, look_and_observe
from payments.services.retry_event import retry

_CAPTURABLE: Final = ("authorized", "partially_captured", "capturing", "voiding")
_IN_DOUBT: Final = Q(state__in=("capturing", "voiding", "unknown")) | Q(
    state="abandoned", leased_until__isnull=False
)


def ask_again(case: Case, *, by: str, reason: str) -> str:  # noqa: ARG001 - on record already
    """Ask the processor now, whatever pause the sweep keeps."""
    resolve.try_now(case.aggregate_id)
    state = Payment.objects.values_list("state", flat=True).get(pk=case.aggregate_id)
    return f"The payment is {state.replace('_', ' ')} now."


def ask_about_refund(case: Case, *, by: str, reason: str) -> str:  # noqa: ARG001 - as above
    """The same about a refund. It is sent again only if it never happened."""
    resolve.try_refund_now(case.aggregate_id)
    return f"The refund is {Refund.objects.get(pk=case.aggregate_id).state} now."


def let_go_on(case: Case, *, by: str, reason: str) -> str:  # noqa: ARG001 - as above
    """Let the sweep ask about it again."""
    if park.let_go_on(case.aggregate_id):
        return "The next sweep asks about it again."
    return "Nothing was done: it is not parked."


def asked_about(ids: Sequence[uuid.UUID]) -> list[uuid.UUID]:
    """Those whose end is known, or that sweeps ask about again."""
    parked = park.is_parked()
    still = {
        *Payment.objects.filter(parked, pk__in=ids).values_list("pk", flat=True),
        *Refund.objects.filter(parked, pk__in=ids).values_list("pk", flat=True),
    }
    return [row_id for row_id in ids if row_id not in still]


def look_again(case: Case, *, by: str, reason: str) -> str:  # noqa: ARG001 - as above
    """Bring our rows in line with what the processor shows now. Nothing is sent."""
    try:
        payment = look_and_observe(_payment_of(case), by=by, source=Source.PROCESSOR)
    except InFlight:
        return "Somebody is at work on it; look again in a minute."
    except NotAnswered:
        return "The processor did not answer; nothing was changed."
    taken = f"{payment.captured_amount} {payment.currency} captured"
    return (
        f"The payment is {payment.state.replace('_', ' ')}, {taken}. Close the case if all is well."
    )


def _payment_of(case: Case) -> uuid.UUID:
    for model in (Refund, Dispute):
        row = model.objects.filter(pk=case.aggregate_id).first()
        if row is not None:
            return row.payment_id
    return case.aggregate_id


def settled_payments(ids: Sequence[uuid.UUID]) -> list[uuid.UUID]:
    """Those with no step in doubt."""
    doubted = set(Payment.objects.filter(_IN_DOUBT, pk__in=ids).values_list("pk", flat=True))
    return [payment_id for payment_id in ids if payment_id not in doubted]


def no_longer_refused(ids: Sequence[uuid.UUID]) -> list[uuid.UUID]:
    """Those whose hold is over one way or the other, or of which something was taken since."""
    live = Payment.objects.filter(pk__in=ids, state__in=_CAPTURABLE).values_list("pk", flat=True)
    refused = {payment_id for payment_id in live if capture.was_refused(payment_id)}
    return [payment_id for payment_id in ids if payment_id not in refused]


def ended_refunds(ids: Sequence[uuid.UUID]) -> list[uuid.UUID]:
    """Those the processor has said the end of."""
    ended = Refund.objects.filter(pk__in=ids).exclude(state="pending")
    return list(ended.values_list("pk", flat=True))


def none_by_itself(ids: Sequence[uuid.UUID]) -> list[uuid.UUID]:  # noqa: ARG001 - the table's shape
    """What only a person can end."""
    return []


def try_again(case: Case, *, by: str, reason: str) -> str:
    """Have a dead event worked on once more. Raises `NotDead`."""
    event = retry(case.aggregate_id, by=by, reason=reason)
    return f"{event.external_id} is being tried again; its page says what comes of it."


def followed_events(ids: Sequence[uuid.UUID]) -> list[uuid.UUID]:
    """Those that were followed, or turned out to need nothing."""
    ended = ProcessorEvent.objects.filter(pk__in=ids, state__in=("processed", "ignored"))
    return list(ended.values_list("pk", flat=True))


def decided_disputes(ids: Sequence[uuid.UUID]) -> list[uuid.UUID]:
    """Those that are no longer open."""
    decided = Dispute.objects.filter(pk__in=ids).exclude(state="open")
    return list(decided.values_list("pk", flat=True))
