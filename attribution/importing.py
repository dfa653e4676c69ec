"""A file of conversions, whole or not at all: streamed into the table in one transaction."""

import hashlib
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import BinaryIO, Final
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import IntegrityError, connection, transaction

from attribution import conversion_files
from attribution.conversion_files import FileRefused, Sale
from attribution.models import ConversionBatch
from foundation import audit, clock, csv_lines
from foundation.csv_lines import Fault, Unreadable
from foundation.ids import new_id

BATCH: Final = 2_000
# Between two statements the file is read; five seconds are little on a busy disk.
_PATIENCE: Final = "SET LOCAL idle_in_transaction_session_timeout = '60s'"
BAD_LINES_MAX: Final = 100
_COLUMNS: Final = ("id", "client_id", "batch_id", "received_at", *Sale._fields)
_COPY: Final = f"COPY attribution_conversion ({', '.join(_COLUMNS)}) FROM STDIN"


class AlreadyImported(Exception):
    """These very bytes were imported before."""


@dataclass(frozen=True, slots=True)
class Layout:
    """How a file is written: its format, headings of its own, a currency where it names none."""

    kind: str
    renamed: Mapping[str, str] = field(default_factory=dict)
    currency: str = ""


@dataclass(slots=True)
class Imported:
    """How far an import came."""

    batch_id: uuid.UUID
    rows: int = 0
    skipped: int = 0
    bad: list[Fault] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class File:
    """A file that somebody brings: its bytes from the beginning, its name, whose sales, by whom."""

    stream: BinaryIO
    name: str
    client_id: uuid.UUID
    by: str


def import_file(
    file: File, layout: Layout, *, progress: Callable[[Imported], None] = lambda _: None
) -> Imported:
    """Store every row of the file, or nothing. `progress` is called after each batch.

    Raises `FileRefused` with the first hundred bad lines, and `AlreadyImported`.
    """
    client_id, digest = file.client_id, hashlib.file_digest(file.stream, "sha256").digest()  # type: ignore[arg-type]
    file.stream.seek(0)
    if ConversionBatch.objects.filter(client_id=client_id, digest=digest).exists():
        raise AlreadyImported
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_PATIENCE)
        batch = _open_batch(file.name, digest, client_id)
        done = Imported(batch.pk)
        for portion in _portions(file.stream, layout, done):
            if not done.bad:  # of a file that is refused only the other bad lines are of interest
                _copy(portion, batch)
            done.rows += len(portion)
            progress(done)
        if done.bad or not done.rows:
            raise FileRefused(done.bad or [Fault(1, "there is no sale in it")])
        ConversionBatch.objects.filter(pk=batch.pk).update(rows=done.rows)
        _put_on_record(file, done)
    return done


def _put_on_record(file: File, done: Imported) -> None:
    audit.record(
        actor=file.by,
        action="import_conversions",
        aggregate="conversion_batch",
        aggregate_id=done.batch_id,
        reason=file.name[:255] or "a file without a name",
        before={},
        after={"rows": done.rows, "skipped": done.skipped, "client": str(file.client_id)},
    )


def _open_batch(name: str, digest: bytes, client_id: uuid.UUID) -> ConversionBatch:
    """Two at once: the second waits for the first one's commit, and is refused."""
    try:
        with transaction.atomic():
            return ConversionBatch.objects.create(
                client_id=client_id, file_name=name[:255], digest=digest
            )
    except IntegrityError as taken:
        raise AlreadyImported from taken


def _portions(stream: BinaryIO, layout: Layout, done: Imported) -> Iterator[Sequence[Sale]]:
    table = _table(stream)
    reader = conversion_files.reader_for(
        table.header,
        kind=layout.kind,
        renamed=layout.renamed,
        currency=layout.currency,
        zone=ZoneInfo(settings.REPORT_TIME_ZONE),
    )
    found = _found(table, reader, done)
    while portion := list(islice(found, BATCH)):
        yield portion


def _table(stream: BinaryIO) -> csv_lines.Table:
    """Exports of GA4 begin with lines of `# ...`. Raises `FileRefused`."""
    try:
        return csv_lines.table(stream, remark="#")
    except Unreadable as broken:
        raise FileRefused([broken.fault]) from None


def _found(
    table: csv_lines.Table, reader: conversion_files.Reader, done: Imported
) -> Iterator[Sale]:
    try:
        for row in table.rows():
            result = row if isinstance(row, Fault) else reader.read(row.line, row.cells)
            if isinstance(result, Sale):
                yield result
            elif result is None:
                done.skipped += 1
            else:
                done.bad.append(result)
            if len(done.bad) >= BAD_LINES_MAX:
                return
    except Unreadable as broken:
        done.bad.append(broken.fault)


def _copy(sales: Sequence[Sale], batch: ConversionBatch) -> None:
    """COPY is several times as fast as INSERT, and a file may have a million rows."""
    now = clock.now()
    with connection.cursor() as cursor, cursor.copy(_COPY) as copy:
        for sale in sales:
            copy.write_row((new_id(), batch.client_id, batch.pk, now, *sale))
