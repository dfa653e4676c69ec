"""What the proof is made of: one command each, which leaves its numbers in a file."""

import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

_PYTEST: Final = (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider")

_EXPLORER: Final = (sys.executable, "-m", "tests.races.explorer")
_BY_TWO: Final = ("-n", "2", "--dist", "loadgroup")
_FILES_BY_TWO: Final = ("-n", "2", "--dist", "loadscope")  # a file's house of processes stays one
# The long ones first, so that each process has one: the examples are those of one seed.
_MODEL: Final = ("tests/properties/test_shopping.py", "tests/properties")


@dataclass(frozen=True)
class Part:
    """One part: how it is started, and in which form it tells what it found."""

    name: str
    title: str
    argv: tuple[str, ...]
    tells: str  # "json": --json FILE; "junit": --junit-xml FILE
    seconds: float  # it may take; then its processes are ended, and it is not well
    environ: dict[str, str] = field(default_factory=dict)
    is_beside: bool = False  # it mostly waits (for time-outs, for an outage): others run meanwhile

    def command(self, told: Path) -> list[str]:
        """The command, with the file that takes its numbers."""
        flag = "--json" if self.tells == "json" else "--junit-xml"
        return [*self.argv, flag, str(told)]


PARTS: Final = (
    Part(
        name="crash",
        title="Killed at every point",
        argv=(sys.executable, "-m", "tests.crash", "--all", "--seed", "1", "--workers", "3"),
        tells="json",
        seconds=3600,
    ),
    Part(
        name="races",
        title="Explored schedules",
        argv=(*_EXPLORER, "--all", "--others", "60", "--workers", "3"),
        tells="json",
        seconds=2700,
    ),
    Part(
        name="crowds",
        title="Many at once",
        argv=(*_PYTEST, *_BY_TWO, "tests/races", "--ignore", "tests/races/test_explored_pairs.py"),
        tells="junit",
        seconds=600,
    ),
    Part(
        name="model",
        title="A model of shopping",
        argv=(*_PYTEST, *_BY_TWO, *_MODEL, "-p", "no:randomly", "--hypothesis-seed", "1"),
        tells="junit",
        seconds=900,
        environ={"MODEL_SEEDS": "1 2", "MODEL_EXAMPLES": "150", "MODEL_STEPS": "40"},
    ),
    Part(
        name="outside",
        title="Faults from outside",
        argv=(*_PYTEST, *_FILES_BY_TWO, "tests/e2e"),
        tells="junit",
        seconds=1200,
        environ={"PROOF_OUTAGE_SECONDS": "60"},
        is_beside=True,
    ),
    Part(
        name="planted",
        title="Planted bugs",
        argv=(sys.executable, "-m", "tests.planted", "--workers", "3"),
        tells="json",
        seconds=1800,
    ),
)
