"""What can be measured of the rows: gauges, read from the database whenever they are asked for.

Nothing is counted in a process, so any number of web processes tell the same numbers and
none is lost with one. Each app states its own in its `metrics.py`. Labels are few and known:
never an id.
"""

import datetime as dt
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from django.db import DatabaseError, connection
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from foundation import clock, ids
from foundation.transactions import durable

CHECKOUTS_SHOWN: Final = dt.timedelta(hours=1)


@dataclass(frozen=True)
class Gauge:
    """One number, or one for each value of its labels: `sql` selects the labels, then the number.

    The SQL may use `%(now)s` and `%(hour_ago)s` (the smallest id made in the last hour).
    """

    name: str
    text: str
    sql: str
    labels: tuple[str, ...] = ()

    def read(self) -> list[tuple[tuple[str, ...], float]]:
        """(label values, number) of each; one statement. Raises Django's database errors."""
        now = clock.now()
        known: dict[str, Any] = {"now": now, "hour_ago": ids.floor(now - CHECKOUTS_SHOWN)}
        with durable(), connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION READ ONLY")
            cursor.execute(self.sql, known)
            rows = cursor.fetchall()
        return [(tuple(str(label) for label in row[:-1]), float(row[-1] or 0)) for row in rows]


_REGISTRY: Final[dict[str, Gauge]] = {}


def register(*gauges: Gauge) -> None:
    """These are told with all the others."""
    for gauge in gauges:
        if _REGISTRY.setdefault(gauge.name, gauge) != gauge:
            raise ValueError(f"two gauges are named {gauge.name!r}")


def every_gauge() -> Iterable[Gauge]:
    """All registered gauges, by name."""
    return [_REGISTRY[name] for name in sorted(_REGISTRY)]


class _Rows(Collector):
    def collect(self) -> Iterator[GaugeMetricFamily]:
        """One family a gauge; one that can not be read is named, and hides no other."""
        unread = GaugeMetricFamily(
            "metric_unreadable", "Gauges whose statement failed in this scrape.", labels=["name"]
        )
        for gauge in every_gauge():
            family = GaugeMetricFamily(gauge.name, gauge.text, labels=gauge.labels)
            try:
                for labels, number in gauge.read():
                    family.add_metric(labels, number)
            except DatabaseError:
                unread.add_metric([gauge.name], 1)
            yield family
        yield unread


def exposition() -> bytes:
    """Everything, in Prometheus' text format."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Rows())
    return generate_latest(registry)


register(
    Gauge(
        "invariant_violations",
        "Rows that break a rule, as of its last look; the larger of recent and all rows.",
        """SELECT name, max(violations) FROM foundation_invariantresult
           WHERE error = '' GROUP BY name""",
        ("name",),
    ),
    Gauge(
        "invariant_unreadable",
        "Rules whose last look failed.",
        """SELECT name, max((error <> '')::int) FROM foundation_invariantresult GROUP BY name""",
        ("name",),
    ),
    Gauge(
        "invariant_checked_timestamp_seconds",
        "When a rule was last asked.",
        """SELECT name, extract(epoch FROM max(checked_at)) FROM foundation_invariantresult
           GROUP BY name""",
        ("name",),
    ),
    Gauge(
        "cases_open",
        "Cases on somebody's desk.",
        "SELECT kind, count(*) FROM foundation_case WHERE state = 'open' GROUP BY kind",
        ("kind",),
    ),
    Gauge(
        "cases_overdue",
        "Open cases whose deadline has passed.",
        """SELECT kind, count(*) FILTER (WHERE due_at < %(now)s) FROM foundation_case
           WHERE state = 'open' GROUP BY kind""",
        ("kind",),
    ),
    Gauge(
        "limits_crossed",
        "Numbers that are over their limits now, by rule.",
        "SELECT rule, count(*) FILTER (WHERE ended_at IS NULL) FROM foundation_crossing GROUP BY 1",
        ("rule",),
    ),
    Gauge(
        "periodic_last_success_timestamp_seconds",
        "When a periodic job last came to its end.",
        """SELECT job, extract(epoch FROM max(finished_at)) FROM foundation_periodicrun
           WHERE finished_at IS NOT NULL GROUP BY job""",
        ("job",),
    ),
    Gauge(
        "beat_last_tick_timestamp_seconds",
        "When any periodic job last began.",
        "SELECT extract(epoch FROM max(started_at)) FROM foundation_periodicrun",
    ),
    Gauge(
        "broker_canary_age_seconds",
        "How long ago a worker took a canary out of the queue.",
        """SELECT queue, extract(epoch FROM %(now)s - beat_at) FROM foundation_queueheartbeat""",
        ("queue",),
    ),
)
