"""Lets authorizations run out: a hold nobody captured in time cancels itself, reason
`automatic`."""

import heapq

from sandbox_processor import clock
from sandbox_processor.journal import Journal


class Holds:
    """When which hold ends; read back from the charges after a restart."""

    def __init__(self, *, journal: Journal) -> None:
        self._ends: list[tuple[float, str]] = []
        for intent in journal.select("status = 'requires_capture'"):
            charge = journal.load(intent["latest_charge"]) or {}
            until = charge["payment_method_details"]["card"]["capture_before"]
            self._ends.append((until, intent["id"]))
        heapq.heapify(self._ends)

    def add(self, intent: str, *, until: float) -> None:
        heapq.heappush(self._ends, (until, intent))

    def due(self) -> list[str]:
        """The intents whose time is up, each told once."""
        now, due = clock.now(), []
        while self._ends and self._ends[0][0] <= now:
            due.append(heapq.heappop(self._ends)[1])
        return due

    def clear(self) -> None:
        self._ends.clear()
