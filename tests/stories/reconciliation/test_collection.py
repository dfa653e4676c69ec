"""The processor's records by API: all pages, cut short and gone on with, then one report."""

import datetime as dt
import io

import httpx
import pytest
from django.core.management import CommandError, call_command

from foundation import clock
from foundation.errors import InvalidInput
from foundation.ids import parse
from foundation.transactions import NetworkInsideTransaction, durable
from payments.processors import processor, stripe_lists
from payments.processors.base import OutcomeUnknown, ProcessorUnavailable
from reconciliation import collection
from reconciliation.collection import WindowNotOver, collect
from reconciliation.ingestion import ImportInProgress
from reconciliation.models import CollectedLine, Collection, SettlementLine, SettlementReport
from tests import builders
from tests.reconciliation.reports import bring

HOUR = dt.timedelta(hours=1)
SECOND = dt.timedelta(seconds=1)


@pytest.fixture
def short_pages(monkeypatch):
    monkeypatch.setattr(stripe_lists, "_PAGE", 2)
    monkeypatch.setattr(collection, "_PAGE", 2)


@pytest.fixture
def sales(shop, transactional_db):
    """Five captures at the processor, one of a part, and a refund: seven lines."""
    shop.forget()
    stripe = processor("stripe")
    for number in range(5):
        name = builders.a_key()
        held = stripe.authorize(
            reference=f"pay_{'a' * 27}{'abcde'[number]}", amount=2000, currency="USD",
            payment_method="pm_card_visa", key=name, metadata={},
        ).processor_reference  # fmt: skip
        amount = 1500 if number == 4 else 2000
        stripe.capture(processor_reference=held, amount=amount, key=f"{name}-c")
    stripe.refund(processor_reference=held, amount=500, key=f"{name}-r", reference="rfd_1")
    return shop


@pytest.fixture
def past(sales):
    """The hour that ends with the last of them, seen from a little later."""
    clock.move(2 * SECOND)
    end = clock.now().replace(microsecond=0)
    return end - HOUR, end


def lists(sandbox):
    """How often the list was asked for."""
    return sum(each["path"] == "/v1/balance_transactions" for each in sandbox.requests())


def test_every_page_of_the_window_becomes_one_report(sales, short_pages, past):
    report = collect(account="stripe", window=past, by="test")

    lines = list(report.lines.order_by("number"))
    assert (report.origin, report.line_count, len(lines)) == ("api", 7, 7)
    assert (report.begins_at, report.ends_at) == past
    assert [line.number for line in lines] == list(range(1, 8))
    assert sum(line.gross for line in lines) == 4 * 2000 + 1500 - 500
    assert not Collection.objects.exists()
    assert not CollectedLine.objects.exists()


def test_each_line_knows_its_payment(sales, past):
    report = collect(account="stripe", window=past, by="test")

    charge = report.lines.filter(category="charge").order_by("payment_reference").first()
    assert charge.payment_reference == "pay_" + "a" * 28
    assert charge.payment_id == parse("pay", charge.payment_reference)
    refund = report.lines.get(category="refund")
    reversal = report.lines.get(category="partial_capture_reversal")
    whole = report.lines.get(payment_reference="pay_" + "a" * 27 + "e")
    references = {line.processor_reference for line in (refund, reversal, whole)}
    assert len(references) == 1
    assert references.pop().startswith("pi_")
    assert (whole.gross, reversal.gross, refund.gross) == (2000, -500, -500)
    assert isinstance(charge.raw["source"], str)


def test_what_the_api_tells_and_what_the_file_tells_are_the_same_lines(sales, past):
    by_api = collect(account="stripe", window=past, by="test")
    content = httpx.get(
        f"{sales.url}/_sandbox/settlement.csv", params={"date": f"{past[0]:%Y-%m-%d}"}
    ).content

    by_file = bring(content, window=past)

    facts = ("external_id", "category", "currency", "gross", "fee", "net", "occurred_at",
             "processor_reference", "source_id")  # fmt: skip
    of_api = set(by_api.lines.values_list(*facts))
    assert set(SettlementLine.objects.values_list(*facts)) == of_api
    # Only a refund's lines say more in the file: which payment of ours it was.
    assert set(by_file.lines.values_list("category", flat=True)) == {
        "refund", "partial_capture_reversal",
    }  # fmt: skip
    again = collect(account="stripe", window=past, by="test")
    assert again == by_api


