"""What a person said belongs together, where no id says it: kept as said, taken back by a row.

Match (1) ── MatchMember (n)     the processor's ids of payments, and payments of ours
   └── Unmatch (0..1)
"""

from typing import ClassVar

from django.db import models
from django.db.models import Q

from foundation import clock
from foundation.ids import new_id, public
from reconciliation.models.break_ import ReconciliationBreak


class Match(models.Model):
    """Lines there and payments here that are one thing: compared as one sum from now on.

    `key` is the processor's id under which the sums are compared and broken. `closed` are the
    breaks that ended by it; they are opened again when it is taken back.
    """

    is_append_only: ClassVar = True

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    account = models.CharField(max_length=64)
    key = models.CharField(max_length=255)
    broken = models.ForeignKey(ReconciliationBreak, on_delete=models.PROTECT, related_name="+")
    closed = models.JSONField(default=list, help_text="ids of the breaks that ended by it")
    ours = models.JSONField(help_text="what our books showed of all of it")
    theirs = models.JSONField(help_text="what the processor's did")
    difference = models.BigIntegerField(help_text="taken there less taken here, minor units")
    currency = models.CharField(max_length=3)
    matched_by = models.CharField(max_length=120)
    reason = models.CharField(max_length=500)
    operation = models.UUIDField(unique=True, default=new_id, help_text="the request that asked")
    matched_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta:
        indexes = [models.Index(fields=["account", "key"], name="match_by_key")]

    def __str__(self) -> str:
        return self.reference

    @property
    def reference(self) -> str:
        """Our public id."""
        return public("rmt", self.id)


class MatchMember(models.Model):
    """One side of it: all lines of a payment there, or a payment of ours."""

    is_append_only: ClassVar = True

    match = models.ForeignKey(Match, on_delete=models.PROTECT, related_name="members")
    processor_reference = models.CharField(max_length=255, blank=True)
    payment_id = models.UUIDField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="a_member_is_one_side",
                condition=Q(processor_reference="", payment_id__isnull=False)
                | (~Q(processor_reference="") & Q(payment_id__isnull=True)),
            ),
            models.UniqueConstraint(
                fields=["match", "processor_reference", "payment_id"],
                name="a_member_is_named_once",
                nulls_distinct=False,
            ),
        ]

    def __str__(self) -> str:
        return self.processor_reference or str(self.payment_id)


class Unmatch(models.Model):
    """The match is taken back."""

    is_append_only: ClassVar = True

    match = models.OneToOneField(
        Match, on_delete=models.PROTECT, primary_key=True, related_name="undone"
    )
    undone_by = models.CharField(max_length=120)
    reason = models.CharField(max_length=500)
    operation = models.UUIDField(unique=True, default=new_id, help_text="the request that asked")
    undone_at = models.DateTimeField(default=clock.now, editable=False)

    def __str__(self) -> str:
        return f"{self.match_id} is undone"
