"""What a run found: counts, the points that were discovered, the failures; as JSON and in words."""

import json
import platform
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Any, Final

from tests.crash import plan
from tests.crash.plan import Skipped, Wish
from tests.crash.points import Point, Side
from tests.crash.progress import line_of
from tests.crash.trial import Result

_PACKAGES: Final = ("django", "celery", "kombu", "psycopg", "stripe", "djangorestframework")


@dataclass(frozen=True)
class Finding:
    """Whether a planted bug was found, and by which trial."""

    plant: str
    by: Result | None

    @property
    def line(self) -> str:
        """On one line, the command that shows it included."""
        return line_of(self.by) if self.by else f"MISSED {self.plant}: no trial saw anything"

    def __str__(self) -> str:
        return f"planted {self.plant}: {self.line}"


@dataclass
class Report:
    """Everything that is worth keeping of one run."""

    wish: Wish
    workers: int
    discoveries: list[Result]
    skipped: list[Skipped]
    results: list[Result] = field(default_factory=list)
    hunted: list[Finding] = field(default_factory=list)
    struck_earlier: int = 0  # doubles whose recovery was shorter than it was counted
    seconds: float = 0.0

    @property
    def failures(self) -> list[Result]:
        """Everything that is not as it should be; a point that nobody came to included."""
        return [r for r in (*self.discoveries, *self.results) if r.status != "ok"]

    @property
    def unexercised(self) -> list[str]:
        """Sides of discovered points that no trial struck; must be empty in a whole run."""
        if not self.wish.is_whole:
            return []
        struck = {
            (r.trial.flow, r.trial.outcome, r.trial.blow.identity, r.trial.blow.side)
            for r in self.results
            if r.trial.blow and r.status in ("ok", "violated")
        }
        return [
            f"{told.trial.flow} / {told.trial.outcome} / {point.identity} {side}"
            for told, point, side, places in self._sides()
            if not any((told.trial.flow, told.trial.outcome, *place) in struck for place in places)
        ]

    def _sides(self) -> Iterator[tuple[Result, Point, Side, list[tuple[str, Side]]]]:
        for told in self.discoveries:
            for point, side, places in _moments(plan.points_of(told)):
                yield told, point, side, places

    @property
    def is_good(self) -> bool:
        """No failure, nothing left out, and every planted bug found."""
        return not (self.failures or self.unexercised or self.missed)

    @property
    def missed(self) -> list[str]:
        """Planted bugs that nobody found."""
        return [finding.plant for finding in self.hunted if finding.by is None]

    def as_json(self) -> dict[str, Any]:
        """Counts, seed, versions, durations, and every failure."""
        singles = [r for r in self.results if r.trial.second is None]
        trials = len(self.discoveries) + len(self.results)
        return {
            "seed": self.wish.seed,
            "workers": self.workers,
            "is_whole": self.wish.is_whole,
            "seconds": round(self.seconds, 1),
            "trials": trials,
            "trials_a_second": round(trials / self.seconds, 1) if self.seconds else 0.0,
            "singles": len(singles),
            "doubles": len(self.results) - len(singles),
            "doubles_struck_earlier": self.struck_earlier,
            "tried_again": sum(r.tries > 1 for r in (*self.discoveries, *self.results)),
            "worlds_met_before": sum(r.is_known for r in self.results),
            "worlds_met_on_the_way": sum(r.is_cut for r in self.results),
            "by_the_kill_of_another": sum(r.is_by_another for r in self.results),
            "on_a_desk": sum(r.is_parked for r in (*self.discoveries, *self.results)),
            "rounds_most": max((r.rounds for r in self.results), default=0),
            "points": self._points(),
            "kinds": dict(Counter(kind for told in self.discoveries for kind, _ in told.points)),
            "by_status": dict(Counter(r.status for r in (*self.discoveries, *self.results))),
            "sides": sum(1 for _ in self._sides()),
            "unexercised": self.unexercised,
            "skipped": [f"{s.flow} / {s.outcome}: {s.reason}" for s in self.skipped],
            "failures": [
                {"line": line_of(r), "detail": r.detail, "trial": r.trial.as_json()}
                for r in self.failures
            ],
            "planted": {f.plant: {"found": f.by is not None, "line": f.line} for f in self.hunted},
            "versions": {"python": platform.python_version(), **_versions()},
        }

    def _points(self) -> dict[str, dict[str, int]]:
        found: dict[str, dict[str, int]] = {}
        for told in self.discoveries:
            by_outcome = found.setdefault(told.trial.flow, {})
            by_outcome[told.trial.outcome] = len(plan.points_of(told))
        return found

    def in_words(self) -> str:
        """The last lines on the screen."""
        told = self.as_json()
        lines = [
            f"{told['trials']} trials ({told['singles']} single, {told['doubles']} double; "
            f"{told['worlds_met_before']} left a world that was recovered from before) in "
            f"{told['seconds']} s, {told['trials_a_second']}/s, seed {self.wish.seed}: "
            f"{len(self.failures)} failures, {len(self.unexercised)} points not exercised, "
            f"{len(self.hunted) - len(self.missed)} of {len(self.hunted)} planted bugs found",
            *(f"skipped: {reason}" for reason in told["skipped"]),
            *(f"not exercised: {point}" for point in self.unexercised),
        ]
        return "\n".join(lines)

    def write(self, path: str) -> None:
        """The JSON, for `docs/evidence.md` and whoever compares runs."""
        with open(path, "w") as file:  # noqa: PTH123 - a path from the command line
            json.dump(self.as_json(), file, indent=2)


def _moments(points: list[Point]) -> Iterator[tuple[Point, Side, list[tuple[str, Side]]]]:
    """Each side of each point, and the blows that strike it: before one is after the last."""
    previous: Point | None = None
    for point in points:
        for side in point.sides:
            places: list[tuple[str, Side]] = [(point.identity, side)]
            if side == "before" and previous is not None:
                places.append((previous.identity, "after"))
            yield point, side, places
        previous = point


def _versions() -> dict[str, str]:
    return {name: version(name) for name in _PACKAGES}
