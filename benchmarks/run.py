"""One run: build the stage, measure every line, hand back the report."""

import contextlib
import datetime as dt
import importlib
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from django.db import connection

from benchmarks import limit, lines, plain, plot, report, stage
from benchmarks.measure import Bench, Round, median
from benchmarks.report import Report
from benchmarks.sizes import Sizes

LATER = ("relay", "worker", "beat")
SETTINGS = ((1, 4), (1, 8), (2, 2), (2, 4), (2, 8), (3, 4))
_began = time.monotonic()


def say(text: str) -> None:
    """One line of progress, with the seconds since the start."""
    print(f"[{time.monotonic() - _began:5.0f} s] {text}", flush=True)


@dataclass(slots=True)
class Comparison:
    """The plain view while it is served, or why it is not; and what came out."""

    served: plain.Served | None = None
    why_not: str = ""
    rounds: list[Round] = field(default_factory=list)


def bench(sizes: Sizes) -> Report:
    """The whole thing."""
    say("starting PostgreSQL, sandbox and web")
    with stage.built(sizes) as built:
        runner = Bench(built, _pgbench(built))
        say("warming up")
        runner.warm_up(built.shop.web_port)
        compared = _rounds(runner)
        found = lines.checkouts(compared.rounds)
        found.append(lines.plain_view(compared.rounds, why_not=compared.why_not))
        say("replays")
        found.append(lines.replays(runner.replays()))
        say("one hot SKU and many")
        found.append(lines.hot(runner.hot()))
        found += _with_tail(runner, compared.rounds)
        say(f"matching {sizes.settlement_lines:,} settlement lines")
        # By name: it has models in it, and Django is set up by now, not before.
        matching = importlib.import_module("benchmarks.matching")
        found.append(lines.matching(matching.match(sizes.settlement_lines)))
        return _report(runner, found, compared.rounds)


def _pgbench(built: stage.Stage) -> limit.Pgbench:
    script = built.folder / "limit.sql"
    script.write_text(limit.script(limit.record(built.bearer), keep=built.client_id))
    connection.close()
    sizes = built.sizes
    return limit.Pgbench(
        script=script,
        socket=built.socket,
        user=stage.DATABASE,
        database=stage.DATABASE,
        skus=sizes.skus,
        customers=sizes.customers,
    )


def _rounds(runner: Bench) -> Comparison:
    with _compared(runner) as compared:
        for number in range(1, runner.stage.sizes.rounds + 1):
            done = runner.round(compared=compared.served)
            compared.rounds.append(done)
            theirs = f", plain view {done.plain.rate:.0f}/s" if done.plain else ""
            say(
                f"round {number}: pgbench {done.limit.rate:.0f}/s, "
                f"checkouts {done.ours.outcome.rate:.0f}/s{theirs}"
            )
        runner.check(with_plain=compared.served is not None)
    return compared


@contextlib.contextmanager
def _compared(runner: Bench) -> Iterator[Comparison]:
    say("setting up the plain view")
    with contextlib.ExitStack() as ending:
        try:
            view = ending.enter_context(plain.served(runner.stage))
        except plain.NotPossible as reason:
            say(f"no plain view: {reason}")
            yield Comparison(why_not=str(reason))
            return
        runner.warm_up(view.port)
        yield Comparison(view)


def _with_tail(runner: Bench, rounds: list[Round]) -> list[report.Line]:
    """What needs relay, worker and beat; the backlog of the windows before is put aside."""
    say("starting relay, worker and beat")
    built = runner.stage
    built.control.execute("UPDATE events_outboxevent SET state = 'sent', sent_at = now()")
    built.control.execute("UPDATE orders_order SET next_step_at = NULL")
    built.shop.start(LATER)
    built.shop.wait_ready()
    delays = runner.relay_delays(warm=5)
    say("checkouts with relay, worker and beat")
    seconds = built.sizes.tail_seconds
    window = runner.window(runner.shoppers(), seconds=seconds, title="with relay and worker")
    built.shop.check_alive()
    return [lines.with_tail(window, rounds), lines.relay(delays)]


def _report(runner: Bench, found: list[report.Line], rounds: list[Round]) -> Report:
    version = runner.stage.control.execute("SHOW server_version").fetchone()
    assert version is not None  # noqa: S101 - one row
    bars = [plot.Bar("pgbench, the same SQL", 1.0)]
    if shares := lines.plain_shares(rounds):
        bars.append(plot.Bar("plain DRF view", lines.share(rounds) / median(shares)))
    bars.append(plot.Bar("checkouts", lines.share(rounds), goal=lines.SHARE_GOAL))
    facts = report.machine_facts(
        postgresql=str(version[0]), date=dt.datetime.now(dt.UTC).strftime("%Y-%m-%d %H:%M UTC")
    )
    return Report(found, facts, runner.stage.sizes, tuple(runner.invalid), tuple(bars))


def tune(sizes: Sizes) -> list[str]:
    """Checkouts per second for several settings of the web server, each tried twice in turn."""
    said = []
    with stage.built(sizes) as built:
        runner = Bench(built, _pgbench(built))
        for workers, threads in SETTINGS * 2:
            built.shop.web_workers, built.shop.web_threads = workers, threads
            built.shop.restart("web")
            runner.warm_up(built.shop.web_port)
            got = runner.window(runner.shoppers(), seconds=sizes.hot_seconds, title="tune")
            said.append(
                f"{workers} workers x {threads} threads: {got.outcome.rate:.1f}/s, "
                f"p95 {got.outcome.percentile(0.95):.0f} ms, "
                f"API {got.per_checkout(got.cpu['API']) * 1000:.1f} ms CPU"
            )
            say(said[-1])
        said += [f"INVALID RUN: {reason}" for reason in runner.invalid]
    return said
