"""Exports of analytics: all of a file or nothing, every bad line by its number, in flat memory."""

import tracemalloc
from contextlib import suppress

import pytest
from django.core.management import CommandError, call_command

from attribution import importing
from attribution.importing import File, Layout, import_file
from attribution.models import Conversion, ConversionBatch
from foundation.models import AuditEntry

HEADER = "transaction_id,value,currency,occurred_at,source\n"
GOOD = "R1000001,42.98,USD,2026-11-20T10:00:00Z,google\n"


@pytest.fixture
def run(tmp_path, client):
    """The command on bytes or text as a file; raises what it refuses with."""
    count = iter(range(100))

    def imported(content, *options):
        file = tmp_path / f"export{next(count)}.csv"
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        call_command("import_conversions", file, "--client", client.name, *options)

    return imported


@pytest.fixture
def load(run, capsys):
    """Import; says what was printed, or what is wrong with which line."""

    def imported(content, *options):
        with suppress(CommandError):
            run(content, *options)
            return capsys.readouterr().out
        return capsys.readouterr().err

    return imported


def test_a_plain_file_is_imported(load):
    assert "1 rows imported" in load(HEADER + GOOD)
    row = Conversion.objects.get()
    assert (row.transaction_id, row.amount, row.currency) == ("R1000001", 4298, "USD")
    assert (row.source, row.medium) == ("google", "unknown")
    batch = ConversionBatch.objects.get()
    assert (batch.rows, batch.file_name) == (1, "export0.csv")
    record = AuditEntry.objects.get(aggregate_id=batch.pk)
    assert (record.actor, record.after["rows"]) == ("command:import_conversions", 1)


def test_the_same_bytes_are_imported_once_whatever_the_file_is_called(run):
    run(HEADER + GOOD)

    with pytest.raises(CommandError, match="imported before"):
        run(HEADER + GOOD)
    assert Conversion.objects.count() == 1


def test_an_export_of_ga4_with_its_remarks_and_days(load, settings):
    settings.REPORT_TIME_ZONE = "Europe/Berlin"
    load(
        "# ----------------\n# Purchases\n# 20261101-20261130\n# ----------------\n\n"
        "Transaction ID,Date,Session source,Session medium,Session campaign,Purchase revenue\n"
        "R1000001,20261120,google,cpc,(not set),42.98\n",
        "--format", "ga4", "--currency", "EUR",
    )  # fmt: skip

    row = Conversion.objects.get()
    assert row.occurred_at.isoformat() == "2026-11-19T23:00:00+00:00"
    assert (row.medium, row.campaign, row.currency) == ("cpc", "unknown", "EUR")


def test_an_export_of_bigquery_of_which_only_purchases_count(load):
    told = load(
        "event_timestamp,event_name,ecommerce.transaction_id,ecommerce.purchase_revenue,"
        "ecommerce.tax_value,currency,traffic_source.source,traffic_source.name\n"
        "1763632800123456,purchase,R1000001,42.98,1.5,USD,google,spring\n"
        "1763632800123456,page_view,,,,,google,spring\n",
        "--format", "bigquery",
    )  # fmt: skip

    assert "1 rows imported, 1 no sales" in told
    row = Conversion.objects.get()
    assert (row.amount, row.tax_amount, row.campaign) == (4298, 150, "spring")
    assert row.occurred_at.isoformat() == "2025-11-20T10:00:00.123456+00:00"


def test_headings_of_ones_own(load):
    load(
        "order;no,total,when\nR7,19.99,2026-11-20\n",
        "--map", "transaction_id=order;no", "--map", "value=total", "--map", "occurred_at=when",
        "--currency", "USD",
    )  # fmt: skip

    assert Conversion.objects.get().amount == 1999


def test_a_byte_order_mark_and_windows_line_ends_do_no_harm(load):
    content = ("\ufeff" + HEADER + GOOD).replace("\n", "\r\n")

    assert "1 rows imported" in load(content)


def test_a_quoted_line_break_is_part_of_its_cell_and_later_lines_keep_their_numbers(load):
    broken = HEADER + GOOD.replace("google", '"goo\ngle"') + GOOD.replace("42.98", "x")

    assert "line 4: value is no amount" in load(broken)


