"""Which tax a destination takes: a table the shop maintains, kept exact in parts per million."""

from django.db import models

from foundation.ids import new_id

STANDARD = "standard"


class TaxRate(models.Model):
    """One rate of one destination for one kind of goods.

    Several taxes of one place (GST and PST, state and county) stand here as their sum, and the
    jurisdiction's name says which. An empty region is the whole country.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    country = models.CharField(max_length=2, db_comment="ISO 3166-1 alpha-2")
    region = models.CharField(
        max_length=3, blank=True, default="", db_comment="ISO 3166-2 part, empty: whole country"
    )
    tax_code = models.CharField(max_length=32, default=STANDARD)
    jurisdiction = models.CharField(max_length=80, db_comment="who takes it, as on an invoice")
    rate_ppm = models.IntegerField(db_comment="parts per million: 190000 is nineteen of a hundred")
    inclusive = models.BooleanField(db_comment="true: listed prices contain it (VAT)")

    class Meta:
        db_table_comment = "Tax rates by destination and kind of goods"
        constraints = [
            models.UniqueConstraint(
                fields=["country", "region", "tax_code"], name="one_rate_per_destination_and_code"
            ),
            models.CheckConstraint(
                name="tax_rate_is_between_nothing_and_all",
                condition=models.Q(rate_ppm__gte=0, rate_ppm__lte=1_000_000),
            ),
            models.CheckConstraint(
                name="tax_rate_place_is_a_code",
                condition=models.Q(country__regex=r"^[A-Z]{2}$", region__regex=r"^[A-Z0-9]{0,3}$"),
            ),
            models.CheckConstraint(name="tax_rate_has_a_code", condition=~models.Q(tax_code="")),
        ]

    def __str__(self) -> str:
        return f"{self.jurisdiction} {self.tax_code}"
