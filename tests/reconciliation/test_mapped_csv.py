"""A bank's file is read through a map of its columns, exactly or not at all."""

import datetime as dt

import pytest

from foundation.errors import InvalidInput
from reconciliation import readers
from reconciliation.readers.column_map import BadColumnMap
from reconciliation.readers.mapped_csv import MappedCsv
from tests.reconciliation.reports import faults_of, read

BERLIN = {
    "columns": {
        "external_id": "Beleg", "occurred_at": "Datum", "gross": "Betrag", "fee": "Entgelt",
        "category": "Art", "payment_reference": "Zweck",
    },
    "delimiter": ";", "decimal_mark": ",", "thousands_mark": ".", "date_format": "%d.%m.%Y %H:%M",
    "time_zone": "Europe/Berlin", "currency": "EUR",
    "categories": {"Umsatz": "charge", "Gutschrift": "refund"},
}  # fmt: skip
HEADER = "Beleg;Datum;Betrag;Entgelt;Art;Zweck;Filiale\n"


def of(**changes):
    return MappedCsv.of(BERLIN | changes)


def file(*rows):
    return (HEADER + "".join(f"{row}\n" for row in rows)).encode()


def test_a_bank_writes_its_amounts_and_its_hours_in_its_own_way():
    one, two = read(
        file("1;10.03.2026 10:00;1.234,50;1,50;Umsatz;pay_x;Mitte",
             "2;10.07.2026 10:00;-5,00;0;Gutschrift;;Mitte"), of()
    )  # fmt: skip

    assert (one.gross, one.fee, one.net, one.currency) == (123450, 150, 123300, "EUR")
    assert one.occurred_at == dt.datetime(2026, 3, 10, 9, tzinfo=dt.UTC)
    assert (one.category, one.payment_reference, one.raw["Filiale"]) == ("charge", "pay_x", "Mitte")
    assert (two.gross, two.net, two.category) == (-500, -500, "refund")
    assert two.occurred_at == dt.datetime(2026, 7, 10, 8, tzinfo=dt.UTC)


@pytest.mark.parametrize("text", ["12.34", "1.2345,00", "1234.567", ".123,00", "1,2,3", "1,", ""])
def test_a_mark_in_the_wrong_place_is_no_amount(text):
    told = faults_of(file(f"1;10.03.2026 10:00;{text};0;Umsatz;;"), of())

    assert told == [(2, "Betrag is not a decimal number")]


def test_too_many_decimals_are_refused_and_never_rounded():
    told = faults_of(file("1;10.03.2026 10:00;1,005;0;Umsatz;;"), of())

    assert told == [(2, "Betrag has more decimals than the 2 of EUR")]


@pytest.mark.parametrize(
    ("currency", "text", "minor"), [("JPY", "500", 500), ("KWD", "1,005", 1005), ("USD", "1", 100)]
)
def test_each_currency_has_its_own_decimals(currency, text, minor):
    (line,) = read(file(f"1;10.03.2026 10:00;{text};0;Umsatz;;"), of(currency=currency))

    assert line.gross == minor


def test_a_sign_can_be_turned_around():
    reader = of(gross_sign="reversed", fee_sign="reversed")
    (line,) = read(file("1;10.03.2026 10:00;-20,00;-0,88;Umsatz;;"), reader)

    assert (line.gross, line.fee, line.net) == (2000, 88, 1912)


def test_the_fee_follows_from_gross_and_net_where_only_they_are_told():
    columns = BERLIN["columns"] | {"net": "Entgelt"}
    del columns["fee"]
    (line,) = read(file("1;10.03.2026 10:00;20,00;19,12;Umsatz;;"), of(columns=columns))

    assert (line.gross, line.fee, line.net) == (2000, 88, 1912)


def test_gross_fee_and_net_must_add_up():
    columns = BERLIN["columns"] | {"net": "Zweck"}
    del columns["payment_reference"]
    told = faults_of(file("1;10.03.2026 10:00;20,00;0,88;Umsatz;19,00;"), of(columns=columns))

    assert told == [(2, "net is 1900, but gross 2000 less fee 88 is 1912")]


def test_an_hour_that_the_day_does_not_have_is_refused_and_one_it_has_twice_is_its_first():
    told = faults_of(file("1;29.03.2026 02:30;1,00;0;Umsatz;;"), of())
    (line,) = read(file("1;25.10.2026 02:30;1,00;0;Umsatz;;"), of())

    assert told == [(2, "Datum is no moment: there is no such hour in Europe/Berlin")]
    assert line.occurred_at == dt.datetime(2026, 10, 25, 0, 30, tzinfo=dt.UTC)


def test_a_moment_without_a_zone_is_refused():
    (told,) = faults_of(file("1;10.03.2026 10:00;1,00;0;Umsatz;;"), of(time_zone=""))

    assert told == (2, "Datum is no moment: it tells no time zone")


def test_a_word_that_the_map_does_not_know_is_refused():
    told = faults_of(file("1;10.03.2026 10:00;1,00;0;Storno;;"), of())

    assert told == [(2, "Art is 'Storno', which the map does not know")]


def test_columns_that_are_missing_are_named():
    told = faults_of(b"Beleg;Datum;Art;Zweck\n", of())

    assert told == [(1, "columns missing: 'Betrag', 'Entgelt'")]


@pytest.mark.parametrize(
    "changes",
    [
        {"colums": {}},
        {"columns": {"external_id": "a"}},
        {"columns": {"external_id": "a", "occurred_at": "b", "gross": 3}},
        {"columns": BERLIN["columns"] | {"sum": "x"}},
        {"delimiter": ""},
        {"delimiter": '"'},
        {"decimal_mark": "'"},
        {"thousands_mark": ","},
        {"currency": ""},
        {"currency": "XXX"},
        {"currency": 3},
        {"category": "charge"},
        {"categories": {"Umsatz": "sale"}},
        {"time_zone": "Berlin"},
        {"time_zone": "/etc"},
        {"gross_sign": "minus"},
    ],
)
def test_a_map_that_contradicts_itself_is_refused(changes):
    with pytest.raises(BadColumnMap):
        of(**changes)


def test_a_reader_is_chosen_by_its_name():
    assert readers.reader("stripe_csv").name == "stripe_csv"
    assert readers.reader("mapped_csv", column_map=BERLIN).name == "mapped_csv"
    for name in ("mapped_csv", "xml"):
        with pytest.raises(InvalidInput):
            readers.reader(name)
