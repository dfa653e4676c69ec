"""Stock, and the holds on it."""

from django.db import models
from django.db.models import F, Q

from foundation import clock
from foundation.ids import new_id, public
from orders.models.catalog import Product
from orders.states import RESERVATION


class StockItem(models.Model):
    """What lies on the shelf of one product, and how much of it is spoken for.

    `reserved` is what held and committed reservations hold and has not been shipped;
    sellable = on_hand - reserved.
    """

    product = models.OneToOneField(Product, on_delete=models.PROTECT, primary_key=True)
    sku = models.CharField(max_length=64, unique=True)
    on_hand = models.PositiveIntegerField(default=0)
    reserved = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="never_reserved_more_than_on_hand", condition=Q(reserved__lte=F("on_hand"))
            )
        ]

    def __str__(self) -> str:
        return self.sku

    @property
    def available(self) -> int:
        """What may still be sold."""
        return self.on_hand - self.reserved


class Reservation(models.Model):
    """A hold of one SKU for one checkout. Its row and the counter move in one statement."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    checkout = models.ForeignKey(
        "orders.Checkout", on_delete=models.PROTECT, related_name="reservations"
    )
    sku = models.CharField(max_length=64)
    quantity = models.PositiveIntegerField()
    consumed_quantity = models.PositiveIntegerField(
        default=0, help_text="shipped already: neither on the shelf nor reserved any more"
    )
    state = models.CharField(max_length=12, default="held")
    created_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["checkout", "sku"], name="one_reservation_per_checkout_and_sku"
            ),
            models.CheckConstraint(
                name="reservation_state_is_known", condition=Q(state__in=sorted(RESERVATION.states))
            ),
            models.CheckConstraint(
                name="reservation_quantity_positive", condition=Q(quantity__gt=0)
            ),
            models.CheckConstraint(
                name="never_consumed_more_than_reserved",
                condition=Q(consumed_quantity__lte=F("quantity")),
            ),
        ]
        indexes = [
            models.Index(
                fields=["sku"],
                name="reservation_open",
                condition=Q(state__in=["held", "committed"]),
            ),
            models.Index(fields=["sku"], name="reservation_by_sku"),
        ]

    def __str__(self) -> str:
        return f"{self.quantity} x {self.sku} ({self.state})"


class StockAdjustment(models.Model):
    """Somebody counted, found, lost or received goods: `delta` units, and why. Never changed."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    item = models.ForeignKey(StockItem, on_delete=models.PROTECT, related_name="adjustments")
    client_id = models.UUIDField(null=True, editable=False)
    delta = models.IntegerField()
    on_hand_after = models.PositiveIntegerField()
    reason = models.CharField(max_length=500)
    actor = models.CharField(max_length=120)
    created_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta:
        constraints = [
            models.CheckConstraint(name="stock_adjustment_moves_something", condition=~Q(delta=0))
        ]

    def __str__(self) -> str:
        return f"{self.delta:+} x {self.item_id}"

    @property
    def reference(self) -> str:
        """Our public id."""
        return public("adj", self.id)
