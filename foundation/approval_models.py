"""Something above what one person may do: asked for by one, approved by another, then done."""

from typing import Final

from django.db import models
from django.db.models import F, Q

from foundation import clock
from foundation.ids import new_id, public
from foundation.states import APPROVAL

_UNDECIDED: Final = ("pending", "expired", "withdrawn")


class Approval(models.Model):
    """A verb, a row, an amount in minor units; who asked and why, who decided and why.

    `seen` is how the row stood when it was asked for: once it has moved, nothing is done.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    verb = models.CharField(max_length=40, help_text="as registered (foundation/approvals.py)")
    aggregate = models.CharField(max_length=40)
    aggregate_id = models.UUIDField()
    seen = models.JSONField(help_text="how the row stood for whoever asked")
    amount = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    asked_by = models.CharField(max_length=120)
    asked_by_user = models.BigIntegerField(help_text="the id of that person's account")
    reason = models.CharField(max_length=500)
    asked_at = models.DateTimeField(default=clock.now, editable=False)
    expires_at = models.DateTimeField()
    state = models.CharField(max_length=12, default="pending")
    decided_by = models.CharField(max_length=120, blank=True)
    decided_reason = models.CharField(max_length=500, blank=True)
    decided_at = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=500, blank=True, help_text="what became of it")

    class Meta:
        permissions = [("decide_approval", "Can approve or reject what another person asked for")]
        constraints = [
            models.CheckConstraint(
                name="approval_state_is_known", condition=Q(state__in=sorted(APPROVAL.states))
            ),
            models.CheckConstraint(
                name="nobody_approves_their_own", condition=~Q(decided_by=F("asked_by"))
            ),
            models.CheckConstraint(
                name="a_decision_says_who_and_why",
                condition=Q(state__in=_UNDECIDED)
                | (Q(decided_at__isnull=False) & ~Q(decided_by="") & ~Q(decided_reason="")),
            ),
            models.UniqueConstraint(
                fields=["verb", "aggregate_id"],
                name="one_pending_approval_per_verb_and_row",
                condition=Q(state="pending"),
            ),
        ]
        indexes = [models.Index(fields=["aggregate_id"], name="approval_by_aggregate")]

    def __str__(self) -> str:
        return self.reference

    @property
    def reference(self) -> str:
        """Our public id."""
        return public("apr", self.id)
