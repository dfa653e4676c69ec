"""Money given back: an aggregate of its own, because it may fail long after it succeeded."""

from django.db import models
from django.db.models import Q

from foundation import clock
from foundation.ids import new_id, public
from payments.models.payment import Payment, Source
from payments.states import REFUND


class Refund(models.Model):
    """One refund of one payment, whoever asked for it. `amount` in minor units, above zero.

    Written down as `pending` under the payment's row lock before the processor is asked; its
    sequence gives the processor's key, so that a repeat is a repeat.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    payment = models.ForeignKey(Payment, on_delete=models.PROTECT, related_name="refunds")
    sequence = models.PositiveSmallIntegerField()
    state = models.CharField(max_length=12, default="pending")
    amount = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    reason = models.CharField(max_length=500, blank=True)
    source = models.CharField(max_length=12, choices=Source.choices, default=Source.API)
    actor = models.CharField(max_length=120)
    processor_reference = models.CharField(max_length=255, blank=True)
    failure_code = models.CharField(max_length=64, blank=True)
    attempt = models.PositiveSmallIntegerField(
        default=1, help_text="a new one only when the last is proven not to have happened"
    )
    absences = models.PositiveSmallIntegerField(default=0)
    look_ups = models.PositiveIntegerField(default=0, help_text="asked without being answered")
    crashes = models.PositiveSmallIntegerField(
        default=0, db_default=0, help_text="sweeps in a row that died asking about it"
    )
    last_error = models.CharField(max_length=64, blank=True)
    lease_token = models.PositiveIntegerField(default=1)
    leased_until = models.DateTimeField(null=True, blank=True)
    resolve_at = models.DateTimeField(
        null=True, blank=True, help_text="when the sweep asks next what became of it"
    )
    asked_at = models.DateTimeField(default=clock.now, help_text="when the processor was last sent")
    created_at = models.DateTimeField(default=clock.now, editable=False)
    ended_at = models.DateTimeField(null=True, blank=True)
    announced_at = models.DateTimeField(
        null=True, blank=True, help_text="when whoever tells of its success had written that down"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["payment", "sequence"], name="one_refund_per_payment_and_sequence"
            ),
            models.UniqueConstraint(
                fields=["processor_reference"],
                name="one_refund_per_processor_reference",
                condition=~Q(processor_reference=""),
            ),
            models.CheckConstraint(name="refund_amount_positive", condition=Q(amount__gt=0)),
            models.CheckConstraint(
                name="refund_state_is_known", condition=Q(state__in=sorted(REFUND.states))
            ),
        ]
        indexes = [
            models.Index(
                fields=["leased_until"],
                name="refund_in_flight",
                condition=Q(state="pending"),
            ),
            models.Index(
                fields=["ended_at"],
                name="refund_unannounced",
                condition=Q(state="succeeded", announced_at__isnull=True),
            ),
            models.Index(fields=["ended_at"], name="refund_by_end", condition=Q(state="succeeded")),
        ]

    def __str__(self) -> str:
        return self.reference

    @property
    def reference(self) -> str:
        """Our public id, and what the processor's metadata carries."""
        return public("rfd", self.id)

    @property
    def processor_key(self) -> str:
        """The Idempotency-Key at the processor: derived, the same after every crash."""
        return f"{self.reference}-refund-{self.attempt}"
