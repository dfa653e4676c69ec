"""What a kind of case is: whose it is, how soon, and what a person may do about it.

The kinds themselves stand in one table of the wiring (`CASE_KINDS`), which names verbs of
the apps above by their path: the ground opens cases, and knows none of those verbs.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class CaseVerb:
    """Something a person may have done about a case.

    `path` names a function `(case, *, by, reason) -> str` that runs without a transaction,
    may be repeated, and returns what became of it, in a sentence for that person.
    `consequence` is what they are told before they say yes. `permission` is what it takes besides
    that to handle cases. One that `moves_money` waits for a second person above an amount.
    """

    path: str
    consequence: str
    permission: str = ""
    moves_money: bool = False


@dataclass(frozen=True)
class CaseKind:
    """`healed` names a function `(ids) -> ids` that picks those whose trouble is over."""

    owner: str
    due_seconds: float
    healed: str
    verbs: Mapping[str, CaseVerb] = field(default_factory=dict)
