"""A checkout: one attempt to buy, and everything it needs to be finished by somebody else."""

from collections.abc import Collection
from typing import Any

from django.db import models
from django.db.models import Q

from foundation import clock
from foundation.idempotency import Answer
from foundation.ids import new_id, public
from foundation.saga import SagaMemory
from orders.states import CHECKOUT, HOLDS_ITS_CART
from payments.models import Payment


class Checkout(SagaMemory):
    """The saga's memory. Written in the transaction of what it remembers."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    order_id = models.UUIDField(default=new_id, editable=False, unique=True)
    payment_uuid = models.UUIDField(default=new_id, editable=False, help_text="known before it is")
    client_id = models.UUIDField(editable=False)
    cart_id = models.CharField(max_length=128)
    state = models.CharField(max_length=20, default="started")
    payment = models.OneToOneField(Payment, on_delete=models.PROTECT, null=True)

    customer_reference = models.CharField(max_length=128)
    email = models.CharField(max_length=254)
    ip = models.GenericIPAddressField(null=True)
    user_agent = models.CharField(max_length=512, blank=True)
    payment_method = models.CharField(max_length=255)
    shipping_method = models.CharField(max_length=64)
    shipping_address = models.JSONField()
    billing_address = models.JSONField(null=True)
    lines = models.JSONField(help_text="priced lines, frozen when the checkout began")
    expected_total = models.JSONField(null=True)
    attribution = models.JSONField(default=dict)
    metadata = models.JSONField(default=dict)
    request_id = models.CharField(max_length=64, blank=True)

    currency = models.CharField(max_length=3)
    subtotal_amount = models.BigIntegerField(default=0)
    tax_amount = models.BigIntegerField(default=0)
    shipping_amount = models.BigIntegerField(default=0)
    total_amount = models.BigIntegerField(default=0)

    risk = models.JSONField(default=dict)
    risk_outcome = models.CharField(max_length=8, blank=True)
    review_decision = models.CharField(max_length=8, blank=True)

    canceled_by = models.CharField(
        max_length=120, blank=True, help_text="who gave it up; from then on it only goes back"
    )

    started_at = models.DateTimeField(default=clock.now, editable=False)
    forward_until = models.DateTimeField(help_text="after this we undo instead of going on")
    ended_at = models.DateTimeField(null=True)

    # Known only to the run that reaches an end: what the client is told now.
    answer: Answer | None = None
    stored_state: str = ""

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="checkout_state_is_known", condition=Q(state__in=sorted(CHECKOUT.states))
            ),
            models.UniqueConstraint(
                fields=["client_id", "cart_id"],
                name="one_live_checkout_per_cart",
                condition=Q(state__in=HOLDS_ITS_CART),
            ),
        ]
        indexes = [
            models.Index(fields=["client_id", "-id"], name="checkout_by_client"),
            models.Index(fields=["customer_reference", "started_at"], name="checkout_by_customer"),
            models.Index(
                fields=["email", "started_at"],
                name="checkout_by_email",
                opclasses=["varchar_pattern_ops", "timestamptz_ops"],  # also by how it begins
            ),
            models.Index(fields=["cart_id"], name="checkout_by_cart"),
            models.Index(fields=["ip", "started_at"], name="checkout_by_ip"),
        ]
        permissions = [("review_checkout", "Can approve or reject a checkout in review")]

    def __str__(self) -> str:
        return self.reference

    @classmethod
    def from_db(
        cls, db: str | None, field_names: Collection[str], values: Collection[Any], **options: Any
    ) -> Any:
        """Remember what the row said, so that a move can be guarded by it."""
        checkout = super().from_db(db, field_names, values, **options)
        checkout.stored_state = checkout.__dict__.get("state", "")
        return checkout

    @property
    def reference(self) -> str:
        """Our public id."""
        return public("chk", self.id)

    @property
    def order_reference(self) -> str:
        """The public id its order will have, known before there is one."""
        return public("ord", self.order_id)


class CheckoutVisit(models.Model):
    """Somebody came back to a checkout with a key of their own: to go on with it, or to give up."""

    class Verb(models.TextChoices):
        CONFIRM = "confirm"
        CANCEL = "cancel"

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    checkout = models.ForeignKey(Checkout, on_delete=models.PROTECT, related_name="visits")
    verb = models.CharField(max_length=8, choices=Verb.choices)
    actor = models.CharField(max_length=120)
    request_id = models.CharField(max_length=64, blank=True)
    at = models.DateTimeField(default=clock.now, editable=False)

    def __str__(self) -> str:
        return f"{self.verb} by {self.actor}"
