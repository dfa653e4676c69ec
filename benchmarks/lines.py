"""Turns what was measured into the lines of the report, each with its goal."""

from collections.abc import Sequence

from benchmarks.load import Outcome
from benchmarks.measure import REPLAYED_KEYS, Matched, Round, Window, median
from benchmarks.report import Line

SHARE_GOAL = 0.25
STATEMENTS_GOAL = 16
COMMITS_GOAL = 2
REPLAY_GOAL = 3
HOT_GOAL = 2 / 3
RELAY_GOAL = 250.0
MATCHING_GOAL = 3.0


def share(rounds: Sequence[Round]) -> float:
    """Ours as a share of pgbench: the median of the rounds."""
    return median([each.ours.outcome.rate / each.limit.rate for each in rounds])


def plain_shares(rounds: Sequence[Round]) -> list[float]:
    """Ours as a multiple of the plain view, round by round."""
    return [each.ours.outcome.rate / each.plain.rate for each in rounds if each.plain]


def checkouts(rounds: Sequence[Round]) -> list[Line]:
    """The main lines."""
    windows = [each.ours for each in rounds]
    return [
        _limit(rounds),
        _latency(windows),
        _cpu(windows),
        _by_cpu(rounds),
        _others(windows),
        _statements(windows),
        _commits(windows),
    ]


def _limit(rounds: Sequence[Round]) -> Line:
    each = [f"{r.ours.outcome.rate / r.limit.rate:.0%}" for r in rounds]
    ours = median([r.ours.outcome.rate for r in rounds])
    limit = median([r.limit.rate for r in rounds])
    return Line(
        "checkouts, as a share of pgbench",
        f"{share(rounds):.0%} ({ours:.0f}/s of {limit:.0f}/s; rounds {', '.join(each)})",
        f">= {SHARE_GOAL:.0%}",
        share(rounds) >= SHARE_GOAL,
        "Everything included (API, PostgreSQL, sandbox processor and load client on the same "
        "cores), next to pgbench running the statements of a recorded checkout, two commits each, "
        "over the simple protocol with as many clients. Relay, worker and beat do not run in "
        "this window, and the sandbox sends no webhooks.",
        {"share": share(rounds), "per_second": ours, "pgbench_per_second": limit},
    )


def _latency(windows: Sequence[Window]) -> Line:
    figures = {
        f"p{round(part * 100)}": median([w.outcome.percentile(part) for w in windows])
        for part in (0.5, 0.95, 0.99)
    }
    said = " / ".join(f"{figure:.0f}" for figure in figures.values())
    return Line(
        "latency p50 / p95 / p99",
        f"{said} ms",
        note="As the load client sees it, at full load: with a closed loop, clients divided by "
        "throughput is the average.",
        figures=figures,
    )


def _cpu(windows: Sequence[Window]) -> Line:
    figures = {
        name: median([w.per_checkout(w.cpu[name]) * 1000 for w in windows])
        for name in windows[0].cpu
    }
    said = ", ".join(f"{name} {figure:.1f}" for name, figure in figures.items())
    note = "User and system time of the whole process trees, in milliseconds for one checkout."
    return Line("CPU per checkout", f"{said} ms", note=note, figures=figures)


def _by_cpu(rounds: Sequence[Round]) -> Line:
    figures = {"pgbench": median([each.limit_cpu * 1000 for each in rounds])}
    if plain_shares(rounds):
        figures["plain view"] = median([each.plain_cpu * 1000 for each in rounds])
    spent = [each.ours.per_checkout(sum(each.ours.cpu.values())) for each in rounds]
    figures["checkouts"] = median(spent) * 1000
    said = ", ".join(f"{name} {figure:.1f}" for name, figure in figures.items())
    return Line(
        "CPU for one order, all in all",
        f"{said} ms (pgbench is {figures['pgbench'] / figures['checkouts']:.0%} of checkouts)",
        note="Everything that runs for it, clients included. This depends less on what else the "
        "machine does than checkouts per second; pgbench also waits for the disk, which is no CPU.",
        figures=figures,
    )


def _others(windows: Sequence[Window]) -> Line:
    measured = median([w.others for w in windows])
    return Line(
        "machine taken by other programs",
        f"{measured:.0%} of all cores",
        note="While checkouts were measured. Above a tenth, only the ratios mean something, and "
        "those with some caution: whoever needs more processes for the same work suffers more.",
        figures={"share": measured},
    )


def _statements(windows: Sequence[Window]) -> Line:
    measured = median([w.per_checkout(w.statements.total) for w in windows])
    return Line(
        "SQL statements per checkout",
        f"{measured:.2f}",
        f"<= {STATEMENTS_GOAL}",
        measured <= STATEMENTS_GOAL,
        "From pg_stat_statements: all that clients sent, so also connection checks, wake-ups of "
        "the relay and refreshed rate tables; transaction control and PostgreSQL's own "
        "foreign-key checks aside.",
        {"statements": measured},
    )


