"""Who may not buy: a list kept by staff, each entry with its reason and, if wanted, an end."""

from django.db import models

from foundation import clock
from foundation.ids import new_id


class BlockListEntry(models.Model):
    """One blocked value. E-mail addresses and domains are written in lower case."""

    class Kind(models.TextChoices):
        EMAIL = "email", "e-mail address"
        EMAIL_DOMAIN = "email_domain", "e-mail domain"
        IP = "ip", "IP address or network"
        CUSTOMER = "customer", "customer reference"
        CARD = "card", "card fingerprint or payment method"
        COUNTRY = "country", "country (ISO 3166-1 alpha-2)"

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    kind = models.CharField(max_length=16, choices=Kind.choices)
    value = models.CharField(max_length=255)
    reason = models.CharField(max_length=500, db_comment="why, for whoever has to answer for it")
    created_at = models.DateTimeField(default=clock.now, editable=False)
    expires_at = models.DateTimeField(null=True, blank=True, db_comment="empty: until removed")

    class Meta:
        db_table_comment = "Whose checkouts are refused"
        verbose_name_plural = "block list entries"
        constraints = [
            models.UniqueConstraint(fields=["kind", "value"], name="one_block_per_kind_and_value"),
            models.CheckConstraint(
                name="block_kind_is_known",
                condition=models.Q(
                    kind__in=["email", "email_domain", "ip", "customer", "card", "country"]
                ),
            ),
            models.CheckConstraint(
                name="block_has_value_and_reason",
                condition=~models.Q(value="") & ~models.Q(reason=""),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.value}"
