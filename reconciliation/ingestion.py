"""A settlement report into the books: read as a whole, or nothing of it stored.

The bytes are hashed first: the same file twice is refused. Its lines are read one by one into a
staging table, looked at together, and moved into the books with the report's own row and the
record of who brought it, in one transaction.
"""

import datetime as dt
import hashlib
import uuid
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO, Final

from foundation import audit, clock
from foundation.errors import DomainError, InvalidInput
from foundation.ids import new_id
from foundation.transactions import durable
from reconciliation import accounts, days, staging
from reconciliation.models import SettlementReport
from reconciliation.readers.base import Fault, Faults, Line, MalformedReport, Reader

Tell = Callable[[int], object]
Window = tuple[dt.datetime, dt.datetime]

TOLD_EVERY: Final = 50_000
_AHEAD_MAX: Final = dt.timedelta(minutes=5)  # so much may their clock be ahead of ours
_CHUNK_BYTES: Final = 1 << 20
_LOCK_SPACE: Final = 71_002  # of the advisory locks of ingestion; the other key is the account


_SAY_WHEN: Final = (
    "Say of which time it tells: since and until, or that it tells whole days (whole_days), from "
    "its first line's to its last's in the time zone of the account."
)


class ReportAlreadyRead(DomainError):
    """409: these very bytes were read before; the first report stands."""

    code, status, title = "report_already_read", 409, "This report was read before"

    def __init__(self, first: SettlementReport) -> None:
        super().__init__(f"It is {first.reference}.", report=first.reference)
        self.first = first


class ImportInProgress(DomainError):
    """409: one report of an account is read at a time."""

    code, status, title = "import_in_progress", 409, "The account is busy"
    retryable, retry_with = True, "same_key"


@dataclass(frozen=True, kw_only=True)
class Intake:
    """Whose report it is, how and by whom it came, and of which time it claims to tell.

    `is_of_window`: whether the window is held against each line; what went into a payout is of any
    time. `tells_whole_days`: instead of a window, that it tells all of each day of the account from
    its first line's to its last's. One of both must be said: a gap would look like a day without
    movements.
    """

    account: str
    origin: str
    name: str
    by: str
    window: Window | None = None
    is_of_window: bool = True
    tells_whole_days: bool = False


def ingest(
    file: BinaryIO, *, reader: Reader, intake: Intake, tell: Tell = lambda _: None
) -> SettlementReport:
    """Read `file` into the books, in a transaction of its own. See `read_in`."""
    accounts.refuse_unknown(intake.account)
    sha256 = sha256_of(file)
    with durable():
        return read_in(
            file, reader=reader, intake=intake, sha256=sha256, report_id=new_id(), tell=tell
        )


def read_in(
    file: BinaryIO,
    *,
    reader: Reader,
    intake: Intake,
    sha256: str,
    report_id: uuid.UUID,
    tell: Tell = lambda _: None,
) -> SettlementReport:
    """The same inside the caller's transaction; `tell` hears how many lines were read.

    Raises `ReportAlreadyRead`, `ImportInProgress`, or `MalformedReport`, whose line numbers are
    the file's. Whatever is raised, the transaction must not be committed.
    """
    lock(intake.account)
    refuse_known(intake.account, sha256)
    file.seek(0)
    faults = Faults()
    staging.make()
    staging.fill(_counted(reader.lines(file, faults), tell))
    faults.refuse_any()
    return store(intake, reader_name=reader.name, sha256=sha256, report_id=report_id)


def store(
    intake: Intake, *, reader_name: str, sha256: str, report_id: uuid.UUID
) -> SettlementReport:
    """What is staged becomes the report and its lines, if it is fit to."""
    _refuse(staging.different_twins())
    count, begins_at, ends_at = _extent(intake)
    new_count = staging.move(report_id=report_id, account=intake.account)
    report = SettlementReport.objects.create(
        id=report_id,
        account=intake.account,
        origin=intake.origin,
        name=intake.name,
        format=reader_name,
        sha256=sha256,
        begins_at=begins_at,
        ends_at=ends_at,
        line_count=count,
        new_line_count=new_count,
        ingested_by=intake.by,
    )
    _on_record(report)
    return report


def sha256_of(file: BinaryIO) -> str:
    """Of all its bytes, from the first."""
    file.seek(0)
    hashed = hashlib.sha256()
    while chunk := file.read(_CHUNK_BYTES):
        hashed.update(chunk)
    return hashed.hexdigest()


def lock(account: str) -> None:
    """One report of an account at a time, and none while a day is compared, until the transaction
    ends."""
    if not (accounts.is_alone(account, space=_LOCK_SPACE) and accounts.may_add_lines(account)):
        raise ImportInProgress("Try again when it is through.", headers={"Retry-After": "10"})


def refuse_known(account: str, sha256: str) -> None:
    """Raises `ReportAlreadyRead`, naming the first."""
    first = SettlementReport.objects.filter(account=account, sha256=sha256).first()
    if first is not None:
        raise ReportAlreadyRead(first)


def _counted(lines: Iterable[Line], tell: Tell) -> Iterator[Line]:
    count = 0
    for count, line in enumerate(lines, start=1):
        yield line
        if count % TOLD_EVERY == 0:
            tell(count)
    tell(count)


def _extent(intake: Intake) -> tuple[int, dt.datetime, dt.datetime]:
    """How many lines, and from when to when: the claim, held against each line.

    A day that is not over is never told of: what comes of it later would be looked for nowhere.
    """
    count, first, last = staging.extent()
    if intake.window is not None:
        begin, end = intake.window
        _refuse_to_come(end)
        if intake.is_of_window:
            _refuse(staging.outside(begin, end))
        return count, begin, end
    if not intake.tells_whole_days:
        raise InvalidInput(_SAY_WHEN)
    _refuse(staging.outside(dt.datetime.min.replace(tzinfo=dt.UTC), clock.now() + _AHEAD_MAX))
    if first is None or last is None:
        raise MalformedReport([Fault(1, "there is no line, and it is not said of which time")])
    begin, end = days.bounds(intake.account, first)[0], days.bounds(intake.account, last)[1]
    _refuse_to_come(end)
    return count, begin, end


def _refuse_to_come(end: dt.datetime) -> None:
    if end > clock.now():
        raise InvalidInput(f"It can not tell of what has not come yet, until {end.isoformat()}.")


def _refuse(faults: list[Fault]) -> None:
    if faults:
        raise MalformedReport(faults)


def _on_record(report: SettlementReport) -> None:
    after: dict[str, Any] = {
        "account": report.account,
        "name": report.name,
        "sha256": report.sha256,
        "lines": report.line_count,
        "new_lines": report.new_line_count,
    }
    audit.record(
        actor=report.ingested_by,
        action="import_settlement",
        aggregate="settlementreport",
        aggregate_id=report.pk,
        reason=f"{report.get_origin_display()}, at {clock.now():%Y-%m-%d %H:%M:%S} UTC",
        before={},
        after=after,
    )


def checked_window(
    begin: dt.datetime | None, end: dt.datetime | None, *, tells_whole_days: bool
) -> Window | None:
    """Both, in order; or neither, of a file that tells whole days. Raises `InvalidInput`."""
    if begin is None and end is None:
        if not tells_whole_days:
            raise InvalidInput(_SAY_WHEN)
        return None
    if tells_whole_days:
        raise InvalidInput("Give since and until, or that it tells whole days, not both.")
    if begin is None or end is None or begin >= end:
        raise InvalidInput("Give both since and until, since before until.")
    return begin, end
