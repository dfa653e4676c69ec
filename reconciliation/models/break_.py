"""A difference between two books that is not a matter of time: one row, however often it is met."""

from django.db import models
from django.db.models import ExpressionWrapper, F, Q, Value
from django.db.models.functions import Cast, Coalesce, Extract, Floor, Greatest

from foundation import clock
from foundation.ids import new_id, public
from reconciliation.states import BREAK


class BreakRows(models.QuerySet["ReconciliationBreak"]):
    """Breaks, and how severe each is."""

    def with_severity(self) -> "BreakRows":
        """Annotates `severe`: the same as `severity`, to sort by."""
        age = ExpressionWrapper(
            Coalesce("settled_at", Value(clock.now())) - F("began_at"),
            output_field=models.DurationField(),
        )
        seconds = Cast(Extract(age, "epoch"), models.FloatField())
        days = Greatest(Floor(seconds / Value(86_400.0)), Value(0.0)) + Value(1.0)
        return self.annotate(severe=Cast("amount", models.FloatField()) * days)


class ReconciliationBreak(models.Model):
    """What differs, by how much, since when, and what each side shows.

    `amount` is the money at risk, never below zero, in minor units of `currency`. `fingerprint`
    names the class and the things it is about: the same trouble is the same row in every run.
    """

    class Kind(models.TextChoices):
        ORPHAN_CAPTURE = "orphan_capture"  # taken there, known to no payment of ours
        MISSING_AT_PROCESSOR = "missing_at_processor"  # taken by our books, not by theirs
        STATUS_MISMATCH = "status_mismatch"  # taken there, not by our books
        AMOUNT_MISMATCH = "amount_mismatch"
        CURRENCY_MISMATCH = "currency_mismatch"
        DUPLICATE_CHARGE = "duplicate_charge"  # two payments taken for one order
        REFUND_MISSING_LOCAL = "refund_missing_local"
        REFUND_MISSING_REMOTE = "refund_missing_remote"
        UNKNOWN_STALE = "unknown_stale"  # an outcome not known for too long
        SHIPPED_UNPAID = "expired_uncaptured_shipped"
        ORDER_WITHOUT_PAYMENT = "order_without_payment"
        ORPHAN_AUTHORIZATION = "orphan_authorization"  # held, and no order wants it
        FEE_MISMATCH = "fee_mismatch"
        DISPUTE_UNRECORDED = "dispute_unrecorded"
        PAYOUT_UNMATCHED = "payout_unmatched"
        LATE_EVENT = "late_event"  # told of a day that was closed

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    account = models.CharField(max_length=64)
    kind = models.CharField(max_length=32, choices=Kind.choices)
    fingerprint = models.CharField(max_length=255, unique=True)
    state = models.CharField(max_length=13, default="open")
    amount = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    payment_id = models.UUIDField(null=True)
    order_number = models.BigIntegerField(null=True)
    processor_reference = models.CharField(max_length=255, blank=True)
    ours = models.JSONField(default=dict, help_text="what our books show")
    theirs = models.JSONField(default=dict, help_text="what the processor's show")
    began_at = models.DateTimeField(help_text="when what it is about happened")
    first_seen_at = models.DateTimeField(default=clock.now, editable=False)
    last_seen_at = models.DateTimeField(default=clock.now)
    settled_at = models.DateTimeField(null=True)
    assignee = models.CharField(max_length=120, blank=True)
    settled_reason = models.CharField(max_length=500, blank=True)
    settled_by_operation = models.UUIDField(
        null=True, unique=True, help_text="the request that settled it, if one did"
    )

    objects = BreakRows.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="break_state_is_known", condition=Q(state__in=sorted(BREAK.states))
            ),
            models.CheckConstraint(name="break_amount_not_negative", condition=Q(amount__gte=0)),
        ]
        indexes = [
            models.Index(fields=["account", "kind", "state"], name="break_by_kind"),
            models.Index(fields=["payment_id"], name="break_by_payment"),
            models.Index(fields=["processor_reference"], name="break_by_reference"),
            models.Index(fields=["assignee"], name="break_by_assignee", condition=~Q(assignee="")),
        ]
        permissions = [
            ("handle_break", "Can take, comment, resolve and reopen a break"),
            ("write_off_break", "Can write off a break"),
            ("match_break", "Can match by hand what no id connects"),
        ]

    def __str__(self) -> str:
        return self.reference

    @property
    def severity(self) -> int:
        """The money at risk times the days it has been, the one that has begun included."""
        age = (self.settled_at or clock.now()) - self.began_at
        return self.amount * (max(age.days, 0) + 1)

    @property
    def reference(self) -> str:
        """Our public id."""
        return public("brk", self.id)
