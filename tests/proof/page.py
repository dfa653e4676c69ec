"""The page of evidence, in words and tables, from the numbers of one run and from nothing else."""

from collections.abc import Iterator
from typing import Any

HEAD = """# Evidence

Written by `make prove`; every number below was counted or measured by that run. What each part
does: [testing.md](testing.md).
"""


def page(evidence: dict[str, Any]) -> str:
    """The whole page."""
    parts = evidence["parts"]
    sections = [HEAD, _about(evidence), _overview(parts)]
    if crash := parts.get("crash", {}).get("told"):
        sections.append(_crash(crash))
    if races := parts.get("races", {}).get("told"):
        sections.append(_races(races))
    if planted := parts.get("planted", {}).get("told"):
        sections.append(_planted(planted))
    return "\n".join(sections)


def _about(evidence: dict[str, Any]) -> str:
    versions = ", ".join(f"{name} {text}" for name, text in evidence["versions"].items())
    return (
        f"Commit `{evidence['commit']}`, {evidence['started_at']}, "
        f"{evidence['seconds'] / 60:.0f} minutes on {evidence['cores']} cores "
        f"({evidence['machine']}). {versions}.\n"
    )


def _overview(parts: dict[str, Any]) -> str:
    rows = [
        (part["title"], _sum(name, part), "yes" if part["is_good"] else "**no**",
         f"{part['seconds']:.0f}", f"{part['seconds_max']:.0f}")
        for name, part in parts.items()
    ]  # fmt: skip
    good = sum(part["is_good"] for part in parts.values())
    took, most = (sum(part[name] for part in parts.values()) for name in ("seconds", "seconds_max"))
    rows.append(
        ("Together, some side by side", "", f"{good} of {len(parts)}", f"{took:.0f}", f"{most:.0f}")
    )
    return _table(("Part", "What was done", "All well", "Seconds", "At most"), rows)


def _sum(name: str, part: dict[str, Any]) -> str:
    told = part["told"]
    if part["is_time_up"]:
        return "time is up"
    if told is None:
        return "told nothing"
    if name == "crash":
        return (
            f"{told['singles']} kills and {told['doubles']} double kills; "
            f"{len(told['failures'])} violations, {len(told['unexercised'])} points not exercised"
        )
    if name == "races":
        pairs = [each for each in told["explorations"] if not each["is_control"]]
        schedules = sum(each["schedules"] for each in pairs)
        broken = sum(bool(each["violations"]) for each in pairs)
        whole = sum(not each["is_sample"] for each in pairs)
        return f"{len(pairs)} pairs, {whole} whole, {schedules} schedules; {broken} broken"
    if name == "planted":
        return f"{sum(bug['found'] for bug in told)} of {len(told)} planted bugs found"
    return f"{told['passed']} tests passed, {told['failed']} failed, {told['skipped']} skipped"


def _crash(told: dict[str, Any]) -> str:
    rows = [
        (flow, str(len(outcomes)), str(sum(outcomes.values())))
        for flow, outcomes in sorted(told["points"].items())
    ]
    kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(told["kinds"].items()))
    return (
        f"## Killed at every point\n\nSeed {told['seed']}. Points by kind, as discovered: {kinds}. "
        f"Each was struck before and after, and where it can be with its answer lost; with the "
        f"client coming back and without. {_struck(told)}\n\n"
        + _table(("Flow", "Processor outcomes", "Points over all outcomes"), rows)
    )


def _struck(told: dict[str, Any]) -> str:
    """How much of what was discovered was struck, and how."""
    sides, left = told["sides"], len(told["unexercised"])
    return (
        f"Sides of points: {sides}, of which {sides - left} were struck "
        f"({100 * (sides - left) / sides:.1f} %). Worlds that were met before, and driven only now "
        f"and then: {told['worlds_met_before']}, of which {told['by_the_kill_of_another']} by one "
        f"kill for both variants; met on the way to rest: {told['worlds_met_on_the_way']}. Second "
        "blows that fell earlier than drawn, because the recovery was shorter: "
        f"{told['doubles_struck_earlier']}. Planted here: "
        f"{sum(p['found'] for p in told['planted'].values())} of {len(told['planted'])} found."
    )


def _races(told: dict[str, Any]) -> str:
    rows = [
        (each["pair"], "a sample" if each["is_sample"] else "all", str(each["schedules"]),
         "none" if not each["violations"] else "**broken**")
        for each in told["explorations"]
        if not each["is_control"]
    ]  # fmt: skip
    controls = list(_controls(told))
    return (
        f"## Explored schedules\n\nUp to {told['preemptions']} preemptions; of schedules that "
        "can not differ, one.\n\n"
        + _table(("Pair", "Schedules", "Played", "Violations"), rows)
        + "\nWithout the guard, each pair must go wrong:\n\n"
        + _table(("Control", "Schedules until it went wrong"), controls)
    )


def _controls(told: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for each in told["explorations"]:
        if each["is_control"]:
            yield each["pair"], str(each["schedules"]) if each["violations"] else "**never**"


def _planted(told: list[dict[str, Any]]) -> str:
    rows = [
        (bug["bug"], f"`{bug['found_by'].rsplit('::', 1)[-1]}`" if bug["found"] else "**missed**",
         str(bug["seconds"]))
        for bug in told
    ]  # fmt: skip
    return "## Planted bugs\n\n" + _table(("Bug", "Found by", "Seconds"), rows)


def _table(heads: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [heads, tuple("---" for _ in heads), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)
