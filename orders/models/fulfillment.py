"""What the warehouse owes, and what the customer was told."""

from django.db import models
from django.db.models import Q

from foundation import clock
from foundation.ids import new_id, public
from orders.models.order import Order, OrderLine
from orders.states import FULFILLMENT


class Fulfillment(models.Model):
    """One shipment of an order, or what is left to be shipped.

    Once an order is being fulfilled, the quantities of its shipments that are not canceled add
    up to what was ordered: what no shipment was asked for yet lies in the automatic one.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="fulfillments")
    sequence = models.PositiveSmallIntegerField(default=1)
    state = models.CharField(max_length=12, default="pending")
    is_automatic = models.BooleanField(
        default=True, help_text="what the warehouse still owes; shipments are taken out of it"
    )
    carrier = models.CharField(max_length=64, blank=True)
    tracking_number = models.CharField(max_length=64, blank=True)
    created_at = models.DateTimeField(default=clock.now, editable=False)
    shipped_at = models.DateTimeField(null=True)
    delivered_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["order", "sequence"], name="one_fulfillment_per_order_and_sequence"
            ),
            models.UniqueConstraint(
                fields=["order"],
                name="one_open_automatic_fulfillment_per_order",
                condition=Q(is_automatic=True, state="pending"),
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

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["fulfillment", "order_line"], name="one_line_per_fulfillment_and_order_line"
            )
        ]

    def __str__(self) -> str:
        return f"{self.quantity} x {self.order_line_id}"


class Notification(models.Model):
    """One message to one customer about one order: once per order, template and shipment."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="notifications")
    template = models.CharField(max_length=40)
    number = models.PositiveSmallIntegerField(
        default=0, help_text="the sequence of the shipment it tells of; 0: of the order"
    )
    recipient = models.CharField(max_length=254)
    leased_until = models.DateTimeField()
    attempts = models.PositiveSmallIntegerField(default=1)
    created_at = models.DateTimeField(default=clock.now, editable=False)
    sent_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["order", "template", "number"],
                name="one_notification_per_order_template_and_shipment",
            )
        ]

    def __str__(self) -> str:
        return f"{self.template} to {self.recipient}"
