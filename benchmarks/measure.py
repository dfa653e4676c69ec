"""What is measured, window by window. Each function returns figures; none prints."""

import os
import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from itertools import cycle, islice

from benchmarks import load, plain
from benchmarks.limit import Limit, Pgbench, check_ends
from benchmarks.load import Outcome
from benchmarks.meters import Cpu, Statements
from benchmarks.requests import Shoppers, idempotency_key, post, purchase
from benchmarks.stage import Stage

REPLAYED_KEYS = 50
SETTLED_SECONDS = 30.0
_DELAYS = """
    SELECT extract(epoch FROM moved.at - told.created_at) * 1000
    FROM events_outboxevent told
    JOIN foundation_transition moved
      ON moved.aggregate_id = (told.payload->>'payment_id')::uuid
     AND moved.aggregate = 'payment' AND moved.to_state = 'capturing'
    WHERE told.type = 'order.placed' AND told.created_at > %s::timestamptz ORDER BY 1
"""


@dataclass(slots=True)
class Window:
    """One measured window of checkouts."""

    outcome: Outcome
    statements: Statements
    cpu: dict[str, float]
    others: float  # the share of the machine that somebody else had

    def per_checkout(self, figure: float) -> float:
        """A sum over the window, for one checkout."""
        return figure / self.outcome.count


@dataclass(slots=True)
class Round:
    """Side by side, a few seconds each, so that a noisy moment hits all of them."""

    limit: Limit
    limit_cpu: float  # seconds of pgbench and PostgreSQL for one pair of transactions
    ours: Window
    plain: Outcome | None = None
    plain_cpu: float = 0.0  # seconds of the plain view, PostgreSQL and the load for one order


