"""A report that is being collected by API: what came so far, until all of it is here."""

from django.db import models

from foundation import clock


class Collection(models.Model):
    """One window of one account, or one payout, and how far its list was read.

    Gone once it is a report.
    """

    account = models.CharField(max_length=64)
    payout_id = models.CharField(
        max_length=255, blank=True, help_text="whose lines; or else all of the window"
    )
    begins_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    last_id = models.CharField(
        max_length=255, blank=True, help_text="everything up to here is kept"
    )
    begun_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["account", "begins_at", "ends_at", "payout_id"],
                name="a_window_is_collected_once",
            )
        ]

    def __str__(self) -> str:
        if self.payout_id:
            return f"{self.account} {self.payout_id}"
        return f"{self.account} {self.begins_at:%Y-%m-%d %H:%M} to {self.ends_at:%Y-%m-%d %H:%M}"


class CollectedLine(models.Model):
    """A line of it; `facts` are the columns of the `SettlementLine` that it becomes."""

    id = models.BigAutoField(primary_key=True)
    collection = models.ForeignKey(Collection, on_delete=models.CASCADE, related_name="lines")
    external_id = models.CharField(max_length=255)
    facts = models.JSONField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["collection", "external_id"], name="a_line_is_collected_once"
            )
        ]

    def __str__(self) -> str:
        return self.external_id