@pytest.mark.parametrize("fault", ["lookup_500", "timeout_before"])
def test_a_reading_that_is_cut_short_is_gone_on_with_and_nothing_is_told_meanwhile(
    sales, short_pages, past, fault, monkeypatch
):
    asked = []

    def fail_at_the_third(_):
        asked.append(1)
        if len(asked) == 2:
            sales.fault("list", fault, times=1)

    with pytest.raises((OutcomeUnknown, ProcessorUnavailable)):
        collect(account="stripe", window=past, by="test", tell=fail_at_the_third)

    assert CollectedLine.objects.count() == 4
    assert not SettlementReport.objects.exists()
    assert not SettlementLine.objects.exists()
    before = lists(sales)
    report = collect(account="stripe", window=past, by="test")
    assert report.line_count == 7
    assert lists(sales) - before == 2  # the third page and the fourth: none is read again


def test_a_crash_between_two_pages_loses_nothing(sales, short_pages, past):
    class Killed(BaseException):
        pass

    def kill(_):
        raise Killed

    for _ in range(3):
        with pytest.raises(Killed):
            collect(account="stripe", window=past, by="test", tell=kill)

    assert CollectedLine.objects.count() == 6
    assert collect(account="stripe", window=past, by="test").line_count == 7


def test_what_somebody_else_finished_is_not_told_by_half(sales, short_pages, past):
    def somebody_is_faster(_):
        if Collection.objects.exists() and not SettlementReport.objects.exists():
            Collection.objects.update(last_id="")
            CollectedLine.objects.all().delete()
            collect(account="stripe", window=past, by="other")

    with pytest.raises(ImportInProgress):
        collect(account="stripe", window=past, by="test", tell=somebody_is_faster)

    assert SettlementReport.objects.get().ingested_by == "other"
    assert SettlementLine.objects.count() == 7


def test_what_somebody_else_finished_after_the_last_page_is_no_report_of_nothing(sales, past):
    def somebody_finishes_it(_):
        if Collection.objects.exists():
            collect(account="stripe", window=past, by="other")

    with pytest.raises(ImportInProgress):
        collect(account="stripe", window=past, by="test", tell=somebody_finishes_it)

    assert SettlementReport.objects.get().line_count == 7


def test_the_processor_is_never_asked_inside_a_transaction(sales, past):
    with pytest.raises(NetworkInsideTransaction), durable():
        collect(account="stripe", window=past, by="test")


def test_a_window_that_is_not_over_is_not_collected(sales):
    now = clock.now()

    with pytest.raises(WindowNotOver):
        collect(account="stripe", window=(now - HOUR, now + HOUR), by="test")


def test_an_account_without_an_api_is_told_by_files_only(sales, past, settings):
    settings.RECONCILIATION_ACCOUNTS = {"bank": {"time_zone": "UTC"}}

    with pytest.raises(InvalidInput, match="no API"):
        collect(account="bank", window=past, by="test")
    assert not Collection.objects.exists()


def test_a_window_in_which_nothing_happened_is_a_report_of_nothing(sales):
    now = clock.now()
    quiet = (now - 3 * HOUR, now - 2 * HOUR)

    assert collect(account="stripe", window=quiet, by="test").line_count == 0
    later = (now - 4 * HOUR, now - 3 * HOUR)
    assert collect(account="stripe", window=later, by="test").line_count == 0
    assert SettlementReport.objects.count() == 2


def test_the_command_collects_a_day_or_says_why_not(sales):
    out = io.StringIO()
    yesterday = (clock.now() - dt.timedelta(days=1)).date()
    call_command("collect_settlement", "--day", str(yesterday), stdout=out)
    assert "0 lines, 0 of them new" in out.getvalue()

    sales.fault("list", "lookup_500", times=1)
    before = yesterday - dt.timedelta(days=1)
    with pytest.raises(CommandError, match="run it again"):
        call_command("collect_settlement", "--day", str(before), stdout=out)
    with pytest.raises(CommandError, match="not over"):
        call_command("collect_settlement", "--day", str(clock.now().date()), stdout=out)
