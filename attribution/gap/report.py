"""The report: stored days as they were measured, open days measured while you ask."""

import datetime as dt
import re
import uuid
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any, Final

from django.conf import settings

from attribution.figures import (
    BASES,
    CAUSES,
    DIMENSIONS,
    DUPLICATE,
    EXTRA,
    MATCHED,
    MISSING,
    Figure,
    Gap,
    Sum,
    fold,
)
from attribution.gap import measuring, versions
from attribution.models import GapVersion
from foundation import clock
from foundation.edge.lookup import bad
from foundation.errors import InvalidInput
from foundation.money import Money

DAYS_DEFAULT: Final = 7
_DAY: Final = re.compile(r"20\d\d-\d\d-\d\d", re.ASCII)
PARAMETERS: Final = ("from", "to", "base", "group_by")


@dataclass(frozen=True, slots=True)
class Question:
    """Which days, against which financial base, by what."""

    first: dt.date
    last: dt.date
    base: str = BASES[0]
    dimensions: tuple[str, ...] = ("day",)

    @property
    def days(self) -> list[dt.date]:
        """Each of them."""
        count = (self.last - self.first).days + 1
        return [self.first + dt.timedelta(days=nth) for nth in range(count)]


@dataclass(frozen=True, slots=True)
class Found:
    """The figures of all days asked for, and the versions that some of them come from."""

    figures: Sequence[Figure]
    versions: Sequence[GapVersion]


def asked(query: Mapping[str, str]) -> Question:
    """The question in a query string. Raises `InvalidInput` for whatever can not be answered."""
    unknown = sorted(set(query) - {*PARAMETERS})
    if unknown:
        raise InvalidInput("There is no such parameter.", errors=[bad("*")])
    today = measuring.day_of(clock.now())
    last = _day(query, "to", today)
    first = _day(query, "from", last - dt.timedelta(days=DAYS_DEFAULT - 1))
    if not 0 <= (last - first).days < versions.DAYS_MAX:
        text = f"from is not after to, and at most {versions.DAYS_MAX} days are told at once."
        raise InvalidInput(text, errors=[bad("from"), bad("to")])
    return Question(first, last, _base(query), _dimensions(query))


def find(question: Question, *, client_id: uuid.UUID | None) -> Found:
    """The newest stored version of each day; days without one are measured now, in one go."""
    stored = versions.newest(question.first, question.last, base=question.base, client_id=client_id)
    kept = [figure for version in stored for figure in versions.figures_of(version)]
    is_stored = {(version.client_id, version.day) for version in stored}
    left = _left(question, {version.day for version in stored} if client_id else set())
    live = measuring.measure(*left, base=question.base, client_id=client_id) if left else {}
    fresh = [
        figure
        for client, figures in live.items()
        for figure in figures
        if (client, figure.day) not in is_stored
    ]
    return Found([*kept, *fresh], stored)


def _left(question: Question, known: Set[dt.date]) -> tuple[dt.date, dt.date] | None:
    """The first and the last day that nobody has measured yet."""
    left = [day for day in question.days if day not in known]
    return (left[0], left[-1]) if left else None


def answer(question: Question, found: Found) -> dict[str, Any]:
    """The report on the wire."""
    return {
        "from": question.first.isoformat(),
        "to": question.last.isoformat(),
        "time_zone": settings.REPORT_TIME_ZONE,
        "base": question.base,
        "group_by": list(question.dimensions),
        "items": [
            dict(zip(question.dimensions, gap.group, strict=True)) | _gap(gap)
            for gap in fold(found.figures, question.dimensions)
        ],
        "totals": [_gap(gap) for gap in fold(found.figures, ())],
        "versions": [_version(version) for version in found.versions],
    }


def _day(query: Mapping[str, str], name: str, default: dt.date) -> dt.date:
    text = query.get(name, "")
    if not text:
        return default
    if not _DAY.fullmatch(text):
        raise InvalidInput(f"{name} is a day such as 2026-11-24.", errors=[bad(name)])
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise InvalidInput(f"There is no such day: {name}.", errors=[bad(name)]) from None


def _base(query: Mapping[str, str]) -> str:
    base = query.get("base", "") or BASES[0]
    if base not in BASES:
        raise InvalidInput(f"base is one of {', '.join(BASES)}.", errors=[bad("base")])
    return base


def _dimensions(query: Mapping[str, str]) -> tuple[str, ...]:
    names = tuple((query.get("group_by", "") or "day").split(","))
    if len(set(names)) != len(names) or not set(names) <= set(DIMENSIONS):
        text = f"group_by lists some of {', '.join(DIMENSIONS)}, each once."
        raise InvalidInput(text, errors=[bad("group_by")])
    return names


def _gap(gap: Gap) -> dict[str, Any]:
    matched, duplicate = gap.outcomes[MATCHED], gap.outcomes[DUPLICATE]
    return {
        "currency": gap.currency,
        "orders": gap.orders,
        "order_value": _money(gap.order_amount, gap),
        "matched": matched.count,
        "matched_value": _money(matched.order_amount, gap),
        "analytics_value": _money(matched.analytics_amount, gap),
        "count_gap": gap.count_gap,
        "value_gap": gap.value_gap,
        "over_report": gap.over_report,
        "coverage": gap.coverage,
        "duplicates": {
            "count": duplicate.count,
            "value": _money(duplicate.analytics_amount, gap),
        },
        "missing": _causes(gap, MISSING),
        "extra": _causes(gap, EXTRA),
        "differing": _causes(gap, MATCHED),
    }


def _causes(gap: Gap, outcome: str) -> dict[str, Any]:
    """Every cause, also those that did not occur: zero is a finding."""
    return {
        cause: _sum(gap, gap.causes.get((outcome, cause), Sum()))
        for cause in CAUSES[outcome]
        if cause
    }


def _sum(gap: Gap, found: Sum) -> dict[str, Any]:
    return {
        "count": found.count,
        "order_value": _money(found.order_amount, gap),
        "analytics_value": _money(found.analytics_amount, gap),
    }


def _version(version: GapVersion) -> dict[str, Any]:
    return {
        "day": version.day.isoformat(),
        "version": version.version,
        "measured_at": _moment(version.measured_at),
        "frozen_at": version.frozen_at and _moment(version.frozen_at),
    }


def _money(amount: int, gap: Gap) -> dict[str, int | str]:
    return Money(amount, gap.currency).as_json()


def _moment(value: dt.datetime) -> str:
    return value.astimezone(dt.UTC).isoformat().replace("+00:00", "Z")
