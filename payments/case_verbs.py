"""What a person may have done about a payment or a refund whose outcome is not known."""

import uuid
from collections.abc import Sequence
from typing import Final

from django.db.models import Q

from foundation.models import Case
from payments.models import Payment, Refund
from payments.services import resolve
from payments.states import IN_DOUBT

_DOUBTED: Final = Q(state__in=(*IN_DOUBT, "authorizing", "unknown")) | Q(
    state="abandoned", leased_until__isnull=False
)


def ask_again(case: Case, *, by: str, reason: str) -> str:  # noqa: ARG001 - on record already
    """Ask the processor now, whatever pause the sweep keeps between two questions."""
    ask = resolve.try_refund_now if case.aggregate == "refund" else resolve.try_now
    if not ask(case.aggregate_id):
        return "Nothing was done: somebody is at work on it right now. Look again in a minute."
    rows = Refund.objects if case.aggregate == "refund" else Payment.objects
    state = rows.values_list("state", flat=True).get(pk=case.aggregate_id)
    return f"The {case.aggregate} is {state.replace('_', ' ')} now."


def settled(ids: Sequence[uuid.UUID]) -> list[uuid.UUID]:
    """Those payments and refunds with nothing in doubt."""
    doubted = set(Payment.objects.filter(_DOUBTED, pk__in=ids).values_list("pk", flat=True))
    pending = Refund.objects.filter(pk__in=ids, state="pending").values_list("pk", flat=True)
    return [row_id for row_id in ids if row_id not in doubted | set(pending)]


def never_by_itself(ids: Sequence[uuid.UUID]) -> list[uuid.UUID]:  # noqa: ARG001 - none of them
    """What a person must judge is over when that person says so."""
    return []
