"""Webhooks out: who wants to be told where, each telling, and each try at it."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from events.models.outbox import OutboxEvent
from events.states import DELIVERY, ENDPOINT, OPEN
from foundation import clock
from foundation.ids import new_id, public
from foundation.models import ApiClient


class WebhookEndpoint(models.Model):
    """An address of a client that wants to be told, and the secret that signs what it is told."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    client = models.ForeignKey(ApiClient, on_delete=models.PROTECT, related_name="+")
    url = models.CharField(max_length=2000)
    description = models.CharField(max_length=200, blank=True)
    event_types = models.JSONField(help_text="types of the catalogue, or * for all of them")
    all_clients = models.BooleanField(
        default=False, help_text="told of every client's things; asked for with a key that sees all"
    )
    state = models.CharField(max_length=12, default="enabled")
    disabled_reason = models.CharField(max_length=200, blank=True)
    secret = models.BinaryField(max_length=64)
    previous_secret = models.BinaryField(max_length=64, null=True)
    older_secrets = ArrayField(
        models.BinaryField(max_length=64), null=True, help_text="those before the previous one"
    )
    previous_until = models.DateTimeField(null=True, help_text="all of them sign until then")
    failing_since = models.DateTimeField(null=True, help_text="the first failure after a success")
    paused_until = models.DateTimeField(null=True, help_text="it asked to be left alone")
    created_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta:
        permissions = [
            ("operate_webhooks", "Can disable, enable and rotate endpoints, and tell events again")
        ]
        constraints = [
            models.CheckConstraint(
                name="webhook_endpoint_state_is_known",
                condition=Q(state__in=sorted(ENDPOINT.states)),
            )
        ]
        indexes = [models.Index(fields=["client", "id"], name="webhook_endpoint_by_client")]

    def __str__(self) -> str:
        return self.reference

    @property
    def reference(self) -> str:
        """Our public id."""
        return public("whe", self.id)


class WebhookDelivery(models.Model):
    """One event to one endpoint, however often it is tried: at most one row for the two."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    endpoint = models.ForeignKey(
        WebhookEndpoint, on_delete=models.PROTECT, related_name="deliveries"
    )
    event = models.ForeignKey(OutboxEvent, on_delete=models.PROTECT, related_name="deliveries")
    state = models.CharField(max_length=12, default="pending")
    due_at = models.DateTimeField(
        default=clock.now, help_text="when it is tried next; while leased, when the lease ends"
    )
    attempts = models.PositiveIntegerField(default=0, help_text="each one's number is its fence")
    tries = models.PositiveIntegerField(default=0, help_text="of this round of the schedule")
    last_error = models.CharField(max_length=300, blank=True)
    created_at = models.DateTimeField(default=clock.now, editable=False)
    sent_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name_plural = "webhook deliveries"
        constraints = [
            models.CheckConstraint(
                name="webhook_delivery_state_is_known",
                condition=Q(state__in=sorted(DELIVERY.states)),
            ),
            models.UniqueConstraint(
                fields=["endpoint", "event"], name="one_delivery_per_endpoint_and_event"
            ),
        ]
        indexes = [
            models.Index(
                fields=["endpoint", "due_at"], name="webhook_due", condition=Q(state__in=OPEN)
            ),
            models.Index(fields=["created_at"], name="webhook_dead", condition=Q(state="dead")),
            models.Index(fields=["due_at"], name="webhook_leased", condition=Q(state="leased")),
        ]

    def __str__(self) -> str:
        return self.reference

    @property
    def reference(self) -> str:
        """Our public id."""
        return public("dlv", self.id)


class DeliveryAttempt(models.Model):
    """One request that was sent, or could not be, and what came back."""

    id = models.BigAutoField(primary_key=True)
    delivery = models.ForeignKey(WebhookDelivery, on_delete=models.CASCADE, related_name="log")
    number = models.PositiveIntegerField()
    at = models.DateTimeField(help_text="when it began")
    milliseconds = models.PositiveIntegerField()
    status = models.PositiveSmallIntegerField(null=True, help_text="none: nothing was answered")
    error = models.CharField(max_length=300, blank=True)
    answer = models.CharField(max_length=1000, blank=True, help_text="how the answer begins")

    def __str__(self) -> str:
        return f"{self.number}: {self.status or self.error}"
