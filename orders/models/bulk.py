"""A wish of staff about many payments at once: one row each, worked one by one, told one by one."""

from django.db import models
from django.db.models import Q

from foundation import clock
from foundation.ids import new_id
from orders.states import BULK_ROW
from payments.models import Payment


class BulkRun(models.Model):
    """Who wants the holds of which payments released, and why."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    actor = models.CharField(max_length=120)
    reason = models.CharField(max_length=500)
    created_at = models.DateTimeField(default=clock.now, editable=False)

    def __str__(self) -> str:
        return f"of {self.created_at:%Y-%m-%d %H:%M}"

    @property
    def state(self) -> str:
        """`pending` until every row has a result."""
        return "pending" if self.rows.filter(state="pending").exists() else "completed"


class BulkRow(models.Model):
    """One payment of a run. `result` says in words what became of it."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    run = models.ForeignKey(BulkRun, on_delete=models.PROTECT, related_name="rows")
    payment = models.ForeignKey(Payment, on_delete=models.PROTECT, related_name="+")
    position = models.PositiveSmallIntegerField()
    state = models.CharField(max_length=12, default="pending")
    result = models.CharField(max_length=200, blank=True)
    tries = models.PositiveSmallIntegerField(default=0)
    due_at = models.DateTimeField(null=True, help_text="when the sweep looks whether it is done")
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["run", "payment"], name="one_row_per_bulk_run_and_payment"
            ),
            models.CheckConstraint(
                name="bulk_row_state_is_known", condition=Q(state__in=sorted(BULK_ROW.states))
            ),
        ]
        indexes = [
            models.Index(fields=["due_at"], name="bulk_row_due", condition=Q(state="pending"))
        ]

    def __str__(self) -> str:
        return f"{self.payment_id}: {self.state}"
