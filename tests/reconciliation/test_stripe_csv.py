"""Stripe's reports are read exactly, or refused with the line and the reason."""

import datetime as dt

import pytest

from foundation import csv_lines
from tests.reconciliation.reports import COLUMNS, faults_of, read, report, row, stripes_own

AT = dt.datetime(2026, 3, 10, 9, tzinfo=dt.UTC)


def test_a_line_of_the_sandbox_is_read_in_minor_units():
    (line,) = read(report(row(payment_reference="pay_x", payout_id="po_1")))

    assert (line.number, line.external_id, line.category) == (2, "txn_1", "charge")
    assert (line.gross, line.fee, line.net, line.currency) == (2000, 88, 1912, "USD")
    assert (line.occurred_at, line.available_on) == (AT, AT + dt.timedelta(days=2))
    assert (line.processor_reference, line.payment_reference) == ("pi_1", "pay_x")
    assert (line.source_id, line.payout_id) == ("ch_1", "po_1")
    assert line.raw["charge_id"] == "ch_1"


@pytest.mark.parametrize(
    ("currency", "gross", "minor"),
    [("usd", "20.00", 2000), ("jpy", "20", 20), ("kwd", "20.125", 20125), ("usd", "-0.05", -5)],
)
def test_a_line_of_stripes_own_report_is_read_in_the_decimals_of_its_currency(
    currency, gross, minor
):
    (line,) = read(stripes_own(f"txn_1,2026-03-10 09:00:00,,{currency},{gross},0,{gross},"
                               "charge,ch_1,pi_1,pay_x,a mug"))  # fmt: skip

    assert (line.gross, line.fee, line.net) == (minor, 0, minor)
    assert (line.occurred_at, line.available_on) == (AT, None)
    assert (line.payment_reference, line.raw["description"]) == ("pay_x", "a mug")


def test_more_decimals_than_the_currency_has_are_refused_and_never_rounded():
    told = faults_of(stripes_own("txn_1,2026-03-10 09:00:00,,jpy,20.5,0,20.5,charge,c,p,,"))

    assert told == [
        (2, "gross has more decimals than the 0 of JPY; net has more decimals than the 0 of JPY")
    ]


def test_a_category_that_we_give_no_meaning_to_is_other_and_its_word_is_kept():
    (line,) = read(report(row(reporting_category="network_cost")))

    assert (line.category, line.raw["reporting_category"]) == ("other", "network_cost")


def test_a_byte_order_mark_quoted_line_ends_and_mixed_currencies_do_no_harm():
    lines = read(
        b"\xef\xbb\xbf"
        + report(row(1, source_id='"ch\n1"'), row(2, currency="kwd")).replace(b"\n1", b" 1")
        + b"\n" + row(3).encode() + b"\n"
    )  # fmt: skip

    assert [(line.number, line.currency) for line in lines] == [(2, "USD"), (3, "KWD"), (5, "USD")]


def test_a_row_is_named_by_the_line_it_begins_on():
    quoted = stripes_own(
        '"txn_1",2026-03-10 09:00:00,,usd,1,0,1,charge,c,p,,"a\nmug"',
        "txn_2,2026-03-10 09:00:00,,usd,one,0,1,charge,c,p,,",
    )

    assert faults_of(quoted) == [(4, "gross is not a decimal number")]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"net": "1911"}, "net is 1911, but gross 2000 less fee 88 is 1912"),
        ({"gross": "20.00"}, "gross is not a whole number of minor units"),
        ({"gross": "²"}, "gross is not a whole number of minor units"),
        ({"gross": str(2**63), "net": str(2**63), "fee": "0"}, "gross is beyond 64 bits"),
        ({"currency": "XXX"}, "currency is not an ISO 4217 currency"),
        ({"created": "yesterday"}, "created is no moment"),
        ({"created": "0001-01-01T00:00:00+05:00"}, "created is no moment"),
        ({"balance_transaction_id": ""}, "balance_transaction_id is empty"),
        ({"balance_transaction_id": "x" * 256}, "is longer than 255 characters"),
        ({"source_id": "a\x07b"}, "control characters"),
        ({"source_id": "x" * 65_537}, "a cell is longer than 65536 characters"),
        ({"source_id": "x" * 140_000}, "this is no CSV: field larger than"),
        ({"source_id": "x" * 1_100_000}, "the line is longer than 1048576 bytes"),
        ({"source_id": "a\0b"}, "there is a NUL byte"),
        ({"source_id": "a,b"}, "14 cells where the header has 13"),
        ({"source_id": 'a"b'}, ""),
        ({"source_id": '"a"b'}, "this is no CSV"),
    ],
)
def test_what_is_no_line_is_named_with_its_number_and_reason(changes, reason):
    told = faults_of(report(row(1), row(2, **changes), row(3)))

    assert [number for number, _ in told] == ([3] if reason else [])
    assert all(reason in why for _, why in told)


def test_a_file_that_ends_in_the_middle_of_a_line_says_so():
    told = faults_of(report(row(1), row(2)[:30], end=""))

    assert told == [(3, csv_lines.CUT)]


def test_a_quote_that_is_never_closed_is_told_where_it_was_opened():
    told = faults_of(report(row(1), row(2, source_id='"ch'), row(3)))

    assert told == [(3, "this is no CSV: unexpected end of data")]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "the file is empty"),
        (b"\n\n", "the file is empty"),
        (report(row()).decode().encode("utf-16"), "the file is UTF-16"),
        (report(row()).decode().encode("utf-16-le"), "there is a NUL byte"),
        (report(row(), header=COLUMNS.replace("net,", "")), "columns missing: net"),
        (report(row(), header=COLUMNS + ",sum"), "not known: 'sum'"),
        (report(row(), header=COLUMNS + ",net"), "columns that stand twice: 'net'"),
        (b"PK\x03\x04\x14\x00\x06", "there is a NUL byte"),
    ],
)
def test_a_file_that_is_no_such_report_is_told_at_its_header(content, reason):
    ((number, why),) = faults_of(content)

    assert number == 1
    assert reason in why


def test_another_encoding_is_told_where_it_shows():
    told = faults_of(report(row(1), row(2, source_id="é")).decode().encode("latin-1"))

    assert [number for number, _ in told] == [3]
    assert "is not UTF-8" in told[0][1]


def test_twenty_faults_are_enough():
    told = faults_of(report(*(row(number, net="0") for number in range(30))))

    assert [number for number, _ in told] == list(range(2, 22))


def test_too_many_lines_are_refused(settings):
    settings.SETTLEMENT_LINES_MAX = 2

    assert faults_of(report(row(1), row(2))) == []
    assert faults_of(report(row(1), row(2), row(3))) == [(4, "more than 2 lines")]


def test_a_reference_that_is_too_long_to_be_ours_is_somebody_elses():
    (line,) = read(report(row(payment_reference="x" * 65)))

    assert line.payment_reference == ""
    assert line.raw["payment_reference"] == "x" * 65
