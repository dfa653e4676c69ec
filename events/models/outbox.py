"""The outbox: what happened, as rows written by the transaction in which it happened."""

from django.db import models
from django.db.models import Q

from foundation import clock, tracing
from foundation.ids import new_id, public


class EventStream(models.Model):
    """The counter of one story (an order's, from its checkout on). Gives gapless sequences."""

    id = models.UUIDField(primary_key=True)
    last_sequence = models.PositiveIntegerField(default=0)

    def __str__(self) -> str:
        return str(self.id)


class OutboxEvent(models.Model):
    """One fact. Its content and `trace` never change; the other columns are the relay's."""

    class State(models.TextChoices):
        PENDING = "pending"
        LEASED = "leased"
        SENT = "sent"
        RETRYING = "retrying"
        DEAD = "dead"

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    type = models.CharField(max_length=60)
    stream = models.UUIDField()
    sequence = models.PositiveIntegerField()
    payload = models.JSONField()
    created_at = models.DateTimeField(default=clock.now, editable=False)
    state = models.CharField(max_length=12, choices=State.choices, default=State.PENDING)
    due_at = models.DateTimeField(default=clock.now)
    attempts = models.PositiveIntegerField(default=0)
    sent_at = models.DateTimeField(null=True, blank=True)
    last_error = models.CharField(max_length=500, blank=True)
    # The database has the default too: a process of the version before writes no trace.
    trace = models.CharField(max_length=tracing.LONGEST, blank=True, default="", db_default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["stream", "sequence"], name="one_event_per_sequence")
        ]
        indexes = [
            models.Index(
                fields=["due_at"],
                name="outbox_due",
                condition=Q(state__in=["pending", "leased", "retrying"]),
            ),
            models.Index(fields=["created_at"], name="outbox_dead", condition=Q(state="dead")),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.reference}"

    @property
    def reference(self) -> str:
        """Our public id, constant over every delivery of this event."""
        return public("evt", self.id)
