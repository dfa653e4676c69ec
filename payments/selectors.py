"""Reads of payments, through what the caller may see."""

from django.db.models import QuerySet

from foundation.authentication import Principal
from foundation.lookup import visible
from payments.models import Payment


def payments(principal: Principal) -> QuerySet[Payment]:
    """Only what this client's checkouts made, unless its key says otherwise."""
    return visible(Payment.objects.all(), principal)
