"""M-8 to M-10: the ledger's own checks, asked with all other rules."""

import datetime as dt
from typing import Any

from foundation.invariants import Invariant, register
from payments.ledger import checks


class LedgerRule(Invariant):
    """One check of the ledger, as a rule like the others."""

    def parameters(self, since: dt.datetime | None) -> dict[str, Any]:
        """With the ages that the ledger's checks count."""
        return {**checks.parameters(), **super().parameters(since)}


for check in checks.CHECKS:
    facts = {"name": check.name, "rule": check.rule, "about": check.about, "sql": check.sql}
    register(type(f"Rule_{check.name}", (LedgerRule,), facts))
