"""What the ground itself keeps, for staff: callers, keys, records, cases, rules, approvals, people.

Importing a module registers its pages.
"""

from foundation.admin import (
    approvals,
    callers,
    cases,
    crossings,
    invariants,
    keys,
    people,
    records,
)

__all__ = [
    "approvals",
    "callers",
    "cases",
    "crossings",
    "invariants",
    "keys",
    "people",
    "records",
]
