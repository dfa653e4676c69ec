"""What staff see and do of reconciliation."""

from reconciliation.admin.settlements import SettlementLineAdmin, SettlementReportAdmin

__all__ = ["SettlementLineAdmin", "SettlementReportAdmin"]
