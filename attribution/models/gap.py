"""The gap of a day as it was measured, version by version, until the day is frozen."""

from django.db import models

from attribution.figures import BASES, CAUSES
from foundation import clock
from foundation.ids import new_id


class GapVersion(models.Model):
    """One day of one client on one financial base. The newest version counts; none is changed."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    client_id = models.UUIDField(editable=False)
    day = models.DateField()
    base = models.CharField(max_length=16)
    version = models.PositiveSmallIntegerField()
    measured_at = models.DateTimeField(default=clock.now, editable=False)
    frozen_at = models.DateTimeField(null=True, help_text="from then on it stays as it is")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["client_id", "day", "base", "version"], name="one_gap_per_day_and_version"
            ),
            models.CheckConstraint(
                name="gap_base_is_known", condition=models.Q(base__in=sorted(BASES))
            ),
        ]
        indexes = [models.Index(fields=["day"], name="gap_by_day")]

    def __str__(self) -> str:
        return f"{self.day} {self.base} v{self.version}"


class GapFigure(models.Model):
    """So many orders or conversions of one group ended alike."""

    id = models.BigAutoField(primary_key=True)
    version = models.ForeignKey(GapVersion, on_delete=models.PROTECT, related_name="figures")
    channel = models.CharField(max_length=520)
    campaign = models.CharField(max_length=255)
    payment_method = models.CharField(max_length=32)
    currency = models.CharField(max_length=3)
    outcome = models.CharField(max_length=9)
    cause = models.CharField(max_length=16, blank=True)
    count = models.PositiveIntegerField()
    known = models.PositiveIntegerField(help_text="of these, orders whose source we know")
    order_amount = models.BigIntegerField()
    analytics_amount = models.BigIntegerField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="gap_outcome_is_known", condition=models.Q(outcome__in=sorted(CAUSES))
            )
        ]

    def __str__(self) -> str:
        return f"{self.count} {self.outcome} {self.cause}".strip()
