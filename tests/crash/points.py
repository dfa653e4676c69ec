"""A point is a moment at which a process may die; a trial is one death and what came of it."""

import hashlib
import re
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any, Final, Literal

Side = Literal["before", "after", "lost"]
Variant = Literal["again", "never"]

# What the other end has done although nobody hears of it: the process lives and sees an error.
LOSABLE: Final = frozenset({"commit", "call", "publish"})
_VARIABLE: Final = (
    (re.compile(r"\s+"), " "),
    (re.compile(r'"s\d+_x\d+"'), '"savepoint"'),
    (re.compile(r"\b(pi|ch|re|evt|du|po)_[A-Za-z0-9]+"), r"\1_*"),
    (re.compile(r"%s(, %s)+"), "%s..."),
)


@lru_cache(maxsize=4096)  # the same statements, trial after trial
def normalized(text: str) -> str:
    """The text without what differs from run to run: white space, ids, lengths of lists."""
    for pattern, plain in _VARIABLE:
        text = pattern.sub(plain, text)
    return text.strip()


@dataclass(frozen=True)
class Point:
    """One moment of one flow under one outcome: its place in the order, its kind, its text."""

    ordinal: int
    kind: str
    text: str

    @property
    def identity(self) -> str:
        """The same from run to run as long as the code does the same there."""
        digest = hashlib.sha256(self.text.encode()).hexdigest()[:10]
        return f"{self.ordinal}:{self.kind}:{digest}"

    @property
    def sides(self) -> tuple[Side, ...]:
        """The ways in which a process can be hit here."""
        return ("before", "after", "lost") if self.kind in LOSABLE else ("before", "after")

    def __str__(self) -> str:
        return f"{self.ordinal:>3} {self.kind:<9} {self.text[:100]}"


@dataclass(frozen=True)
class Blow:
    """Where a process is hit."""

    ordinal: int
    side: Side
    identity: str = ""


@dataclass(frozen=True)
class Trial:
    """One repeatable experiment. Without a blow the flow runs through, and its points are told."""

    flow: str
    outcome: str
    variant: Variant = "never"
    blow: Blow | None = None
    second: Blow | None = None
    plant: str = ""

    def command(self) -> str:
        """What to type to see exactly this again."""
        words = ["python -m tests.crash", f"--flow {self.flow}", f"--outcome {self.outcome}"]
        words.append(f"--variant {self.variant}")
        if self.blow:
            words += [f"--point {self.blow.ordinal}", f"--side {self.blow.side}"]
        if self.second:
            words += [f"--second {self.second.ordinal}", f"--second-side {self.second.side}"]
        if self.plant:
            words.append(f"--plant {self.plant}")
        return " ".join(words)

    def as_json(self) -> dict[str, Any]:
        """For the report."""
        return asdict(self)
