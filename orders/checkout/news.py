"""The processor has news of a payment: the checkout that holds it looks at once."""

import uuid

from orders.checkout import recovery
from orders.models import Checkout
from payments.services import work_event


def take_up(payment_id: uuid.UUID, *, event_id: uuid.UUID) -> bool:
    """Resume the checkout, and close the event that told of the news; False when it must wait.

    It waits while somebody else is at work on the checkout, and comes back by its own sweep.
    """
    checkout = Checkout.objects.filter(payment_id=payment_id).only("pk").first()
    if checkout is None or not recovery.resume(checkout.pk):
        return False
    work_event.taken_up(event_id)
    return True
