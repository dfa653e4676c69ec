"""The tables the shop keeps by hand: taxes, shipping prices, and who may not buy."""

import ipaddress
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin

from foundation.desk.edits import OnRecord
from foundation.desk.staff import HouseAdmin
from foundation.money import EXPONENTS, Money
from orders.admin.shown import percent
from orders.models import BlockListEntry, ShippingRate, TaxRate

if TYPE_CHECKING:
    _BlockForm = forms.ModelForm[BlockListEntry]
    _ShippingForm = forms.ModelForm[ShippingRate]
else:
    _BlockForm = _ShippingForm = forms.ModelForm


@admin.register(TaxRate)
class TaxRateAdmin(OnRecord, HouseAdmin):
    """One rate of one destination for one kind of goods."""

    list_display = ("jurisdiction", "country", "region", "tax_code", "percent", "inclusive")
    list_filter = ("inclusive", "country")
    search_fields = ("jurisdiction", "=country", "tax_code")
    ordering = ("country", "region", "tax_code")

    @admin.display(description="rate", ordering="rate_ppm")
    def percent(self, row: TaxRate) -> str:
        """Parts per million, read as a percentage, exactly."""
        return percent(row.rate_ppm)


class ShippingForm(_ShippingForm):
    """A price in a currency that people pay with."""

    class Meta:
        model = ShippingRate
        fields = ("method", "country", "currency", "amount", "tax_code", "title")
        help_texts = {
            "country": 'ISO 3166-1 alpha-2, or "*" for anywhere.',
            "amount": "In minor units of the currency (cents); 0 is free.",
        }

    def clean_currency(self) -> str:
        """One of the house's currencies."""
        currency = str(self.cleaned_data["currency"]).upper()
        if currency not in EXPONENTS:
            raise forms.ValidationError("Not an ISO 4217 currency that people pay with.")
        return currency


@admin.register(ShippingRate)
class ShippingRateAdmin(OnRecord, HouseAdmin):
    """One price of one method to one destination."""

    form = ShippingForm
    list_display = ("title", "method", "country", "price", "tax_code")
    list_filter = ("method",)
    search_fields = ("title", "method", "=country")
    ordering = ("method", "country", "currency")

    @admin.display(description="price", ordering="amount")
    def price(self, row: ShippingRate) -> Money:
        """The amount in its currency."""
        return Money(row.amount, row.currency)


class BlockForm(_BlockForm):
    """Values are kept as the rules compare them."""

    class Meta:
        model = BlockListEntry
        fields = ("kind", "value", "reason", "expires_at")

    def clean(self) -> dict[str, Any] | None:
        """E-mail in lower case, countries in upper case, networks that are networks."""
        cleaned = super().clean() or self.cleaned_data
        kind, value = cleaned.get("kind"), str(cleaned.get("value", "")).strip()
        if kind in ("email", "email_domain"):
            value = value.lower()
        elif kind == "country":
            value = value.upper()
        elif kind == "ip":
            value = self._network(value)
        cleaned["value"] = value
        return cleaned

    def _network(self, value: str) -> str:
        try:
            ipaddress.ip_network(value)
        except ValueError:
            self.add_error("value", "An address, or a network such as 203.0.113.0/24.")
        return value


@admin.register(BlockListEntry)
class BlockListEntryAdmin(OnRecord, HouseAdmin):
    """Whose checkouts are refused, why, and until when."""

    form = BlockForm
    list_display = ("value", "kind", "reason", "created_at", "expires_at")
    list_filter = ("kind", "created_at", "expires_at")
    search_fields = ("value", "reason")
    ordering = ("-created_at",)
