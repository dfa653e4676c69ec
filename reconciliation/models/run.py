"""One comparison of a day: what was looked at, and what came of it."""

from django.db import models
from django.db.models import Q

from foundation import clock
from foundation.ids import new_id, public
from reconciliation.states import RUN


class ReconciliationRun(models.Model):
    """A day of an account, compared once more: the newest version is what is believed.

    A day for which nothing was told, or what was told could not be read, is `failed` with the
    reason: it never reads as a day without breaks.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    account = models.CharField(max_length=64)
    day = models.DateField(help_text="in the time zone of the processor's account")
    version = models.PositiveIntegerField()
    state = models.CharField(max_length=9, default="running")
    asked_by = models.CharField(max_length=120)
    last_line_id = models.BigIntegerField(
        default=0, help_text="what was told after this line is looked at by the next run"
    )
    counts = models.JSONField(default=dict, help_text="matched, waiting, breaks by class, ...")
    digest = models.CharField(
        max_length=64, blank=True, help_text="of what was found; a re-run of the same has the same"
    )
    error = models.CharField(max_length=1000, blank=True)
    started_at = models.DateTimeField(default=clock.now, editable=False)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["account", "day", "version"], name="one_run_per_version_of_a_day"
            ),
            models.CheckConstraint(
                name="run_state_is_known", condition=Q(state__in=sorted(RUN.states))
            ),
            models.CheckConstraint(
                name="a_finished_run_says_when",
                condition=Q(state="running") | Q(finished_at__isnull=False),
            ),
        ]
        permissions = [("start_reconciliation", "Can start a reconciliation run")]

    def __str__(self) -> str:
        return f"{self.account} {self.day} v{self.version}"

    @property
    def reference(self) -> str:
        """Our public id."""
        return public("run", self.id)


class Waiting(models.Model):
    """A payment whose two books differ at the end of a day, for no longer than is usual.

    The next day's run looks at it again, whether it moved or not.
    """

    account = models.CharField(max_length=64)
    day = models.DateField()
    processor_reference = models.CharField(max_length=255)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["account", "day", "processor_reference"], name="one_wait_per_day"
            )
        ]

    def __str__(self) -> str:
        return f"{self.processor_reference} since {self.day}"


class Uncompared(models.Model):
    """A payment that no run has found even, and that has neither a break nor a wait to say so.

    It moved before the first run, or its lines have no money and no payment of ours. Once it moves
    again all of it is summed, not only what moved.
    """

    account = models.CharField(max_length=64)
    processor_reference = models.CharField(max_length=255)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["account", "processor_reference"], name="one_reminder_per_payment"
            )
        ]

    def __str__(self) -> str:
        return self.processor_reference
