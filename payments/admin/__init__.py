"""Payments for staff, a file for each kind of page. Importing a module registers it."""

from payments.admin import disputes, ledger, payments, processor_events
from payments.admin.payments import amounts, steps

__all__ = ["amounts", "disputes", "ledger", "payments", "processor_events", "steps"]
