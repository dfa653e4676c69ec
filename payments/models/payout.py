"""What the processor paid out to our bank account."""

from django.db import models
from django.db.models import Q

from foundation import clock
from foundation.ids import new_id, public
from payments.states import PAYOUT


class Payout(models.Model):
    """One transfer from the processor's balance to our bank. Amount in minor units.

    Below zero when the processor took money from our bank to cover a negative balance.
    `paid` may still become `failed`: the bank sent it back
    (https://docs.stripe.com/payouts#payout-failures).
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    processor = models.CharField(max_length=32, default="stripe")
    processor_reference = models.CharField(max_length=255)
    state = models.CharField(max_length=8, default="paid")
    amount = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    arrives_on = models.DateField(null=True, blank=True, help_text="by the processor's word")
    created_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["processor", "processor_reference"],
                name="one_payout_per_processor_reference",
            ),
            models.CheckConstraint(name="payout_amount_not_zero", condition=~Q(amount=0)),
            models.CheckConstraint(
                name="payout_state_is_known", condition=Q(state__in=sorted(PAYOUT.states))
            ),
        ]

    def __str__(self) -> str:
        return self.reference

    @property
    def reference(self) -> str:
        """Our public id."""
        return public("po", self.id)
