"""Payments for staff, a file for each kind of page. Importing a module registers it."""

from payments.admin import disputes, ledger, payments, processor_events
from payments.admin.about import disputes_of
from payments.admin.payments import amounts, steps

__all__ = [
    "amounts",
    "disputes",
    "disputes_of",
    "ledger",
    "payments",
    "processor_events",
    "steps",
]
