"""One line that says how far we are; a line for each failure, at once."""

import time
from typing import Final, TextIO

from tests.crash.trial import Result

_EVERY_SECONDS: Final = 5.0


class Progress:
    """Counts results of one stage."""

    def __init__(self, name: str, total: int, *, out: TextIO) -> None:
        self._name, self._total, self._out = name, total, out
        self._done = self._failed = 0
        self._started = self._said = time.monotonic()
        self._is_terminal = out.isatty()

    def count(self, result: Result) -> None:
        """One more; failures are told at once."""
        self._done += 1
        if result.status != "ok":
            self._failed += 1
            self._out.write(f"\r{line_of(result)}\n")
        if self._is_terminal or time.monotonic() - self._said > _EVERY_SECONDS:
            self._say("\r" if self._is_terminal else "\n")

    def end(self) -> None:
        """The last word of this stage."""
        if self._total:
            self._say("\n")

    def _say(self, ending: str) -> None:
        self._said = time.monotonic()
        passed = max(self._said - self._started, 0.001)
        pace = self._done / passed
        left = (self._total - self._done) / pace if pace else 0.0
        self._out.write(
            f"{self._name}: {self._done}/{self._total}, {self._failed} failed, "
            f"{pace:.1f}/s, {left:.0f} s left{ending}"
        )
        self._out.flush()


def line_of(result: Result) -> str:
    """Everything there is to know of a failure, on one line, with the command that repeats it."""
    trial, (*_, why) = result.trial, result.detail.strip().splitlines() or [""]
    where = "no blow"
    if trial.blow:
        where = f"point {trial.blow.identity or trial.blow.ordinal} {trial.blow.side}"
    if trial.second:
        where += f", then {trial.second.ordinal} {trial.second.side}"
    return (
        f"{result.status.upper()} {trial.flow} / {trial.outcome} / {where} / {trial.variant}: "
        f"{why} -- {trial.command()}"
    )