@dataclass(slots=True)
class Bench:
    """The measurements of one run on one stage."""

    stage: Stage
    pgbench: Pgbench
    invalid: list[str] = field(default_factory=list)
    plain_answers: int = 0

    def window(self, take: load.NextRequest, *, seconds: float, title: str) -> Window:
        """Load our API and meter everything around it."""
        self.stage.settle()
        self.stage.meter.reset()
        cpu = Cpu.start(self.stage.pids)
        outcome = self._load(take, port=self.stage.shop.web_port, seconds=seconds, title=title)
        spent = cpu.spent() | {"load client": outcome.cpu_seconds}
        others = cpu.others(sum(spent.values()))
        return Window(outcome, self.stage.meter.read(), spent, others)

    def _load(self, take: load.NextRequest, *, port: int, seconds: float, title: str) -> Outcome:
        outcome = load.run(port=port, take=take, clients=self.stage.sizes.clients, seconds=seconds)
        if not outcome.is_valid:
            said = outcome.first_bad[-300:].decode(errors="replace")
            self.invalid.append(f"{title}: answers {dict(outcome.statuses)}, such as {said}")
        if port != self.stage.shop.web_port:
            self.plain_answers += outcome.count
        return outcome

    def shoppers(self, *, skus: int | None = None) -> Shoppers:
        """The load's requests."""
        sizes = self.stage.sizes
        return Shoppers(
            bearer=self.stage.bearer, skus=skus or sizes.skus, customers=sizes.customers
        )

    def warm_up(self, port: int) -> None:
        """Every worker and thread opens its connections; nothing of it is counted."""
        seconds = self.stage.sizes.warm_up_seconds
        self._load(self.shoppers(), port=port, seconds=seconds, title="warm-up")

    def round(self, *, compared: plain.Served | None) -> Round:
        """The limit, ours, and the plain view."""
        limit, limit_cpu = self._limit()
        seconds = self.stage.sizes.checkout_seconds
        ours = self.window(self.shoppers(), seconds=seconds, title="checkouts")
        if compared is None:
            return Round(limit, limit_cpu, ours)
        return Round(limit, limit_cpu, ours, *self._plain(compared))

    def _limit(self) -> tuple[Limit, float]:
        sizes = self.stage.sizes
        self.stage.settle()
        cpu, before = Cpu.start({"PostgreSQL": self.stage.pids["PostgreSQL"]}), os.times()
        limit = self.pgbench.run(clients=sizes.clients, seconds=sizes.pgbench_seconds)
        after = os.times()
        asking = after.children_user + after.children_system
        asking -= before.children_user + before.children_system
        spent = cpu.spent()["PostgreSQL"] + asking
        return limit, spent / (limit.rate * round(sizes.pgbench_seconds))

    def _plain(self, compared: plain.Served) -> tuple[Outcome, float]:
        self.stage.settle()
        pids = {"view": compared.pid, "PostgreSQL": self.stage.pids["PostgreSQL"]}
        cpu = Cpu.start(pids)
        seconds = self.stage.sizes.plain_seconds
        theirs = self._load(
            self.shoppers(), port=compared.port, seconds=seconds, title="plain view"
        )
        return theirs, (sum(cpu.spent().values()) + theirs.cpu_seconds) / theirs.count

    def check(self, *, with_plain: bool) -> None:
        """Everything that was answered is in the tables, and nothing else."""
        check_ends()
        if with_plain and plain.count_orders(self.stage) != self.plain_answers:
            self.invalid.append("the plain view answered 201 for orders that it did not insert")

    def replays(self) -> Window:
        """The same requests again and again."""
        requests = [
            post(
                purchase(mark, sku="BENCH-1", customer=1),
                key=idempotency_key(mark),
                bearer=self.stage.bearer,
            )
            for mark in (f"replay{number}" for number in range(REPLAYED_KEYS))
        ]
        self._send_each(iter(requests))
        again = cycle(requests)
        window = self.window(
            lambda: next(again), seconds=self.stage.sizes.replay_seconds, title="replays"
        )
        if window.outcome.replays != window.outcome.count:
            self.invalid.append("replays: not every answer was marked as one")
        return window

    def _send_each(self, requests: Iterator[bytes], *, pause: float = 0.0) -> None:
        """One after the other, each awaited."""
        for request in requests:
            load.run(
                port=self.stage.shop.web_port, take=partial(bytes, request), clients=1, seconds=0
            )
            time.sleep(pause)

    def hot(self) -> list[tuple[Outcome, Outcome]]:
        """(one product, many products), twice in turn."""
        seconds = self.stage.sizes.hot_seconds
        return [
            (
                self.window(self.shoppers(skus=1), seconds=seconds, title="one hot SKU").outcome,
                self.window(self.shoppers(), seconds=seconds, title="many SKUs").outcome,
            )
            for _ in range(2)
        ]

    def relay_delays(self, *, warm: int) -> list[float]:
        """Milliseconds from the outbox row to the settlement task at work, one at a time.

        The first `warm` orders are not counted; they are how one knows that all processes serve.
        """
        sizes = self.stage.sizes
        self._delays(warm, since="-infinity")
        row = self.stage.control.execute("SELECT clock_timestamp()::text").fetchone()
        assert row is not None  # noqa: S101 - one row
        return self._delays(sizes.relay_events, since=row[0])

    def _delays(self, count: int, *, since: str) -> list[float]:
        pause = self.stage.sizes.relay_pause_seconds
        self._send_each(islice(iter(self.shoppers(), b""), count), pause=pause)
        until = time.monotonic() + SETTLED_SECONDS
        delays: list[float] = []
        while len(delays) < count and time.monotonic() < until:
            time.sleep(0.2)
            delays = [float(d) for (d,) in self.stage.control.execute(_DELAYS, [since])]
        if len(delays) < count:
            self.invalid.append(f"relay: {len(delays)} of {count} orders were settled")
        return delays


def median(figures: list[float]) -> float:
    """The middle one."""
    return statistics.median(figures)


@dataclass(frozen=True, slots=True)
class Matched:
    """Seconds of the bare join and of ours, what ours found, and memory in MB.

    `grown_mb`: of this process; `server_mb`: the most that its server process had of its own.
    """

    lines: int
    bare_seconds: float
    our_seconds: float
    breaks: int
    grown_mb: float
    server_mb: float

    @property
    def times(self) -> float:
        """Ours as a multiple of the bare join."""
        return self.our_seconds / self.bare_seconds
