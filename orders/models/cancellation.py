"""A cancellation: what undoing an order needs to be finished by somebody else."""

from collections.abc import Collection
from typing import Any

from django.db import models
from django.db.models import Q

from foundation import clock
from foundation.idempotency import Answer
from foundation.ids import new_id
from foundation.saga import SagaMemory
from orders.models.order import Order
from orders.states import CANCELLATION
from payments.models import Source


class Cancellation(SagaMemory):
    """The saga's memory: one per order, since an order is canceled once and for good.

    `payment_action` is what became of the money: voided, refunded, void_and_refund or none.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    order = models.OneToOneField(Order, on_delete=models.PROTECT, related_name="cancellation")
    state = models.CharField(max_length=20, default="releasing")
    reason = models.CharField(max_length=500)
    actor = models.CharField(max_length=120)
    source = models.CharField(max_length=12, choices=Source.choices, default=Source.API)
    payment_action = models.CharField(max_length=20, blank=True)
    tries = models.PositiveIntegerField(default=0, help_text="times the money was not settled")
    last_error = models.CharField(max_length=120, blank=True)
    started_at = models.DateTimeField(default=clock.now, editable=False)
    ended_at = models.DateTimeField(null=True)

    # Known only to the run at work: what the caller is told now, and what the row said before.
    answer: Answer | None = None
    stored_state: str = ""

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="cancellation_state_is_known",
                condition=Q(state__in=sorted(CANCELLATION.states)),
            )
        ]

    def __str__(self) -> str:
        return f"cancellation of {self.order}"

    @classmethod
    def from_db(
        cls, db: str | None, field_names: Collection[str], values: Collection[Any], **options: Any
    ) -> Any:
        """Remember what the row said, so that a move can be guarded by it."""
        cancellation = super().from_db(db, field_names, values, **options)
        cancellation.stored_state = cancellation.__dict__.get("state", "")
        return cancellation