def test_each_row_is_in_its_own_currency(load):
    load(
        HEADER
        + GOOD
        + GOOD.replace("42.98,USD", "500,JPY")
        + GOOD.replace("42.98,USD", "1.250,KWD")
    )

    amounts = sorted(Conversion.objects.values_list("currency", "amount"))
    assert amounts == [("JPY", 500), ("KWD", 1250), ("USD", 4298)]


BAD = {
    "a third decimal": (GOOD.replace("42.98", "42.985"), "line 3: value is no amount: USD has 2"),
    "decimals of the yen": (GOOD.replace("42.98,USD", "5.5,JPY"), "JPY has 0 decimals"),
    "negative": (GOOD.replace("42.98", "-42.98"), "line 3: value is negative"),
    "a thousands separator": (GOOD.replace("42.98", '"1,042.98"'), "line 3: value is no amount"),
    "too large": (GOOD.replace("42.98", "99999999999.00"), "value is too large"),
    "no value": (GOOD.replace("42.98", ""), "value is no amount"),
    "unknown currency": (GOOD.replace("USD", "XXQ"), "line 3: currency is no ISO 4217"),
    "no number": (GOOD.replace("R1000001", "(not set)"), "line 3: transaction_id is empty"),
    "no time": (GOOD.replace("2026-11-20T10:00:00Z", "yesterday"), "occurred_at is no time"),
    "no offset": (GOOD.replace("10:00:00Z", "10:00:00"), "occurred_at is no time"),
    "a time to come": (GOOD.replace("2026-11", "2999-11"), "occurred_at is not a time that was"),
    "the last day": (GOOD.replace("2026-11-20T10:00:00Z", "99991231"), "is not a time that was"),
    "odd digits": (GOOD.replace("2026-11-20T10:00:00Z", "20261399"), "occurred_at is no time"),
    "too few cells": ("R1000002,1.00\n", "line 3: 2 cells where the header has 5"),
    "latin-1": (GOOD.replace("google", "gügel").encode("latin-1"), "line 3: byte 42 is not UTF-8"),
    "cut in a cell": (GOOD.rstrip("\n")[:-3], "line 3: the file ends within"),
    "cut in quotes": (GOOD.replace("google", '"goo').rstrip("\n"), "line 3: this is no CSV"),
    "an endless line": ("x" * ((1 << 20) + 1) + "\n", "line 3: the line is longer than"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_line_is_told_by_its_number_and_nothing_is_imported(load, name):
    line, reason = BAD[name]
    line = line if isinstance(line, bytes) else line.encode()

    assert reason in load((HEADER + GOOD).encode() + line)
    assert not Conversion.objects.exists()
    assert not ConversionBatch.objects.exists()


HEADERS = {
    "no value": (HEADER.replace("value,", ""), "the column 'value' is missing"),
    "no currency": (HEADER.replace("currency,", ""), "the column 'currency' is missing"),
    "twice": (HEADER.replace("source", "value"), "columns that stand twice: 'value'"),
    "nothing": ("", "the file is empty"),
    "only a header": (HEADER, "there is no sale in it"),
    "utf-16": ((HEADER + GOOD).encode("utf-16"), "the file is UTF-16"),
}


@pytest.mark.parametrize("name", HEADERS)
def test_a_file_that_is_none_says_so(load, name):
    content, reason = HEADERS[name]

    assert reason in load(content)
    assert not ConversionBatch.objects.exists()


def test_of_a_file_full_of_errors_the_first_hundred_are_told(load):
    told = load(HEADER + GOOD.replace("42.98", "x") * 500)

    assert told.count("value is no amount") == 100


def test_a_late_error_takes_back_what_was_copied_before_it(load, monkeypatch):
    monkeypatch.setattr(importing, "BATCH", 10)

    assert "line 52" in load(HEADER + GOOD * 50 + GOOD.replace("42.98", "x"))
    assert not Conversion.objects.exists()


def test_a_long_file_is_read_in_flat_memory_and_tells_how_far_it_is(tmp_path, client):
    told, peaks = [], []
    for rows in (6_000, 20_000):
        file = tmp_path / f"{rows}.csv"
        file.write_text(HEADER + GOOD * rows)
        tracemalloc.start()
        with file.open("rb") as stream:
            brought = File(stream, file.name, client.pk, by="test")
            done = import_file(brought, Layout("plain"), progress=lambda d: told.append(d.rows))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert done.rows == rows

    assert told == [*range(2_000, 6_001, 2_000), *range(2_000, 20_001, 2_000)]
    assert peaks[1] < peaks[0] * 1.5
