"""What a window costs: CPU seconds of process trees, statements and commits in PostgreSQL."""

from collections.abc import Mapping
from dataclasses import dataclass

import psutil  # type: ignore[import-untyped]
import psycopg

# PostgreSQL's own look at the other table when a foreign key is checked; nobody sent it.
KEY_CHECK = "SELECT 1 FROM ONLY "
CONTROL = ("BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE", "SET ", "SHOW ")


def cpu_seconds(pid: int) -> float:
    """User and system time of a process and all it started, those that ended included."""
    top = psutil.Process(pid)
    total = 0.0
    for member in [top, *top.children(recursive=True)]:
        try:
            spent = member.cpu_times()
        except psutil.NoSuchProcess:  # its parent's "children" figures have it now
            continue
        total += spent.user + spent.system + spent.children_user + spent.children_system
    return total


def machine_seconds() -> tuple[float, float]:
    """CPU seconds that this machine was busy, and all that it had."""
    times = psutil.cpu_times()._asdict()
    spare = times["idle"] + times.get("iowait", 0.0)
    total = sum(times.values()) - times.get("guest", 0.0) - times.get("guest_nice", 0.0)
    return total - spare, total


@dataclass(slots=True)
class Cpu:
    """CPU seconds of named process trees since the start of a window."""

    pids: Mapping[str, int]
    _before: dict[str, float]
    _machine: tuple[float, float]

    @classmethod
    def start(cls, pids: Mapping[str, int]) -> "Cpu":
        """Begin a window."""
        before = {name: cpu_seconds(pid) for name, pid in pids.items()}
        return cls(pids, before, machine_seconds())

    def others(self, ours: float) -> float:
        """The share of this machine that went to programs that are not measured here."""
        busy, total = machine_seconds()
        return max(busy - self._machine[0] - ours, 0.0) / (total - self._machine[1])

    def spent(self) -> dict[str, float]:
        """CPU seconds by name since then."""
        return {name: cpu_seconds(pid) - self._before[name] for name, pid in self.pids.items()}


@dataclass(frozen=True, slots=True)
class Statements:
    """What PostgreSQL executed for one database in a window."""

    calls: Mapping[str, int]

    @property
    def commits(self) -> int:
        """COMMITs sent by clients."""
        return sum(n for text, n in self.calls.items() if text.upper().startswith("COMMIT"))

    @property
    def counted(self) -> Mapping[str, int]:
        """Every statement that a client sent, transaction control aside."""
        aside = (*CONTROL, KEY_CHECK)
        return {t: n for t, n in self.calls.items() if not t.upper().startswith(aside)}

    @property
    def total(self) -> int:
        """How many statements, transaction control aside."""
        return sum(self.counted.values())


class StatementMeter:
    """pg_stat_statements, read for one database; only the measured program may be at work there."""

    def __init__(self, connection: psycopg.Connection, database: str) -> None:
        self._connection = connection
        self._database = database
        connection.execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")

    def reset(self) -> None:
        """Begin a window."""
        self._connection.execute("SELECT pg_stat_statements_reset()")

    def read(self) -> Statements:
        """What was executed since then."""
        rows = self._connection.execute(
            """SELECT s.query, sum(s.calls)::bigint FROM pg_stat_statements s
               JOIN pg_database d ON d.oid = s.dbid
               WHERE d.datname = %s AND s.toplevel GROUP BY s.query""",
            [self._database],
        )
        return Statements({" ".join(text.split()): calls for text, calls in rows})
