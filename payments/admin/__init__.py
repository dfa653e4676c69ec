"""Payments for staff, a file for each kind of page. Importing a module registers it."""

from payments.admin import payments
from payments.admin.payments import amounts, steps

__all__ = ["amounts", "payments", "steps"]
