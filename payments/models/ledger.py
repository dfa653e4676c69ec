"""Double entry: every movement of money as lines that sum to zero. Appended, never changed."""

from typing import ClassVar

from django.db import models
from django.db.models import Q

from foundation import clock
from foundation.ids import new_id, public
from payments.models.payment import Payment, PaymentTransaction
from payments.models.payout import Payout
from payments.postings import ACCOUNTS, KINDS


class LedgerLine(models.Model):
    """One line of one entry: a signed amount in minor units, debit above zero, credit below.

    An entry is the lines with the same `entry`. That of a payment transaction has its id, so
    a step can not be posted twice. The database refuses an entry that does not sum to zero in
    each currency, and every UPDATE, DELETE and TRUNCATE (migration 0003).
    """

    is_append_only: ClassVar = True

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    entry = models.UUIDField(editable=False)
    kind = models.CharField(max_length=24)
    payment = models.ForeignKey(
        Payment, on_delete=models.PROTECT, null=True, related_name="ledger_lines"
    )
    transaction = models.ForeignKey(
        PaymentTransaction, on_delete=models.PROTECT, null=True, db_index=False,
        related_name="ledger_lines",
    )  # fmt: skip
    payout = models.ForeignKey(
        Payout, on_delete=models.PROTECT, null=True, db_index=False, related_name="ledger_lines"
    )
    account = models.CharField(max_length=32)
    currency = models.CharField(max_length=3)
    amount = models.BigIntegerField()
    posted_at = models.DateTimeField(default=clock.now, help_text="when the money moved")
    description = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["entry", "account", "currency"], name="one_line_per_entry_and_account"
            ),
            models.UniqueConstraint(
                fields=["payout", "kind", "account"],
                name="one_entry_per_payout_and_kind",
                condition=Q(payout__isnull=False),
            ),
            models.CheckConstraint(name="ledger_amount_not_zero", condition=~Q(amount=0)),
            models.CheckConstraint(
                name="ledger_account_is_known", condition=Q(account__in=sorted(ACCOUNTS))
            ),
            models.CheckConstraint(
                name="ledger_kind_is_known", condition=Q(kind__in=sorted(KINDS))
            ),
            models.CheckConstraint(
                name="ledger_line_has_one_origin",
                condition=Q(transaction__isnull=False, payment__isnull=False, payout__isnull=True)
                | Q(transaction__isnull=True, payment__isnull=True, payout__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.account} {self.amount} {self.currency}"

    @property
    def entry_reference(self) -> str:
        """The public id of its entry."""
        return public("ent", self.entry)
