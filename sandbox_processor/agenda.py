"""What happens later by itself: a pending refund arrives, one that arrived comes back."""

import heapq

from sandbox_processor import clock, refund_outcomes
from sandbox_processor.call import Call, Planned
from sandbox_processor.journal import Journal

HAPPENINGS = {
    "refund_succeeds": refund_outcomes.succeed,
    "refund_fails": refund_outcomes.fail,
}


class Agenda:
    """What is planned, and when; on disk, so that a restart forgets none of it."""

    def __init__(self, *, journal: Journal) -> None:
        self._planned = [
            Planned(at=at, happening=happening, target=target)
            for at, happening, target in journal.read("SELECT at, happening, target FROM agenda")
        ]
        heapq.heapify(self._planned)

    def add(self, planned: list[Planned]) -> None:
        for each in planned:
            heapq.heappush(self._planned, each)

    def due(self) -> list[Planned]:
        """What has come to pass, each told once."""
        now, due = clock.now(), []
        while self._planned and self._planned[0].at <= now:
            due.append(heapq.heappop(self._planned))
        return due

    def clear(self) -> None:
        self._planned.clear()


def happen(call: Call, planned: Planned) -> None:
    """Does what was planned; whatever came in between makes it a no-op."""
    with call.journal.unit():
        call.journal.write(
            "DELETE FROM agenda WHERE happening = ? AND target = ?",
            (planned.happening, planned.target),
        )
        subject = call.journal.load(planned.target)
        if subject is not None:
            HAPPENINGS[planned.happening](call, subject)
