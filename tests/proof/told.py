"""Reads what a part has told, in either form."""

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

from tests.proof.parts import Part


def read(part: Part, file: Path) -> Any:
    """The part's own JSON, or the counts of its tests; None when it told nothing."""
    if not file.is_file():
        return None
    if part.tells == "json":
        return json.loads(file.read_text())
    return _counts(file)


def _counts(file: Path) -> dict[str, Any]:
    suite = next(ET.parse(file).getroot().iter("testsuite"))  # noqa: S314 - our own pytest wrote it
    total, failed = (int(suite.get("tests", 0)), int(suite.get("failures", 0)))
    errors, skipped = int(suite.get("errors", 0)), int(suite.get("skipped", 0))
    return {
        "tests": total,
        "passed": total - failed - errors - skipped,
        "failed": failed + errors,
        "skipped": skipped,
        "slowest": _slowest(suite),
    }


def _slowest(suite: ET.Element, count: int = 3) -> list[str]:
    took = [(float(each.get("time", 0)), each.get("name", "")) for each in suite.iter("testcase")]
    return [f"{name} ({seconds:.0f} s)" for seconds, name in sorted(took, reverse=True)[:count]]
