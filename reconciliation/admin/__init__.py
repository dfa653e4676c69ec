"""Staff see runs and breaks, and settle breaks with a reason."""

from reconciliation.admin.breaks import BreakAdmin
from reconciliation.admin.runs import RunAdmin

__all__ = ["BreakAdmin", "RunAdmin"]
