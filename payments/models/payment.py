"""A payment, and the append-only steps at the processor that its amounts are folded from."""

from typing import ClassVar

from django.db import models
from django.db.models import F, Q

from foundation import clock
from foundation.ids import new_id, public
from payments.states import PAYMENT


class Payment(models.Model):
    """One authorization and all that follows from it.

    Amounts are integer minor units of `currency`, folded from the payment's transactions
    (payments/amounts.py); the columns are that fold, kept so that a list needs no join.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    client_id = models.UUIDField(editable=False)
    stream = models.UUIDField(editable=False, help_text="the story its events belong to")
    state = models.CharField(max_length=24, default="authorizing")
    amount = models.BigIntegerField(help_text="what was asked for, in minor units")
    currency = models.CharField(max_length=3)
    payment_method = models.CharField(max_length=255)
    processor = models.CharField(max_length=32, default="stripe")
    processor_reference = models.CharField(max_length=255, blank=True)
    replaces = models.OneToOneField(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="replaced_by",
        help_text="the expired authorization that this one was made for",
    )  # fmt: skip
    attempt = models.PositiveSmallIntegerField(default=1, help_text="of the authorization")
    step_attempt = models.PositiveSmallIntegerField(
        default=1, help_text="of the capture or void: a new one only when the last is proven dead"
    )
    capture_sequence = models.PositiveSmallIntegerField(
        default=1, help_text="of the capture that is next, or under way"
    )
    claimed_amount = models.BigIntegerField(
        default=0, help_text="what the capture under way is to take"
    )
    claimed_final = models.BooleanField(
        default=True, help_text="whether the capture under way lets go of the rest"
    )
    claimed_id = models.UUIDField(
        null=True, blank=True, help_text="of the capture or void under way, or the last one"
    )
    claimed_by = models.CharField(max_length=120, blank=True, help_text="who wished for it")
    claimed_source = models.CharField(max_length=12, blank=True)
    authorized_amount = models.BigIntegerField(default=0)
    captured_amount = models.BigIntegerField(default=0)
    voided_amount = models.BigIntegerField(default=0)
    refunded_amount = models.BigIntegerField(default=0)
    refund_pending_amount = models.BigIntegerField(
        default=0, help_text="refunds written down whose end is not known yet"
    )
    charged_back_amount = models.BigIntegerField(default=0)
    fee_amount = models.BigIntegerField(default=0)
    is_disputed = models.BooleanField(default=False, help_text="a dispute is open")
    is_multicapture = models.BooleanField(
        default=False, help_text="the processor grants several captures of this hold"
    )
    capture_before = models.DateTimeField(null=True, blank=True)
    expiry_warned_at = models.DateTimeField(null=True, blank=True)
    expiry_due_at = models.DateTimeField(
        null=True, blank=True, help_text="when it was told that the policy must act now"
    )
    card_brand = models.CharField(max_length=32, blank=True)
    card_last4 = models.CharField(max_length=4, blank=True)
    card_country = models.CharField(max_length=2, blank=True)
    card_fingerprint = models.CharField(max_length=64, blank=True)
    decline_code = models.CharField(max_length=64, blank=True)
    next_action = models.JSONField(null=True, blank=True)
    lease_token = models.PositiveIntegerField(default=0)
    leased_until = models.DateTimeField(null=True, blank=True)
    resolve_at = models.DateTimeField(
        null=True, blank=True, help_text="when the sweep asks next about what is in doubt"
    )
    asked_at = models.DateTimeField(default=clock.now, help_text="when the processor was last sent")
    look_ups = models.PositiveIntegerField(default=0, help_text="asked without being answered")
    crashes = models.PositiveSmallIntegerField(
        default=0, db_default=0, help_text="sweeps in a row that died asking about it"
    )
    absences = models.PositiveSmallIntegerField(
        default=0, help_text="times this attempt was proven not to have happened"
    )
    last_error = models.CharField(max_length=64, blank=True)
    metadata = models.JSONField(default=dict, help_text="what the processor's record carries")
    created_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta:
        permissions = [
            ("void_payment", "Can void a payment (release its hold)"),
            ("capture_payment", "Can capture a payment (take what is held)"),
            ("refund_payment", "Can refund a payment (give money back)"),
        ]
        constraints = [
            models.CheckConstraint(
                name="payment_state_is_known", condition=Q(state__in=sorted(PAYMENT.states))
            ),
            models.CheckConstraint(name="payment_amount_positive", condition=Q(amount__gt=0)),
            models.CheckConstraint(
                name="never_captured_more_than_authorized",
                condition=Q(captured_amount__lte=F("authorized_amount")),
            ),
            models.CheckConstraint(
                name="never_refunded_more_than_captured",
                condition=Q(refunded_amount__lte=F("captured_amount") - F("refund_pending_amount")),
            ),
            models.UniqueConstraint(
                fields=["processor", "processor_reference"],
                name="one_payment_per_processor_reference",
                condition=~Q(processor_reference=""),
            ),
            models.UniqueConstraint(
                fields=["claimed_id"],
                name="one_payment_per_claim",
                condition=Q(claimed_id__isnull=False),
            ),
        ]
        indexes = [
            models.Index(fields=["client_id", "-id"], name="payment_by_client"),
            models.Index(fields=["stream"], name="payment_by_stream"),
            models.Index(fields=["payment_method", "created_at"], name="payment_by_method"),
            models.Index(fields=["card_fingerprint", "created_at"], name="payment_by_card"),
            models.Index(
                fields=["leased_until"],
                name="payment_in_flight",
                condition=Q(leased_until__isnull=False),
            ),
            models.Index(
                fields=["capture_before"],
                name="payment_expiring",
                condition=Q(state__in=["authorized", "partially_captured"]),
            ),
        ]

    # Known only to the run at work, never stored. `is_fresh`: this run wrote the intent and is
    # about to send it. `is_first_sending`: nobody can have sent it before this run.
    # `is_proven_absent`: the processor was asked, and the step did not happen.
    # `is_confirmed`: the processor was asked in this run, and the hold is live.
    is_fresh = False
    is_first_sending = False
    is_proven_absent = False
    is_confirmed = False
    is_of_another_currency = False

    def __str__(self) -> str:
        return self.reference

    @property
    def reference(self) -> str:
        """Our public id, and what the processor's metadata carries."""
        return public("pay", self.id)

    @property
    def capturable(self) -> int:
        """What is still held: neither taken nor let go. Minor units."""
        return self.authorized_amount - self.captured_amount - self.voided_amount

    @property
    def refundable(self) -> int:
        """What may still be given back: taken, and neither given, promised nor taken back."""
        gone = self.refunded_amount + self.refund_pending_amount + self.charged_back_amount
        return max(0, self.captured_amount - gone)

    def processor_key(self, operation: str, sequence: int = 1) -> str:
        """The Idempotency-Key for one step at the processor: derived, never the client's.

        The same in every process and after every crash, so that a repeat is a repeat.
        """
        return f"{self.reference}-{operation}-{sequence}"


