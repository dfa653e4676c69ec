"""Sales as analytics counted them: every row it sent, also the same sale twice."""

from django.db import models
from django.db.models import Q

from foundation import clock
from foundation.ids import new_id, public

AMOUNT_MAX = 10**12  # a million of the largest still add up in 64 bits


class ConversionBatch(models.Model):
    """Rows that came together: one request, or one file."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    client_id = models.UUIDField(editable=False)
    file_name = models.CharField(max_length=255, blank=True, help_text="empty: by the API")
    digest = models.BinaryField(max_length=32, null=True, help_text="SHA-256 of the file")
    rows = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta:
        verbose_name_plural = "conversion batches"
        permissions = [("import_conversions", "Can import a file of conversions")]
        constraints = [
            models.UniqueConstraint(
                fields=["client_id", "digest"],
                name="a_file_of_conversions_is_imported_once",
                condition=Q(digest__isnull=False),
            )
        ]

    def __str__(self) -> str:
        return self.file_name or self.reference

    @property
    def reference(self) -> str:
        """Our public id."""
        return public("cvb", self.id)


class Conversion(models.Model):
    """One sale as analytics counted it. `transaction_id` is our order's number, if it is right."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    client_id = models.UUIDField(editable=False)
    batch = models.ForeignKey(ConversionBatch, on_delete=models.PROTECT, related_name="conversions")
    transaction_id = models.CharField(max_length=100)
    amount = models.BigIntegerField(help_text="the value as it was told, in minor units")
    tax_amount = models.BigIntegerField(default=0)
    shipping_amount = models.BigIntegerField(default=0)
    currency = models.CharField(max_length=3)
    source = models.CharField(max_length=255, default="unknown")
    medium = models.CharField(max_length=255, default="unknown")
    campaign = models.CharField(max_length=255, default="unknown")
    is_test = models.BooleanField(default=False, help_text="analytics says it was no real sale")
    occurred_at = models.DateTimeField()
    received_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="conversion_names_its_transaction", condition=~Q(transaction_id="")
            ),
            models.CheckConstraint(
                name="conversion_amounts_are_not_negative",
                condition=Q(amount__gte=0, tax_amount__gte=0, shipping_amount__gte=0),
            ),
        ]
        indexes = [
            models.Index(fields=["client_id", "transaction_id"], name="conversion_by_transaction"),
            models.Index(fields=["occurred_at"], name="conversion_by_time"),
        ]

    def __str__(self) -> str:
        return self.transaction_id
