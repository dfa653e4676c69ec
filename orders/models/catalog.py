"""What is for sale and for how much: prices are ours, never the client's.

An amount is at most `AMOUNT_MAX` minor units, so that the largest order that can be asked for
(100 lines of 10,000 pieces, taxed at 100 %) still fits PostgreSQL's bigint.
"""

import re

from django.db import models

from foundation.ids import new_id

AMOUNT_MAX = 10**12
CURRENCY_PATTERN = r"^[A-Z]{3}$"
SKU_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._/-]{0,63}$"
SKU = re.compile(SKU_PATTERN[:-1] + r"\Z")


class Product(models.Model):
    """Something one can put in a cart, known by its SKU."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    sku = models.CharField(max_length=64, unique=True, verbose_name="SKU")
    title = models.CharField(max_length=200)
    tax_code = models.CharField(
        max_length=32,
        default="standard",
        db_comment="which of a destination's rates applies: standard, books, food, ...",
    )
    active = models.BooleanField(
        default=True, db_comment="false: known from old orders, no longer sold"
    )

    class Meta:
        db_table_comment = "What is for sale"
        constraints = [
            models.CheckConstraint(
                name="product_sku_is_plain", condition=models.Q(sku__regex=SKU_PATTERN)
            ),
            models.CheckConstraint(name="product_has_a_tax_code", condition=~models.Q(tax_code="")),
        ]

    def __str__(self) -> str:
        return f"{self.sku} {self.title}"


class Price(models.Model):
    """What one piece costs in one currency; with or without tax is the destination's business."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    product = models.ForeignKey(Product, on_delete=models.CASCADE, related_name="prices")
    currency = models.CharField(max_length=3, db_comment="ISO 4217")
    amount = models.BigIntegerField(db_comment="minor units of the currency")

    class Meta:
        db_table_comment = "The listed price of one piece"
        constraints = [
            models.UniqueConstraint(
                fields=["product", "currency"], name="one_price_per_product_and_currency"
            ),
            models.CheckConstraint(
                name="price_is_positive_and_bounded",
                condition=models.Q(amount__gt=0, amount__lte=AMOUNT_MAX),
            ),
            models.CheckConstraint(
                name="price_currency_is_a_code",
                condition=models.Q(currency__regex=CURRENCY_PATTERN),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.amount} {self.currency}"
