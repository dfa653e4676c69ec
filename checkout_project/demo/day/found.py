"""What was injected next to what was found, and the promises of it: evidence in, promises out."""

from collections import Counter
from collections.abc import Mapping, Sequence

from checkout_project.demo.outside import Doc
from checkout_project.demo.promises import Promise, promise


def breaks_by_class(breaks: Sequence[Doc]) -> Counter[str]:
    """How many breaks of each class there are, whatever became of them."""
    return Counter(each["kind"] for each in breaks)


def gap_by_cause(totals: Sequence[Doc]) -> Counter[str]:
    """The report on the gap, as `outcome cause` → how many; what did not occur is left out."""
    found: Counter[str] = Counter()
    for total in totals:
        for outcome in ("missing", "extra", "differing"):
            for cause, told in total[outcome].items():
                found[f"{outcome} {cause}"] += told["count"]
        found["duplicate"] += total["duplicates"]["count"]
        found["matched"] += total["matched"]
    return +found


def table(
    heads: tuple[str, str], injected: Mapping[str, int], found: Mapping[str, int]
) -> list[str]:
    """A line for everything that was injected or found; what differs is marked."""
    first, last = heads
    lines = [f"{first:<30}{'injected':>10}{last:>10}"]
    for name in sorted({*injected, *found}):
        put, seen = injected.get(name, 0), found.get(name, 0)
        lines.append(f"{name:<30}{put:>10}{seen:>10}{'' if put == seen else '   DIFFERS'}")
    return lines


def outcomes(breaks: Sequence[Doc]) -> list[str]:
    """What became of the breaks after three nights, by state."""
    states: dict[str, list[str]] = {}
    for each in breaks:
        states.setdefault(each["status"], []).append(each["kind"])
    return [f"{state}: {', '.join(sorted(kinds))}" for state, kinds in sorted(states.items())]


def day(
    *,
    classes: Sequence[str],
    injected: Mapping[str, int],
    breaks: Sequence[Doc],
    gap_injected: Mapping[str, int],
    gap_totals: Sequence[Doc],
) -> list[Promise]:
    """Everything that was put in comes out, and nothing else does."""
    moved = [each for each in breaks if each["status"] in ("resolved", "written_off")]
    return [
        promise("every class of break was injected", saw=set(injected), expected=set(classes)),
        promise(
            "what was injected was found, once each, and nothing besides",
            saw=dict(breaks_by_class(breaks)),
            expected=dict(injected),
        ),
        promise("no difference was settled by anybody's word", saw=moved, expected=[]),
        promise(
            "the measured gap is the injected one, cause by cause",
            saw=dict(gap_by_cause(gap_totals)),
            expected=dict(gap_injected),
        ),
    ]
