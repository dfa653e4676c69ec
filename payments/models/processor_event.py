"""What the processor told us, as it told it: stored before any work, worked from the row."""

from django.db import models
from django.db.models import Q

from foundation import clock
from foundation.ids import new_id
from payments.models.payment import Payment
from payments.states import PROCESSOR_EVENT


class ProcessorEvent(models.Model):
    """One signed message, once per (processor, external id). The body is kept as it came."""

    class Arrival(models.TextChoices):
        WEBHOOK = "webhook"
        CATCH_UP = "catch_up"

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    processor = models.CharField(max_length=32)
    external_id = models.CharField(max_length=255)
    type = models.CharField(max_length=100)
    kind = models.CharField(max_length=12, help_text="payment, refund, dispute, payout or other")
    object_id = models.CharField(max_length=255, blank=True)
    processor_reference = models.CharField(max_length=255, blank=True)
    reference = models.CharField(max_length=255, blank=True, help_text="ours, from its metadata")
    payment = models.ForeignKey(
        Payment, on_delete=models.PROTECT, null=True, related_name="processor_events"
    )
    amount = models.BigIntegerField(null=True, help_text="of a payout")
    currency = models.CharField(max_length=3, blank=True, help_text="of a payout")
    arrival = models.CharField(max_length=12, choices=Arrival.choices)
    body = models.BinaryField(help_text="empty when it was listed, not sent")
    state = models.CharField(max_length=12, default="received")
    outcome = models.CharField(max_length=120, blank=True, help_text="what came of it")
    attempts = models.PositiveSmallIntegerField(default=0)
    due_at = models.DateTimeField(
        default=clock.now,
        help_text="when it is worked on next; meanwhile it is in somebody's hands",
    )
    last_error = models.CharField(max_length=500, blank=True)
    happened_at = models.DateTimeField(help_text="by the processor's clock")
    received_at = models.DateTimeField(default=clock.now, editable=False)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["processor", "external_id"], name="one_row_per_processor_event"
            ),
            models.CheckConstraint(
                name="processor_event_state_is_known",
                condition=Q(state__in=sorted(PROCESSOR_EVENT.states)),
            ),
        ]
        indexes = [
            models.Index(
                fields=["due_at"],
                name="processor_event_due",
                condition=Q(state__in=["received", "parked"]),
            ),
            models.Index(fields=["processor_reference"], name="processor_event_by_payment"),
            models.Index(fields=["object_id"], name="processor_event_by_object"),
            models.Index(
                fields=["received_at"], name="processor_event_dead", condition=Q(state="dead")
            ),
        ]
        permissions = [("retry_processorevent", "Can have a dead processor event worked on again")]

    def __str__(self) -> str:
        return f"{self.type} {self.external_id}"


class EventListing(models.Model):
    """How far a processor's list of events was read: everything before `read_until` is here."""

    processor = models.CharField(max_length=32, primary_key=True)
    read_until = models.DateTimeField(help_text="by the processor's clock")

    def __str__(self) -> str:
        return f"{self.processor} until {self.read_until:%Y-%m-%d %H:%M:%S}"
