"""A day of settlement lines against our books, next to a bare join of the same rows.

Everything stands in one transaction that is rolled back, so nothing of it stays.
"""

import contextlib
import datetime as dt
import resource
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from django.db import connection, transaction

from benchmarks.measure import Matched
from reconciliation import breaks, pairing, verdicts
from reconciliation.sides import Grace
from reconciliation.window import Window

_DAY: Final = dt.date(2026, 3, 10)
_BEGIN: Final = dt.datetime(2026, 3, 10, tzinfo=dt.UTC)
_END: Final = _BEGIN + dt.timedelta(days=1)
_LOOKS_EVERY_SECONDS: Final = 0.02
_DIFFERS_EVERY: Final = 1000  # one line in so many is a cent off
_MANY: Final = {"count": 0, "begin": _BEGIN, "every": _DIFFERS_EVERY}

# Amounts vary, so that sums are sums; each payment has a hold and a capture, and one line there.
_OURS: Final = """
    WITH made AS (
        INSERT INTO payments_payment
            (id, client_id, stream, state, amount, currency, payment_method, processor,
             processor_reference, attempt, step_attempt, capture_sequence, claimed_amount,
             claimed_final, claimed_by, claimed_source, authorized_amount, captured_amount,
             voided_amount, refunded_amount, refund_pending_amount, charged_back_amount,
             fee_amount, is_disputed, is_multicapture, card_brand, card_last4, card_country,
             card_fingerprint, decline_code, lease_token, asked_at, look_ups, absences,
             last_error, metadata, created_at)
        SELECT gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), 'captured', 1000 + n, 'USD',
            'pm_card_visa', 'stripe', 'pi_' || n, 1, 1, 1, 0, true, '', '', 1000 + n, 1000 + n,
            0, 0, 0, 0, 59, false, false, 'visa', '4242', 'US', '', '', 0, %(begin)s, 0, 0, '',
            '{}', %(begin)s
        FROM generate_series(1, %(count)s) n RETURNING id, amount
    )
    INSERT INTO payments_paymenttransaction
        (id, payment_id, kind, sequence, succeeded, amount, currency, processor_reference,
         error_code, note, source, actor, created_at)
    SELECT gen_random_uuid(), made.id, step.kind, 1, true,
        CASE step.kind WHEN 'fee' THEN 59 ELSE made.amount END, 'USD', '', '', '', 'system',
        'bench', %(begin)s + interval '1 hour'
    FROM made CROSS JOIN (VALUES ('authorization'), ('capture'), ('fee')) step (kind)
"""
_THEIRS: Final = """
    WITH report AS (
        INSERT INTO reconciliation_settlementreport
            (id, account, origin, name, format, sha256, begins_at, ends_at, line_count,
             new_line_count, ingested_by, ingested_at)
        VALUES (gen_random_uuid(), 'stripe', 'command', 'bench', 'bench', 'bench', %(begin)s,
            %(begin)s + interval '1 day', %(count)s, %(count)s, 'bench', %(begin)s)
        RETURNING id
    )
    INSERT INTO reconciliation_settlementline
        (report_id, account, number, external_id, digest, category, currency, gross, fee, net,
         occurred_at, processor_reference, payment_reference, source_id, payout_id, raw)
    SELECT report.id, 'stripe', n + 1, 'txn_' || n, 'digest-' || n, 'charge', 'USD',
        1000 + n + (n %% %(every)s = 0)::int, 59, 941 + n + (n %% %(every)s = 0)::int,
        %(begin)s + interval '1 hour', 'pi_' || n, '', '', '', '{}'
    FROM report CROSS JOIN generate_series(1, %(count)s) n
"""
_TABLES: Final = (
    "reconciliation_settlementline",
    "payments_payment",
    "payments_paymenttransaction",
)
# The rows that are compared: every line, and each step of ours that moved money.
_BARE: Final = """
    SELECT count(*) FROM reconciliation_settlementline line
    FULL OUTER JOIN (
        SELECT payment.processor_reference, step.kind, step.amount
        FROM payments_payment payment
        JOIN payments_paymenttransaction step ON step.payment_id = payment.id
        WHERE step.kind NOT IN ('authorization', 'void')
    ) ours ON ours.processor_reference = line.processor_reference
    WHERE ours.amount IS DISTINCT FROM line.gross
"""


def match(lines: int) -> Matched:
    """A day of so many lines; nothing of it stays."""
    with transaction.atomic():
        _fill(lines)
        bare = min(_timed(_bare) for _ in range(2))
        before = _peak_mb()
        began = time.perf_counter()
        with _watched(_backend()) as server:
            found = _ours()
        seconds = time.perf_counter() - began
        grown = _peak_mb() - before
        transaction.set_rollback(True)
    return Matched(lines, bare, seconds, found, grown, server.peak_mb)


def _fill(lines: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = '10min'")
        for statement in (_OURS, _THEIRS):
            cursor.execute(statement, _MANY | {"count": lines})
        # As autovacuum does it for a shop. Its own role may not, and would only be warned.
        cursor.execute("SET LOCAL ROLE NONE")
        for table in _TABLES:
            cursor.execute(f"ANALYZE {table}")
        cursor.execute("RESET ROLE")


def _timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _bare() -> None:
    with connection.cursor() as cursor:
        cursor.execute(_BARE)
        cursor.fetchone()


def _ours() -> int:
    """From the scope to the breaks that are told of, as a run does it."""
    window = Window("stripe", _DAY, _BEGIN, _END, _BEGIN, None, 0)
    # Both sides were seen: nothing is too young to be told.
    pairing.pair(window)
    verdicts.judge(window, Grace(told=dt.timedelta(0), settled=dt.timedelta(0)))
    return breaks.record(window)


class Watch(threading.Thread):
    """Looks every few milliseconds at how much memory of its own a process of the server has."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.status, self.over, self.peak_mb = Path(f"/proc/{pid}/status"), threading.Event(), 0.0

    def run(self) -> None:
        """Until it is over."""
        while not self.over.wait(_LOOKS_EVERY_SECONDS):
            said = self.status.read_text()
            own = next(line for line in said.splitlines() if line.startswith("RssAnon"))
            self.peak_mb = max(self.peak_mb, int(own.split()[1]) / 1024)


@contextlib.contextmanager
def _watched(pid: int) -> Iterator[Watch]:
    watch = Watch(pid)
    watch.start()
    try:
        yield watch
    finally:
        watch.over.set()
        watch.join()


def _backend() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return int(cursor.fetchone()[0])


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
