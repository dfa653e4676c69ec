"""The processor's records by API: a window of its list, read to the end, and then a report.

Each page is stored with the place it ends at (`Collection.last_id`), so a reading that is cut
short by a time-out or a crash is gone on with by the next call for the same window. The books
see nothing of it until all of it is here. No transaction is open while the processor is asked.
"""

import datetime as dt
import itertools
from collections.abc import Iterator
from typing import Final

from django.conf import settings
from django.db.models import Value
from django.db.models.functions import Concat

from foundation import clock
from foundation.errors import DomainError, InvalidInput
from foundation.ids import new_id
from foundation.money import EXPONENTS
from foundation.transactions import durable
from payments.processors import processor
from payments.processors.base import ProcessorTransaction
from reconciliation import accounts, staging
from reconciliation.ingestion import (
    ImportInProgress,
    Intake,
    Tell,
    Window,
    lock,
    store,
)
from reconciliation.models import CollectedLine, Collection, SettlementLine, SettlementReport
from reconciliation.readers.base import BIGINT_MAX, Fault, Line, MalformedReport
from reconciliation.readers.cells import REFERENCE_MAX, category_of

NAME: Final = "processor_api"
_OF_PAYOUT: Final = "balance transactions of payout "
_PAGE: Final = 100


class WindowNotOver(DomainError):
    """409: what is not over yet grows at the front of the list, where nobody reads it again."""

    code, status, title = "window_not_over", 409, "The time to collect is not over"


def collect(
    *, account: str, window: Window, by: str, tell: Tell = lambda _: None
) -> SettlementReport:
    """Read the window and make it a report; if it says what an earlier one said, that one.

    Raises `WindowNotOver`, `ImportInProgress` when somebody else collects the same, or what
    the processor's port raises; then what came so far stays, and the next call goes on there.
    """
    _refuse_without_api(account)
    # To the second, as processors tell time.
    begin, end = (bound.replace(microsecond=0) for bound in window)
    if end > clock.now():
        raise WindowNotOver(f"It ends at {end.isoformat()}.")
    collection = _begun(account, (begin, end))
    listed = processor(account).list_transactions(since=begin, until=end, after=collection.last_id)
    return _read(collection, listed, by=by, tell=tell)


def collect_payouts(
    *, account: str, window: Window, by: str, tell: Tell = lambda _: None
) -> list[SettlementReport]:
    """What went into each payout that the API told of in the window: a report for each, once.

    The list of a window names no payout but the payout's own line. A file that tells of a payout
    says of each line whose it is. Raises what `collect` raises.
    """
    _refuse_without_api(account)
    made = []
    for payout_id, occurred_at in _not_itemized(account, window):
        # It is asked for in no time of its own: it tells what went into a payout, not of a day.
        collection = _begun(account, (occurred_at, occurred_at), payout_id=payout_id)
        listed = processor(account).list_payout_lines(payout_id=payout_id, after=collection.last_id)
        made.append(_read(collection, listed, by=by, tell=tell))
    return made


def _not_itemized(account: str, window: Window) -> list[tuple[str, dt.datetime]]:
    told = SettlementLine.objects.filter(
        account=account, category=SettlementLine.Category.PAYOUT, occurred_at__gte=window[0],
        occurred_at__lt=window[1], report__format=NAME,
    ).exclude(payout_id="")  # fmt: skip
    itemized = SettlementReport.objects.filter(account=account, format=NAME).values("name")
    names = Concat(Value(_OF_PAYOUT), "payout_id")
    rows = told.annotate(as_named=names).exclude(as_named__in=itemized)
    found = rows.order_by("occurred_at", "payout_id").values_list("payout_id", "occurred_at")
    return list(found.distinct())


def _read(
    collection: Collection, listed: Iterator[ProcessorTransaction], *, by: str, tell: Tell
) -> SettlementReport:
    count = collection.lines.count()
    for page in _pages(listed):
        _keep(collection, page)
        count += len(page)
        tell(count)
    return _finish(collection, by=by)