def _commits(windows: Sequence[Window]) -> Line:
    measured = median([w.per_checkout(w.statements.commits) for w in windows])
    return Line(
        "commits per checkout",
        f"{measured:.2f}",
        f"{COMMITS_GOAL}",
        abs(measured - COMMITS_GOAL) < 0.01,
        "From pg_stat_statements.",
        {"commits": measured},
    )


def plain_view(rounds: Sequence[Round], *, why_not: str) -> Line:
    """Next to a view that only inserts."""
    name = "checkouts, next to a plain DRF view"
    shares = plain_shares(rounds)
    if not shares:
        return Line(name, f"not measured: {why_not}", ">= 1.0 x")
    theirs = median([each.plain.rate for each in rounds if each.plain])
    middle = median(shares)
    return Line(
        name,
        f"{middle:.2f} x (it makes {theirs:.0f}/s; rounds {', '.join(f'{s:.2f}' for s in shares)})",
        ">= 1.0 x",
        middle >= 1.0,
        "The plain view inserts the same rows through the ORM in one transaction, with "
        "drf-idempotency and its database backend: no saga, no processor, no price look-up, no "
        "stock counter, no fraud rules, no authentication. Same server, another database, same "
        "web server settings, same load.",
        {"ratio": middle, "plain_per_second": theirs},
    )


def with_tail(window: Window, rounds: Sequence[Round]) -> Line:
    """The same load while what follows a checkout runs beside it."""
    limit = median([each.limit.rate for each in rounds])
    figure = window.outcome.rate / limit
    return Line(
        "the same, relay, worker and beat running",
        f"{figure:.0%} ({window.outcome.rate:.0f}/s)",
        note="Settlement, fulfillment and notification of the orders just placed share the cores.",
        figures={"share": figure, "per_second": window.outcome.rate},
    )


def replays(window: Window) -> Line:
    """What a repeat costs."""
    measured = window.per_checkout(window.statements.total)
    return Line(
        "SQL statements per replay",
        f"{measured:.2f} ({window.outcome.rate:.0f} replays/s)",
        f"<= {REPLAY_GOAL}",
        measured <= REPLAY_GOAL,
        f"The same {REPLAYED_KEYS} requests again and again; nothing goes out.",
        {"statements": measured, "per_second": window.outcome.rate},
    )


def hot(pairs: Sequence[tuple[Outcome, Outcome]]) -> Line:
    """What it costs when all want the same."""
    ratios = [one.rate / many.rate for one, many in pairs]
    measured = median(ratios)
    return Line(
        "one hot SKU, as a share of many SKUs",
        f"{measured:.0%} (pairs {', '.join(f'{ratio:.0%}' for ratio in ratios)})",
        f">= {HOT_GOAL:.0%}",
        measured >= HOT_GOAL,
        "Every cart holds the same product, next to carts of a random product each.",
        {"ratio": measured},
    )


def relay(delays: Sequence[float]) -> Line:
    """From the commit to the task."""
    name = "relay: outbox row to settlement task"
    if not delays:
        return Line(name, "not measured", f"median < {RELAY_GOAL:.0f} ms", met=False)
    middle, late = median(list(delays)), delays[min(int(len(delays) * 0.95), len(delays) - 1)]
    return Line(
        name,
        f"median {middle:.0f} ms, p95 {late:.0f} ms ({len(delays)} events)",
        f"median < {RELAY_GOAL:.0f} ms",
        middle < RELAY_GOAL,
        "From the outbox row's own time, which is a little before its commit, to the moment the "
        "settlement task claims the payment; one order at a time, on processes that are warm.",
        {"median": middle, "p95": late},
    )


def matching(done: Matched) -> Line:
    """A day of settlement lines against a bare join."""
    return Line(
        f"reconciliation: {done.lines:,} lines, as a multiple of a bare join",
        f"{done.times:.1f}x ({done.our_seconds:.1f} s of {done.bare_seconds:.1f} s; "
        f"{done.breaks} breaks; memory +{done.grown_mb:.0f} MB here, "
        f"{done.server_mb:.0f} MB at the server)",
        f"<= {MATCHING_GOAL:.0f}x, memory flat",
        done.times <= MATCHING_GOAL,
        "From the scope to the breaks that are told of, next to a full outer join of the same "
        "lines with our captures, in the same transaction. One line in a thousand is a cent off. "
        "Memory is what this process grew by at its peak, and the most that its server process "
        "had of its own (without shared buffers); work_mem bounds that.",
        {
            "times": done.times,
            "seconds": done.our_seconds,
            "bare_seconds": done.bare_seconds,
            "server_mb": done.server_mb,
        },
    )
