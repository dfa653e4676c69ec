"""The shop for staff: orders, checkouts, stock, catalog, rates. Importing a module registers it."""

from django.contrib import admin

from orders.admin import (
    bulk,
    catalog,
    checkouts,
    notifications,
    orders,
    rates,
    reviews,
    stock,
)

admin.site.site_header = admin.site.site_title = "Checkout, for staff"
admin.site.index_title = "What would you like to see?"
admin.site.site_url = None  # there is no shop window here

__all__ = [
    "bulk",
    "catalog",
    "checkouts",
    "notifications",
    "orders",
    "rates",
    "reviews",
    "stock",
]
