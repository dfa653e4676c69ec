"""The port of readers: bytes in, lines out, one at a time; and everything that is wrong with them.

A reader never repairs and never guesses. What it can not read is a fault with its line number;
with so much as one fault nothing of the report is stored.
"""

import datetime as dt
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import BinaryIO, Final, Protocol

from foundation.errors import DomainError

FAULTS_MAX: Final = 20
BIGINT_MAX: Final = 2**63 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One movement of the balance, as `SettlementLine` keeps it; amounts in minor units."""

    number: int
    external_id: str
    category: str
    currency: str
    gross: int
    fee: int
    net: int
    occurred_at: dt.datetime
    available_on: dt.datetime | None
    processor_reference: str
    payment_reference: str
    source_id: str
    payout_id: str
    raw: Mapping[str, object]

    @property
    def digest(self) -> str:
        """Of what it says, wherever in whichever report it stands."""
        said = (
            self.external_id, self.category, self.currency, self.gross, self.fee, self.net,
            self.occurred_at, self.available_on, self.processor_reference, self.payment_reference,
            self.source_id, self.payout_id,
        )  # fmt: skip
        return hashlib.sha256("\x1f".join(map(str, said)).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Fault:
    """Where a report is wrong, and why."""

    line: int
    reason: str


class MalformedReport(DomainError):
    """422: it can not be read as what it claims to be; nothing of it was stored."""

    code, status, title = "malformed_report", 422, "The report can not be read"

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__(
            f"Nothing was stored. Line {faults[0].line}: {faults[0].reason}",
            errors=[
                {"line": str(fault.line), "code": "malformed", "detail": fault.reason}
                for fault in faults
            ],
        )
        self.faults = faults


class Faults:
    """Collects what is wrong, and gives up on the report at the twentieth."""

    def __init__(self) -> None:
        self._found: list[Fault] = []

    def add(self, line: int, reason: str) -> None:
        """Note it and read on. Raises `MalformedReport` when that is enough."""
        self._found.append(Fault(line, reason))
        if len(self._found) >= FAULTS_MAX:
            raise MalformedReport(self._found)

    def ended(self, line: int, reason: str) -> MalformedReport:
        """To be raised: what comes after this can not be read at all."""
        return MalformedReport([*self._found, Fault(line, reason)])

    def refuse_any(self) -> None:
        """At the end. Raises `MalformedReport` if anything was noted."""
        if self._found:
            raise MalformedReport(self._found)


class Reader(Protocol):
    """One format. It keeps no more than a row in memory."""

    name: str

    def lines(self, stream: BinaryIO, faults: Faults) -> Iterator[Line]:
        """The report's lines in order; what is no line goes to `faults`."""
        ...
