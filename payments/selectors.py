"""Reads of payments, through what the caller may see."""

from django.db.models import QuerySet

from foundation.edge.authentication import Principal
from foundation.edge.lookup import visible
from payments.models import Dispute, Payment, Refund


def payments(principal: Principal) -> QuerySet[Payment]:
    """Only what this client's checkouts made, unless its key says otherwise."""
    return visible(Payment.objects.all(), principal)


def refunds(principal: Principal) -> QuerySet[Refund]:
    """The refunds of payments the caller may see, with what their shape needs."""
    rows = Refund.objects.select_related("payment")
    return rows if principal.sees_all else rows.filter(payment__client_id=principal.client_id)


def disputes(principal: Principal) -> QuerySet[Dispute]:
    """The disputes of payments the caller may see, with what their shape needs."""
    rows = Dispute.objects.select_related("payment")
    return rows if principal.sees_all else rows.filter(payment__client_id=principal.client_id)


def unannounced_refunds() -> QuerySet[Refund]:
    """Refunds that succeeded and whose success nobody has told of, the oldest first."""
    return Refund.objects.filter(state="succeeded", announced_at=None).order_by("ended_at")
