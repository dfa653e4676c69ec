"""Staff see reports, runs and breaks, bring reports, and settle breaks with a reason."""

from reconciliation.admin.breaks import BreakAdmin
from reconciliation.admin.runs import RunAdmin
from reconciliation.admin.settlements import SettlementLineAdmin, SettlementReportAdmin

__all__ = ["BreakAdmin", "RunAdmin", "SettlementLineAdmin", "SettlementReportAdmin"]
