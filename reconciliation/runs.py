"""One run: a day of an account compared, whole or not at all.

Idempotent per (account, day, version): the same books give the same digest. A day that is not
over is refused; a day that nothing was told of is a failed run, never one without breaks.
"""

import contextlib
import datetime as dt
import hashlib
import uuid
from collections.abc import Callable
from typing import Any, Final

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Max

from foundation import clock
from foundation.ids import new_id
from foundation.state_machine import IllegalTransition, move
from foundation.transactions import durable
from reconciliation import accounts, books, breaks, pairing, sieve, strays, verdicts
from reconciliation.days import day_of
from reconciliation.models import ReconciliationRun, SettlementLine, SettlementReport, Waiting
from reconciliation.pairing import Paired
from reconciliation.refusals import DayNotOver, RunInProgress
from reconciliation.sides import Grace
from reconciliation.states import RUN
from reconciliation.window import Window

_STALE: Final = dt.timedelta(hours=1)  # no run takes that long, nor a message to its worker
_LOCK_SPACE: Final = 0x5EC0  # the advisory locks of runs


Tell = Callable[[str], object]


class NothingTold(Exception):
    """No report covers the day: there is nothing to compare with."""


def reconcile(
    *, account: str, day: dt.date, by: str, tell: Tell = lambda _: None
) -> ReconciliationRun:
    """Compare a day, here and now; returns the run, `completed` or `failed`.

    `tell` hears, in words, how far it is.

    Raises what `begin` raises, and `RunInProgress` while another run of the account is at work.
    """
    with durable():
        run = begin(account=account, day=day, by=by)
    return perform(run, tell=tell)


def begin(
    *, account: str, day: dt.date, by: str, run_id: uuid.UUID | None = None
) -> ReconciliationRun:
    """The row of a run that is to be performed, in the caller's transaction.

    Raises `UnknownAccount`, `DayNotOver`, and `RunInProgress` when somebody compares right now.
    """
    accounts.refuse_unknown(account)
    _, end = day_of(account, day)
    if end > clock.now():
        raise DayNotOver(f"{day} ends at {end.isoformat()}.")
    lock(account)
    _fail_the_dead(account)
    last = ReconciliationRun.objects.filter(account=account, day=day).aggregate(
        version=Max("version")
    )
    return ReconciliationRun.objects.create(
        id=run_id or new_id(),
        account=account,
        day=day,
        version=(last["version"] or 0) + 1,
        asked_by=by,
    )


def perform(run: ReconciliationRun, *, tell: Tell = lambda _: None) -> ReconciliationRun:
    """Compare what `begin` wrote down; a run that came to its end is left as it is."""
    if run.state != "running":
        return run
    try:
        with durable():
            lock(run.account)
            _compare(run, _window(run), tell)
    except NothingTold as reason:
        _fail(run, str(reason))
    except RunInProgress as reason:
        run.refresh_from_db()
        if _others_run(run):  # else it is this one, whose message came twice
            _fail(run, str(reason))
    except Exception as error:
        _fail(run, f"{type(error).__name__}: {error}")
        raise
    return run


def _others_run(run: ReconciliationRun) -> bool:
    running = ReconciliationRun.objects.filter(account=run.account, state="running")
    return running.exclude(pk=run.pk).exists()


def lock(account: str) -> None:
    """One run of an account at a time, until the transaction ends."""
    if not accounts.is_alone(account, space=_LOCK_SPACE):
        raise RunInProgress("Another run of this account is at work.")


def _fail_the_dead(account: str) -> None:
    """Nobody computes while we hold the lock: what is `running` for long has lost its runner."""
    dead = ReconciliationRun.objects.filter(
        account=account, state="running", started_at__lt=clock.now() - _STALE
    )
    for run in dead:
        _finish(run, to="failed", error="its runner died")


def _window(run: ReconciliationRun) -> Window:
    """The day, from where the newest comparison of an earlier day came to."""
    begin_at, end = day_of(run.account, run.day)
    earlier = ReconciliationRun.objects.filter(
        account=run.account, day__lt=run.day, state="completed"
    )
    before = earlier.order_by("-day", "-version").first()
    if before is None:
        return Window(run.account, run.day, begin_at, end, begin_at, None, 0)
    since = day_of(run.account, before.day)[1]
    return Window(run.account, run.day, begin_at, end, since, before.day, before.last_line_id)


def _compare(run: ReconciliationRun, window: Window, tell: Tell) -> None:
    _require_reports(window)
    tell("waiting for whoever adds lines")
    _hold_the_lines(window.account)
    run.last_line_id = _last_line(run)
    tell("adding up what moved")
    paired = pairing.pair(window)
    tell(f"{paired.even} of {paired.payments} payments are even, judging the others")
    grace = configured_grace()
    verdicts.judge(window, grace)
    strays.judge(window)
    tell("looking at payouts and orders")
    books.judge_payouts(window, grace=grace)
    changed = {"new_breaks": 0, "auto_resolved": 0}
    if _is_newest(run):
        books.judge_orders(window, now=clock.now())
        tell("writing breaks")
        changed = _write_breaks(window)
    _carry_forward(window)
    _complete(run, paired, changed=changed)


