"""What shipping costs: one amount per method, destination and currency."""

from django.db import models

from foundation.ids import new_id
from orders.models.catalog import AMOUNT_MAX, CURRENCY_PATTERN

ANYWHERE = "*"


class ShippingRate(models.Model):
    """The listed price of sending one order to a country, or anywhere ("*")."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    method = models.CharField(max_length=40, db_comment="what the client asks for: standard, ...")
    country = models.CharField(max_length=2, db_comment='ISO 3166-1 alpha-2, or "*": anywhere')
    currency = models.CharField(max_length=3, db_comment="ISO 4217")
    amount = models.BigIntegerField(db_comment="minor units of the currency; 0 is free")
    tax_code = models.CharField(max_length=32, default="shipping")
    title = models.CharField(max_length=80, help_text="what the shopper reads")

    class Meta:
        db_table_comment = "Shipping prices by method, destination and currency"
        constraints = [
            models.UniqueConstraint(
                fields=["method", "country", "currency"], name="one_rate_per_shipping_method"
            ),
            models.CheckConstraint(
                name="shipping_amount_is_bounded",
                condition=models.Q(amount__gte=0, amount__lte=AMOUNT_MAX),
            ),
            models.CheckConstraint(
                name="shipping_codes_are_codes",
                condition=models.Q(
                    country__regex=r"^([A-Z]{2}|\*)$",
                    currency__regex=CURRENCY_PATTERN,
                    method__regex=r"^[a-z][a-z0-9_-]*$",
                ),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.title} ({self.country}, {self.currency})"
