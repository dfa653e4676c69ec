"""What the warehouse owes, and what the customer was told."""

from django.db import models
from django.db.models import Q

from foundation import clock
from foundation.ids import new_id, public
from orders.models.order import Order, OrderLine
from orders.states import FULFILLMENT


class Fulfillment(models.Model):
    """One shipment of an order."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="fulfillments")
    sequence = models.PositiveSmallIntegerField(default=1)
    state = models.CharField(max_length=12, default="pending")
    created_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["order", "sequence"], name="one_fulfillment_per_order_and_sequence"
            ),
            models.CheckConstraint(
                name="fulfillment_state_is_known", condition=Q(state__in=sorted(FULFILLMENT.states))
            ),
        ]

    def __str__(self) -> str:
        return self.reference

    @property
    def reference(self) -> str:
        """Our public id."""
        return public("ful", self.id)


class FulfillmentLine(models.Model):
    """How many of one order line go into one shipment."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    fulfillment = models.ForeignKey(Fulfillment, on_delete=models.PROTECT, related_name="lines")
    order_line = models.ForeignKey(OrderLine, on_delete=models.PROTECT)
    quantity = models.PositiveIntegerField()

    def __str__(self) -> str:
        return f"{self.quantity} x {self.order_line_id}"


class Notification(models.Model):
    """One message to one customer about one order: once per order and template."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="notifications")
    template = models.CharField(max_length=40)
    recipient = models.CharField(max_length=254)
    leased_until = models.DateTimeField()
    attempts = models.PositiveSmallIntegerField(default=1)
    created_at = models.DateTimeField(default=clock.now, editable=False)
    sent_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["order", "template"], name="one_notification_per_order_and_template"
            )
        ]

    def __str__(self) -> str:
        return f"{self.template} to {self.recipient}"