def configured_grace() -> Grace:
    """As the settings say."""
    return Grace(
        told=dt.timedelta(seconds=settings.RECONCILIATION_TOLD_SECONDS),
        settled=dt.timedelta(seconds=settings.RECONCILIATION_SETTLED_SECONDS),
    )


def _last_line(run: ReconciliationRun) -> int:
    """Up to which line breaks are written. A closed day that is compared again writes none, so
    it keeps the mark of before: what was told since is left to the run of the newest day."""
    if _is_newest(run):
        lines = SettlementLine.objects.filter(account=run.account)
        return lines.aggregate(last=Max("id"))["last"] or 0
    since = ReconciliationRun.objects.filter(
        account=run.account, state="completed", day__gte=run.day
    )
    return since.order_by("day", "-version").values_list("last_line_id", flat=True)[0]


def _write_breaks(window: Window) -> dict[str, int]:
    """For the run of the newest day only: an older day, compared again, knows less than the breaks
    do, and would end those of later days and open what was mended since."""
    new = breaks.record(window)
    asked = [books.PAYOUTS, verdicts.LATE, *books.OF_ORDERS]
    gone = breaks.resolve_gone(window, asked=asked, of_orders=list(books.OF_ORDERS))
    return {"new_breaks": new, "auto_resolved": gone}


def _hold_the_lines(account: str) -> None:
    """Whoever is adding lines comes to an end first, and nobody adds any until the run did.

    From here on statements may take as long as a million lines need.
    """
    patience = f"{settings.RECONCILIATION_STATEMENT_SECONDS}s"
    with connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL statement_timeout = '{patience}'")
        cursor.execute(f"SET LOCAL lock_timeout = '{patience}'")
    accounts.hold_lines(account)


def _require_reports(window: Window) -> None:
    until = told_until(window.account, (window.begin, window.end))
    if until < window.end:
        raise NothingTold(f"No report tells of {window.day} from {until.isoformat()} on.")


def told_until(account: str, bounds: tuple[dt.datetime, dt.datetime]) -> dt.datetime:
    """Up to when the reports of an account tell of a time without a gap."""
    reports = SettlementReport.objects.filter(
        account=account, begins_at__lt=bounds[1], ends_at__gt=bounds[0]
    ).order_by("begins_at")
    until = bounds[0]
    for begins_at, ends_at in reports.values_list("begins_at", "ends_at"):
        if begins_at > until:
            break
        until = max(until, ends_at)
    return until


def _is_newest(run: ReconciliationRun) -> bool:
    later = ReconciliationRun.objects.filter(account=run.account, day__gt=run.day)
    return not later.filter(state="completed").exists()


def _carry_forward(window: Window) -> None:
    """What only waits is looked at again in the run of the next day."""
    sieve.remember(window)
    Waiting.objects.filter(account=window.account, day=window.day).delete()
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO reconciliation_waiting (account, day, processor_reference)
            SELECT DISTINCT %(account)s, %(day)s::date, processor_reference
            FROM reconciliation_found WHERE is_waiting AND processor_reference <> ''
            """,
            window.parameters(),
        )


def _complete(run: ReconciliationRun, paired: Paired, *, changed: dict[str, int]) -> None:
    run.counts = _counts() | {"pairs": paired.payments, "volume": paired.volume} | changed
    run.counts["matched"] = paired.payments - run.counts.pop("differing")
    run.digest = _digest()
    _finish(run, to="completed")


def _finish(run: ReconciliationRun, *, to: str, error: str = "") -> None:
    """One end for each run: whoever was taken for dead writes nothing."""
    facts = {name: getattr(run, name) for name in ("counts", "digest", "last_line_id")}
    try:
        move(
            run, table=RUN, to=to, by=run.asked_by, reason=error,
            error=error[:1000], finished_at=clock.now(), **facts,
        )  # fmt: skip
    except IllegalTransition as overtaken:
        gone = "It was taken for dead, and another run has its place."
        raise RunInProgress(gone) from overtaken


def _counts() -> dict[str, Any]:
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT kind, count(*), sum(amount)::bigint, currency, is_waiting
            FROM reconciliation_found GROUP BY kind, currency, is_waiting ORDER BY 1, 4, 5
            """
        )
        found = cursor.fetchall()
        cursor.execute(
            "SELECT count(DISTINCT found.processor_reference) FROM reconciliation_found found"
            " JOIN reconciliation_pair pair ON pair.key = found.processor_reference"
        )
        (differing,) = cursor.fetchone()
    rows = [
        {"kind": kind, "count": count, "amount": amount, "currency": currency, "waiting": waiting}
        for kind, count, amount, currency, waiting in found
    ]
    return {"found": rows, "differing": differing}


def _digest() -> str:
    """Of everything that was found, in an order of its own: equal books have equal digests."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT coalesce(string_agg(concat_ws('|', fingerprint, amount, currency, ours, theirs,
                is_waiting), E'\\n' ORDER BY fingerprint), '') FROM reconciliation_found
            """
        )
        (text,) = cursor.fetchone()
    return hashlib.sha256(text.encode()).hexdigest()


def _fail(run: ReconciliationRun, reason: str) -> None:
    """The run says why; whoever asked is told by its state. What it counted is not kept."""
    run.counts, run.digest, run.last_line_id = {}, "", 0
    with transaction.atomic(), contextlib.suppress(RunInProgress):
        _finish(run, to="failed", error=reason)
