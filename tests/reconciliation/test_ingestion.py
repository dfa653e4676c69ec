"""A report comes into the books as a whole, once, with its raw rows; or nothing of it does."""

import datetime as dt
import hashlib
import io
import threading

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction

from foundation.errors import InvalidInput
from foundation.ids import new_id, public
from foundation.models import AuditEntry
from reconciliation import ingestion
from reconciliation.ingestion import ImportInProgress, Intake, ReportAlreadyRead
from reconciliation.models import SettlementLine, SettlementReport
from reconciliation.readers.base import MalformedReport
from reconciliation.readers.stripe_csv import StripeCsv
from reconciliation.refusals import UnknownAccount
from tests.reconciliation.reports import bring, report, row

pytestmark = pytest.mark.django_db(transaction=True)

DAY = (dt.datetime(2026, 3, 10, tzinfo=dt.UTC), dt.datetime(2026, 3, 11, tzinfo=dt.UTC))

UTC = {"time_zone": "UTC"}


def nothing_is_stored():
    return not SettlementReport.objects.exists() and not SettlementLine.objects.exists()


def test_a_report_is_kept_with_its_lines_its_hash_and_who_brought_it():
    payment = new_id()
    content = report(row(1, payment_reference=public("pay", payment)), row(2, gross="0", net="-88"))

    brought = bring(content, window=DAY)

    assert brought.sha256 == hashlib.sha256(content).hexdigest()
    assert (brought.begins_at, brought.ends_at) == DAY
    assert (brought.line_count, brought.new_line_count, brought.ingested_by) == (2, 2, "test")
    first, second = brought.lines.order_by("pk")
    assert (first.number, first.external_id, first.payment_id) == (2, "txn_1", payment)
    assert first.raw["gross"] == "2000"
    assert (second.net, second.payment_id) == (-88, None)
    record = AuditEntry.objects.get(aggregate_id=brought.pk)
    assert (record.actor, record.action) == ("test", "import_settlement")


def test_the_same_file_twice_is_refused_and_the_first_is_named():
    first = bring(report(row()))

    with pytest.raises(ReportAlreadyRead) as refused:
        bring(report(row()))

    assert refused.value.first == first
    assert SettlementReport.objects.get() == first


def test_a_report_of_whole_days_tells_those_of_the_accounts_time_zone(settings):
    settings.RECONCILIATION_ACCOUNTS = {"stripe": {"time_zone": "Europe/Berlin"}}

    brought = bring(
        report(row(1, created="2026-03-28T23:30:00Z"), row(2, created="2026-03-29T21:59:59Z"))
    )

    # The 29th of March, of which the clocks took an hour.
    assert brought.begins_at == dt.datetime(2026, 3, 28, 23, tzinfo=dt.UTC)
    assert brought.ends_at == dt.datetime(2026, 3, 29, 22, tzinfo=dt.UTC)


def test_a_report_of_which_nobody_says_what_time_it_tells_of_is_refused():
    intake = Intake(account="stripe", origin="command", name="day.csv", by="test")

    with pytest.raises(InvalidInput, match="whole days"):
        ingestion.ingest(io.BytesIO(report(row())), reader=StripeCsv(), intake=intake)

    assert nothing_is_stored()


def test_a_day_without_a_line_is_a_report_only_when_it_says_of_which_day():
    with pytest.raises(MalformedReport):
        bring(report())

    assert bring(report(), window=DAY).line_count == 0


def test_a_line_outside_of_what_the_report_claims_to_tell_is_refused():
    with pytest.raises(MalformedReport) as refused:
        bring(report(row(1), row(2, created="2026-03-11T00:00:00Z")), window=DAY)

    assert [fault.line for fault in refused.value.faults] == [3]
    assert nothing_is_stored()


def test_a_malformed_report_stores_nothing():
    with pytest.raises(MalformedReport) as refused:
        bring(report(row(1), row(2, net="1"), row(3)))

    assert refused.value.errors[0]["line"] == "3"
    assert nothing_is_stored()
    assert not AuditEntry.objects.exists()


def test_one_id_that_says_two_things_in_one_file_is_refused():
    with pytest.raises(MalformedReport) as refused:
        bring(report(row(1), row(2), row(1, gross="3000", net="2912")))

    assert [(fault.line, fault.reason) for fault in refused.value.faults] == [
        (4, "has the id of line 2, and says something else")
    ]
    assert nothing_is_stored()


def test_one_id_that_says_the_same_twice_is_one_line():
    brought = bring(report(row(1), row(1)))

    assert (brought.line_count, brought.new_line_count) == (2, 1)


