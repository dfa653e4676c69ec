"""What must hold over checkouts, orders and stock. Importing a module registers its rules."""

from orders.invariants import books, histories, orders, sagas, stock

__all__ = ["books", "histories", "orders", "sagas", "stock"]
