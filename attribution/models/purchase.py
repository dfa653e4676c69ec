"""What we tell analytics ourselves: one purchase for each order, until it was told or given up."""

from django.db import models
from django.db.models import Q

from foundation import clock
from foundation.ids import new_id


class PurchaseSending(models.Model):
    """A purchase on its way to analytics. At least once: it is told apart by the order's number."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    client_id = models.UUIDField(editable=False)
    number = models.CharField(max_length=100, help_text="the order's, as analytics sees it")
    amount = models.BigIntegerField()
    tax_amount = models.BigIntegerField()
    shipping_amount = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    placed_at = models.DateTimeField()
    browser_id = models.CharField(max_length=255)
    session_id = models.CharField(max_length=255, blank=True)
    due_at = models.DateTimeField(default=clock.now)
    leased_until = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveIntegerField(default=0)
    sent_at = models.DateTimeField(null=True, blank=True)
    is_late = models.BooleanField(default=False, help_text="too late to join its session")
    failed_at = models.DateTimeField(null=True, blank=True, help_text="given up")
    last_error = models.CharField(max_length=300, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["client_id", "number"], name="a_purchase_is_told_to_analytics_once"
            ),
            models.CheckConstraint(
                name="a_purchase_was_sent_or_given_up_not_both",
                condition=Q(sent_at__isnull=True) | Q(failed_at__isnull=True),
            ),
        ]
        indexes = [
            models.Index(
                fields=["due_at"],
                name="purchase_to_send",
                condition=Q(sent_at__isnull=True, failed_at__isnull=True),
            )
        ]

    def __str__(self) -> str:
        return self.number