def _refuse_without_api(account: str) -> None:
    """Raises `UnknownAccount`, or `InvalidInput` for one whose processor is no adapter of ours."""
    accounts.refuse_unknown(account)
    if account not in settings.PROCESSORS:
        raise InvalidInput(f"There is no API of {account}; import its files.")


def _begun(account: str, window: Window, *, payout_id: str = "") -> Collection:
    found, _ = Collection.objects.get_or_create(
        account=account, begins_at=window[0], ends_at=window[1], payout_id=payout_id
    )
    return found


def _pages(listed: Iterator[ProcessorTransaction]) -> Iterator[list[ProcessorTransaction]]:
    while page := list(itertools.islice(listed, _PAGE)):
        yield page


def _keep(collection: Collection, page: list[ProcessorTransaction]) -> None:
    """The page and the place it ends at, together; unless somebody else went on meanwhile."""
    last_id = page[-1].external_id
    lines = [
        CollectedLine(
            collection=collection, external_id=told.external_id, facts=staging.facts(_line(told))
        )
        for told in page
    ]
    with durable():
        ours = Collection.objects.filter(pk=collection.pk, last_id=collection.last_id)
        if ours.update(last_id=last_id) != 1:
            raise ImportInProgress("Somebody else is collecting the same.")
        CollectedLine.objects.bulk_create(lines, ignore_conflicts=True)
    collection.last_id = last_id


def _finish(collection: Collection, *, by: str) -> SettlementReport:
    """Everything collected becomes a report, and the collection is over, in one transaction."""
    intake = Intake(
        account=collection.account,
        origin=SettlementReport.Origin.API,
        name=_name_of(collection),
        by=by,
        window=(collection.begins_at, collection.ends_at),
        is_of_window=not collection.payout_id,
    )
    with durable():
        lock(collection.account)
        _refuse_unless_ours(collection)
        staging.make()
        staging.fill_from_collection(collection.pk)
        sha256 = staging.digest_of(_subject_of(collection))
        known = SettlementReport.objects.filter(account=collection.account, sha256=sha256).first()
        report = known or store(intake, reader_name=NAME, sha256=sha256, report_id=new_id())
        Collection.objects.filter(pk=collection.pk).delete()
    return report


def _name_of(collection: Collection) -> str:
    if collection.payout_id:
        return f"{_OF_PAYOUT}{collection.payout_id}"
    return f"balance transactions of {collection}"


def _subject_of(collection: Collection) -> str:
    if collection.payout_id:
        return collection.payout_id
    return f"{collection.begins_at.isoformat()} {collection.ends_at.isoformat()}"


def _refuse_unless_ours(collection: Collection) -> None:
    """Somebody else may have finished it, or have gone on: then half of it is not all of it."""
    ours = Collection.objects.select_for_update(no_key=True).filter(
        pk=collection.pk, last_id=collection.last_id
    )
    if not ours.exists():
        raise ImportInProgress("Somebody else has collected the same.")


def _line(told: ProcessorTransaction) -> Line:
    """As a file would tell it. Raises `MalformedReport` for what no row can hold."""
    if told.net != told.gross - told.fee or told.currency not in EXPONENTS:
        raise MalformedReport(
            [Fault(0, f"{told.external_id} does not add up, or has no currency of ours")]
        )
    if max(abs(told.gross), abs(told.fee), abs(told.net)) > BIGINT_MAX:
        raise MalformedReport([Fault(0, f"{told.external_id} has an amount beyond 64 bits")])
    return Line(
        number=0,  # they are counted when all are here
        external_id=told.external_id,
        category=category_of(told.category),
        currency=told.currency,
        gross=told.gross,
        fee=told.fee,
        net=told.net,
        occurred_at=told.created_at,
        available_on=told.available_on,
        processor_reference=told.processor_reference,
        payment_reference=told.reference if len(told.reference) <= REFERENCE_MAX else "",
        source_id=told.source_id,
        payout_id=told.payout_id,
        raw=told.raw,
    )
