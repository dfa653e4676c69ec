"""The lines of a report, and their three shapes: a table, JSON, a page with a plot."""

import json
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from benchmarks import plot
from benchmarks.sizes import Sizes

NOISE = (
    "Machines are noisy and shared: read the ratios, which were measured side by side in one run, "
    "before the absolute figures, which are this machine's on that day."
)
MET = {True: "met", False: "NOT MET", None: ""}


@dataclass(frozen=True, slots=True)
class Line:
    """One thing measured: what came out, what was hoped for, and whether it came true."""

    name: str
    measured: str
    goal: str = ""
    met: bool | None = None
    note: str = ""
    figures: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Report:
    """A whole run."""

    lines: Sequence[Line]
    machine: Mapping[str, str]
    sizes: Sizes
    invalid: Sequence[str]
    bars: Sequence[plot.Bar]

    def as_table(self) -> str:
        """For a terminal."""
        width = max(len(line.name) for line in self.lines)
        rows = [_row(line, width) for line in self.lines]
        return "\n".join([*rows, "", NOISE, *self.warnings()])

    def warnings(self) -> list[str]:
        """Why the figures mean nothing, if they do."""
        return [f"INVALID RUN: {reason}" for reason in self.invalid]

    def as_json(self) -> str:
        """Everything, for a program."""
        whole: dict[str, Any] = asdict(self) | {"is_valid": not self.invalid}
        return json.dumps(whole, indent=2, default=str)

    def as_page(self) -> str:
        """docs/benchmarks.md."""
        size = ", ".join(f"{name} {value}" for name, value in asdict(self.sizes).items())
        return "\n".join(
            [
                "# Benchmarks",
                "",
                "Written by `make bench ARGS=--write-docs`; do not edit by hand.",
                "",
                NOISE,
                "",
                *[f"**{warning}**\n" for warning in self.warnings()],
                "![Checkouts per second as a share of pgbench](benchmarks.svg)",
                "",
                "| line | measured | goal | |",
                "|---|---|---|---|",
                *[f"| {x.name} | {x.measured} | {x.goal} | {MET[x.met]} |" for x in self.lines],
                "",
                "## What each line is",
                "",
                *[f"- **{line.name}.** {line.note}" for line in self.lines if line.note],
                "",
                "## The machine and the run",
                "",
                *[f"- {name}: {value}" for name, value in self.machine.items()],
                f"- sizes: {size}",
                "",
            ]
        )


def _row(line: Line, width: int) -> str:
    goal = f"goal {line.goal}" if line.goal else ""
    return f"{line.name:<{width}}  {line.measured}  {goal}  {MET[line.met]}".rstrip()


def machine_facts(*, postgresql: str, date: str) -> dict[str, str]:
    """What the figures depend on."""
    load = ", ".join(f"{average:.1f}" for average in os.getloadavg())
    return {
        "date": date,
        "cores": str(os.cpu_count()),
        "Python": platform.python_version(),
        "PostgreSQL": postgresql,
        "system": f"{platform.system()} {platform.machine()}",
        "load averages when it ended (1, 5, 15 minutes; ours and that of others)": load,
    }


def write(report: Report, *, results: Path, docs: Path | None) -> None:
    """JSON always; the page and its plot when asked for."""
    results.mkdir(parents=True, exist_ok=True)
    (results / "latest.json").write_text(report.as_json() + "\n")
    if docs is not None:
        docs.mkdir(parents=True, exist_ok=True)
        (docs / "benchmarks.md").write_text(report.as_page())
        (docs / "benchmarks.svg").write_text(plot.bars(report.bars))
