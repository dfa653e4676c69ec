"""What the warehouse owes, and what the customer was told."""

from django.db import models
from django.db.models import Q

from foundation import clock
from foundation.ids import new_id, public
from orders.models.order import Order, OrderLine
from orders.states import FULFILLMENT
from payments.models import Refund


class Fulfillment(models.Model):
    """One shipment of an order, or what is left to be shipped.

    Once an order is being fulfilled, the quantities of its shipments that are not canceled add
    up to what was ordered: what no shipment was asked for yet lies in the automatic one.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="fulfillments")
    sequence = models.PositiveSmallIntegerField(default=1)
    state = models.CharField(max_length=12, default="pending")
    is_automatic = models.BooleanField(
        default=True, help_text="what the warehouse still owes; shipments are taken out of it"
    )
    carrier = models.CharField(max_length=64, blank=True)
    tracking_number = models.CharField(max_length=64, blank=True)
    created_at = models.DateTimeField(default=clock.now, editable=False)
    shipped_at = models.DateTimeField(null=True)
    delivered_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["order", "sequence"], name="one_fulfillment_per_order_and_sequence"
            ),
            models.UniqueConstraint(
                fields=["order"],
                name="one_open_automatic_fulfillment_per_order",
                condition=Q(is_automatic=True, state="pending"),
            ),
            models.CheckConstraint(
                name="fulfillment_state_is_known", condition=Q(state__in=sorted(FULFILLMENT.states))
            ),
        ]

    def __str__(self) -> str:
        return self.reference

    @property
    def reference(self) -> str:
        """Our public id."""
        return public("ful", self.id)


class FulfillmentLine(models.Model):
    """How many of one order line go into one shipment."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    fulfillment = models.ForeignKey(Fulfillment, on_delete=models.PROTECT, related_name="lines")
    order_line = models.ForeignKey(OrderLine, on_delete=models.PROTECT)
    quantity = models.PositiveIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["fulfillment", "order_line"], name="one_line_per_fulfillment_and_order_line"
            )
        ]

    def __str__(self) -> str:
        return f"{self.quantity} x {self.order_line_id}"


class Notification(models.Model):
    """One message to one customer about one order: once per order, template, subject and version.

    The subject is the order itself, one of its shipments, one time it had to be paid for again
    (`number`), or one refund. A version above 1 is one that staff sent again, with their reason.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="notifications")
    template = models.CharField(max_length=40)
    number = models.PositiveSmallIntegerField(
        default=0, help_text="which shipment, refund or stop of the order it tells of; 0: of it all"
    )
    refund = models.ForeignKey(
        Refund, on_delete=models.PROTECT, null=True, blank=True, related_name="notifications"
    )
    version = models.PositiveSmallIntegerField(default=1, db_default=1)
    recipient = models.CharField(max_length=254)
    actor = models.CharField(
        max_length=120, default="", db_default="", blank=True, help_text="who sent it again"
    )
    reason = models.CharField(max_length=500, default="", db_default="", blank=True)
    leased_until = models.DateTimeField()
    attempts = models.PositiveSmallIntegerField(default=1)
    last_error = models.CharField(max_length=200, default="", db_default="", blank=True)
    created_at = models.DateTimeField(default=clock.now, editable=False)
    sent_at = models.DateTimeField(null=True)
    given_up_at = models.DateTimeField(null=True, help_text="tried in vain: a case says so")
    obsolete_at = models.DateTimeField(
        null=True, help_text="when it was found to be no longer true, and so was not sent"
    )

    class Meta:
        permissions = [("resend_notification", "Can send a customer an e-mail again")]
        constraints = [
            models.UniqueConstraint(
                fields=["order", "template", "number", "refund", "version"],
                name="one_notification_per_order_template_subject_version",
                nulls_distinct=False,
            ),
            models.CheckConstraint(
                name="notification_ends_once",
                condition=Q(sent_at__isnull=True, given_up_at__isnull=True)
                | Q(sent_at__isnull=True, obsolete_at__isnull=True)
                | Q(given_up_at__isnull=True, obsolete_at__isnull=True),
            ),
            models.CheckConstraint(
                name="notification_sent_again_has_a_reason",
                condition=Q(version=1) | (~Q(actor="") & ~Q(reason="")),
            ),
        ]
        indexes = [
            models.Index(
                fields=["leased_until"],
                name="notification_waiting",
                condition=Q(
                    sent_at__isnull=True, given_up_at__isnull=True, obsolete_at__isnull=True
                ),
            ),
            models.Index(fields=["created_at"], name="notification_by_time"),
        ]

    def __str__(self) -> str:
        return f"{self.template} to {self.recipient}"

    @property
    def state(self) -> str:
        """In a word: sent, given_up, obsolete, or pending (somebody is at it, or will be)."""
        if self.sent_at is not None:
            return "sent"
        if self.given_up_at is not None:
            return "given_up"
        return "pending" if self.obsolete_at is None else "obsolete"
