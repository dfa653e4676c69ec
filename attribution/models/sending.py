"""What we tell analytics ourselves: how far one message came, until it was told or given up."""

import datetime as dt

from django.db import models
from django.db.models import Q

from foundation import clock
from foundation.ids import new_id, public


class Sending(models.Model):
    """Something on its way to analytics. At least once."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    client_id = models.UUIDField(editable=False)
    number = models.CharField(max_length=100, help_text="the order's, as analytics sees it")
    amount = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    browser_id = models.CharField(max_length=255)
    due_at = models.DateTimeField(default=clock.now)
    leased_until = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveIntegerField(default=0)
    sent_at = models.DateTimeField(null=True, blank=True)
    failed_at = models.DateTimeField(null=True, blank=True, help_text="given up")
    last_error = models.CharField(max_length=300, blank=True)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return self.number

    @property
    def happened_at(self) -> dt.datetime:
        """When what it tells of happened."""
        raise NotImplementedError


WAITS = Q(sent_at__isnull=True, failed_at__isnull=True)
NOT_BOTH = Q(sent_at__isnull=True) | Q(failed_at__isnull=True)


class PurchaseSending(Sending):
    """A purchase, which is told apart by the order's number."""

    tax_amount = models.BigIntegerField()
    shipping_amount = models.BigIntegerField()
    placed_at = models.DateTimeField()
    session_id = models.CharField(max_length=255, blank=True)
    is_late = models.BooleanField(default=False, help_text="too late to join its session")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["client_id", "number"], name="a_purchase_is_told_to_analytics_once"
            ),
            models.CheckConstraint(
                name="a_purchase_was_sent_or_given_up_not_both", condition=NOT_BOTH
            ),
        ]
        indexes = [models.Index(fields=["due_at"], name="purchase_to_send", condition=WAITS)]

    @property
    def happened_at(self) -> dt.datetime:
        """When it was bought."""
        return self.placed_at


class RefundSending(Sending):
    """A refund of a purchase that analytics was told of; told apart by the refund's id."""

    refund_id = models.UUIDField(unique=True, editable=False)
    given_at = models.DateTimeField(help_text="when the processor had given it back")

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="a_refund_was_sent_or_given_up_not_both", condition=NOT_BOTH
            ),
        ]
        indexes = [
            models.Index(fields=["due_at"], name="refund_to_send", condition=WAITS),
            models.Index(fields=["number"], name="refund_to_send_by_number"),
        ]

    @property
    def happened_at(self) -> dt.datetime:
        """When it was given back."""
        return self.given_at

    @property
    def reference(self) -> str:
        """The refund's public id."""
        return public("rfd", self.refund_id)
