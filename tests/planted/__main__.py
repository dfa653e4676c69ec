"""`python -m tests.planted`: plant every bug, one at a time; non-zero when one is not found."""

import argparse
import json
import sys
import time
from pathlib import Path

from tests.planted.bugs import BUGS
from tests.planted.hunt import Finding, hunt_by


def main() -> int:
    """Hunt, tell each finding as it comes, write the table as JSON when asked to."""
    wanted = _arguments()
    bugs = [bug for bug in BUGS if not wanted.bug or wanted.bug in bug.name]
    started, findings = time.monotonic(), []
    for number, finding in enumerate(hunt_by(bugs, workers=wanted.workers), start=1):
        findings.append(finding)
        print(f"[{number}/{len(bugs)}] {_told(finding)}", flush=True)
    good = sum(finding.is_good for finding in findings)
    print(f"{good} of {len(bugs)} planted bugs found in {time.monotonic() - started:.0f} s")
    if wanted.json:
        findings.sort(key=lambda finding: bugs.index(finding.bug))
        Path(wanted.json).write_text(json.dumps([_row(f) for f in findings], indent=1) + "\n")
    return 0 if good == len(bugs) else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.planted", description=__doc__)
    parser.add_argument("--bug", help="only those whose name contains this")
    parser.add_argument("--workers", type=int, default=1, help="bugs hunted at a time")
    parser.add_argument("--json", help="write the findings to this file")
    return parser.parse_args()


def _told(finding: Finding) -> str:
    if not finding.suite_is_green:
        return f"BROKEN  {finding.bug.name}: {finding.bug.suite} fails without the bug"
    if not finding.is_found:
        return f"MISSED  {finding.bug.name}: {finding.bug.suite} saw nothing"
    return f"found   {finding.bug.name} in {finding.seconds:.1f} s by {finding.found_by}"


def _row(finding: Finding) -> dict[str, object]:
    return {
        "bug": finding.bug.name,
        "file": finding.bug.file,
        "found": finding.is_good,
        "seconds": round(finding.seconds, 1),
        "found_by": finding.found_by,
    }


if __name__ == "__main__":
    sys.exit(main())
