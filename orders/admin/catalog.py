"""Products and their prices. They come in by `manage.py import_catalog`; here they are shown."""

from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from foundation.desk.staff import ReadOnlyAdmin
from foundation.money import Money
from orders.models import Product


@admin.register(Product)
class ProductAdmin(ReadOnlyAdmin):
    """What is for sale."""

    list_display = ("sku", "title", "prices_text", "tax_code", "active")
    list_filter = ("active",)
    ordering = ("sku",)
    fields = ("sku", "title", "prices_text", "tax_code", "active")
    search_help_text = "How the SKU begins, or part of the title."
    by_reference: ClassVar = {"": "pk"}
    by_text = ("sku__istartswith", "title__icontains")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """With the prices, in one more statement for the whole page."""
        return super().get_queryset(request).prefetch_related("prices")

    @admin.display(description="prices")
    def prices_text(self, row: Product) -> str:
        """One per currency."""
        prices = sorted(row.prices.all(), key=lambda price: price.currency)
        return " · ".join(str(Money(price.amount, price.currency)) for price in prices) or "—"