def test_a_line_that_was_told_before_is_not_kept_twice_and_one_that_changed_is():
    bring(report(row(1), row(2)))

    again = bring(report(row(1), row(2, gross="3000", net="2912"), row(3)))

    assert (again.line_count, again.new_line_count) == (3, 2)
    newest = SettlementLine.objects.filter(external_id="txn_2").order_by("-pk").first()
    assert newest.gross == 3000


def test_a_line_that_says_less_than_before_is_not_new_and_one_that_says_more_is():
    bring(report(row(1)))
    more = bring(report(row(1, payout_id="po_1")))
    less = bring(report(row(1), row(2)))

    assert (more.new_line_count, less.new_line_count) == (1, 1)
    newest = SettlementLine.objects.filter(external_id="txn_1").order_by("-pk").first()
    assert newest.payout_id == "po_1"


def test_other_accounts_are_other_books(settings):
    settings.RECONCILIATION_ACCOUNTS = {"stripe": UTC, "bank": UTC}
    bring(report(row()))

    assert bring(report(row()), account="bank").new_line_count == 1
    with pytest.raises(UnknownAccount):
        bring(report(row()), account="nobody")


def test_one_report_of_an_account_is_read_at_a_time():
    held, done = threading.Event(), threading.Event()

    def hold():
        with transaction.atomic():
            ingestion.lock("stripe")
            held.set()
            done.wait(20)
        connection.close()

    other = threading.Thread(target=hold)
    other.start()
    try:
        assert held.wait(20)
        with pytest.raises(ImportInProgress):
            bring(report(row()))
    finally:
        done.set()
        other.join()
    assert bring(report(row())).line_count == 1


def test_how_far_it_is_is_told(monkeypatch):
    monkeypatch.setattr(ingestion, "TOLD_EVERY", 2)
    told = []

    bring(report(*(row(number) for number in range(5))), tell=told.append)

    assert told == [2, 4, 5]


@pytest.fixture
def imported(tmp_path):
    """Run the command on a file; what it wrote to either stream."""

    def run(content, *options):
        path, out, err = tmp_path / "day.csv", io.StringIO(), io.StringIO()
        path.write_bytes(content)
        when = () if "--since" in options or "--until" in options else ("--whole-days",)
        try:
            call_command("import_settlement", str(path), "--account", "stripe", *when, *options,
                         stdout=out, stderr=err)  # fmt: skip
        except CommandError as refused:
            return str(refused), err.getvalue()
        return out.getvalue(), err.getvalue()

    return run


def test_the_command_imports_a_file_and_tells_what_came_of_it(imported):
    out, _ = imported(report(row(1), row(2)), "--since", "2026-03-10", "--until", "2026-03-11")

    brought = SettlementReport.objects.get()
    assert "2 lines read" in out
    assert f"{brought.reference}: 2 lines, 2 of them new" in out
    assert (brought.begins_at, brought.ends_at, brought.name) == (*DAY, "day.csv")


def test_the_command_asks_of_which_time_a_file_tells(tmp_path):
    path = tmp_path / "day.csv"
    path.write_bytes(report(row()))

    with pytest.raises(CommandError, match="since and until, or that it tells whole days"):
        call_command("import_settlement", str(path), "--account", "stripe")

    assert nothing_is_stored()


def test_the_command_names_every_bad_line_and_fails(imported):
    refused, told = imported(report(row(1, net="1"), row(2), row(3, currency="")))

    assert refused == "nothing was imported"
    assert [line.partition(":")[0] for line in told.splitlines()] == ["line 2", "line 4"]
    assert nothing_is_stored()


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (("--account", "nobody"), "There is no account"),
        (("--reader", "mapped_csv"), "needs a column map"),
        (("--since", "2026-03-11"), "both since and until"),
        (("--since", "2026-03-11", "--until", "2026-03-12", "--whole-days"), "not both"),
        (("--map", "no-such-file.json"), "No such file"),
    ],
)
def test_the_command_says_what_it_was_not_given(imported, options, reason):
    refused, _ = imported(report(row()), *options)

    assert reason in refused


def test_the_command_reads_a_banks_file_with_a_map(imported, tmp_path):
    (tmp_path / "map.json").write_text(
        '{"columns": {"external_id": "id", "occurred_at": "on", "gross": "sum"},'
        ' "currency": "KWD", "category": "charge", "date_format": "%Y-%m-%d", "time_zone": "UTC"}'
    )

    imported(b"id,on,sum\n1,2026-03-10,1.250\n", "--reader", "mapped_csv",
             "--map", str(tmp_path / "map.json"))  # fmt: skip

    assert SettlementLine.objects.get().gross == 1250
