"""A shopper told the bank that a charge is wrong: money moves whatever the order says."""

from django.db import models
from django.db.models import Q

from foundation import clock
from foundation.ids import new_id, public
from payments.models.payment import Payment
from payments.states import DISPUTE


class Dispute(models.Model):
    """One dispute of one payment (there may be several). Amounts in minor units.

    An inquiry (`is_inquiry`) is a question: no money moves unless it becomes a dispute.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    payment = models.ForeignKey(Payment, on_delete=models.PROTECT, related_name="disputes")
    sequence = models.PositiveSmallIntegerField()
    state = models.CharField(max_length=8, default="open")
    processor_reference = models.CharField(max_length=255, unique=True)
    processor_status = models.CharField(max_length=40, blank=True)
    amount = models.BigIntegerField()
    fee_amount = models.BigIntegerField(default=0)
    currency = models.CharField(max_length=3)
    reason = models.CharField(max_length=64, blank=True)
    is_inquiry = models.BooleanField(default=False)
    evidence_due_by = models.DateTimeField(null=True, blank=True)
    opened_at = models.DateTimeField(default=clock.now)
    closed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["payment", "sequence"], name="one_dispute_per_payment_and_sequence"
            ),
            models.CheckConstraint(name="dispute_amount_positive", condition=Q(amount__gt=0)),
            models.CheckConstraint(
                name="dispute_state_is_known", condition=Q(state__in=sorted(DISPUTE.states))
            ),
        ]
        indexes = [
            models.Index(fields=["evidence_due_by"], name="dispute_open", condition=Q(state="open"))
        ]

    def __str__(self) -> str:
        return self.reference

    @property
    def reference(self) -> str:
        """Our public id."""
        return public("dsp", self.id)
