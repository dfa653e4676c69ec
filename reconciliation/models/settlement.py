"""The processor's own records: reports and their lines, kept as they came, never changed."""

from typing import ClassVar

from django.db import models
from django.db.models import Q

from foundation import clock
from foundation.ids import new_id, public


class SettlementReport(models.Model):
    """One file, or one collection by API, that was read as a whole or not at all."""

    class Origin(models.TextChoices):
        API = "api"  # collected from the processor
        UPLOAD = "upload"  # by a client, or in the admin
        COMMAND = "command"  # by hand, on the machine

    is_append_only: ClassVar = True

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    account = models.CharField(max_length=64, help_text="whose books: a processor's account")
    origin = models.CharField(max_length=8, choices=Origin.choices)
    name = models.CharField(max_length=255, help_text="of the file, or of what was asked for")
    format = models.CharField(max_length=32, help_text="the reader that understood it")
    sha256 = models.CharField(max_length=64, help_text="of its bytes")
    begins_at = models.DateTimeField(help_text="it tells of what happened from here")
    ends_at = models.DateTimeField(help_text="to here, exclusive")
    line_count = models.PositiveIntegerField()
    new_line_count = models.PositiveIntegerField(help_text="of which no earlier report had told")
    ingested_by = models.CharField(max_length=120)
    ingested_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["account", "sha256"], name="a_report_is_read_once")
        ]
        indexes = [models.Index(fields=["account", "begins_at"], name="report_by_account")]
        permissions = [("import_settlement", "Can import a settlement report")]

    def __str__(self) -> str:
        return self.name

    @property
    def reference(self) -> str:
        """Our public id."""
        return public("set", self.id)


class SettlementLine(models.Model):
    """One movement of our balance at the processor. Amounts in integer minor units.

    `net = gross - fee`. Signs as the processor has them: a charge adds, a refund takes. A line
    that is told again as it was is not kept twice; one that is told differently is, and the
    newest counts (by `id`).
    """

    class Category(models.TextChoices):
        CHARGE = "charge"
        PARTIAL_CAPTURE_REVERSAL = "partial_capture_reversal"
        REFUND = "refund"
        REFUND_FAILURE = "refund_failure"
        DISPUTE = "dispute"
        DISPUTE_REVERSAL = "dispute_reversal"
        FEE = "fee"
        PAYOUT = "payout"
        PAYOUT_REVERSAL = "payout_reversal"
        OTHER = "other"

    is_append_only: ClassVar = True

    id = models.BigAutoField(primary_key=True)
    report = models.ForeignKey(SettlementReport, on_delete=models.PROTECT, related_name="lines")
    account = models.CharField(max_length=64)
    number = models.PositiveIntegerField(help_text="its line in the report; the head is line 1")
    external_id = models.CharField(max_length=255, help_text="the processor's id of the line")
    digest = models.CharField(max_length=64, help_text="sha256 of what it says")
    category = models.CharField(max_length=32, choices=Category.choices)
    currency = models.CharField(max_length=3)
    gross = models.BigIntegerField()
    fee = models.BigIntegerField()
    net = models.BigIntegerField()
    occurred_at = models.DateTimeField()
    available_on = models.DateTimeField(null=True)
    processor_reference = models.CharField(
        max_length=255, blank=True, help_text="the processor's id of the payment"
    )
    payment_reference = models.CharField(
        max_length=64, blank=True, help_text="our id of the payment, as the processor carries it"
    )
    payment_id = models.UUIDField(
        null=True, help_text="of our payment, by the reference that the processor carries"
    )
    source_id = models.CharField(max_length=255, blank=True, help_text="charge, refund, dispute")
    payout_id = models.CharField(max_length=255, blank=True)
    raw = models.JSONField(help_text="as it came")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["account", "external_id", "digest"], name="a_line_is_kept_once"
            ),
            models.CheckConstraint(
                name="line_nets", condition=Q(net=models.F("gross") - models.F("fee"))
            ),
        ]
        indexes = [
            models.Index(fields=["account", "occurred_at"], name="line_by_time"),
            models.Index(fields=["account", "processor_reference"], name="line_by_payment"),
            models.Index(
                fields=["payment_id"],
                name="line_by_our_payment",
                condition=Q(payment_id__isnull=False),
            ),
            models.Index(fields=["source_id"], name="line_by_source", condition=~Q(source_id="")),
            models.Index(
                fields=["account", "payout_id"], name="line_by_payout", condition=~Q(payout_id="")
            ),
        ]

    def __str__(self) -> str:
        return f"{self.external_id} {self.category} {self.gross} {self.currency}"


class Retelling(models.Model):
    """A line that was told before, and not like this: it counts instead of `earlier`.

    Both are kept; this says so without looking for twins among all lines.
    """

    is_append_only: ClassVar = True

    line = models.OneToOneField(
        SettlementLine, on_delete=models.PROTECT, primary_key=True, related_name="retelling"
    )
    earlier = models.ForeignKey(SettlementLine, on_delete=models.PROTECT, related_name="+")

    def __str__(self) -> str:
        return f"{self.line_id} instead of {self.earlier_id}"
