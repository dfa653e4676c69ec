"""The shop for staff: orders, checkouts, stock, catalog, rates. Importing a module registers it."""

from orders.admin import catalog, checkouts, orders, rates, reviews, stock

__all__ = ["catalog", "checkouts", "orders", "rates", "reviews", "stock"]
