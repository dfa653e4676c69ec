"""What the processor told us of a day, the runs that compared it with our books, and the breaks."""

from reconciliation.models.break_ import ReconciliationBreak
from reconciliation.models.collection import CollectedLine, Collection
from reconciliation.models.match import Match, MatchMember, Unmatch
from reconciliation.models.run import ReconciliationRun, Uncompared, Waiting
from reconciliation.models.settlement import Retelling, SettlementLine, SettlementReport

__all__ = [
    "CollectedLine",
    "Collection",
    "Match",
    "MatchMember",
    "ReconciliationBreak",
    "ReconciliationRun",
    "Retelling",
    "SettlementLine",
    "SettlementReport",
    "Uncompared",
    "Unmatch",
    "Waiting",
]