class Source(models.TextChoices):
    """Where a change of money was asked for."""

    API = "api"
    STAFF = "staff"
    SYSTEM = "system"
    PROCESSOR = "processor"  # in its dashboard, by the bank, or by its own clock


class PaymentTransaction(models.Model):
    """One step at the processor that happened. Appended once, never changed."""

    is_append_only: ClassVar = True

    class Kind(models.TextChoices):
        AUTHORIZATION = "authorization"
        CAPTURE = "capture"
        VOID = "void"
        REFUND = "refund"
        REFUND_FAILURE = "refund_failure"  # the bank sent a refund back
        CHARGEBACK = "chargeback"  # a dispute took the money
        CHARGEBACK_REVERSAL = "chargeback_reversal"
        FEE = "fee"

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    payment = models.ForeignKey(Payment, on_delete=models.PROTECT, related_name="transactions")
    kind = models.CharField(max_length=24, choices=Kind.choices)
    sequence = models.PositiveSmallIntegerField(
        default=1, help_text="which capture, refund or dispute of this payment it belongs to"
    )
    succeeded = models.BooleanField()
    amount = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    processor_reference = models.CharField(max_length=255, blank=True)
    error_code = models.CharField(max_length=64, blank=True)
    note = models.CharField(max_length=64, blank=True, help_text="expired, remainder, ...")
    source = models.CharField(
        max_length=12, choices=Source.choices, default=Source.SYSTEM,
        help_text="where the wish came from",
    )  # fmt: skip
    actor = models.CharField(max_length=120)
    created_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["payment", "kind", "sequence"],
                name="one_success_per_payment_step",
                condition=Q(succeeded=True),
            ),
            models.CheckConstraint(
                name="transaction_amount_not_negative", condition=Q(amount__gte=0)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.amount} {self.currency}"

    @property
    def reference(self) -> str:
        """Our public id."""
        return public("txn", self.id)
