"""An order: a kept promise. It exists only once the authorization is held."""

from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import F, Func, Q, Value

from attribution.models import Attribution
from foundation import clock
from foundation.ids import new_id, public
from orders.models.checkout import Checkout
from orders.states import ORDER
from payments.models import Payment


class NumberField(models.BigIntegerField):  # type: ignore[type-arg]
    """A number for people, from a sequence, told by the INSERT itself (gaps are allowed)."""

    db_returning = True


class Settlement(models.TextChoices):
    """When what is held is taken."""

    ON_ORDER = "on_order"  # soon after the order, or after the shop's delay
    ON_FULFILLMENT = "on_fulfillment"  # exactly what ships, when it ships
    MANUAL = "manual"  # by people and the API only


class Order(models.Model):
    """What was bought, at what price, by whom. Amounts in integer minor units of `currency`."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    number = NumberField(
        unique=True,
        editable=False,
        db_default=Func(Value("orders_order_number"), function="nextval"),
    )
    client_id = models.UUIDField(editable=False)
    checkout = models.OneToOneField(Checkout, on_delete=models.PROTECT, related_name="order")
    payment = models.OneToOneField(Payment, on_delete=models.PROTECT, related_name="order")
    attribution = models.OneToOneField(Attribution, on_delete=models.PROTECT, related_name="order")
    state = models.CharField(max_length=20, default="placed")
    cart_id = models.CharField(max_length=128)
    customer_reference = models.CharField(max_length=128)
    email = models.CharField(max_length=254)
    currency = models.CharField(max_length=3)
    subtotal_amount = models.BigIntegerField()
    tax_amount = models.BigIntegerField()
    shipping_amount = models.BigIntegerField()
    total_amount = models.BigIntegerField()
    shipping_method = models.CharField(max_length=64)
    shipping_address = models.JSONField()
    billing_address = models.JSONField(null=True)
    metadata = models.JSONField(default=dict)
    placed_at = models.DateTimeField(default=clock.now, editable=False)
    settlement_policy = models.CharField(
        max_length=16,
        choices=Settlement.choices,
        default=Settlement.ON_ORDER,
        help_text="when the money is taken; frozen when the order was placed",
    )
    settle_at = models.DateTimeField(
        null=True, help_text="on_order: not taken by itself before this"
    )
    next_step_at = models.DateTimeField(
        null=True, help_text="when the sweep looks whether somebody is at work on it"
    )
    stalls = models.PositiveSmallIntegerField(default=0)

    class Meta:
        permissions = [
            ("cancel_order", "Can cancel an order (give the money back, return the stock)"),
            ("ship_order", "Can mark what an order owes as shipped"),
            ("reauthorize_order", "Can ask for a new hold in place of an order's"),
        ]
        constraints = [
            models.CheckConstraint(
                name="order_state_is_known", condition=Q(state__in=sorted(ORDER.states))
            ),
            models.CheckConstraint(
                name="order_total_adds_up",
                condition=Q(
                    total_amount=F("subtotal_amount") + F("tax_amount") + F("shipping_amount")
                ),
            ),
            models.CheckConstraint(
                name="order_amounts_not_negative",
                condition=Q(subtotal_amount__gte=0, tax_amount__gte=0, shipping_amount__gte=0),
            ),
        ]
        indexes = [
            models.Index(fields=["client_id", "-id"], name="order_by_client"),
            models.Index(
                fields=["email"],
                name="order_by_email",
                opclasses=["varchar_pattern_ops"],  # found by how it begins
            ),
            BrinIndex(fields=["placed_at"], name="order_by_day"),  # next to nothing to keep up
            models.Index(
                fields=["next_step_at"],
                name="order_next_step",
                condition=Q(next_step_at__isnull=False),
            ),
            models.Index(
                fields=["id"],
                name="order_waits_for_money",
                condition=Q(state="payment_required"),
            ),
        ]

    def __str__(self) -> str:
        return self.public_number

    @property
    def reference(self) -> str:
        """Our public id."""
        return public("ord", self.id)

    @property
    def ids(self) -> dict[str, str]:
        """What an event tells of it, so that any chain finds the order and its payment."""
        return {
            "order": self.reference,
            "order_id": str(self.pk),
            "payment": public("pay", self.payment_id),
            "payment_id": str(self.payment_id),
        }

    @property
    def public_number(self) -> str:
        """What stands on the confirmation and in analytics: one per order, no personal data."""
        return f"R{self.number}"


class OrderLine(models.Model):
    """One SKU of an order, with the price and the tax it was sold at."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="lines")
    position = models.PositiveSmallIntegerField()
    sku = models.CharField(max_length=64)
    title = models.CharField(max_length=255)
    quantity = models.PositiveIntegerField()
    unit_amount = models.BigIntegerField(help_text="as listed, with or without tax by jurisdiction")
    net_amount = models.BigIntegerField(help_text="without tax, for the whole line")
    tax_amount = models.BigIntegerField()
    tax_rate_ppm = models.PositiveIntegerField(help_text="parts per million")
    tax_jurisdiction = models.CharField(max_length=80)
    tax_inclusive = models.BooleanField()

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["order", "sku"], name="one_line_per_order_and_sku"),
            models.CheckConstraint(
                name="line_adds_up",
                condition=Q(
                    tax_inclusive=True,
                    net_amount=F("unit_amount") * F("quantity") - F("tax_amount"),
                )
                | Q(tax_inclusive=False, net_amount=F("unit_amount") * F("quantity")),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.quantity} x {self.sku}"
