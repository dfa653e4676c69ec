"""Days are measured again while late news may come, then frozen; every version is kept."""

import datetime as dt
import uuid
from collections.abc import Sequence
from dataclasses import astuple, fields
from typing import Final

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Min

from attribution.figures import BASES, Figure
from attribution.gap.measuring import day_of, measure
from attribution.models import GapFigure, GapVersion
from foundation import clock

DAYS_MAX: Final = 92
_PATIENCE: Final = "SET LOCAL statement_timeout = '60s'"  # a task has 90
_COLUMNS: Final = tuple(field.name for field in fields(Figure))[1:]  # the day is the version's
_ONE_AT_A_TIME: Final = "SELECT pg_advisory_xact_lock(hashtext('attribution_gap'))"


def restate(at: dt.datetime) -> int:
    """Measure the days that had ended at a moment, and freeze those that are due; new versions.

    A day is measured when it has ended and on `GAP_RESTATED_DAYS` days after that, then frozen.
    A version is only added when something has changed.
    """
    last = day_of(at) - dt.timedelta(days=1)
    freezes = last - dt.timedelta(days=settings.GAP_RESTATED_DAYS)
    first = max(_oldest_open(freezes), last - dt.timedelta(days=DAYS_MAX))
    return sum(_restate(first, last, base, freezes) for base in BASES)


def newest(
    first: dt.date, last: dt.date, *, base: str, client_id: uuid.UUID | None
) -> list[GapVersion]:
    """The version that counts of each day and client that was measured, with its figures."""
    rows = GapVersion.objects.filter(base=base, day__range=(first, last))
    if client_id is not None:
        rows = rows.filter(client_id=client_id)
    counting = rows.order_by("client_id", "day", "-version").distinct("client_id", "day")
    return list(counting.prefetch_related("figures"))


def figures_of(version: GapVersion) -> list[Figure]:
    """What was stored, as it was measured."""
    rows = version.figures.all()
    return sorted(Figure(version.day, *(getattr(row, n) for n in _COLUMNS)) for row in rows)


def _oldest_open(freezes: dt.date) -> dt.date:
    """A day that a missed run left open is not forgotten."""
    left = GapVersion.objects.filter(frozen_at=None, day__lt=freezes)
    return left.aggregate(first=Min("day"))["first"] or freezes


def _restate(first: dt.date, last: dt.date, base: str, freezes: dt.date) -> int:
    """Measure all the days at once, in one transaction with the versions that come of it."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(_ONE_AT_A_TIME)
            cursor.execute(_PATIENCE)
        kept = {(v.client_id, v.day): v for v in newest(first, last, base=base, client_id=None)}
        measured: dict[tuple[uuid.UUID, dt.date], list[Figure]] = {}
        for client, figures in measure(first, last, base=base).items():
            for figure in figures:
                measured.setdefault((client, figure.day), []).append(figure)
        added = sum(
            _keep(client, day, base, measured.get((client, day), []), kept.get((client, day)))
            for client, day in sorted({*measured, *kept})
        )
        frozen = GapVersion.objects.filter(day__lte=freezes, base=base, frozen_at=None)
        frozen.update(frozen_at=clock.now())
        return added


def _keep(
    client: uuid.UUID, day: dt.date, base: str, figures: Sequence[Figure], before: GapVersion | None
) -> int:
    """Add a version if it says anything new; how many were added."""
    if before is not None and (before.frozen_at or figures_of(before) == sorted(figures)):
        return 0
    version = GapVersion.objects.create(
        client_id=client, day=day, base=base, version=before.version + 1 if before else 1
    )
    GapFigure.objects.bulk_create(
        GapFigure(version=version, **dict(zip(_COLUMNS, astuple(figure)[1:], strict=True)))
        for figure in figures
    )
    return 1
