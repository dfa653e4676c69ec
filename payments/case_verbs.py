"""What a person may have done about a payment whose outcome is not known."""

import uuid
from collections.abc import Sequence
from typing import Final

from django.db.models import Q

from foundation.models import Case
from payments.models import Payment
from payments.services import resolve

_IN_DOUBT: Final = Q(state__in=("capturing", "voiding", "unknown")) | Q(
    state="abandoned", leased_until__isnull=False
)


def ask_again(case: Case, *, by: str, reason: str) -> str:  # noqa: ARG001 - on record already
    """Ask the processor now, whatever pause the sweep keeps."""
    resolve.try_now(case.aggregate_id)
    state = Payment.objects.values_list("state", flat=True).get(pk=case.aggregate_id)
    return f"The payment is {state.replace('_', ' ')} now."


def settled_payments(ids: Sequence[uuid.UUID]) -> list[uuid.UUID]:
    """Those with no step in doubt."""
    doubted = set(Payment.objects.filter(_IN_DOUBT, pk__in=ids).values_list("pk", flat=True))
    return [payment_id for payment_id in ids if payment_id not in doubted]
