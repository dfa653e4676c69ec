"""Payments for staff, a file for each kind of page. Importing a module registers it."""

from payments.admin import ledger, payments
from payments.admin.payments import amounts, steps

__all__ = ["amounts", "ledger", "payments", "steps"]
