"""Staff bring a report and read what was told; only those who may, and on record."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from foundation.models import AuditEntry
from reconciliation.models import SettlementLine, SettlementReport
from tests.desk import Desk
from tests.reconciliation.reports import bring, report, row

pytestmark = pytest.mark.django_db(transaction=True)

UPLOAD = "admin:reconciliation_settlementreport_upload"


@pytest.fixture
def anna():
    """May import reports."""
    return Desk("anna", "import_settlement")


@pytest.fixture
def bert():
    """May look, and nothing else."""
    return Desk("bert")


def send(desk, content, **fields):
    file = SimpleUploadedFile("day.csv", content, content_type="text/csv")
    when = {} if "since" in fields or "whole_days" in fields else {"whole_days": "on"}
    return desk.client.post(reverse(UPLOAD), {"account": "stripe", "file": file} | when | fields)


def test_a_file_becomes_a_report_and_who_brought_it_is_on_record(anna):
    reply = send(anna, report(row(1), row(2)), since="2026-03-10 00:00", until="2026-03-11 00:00")

    brought = SettlementReport.objects.get()
    assert (reply.status_code, brought.origin, brought.name) == (302, "upload", "day.csv")
    page = anna.client.get(reply["Location"]).content.decode()
    assert "2 lines were read, 2 of them new." in page
    assert brought.sha256 in page
    assert AuditEntry.objects.get(aggregate_id=brought.pk).actor == "staff:anna"


def test_every_bad_line_is_shown_and_nothing_is_stored(anna):
    reply = send(anna, report(row(1, net="1"), row(2), row(3, currency="")))

    page = reply.content.decode()
    assert reply.status_code == 422
    assert "Line 2: net is 1" in page
    assert "Line 4: currency is not" in page
    assert not SettlementReport.objects.exists()


def test_a_file_that_was_read_before_is_refused_and_named(anna):
    first = bring(report(row()))

    reply = send(anna, report(row()))

    assert reply.status_code == 422
    assert first.reference in reply.content.decode()


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"account": "nobody"}, "Select a valid choice"),
        ({"since": "2026-03-10 00:00"}, "both since and until"),
        ({"whole_days": ""}, "since and until, or that it tells whole days"),
        ({"reader": "mapped_csv"}, "needs a column map"),
        ({"file": ""}, "This field is required"),
    ],
)
def test_what_is_missing_is_said(anna, fields, reason):
    reply = send(anna, report(row()), **fields)

    assert reply.status_code == 422
    assert reason in reply.content.decode()


def test_a_file_that_is_too_large_is_refused(anna, settings):
    settings.SETTLEMENT_BYTES_MAX = 10

    assert "At most 10 bytes" in send(anna, report(row())).content.decode()


def test_whoever_may_not_import_is_not_shown_how(anna, bert):
    assert anna.client.get(reverse(UPLOAD)).status_code == 200
    assert bert.client.get(reverse(UPLOAD)).status_code == 403
    assert send(bert, report(row())).status_code == 403
    assert "Import a report" in anna.page("reconciliation_settlementreport_changelist")
    assert "Import a report" not in bert.page("reconciliation_settlementreport_changelist")
    assert not SettlementReport.objects.exists()


def test_reports_and_lines_are_found_by_what_people_have_in_hand(bert):
    brought = bring(report(row(1, payout_id="po_1"), row(2, payment_intent_id="pi_2")))
    lines, reports = (
        "reconciliation_settlementline_changelist", "reconciliation_settlementreport_changelist",
    )  # fmt: skip

    assert "2 settlement lines" in bert.page(lines, q=brought.reference)
    for term, found in [("po_1", "txn_1"), ("pi_2", "txn_2"), ("txn_2", "txn_2")]:
        page = bert.page(lines, q=term)
        assert "1 settlement line" in page
        assert found in page
    assert "day.csv" in bert.page(reports, q=brought.sha256)
    line = SettlementLine.objects.get(external_id="txn_1")
    assert "ch_1" in bert.page("reconciliation_settlementline_change", line.pk)


def test_nobody_changes_or_removes_what_was_told(anna):
    brought = bring(report(row()))
    line = SettlementLine.objects.get()

    for name, pk in (("settlementreport", brought.pk), ("settlementline", line.pk)):
        for verb in ("change", "delete"):
            url = reverse(f"admin:reconciliation_{name}_{verb}", args=[pk])
            assert anna.client.post(url, {"post": "yes"}).status_code == 403
