"""A file is imported whole or not at all; every bad row is named with its line and its reason."""

import io
from pathlib import Path

import pytest
from django.conf import settings as project
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from orders import importing, rate_tables, tax
from orders.management.commands import import_catalog
from orders.models import Price, Product, ShippingRate, StockItem, TaxRate
from orders.shipping import quote as shipping_quote

SAMPLES = Path(project.BASE_DIR) / "orders" / "samples"
HEADER = "sku,title,tax_code,on_hand,price_USD,price_JPY,price_KWD\n"


@pytest.fixture
def imported(tmp_path):
    """Import text as a file; give back what was written to the terminal."""

    def run(text, *options, command="import_catalog"):
        path = tmp_path / "file.csv"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        out = io.StringIO()
        call_command(command, str(path), *options, stdout=out, stderr=io.StringIO())
        return out.getvalue()

    return run


@pytest.fixture
def refused(tmp_path):
    """Import text that must be refused; give back the lines that say why."""

    def run(text, *options, command="import_catalog"):
        path = tmp_path / "file.csv"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        told = io.StringIO()
        with pytest.raises(CommandError, match="nothing was imported"):
            call_command(command, str(path), *options, stdout=io.StringIO(), stderr=told)
        return told.getvalue().splitlines()

    return run


def prices(sku):
    return dict(Price.objects.filter(product__sku=sku).values_list("currency", "amount"))


@pytest.mark.django_db
def test_amounts_are_read_exactly_in_each_currencys_decimals(imported):
    imported(HEADER + 'MUG,"Mug, blue",standard,7,19.99,2800,6.250\n')
    product = Product.objects.get()
    assert (product.sku, product.title, product.tax_code) == ("MUG", "Mug, blue", "standard")
    assert prices("MUG") == {"USD": 1999, "JPY": 2800, "KWD": 6250}
    stock = StockItem.objects.get()
    assert (stock.sku, stock.product_id, stock.on_hand, stock.reserved) == ("MUG", product.id, 7, 0)


@pytest.mark.django_db
def test_importing_again_updates_and_keeps_the_product_and_its_stock(imported):
    imported(HEADER + "MUG,Mug,standard,7,19.99,2800,\n")
    before = Product.objects.get().id
    imported(HEADER + "MUG,Better mug,food,99,21.50,,6\nCUP,Cup,standard,1,5,,\n")
    product = Product.objects.get(sku="MUG")
    assert (product.id, product.title, product.tax_code) == (before, "Better mug", "food")
    assert prices("MUG") == {"USD": 2150, "KWD": 6000}
    assert dict(StockItem.objects.values_list("sku", "on_hand")) == {"MUG": 7, "CUP": 1}


@pytest.mark.django_db
def test_stock_is_overwritten_only_when_that_is_asked_for(imported, refused):
    imported(HEADER + "MUG,Mug,standard,7,19.99,,\n")
    imported(HEADER + "MUG,Mug,standard,9,19.99,,\n", "--set-stock")
    assert StockItem.objects.get().on_hand == 9
    StockItem.objects.update(reserved=4)
    assert refused(HEADER + "MUG,Mug,standard,3,20,,\n", "--set-stock") == [
        "line 2: on_hand is less than the 4 that are reserved"
    ]
    assert StockItem.objects.get().on_hand == 9
    assert prices("MUG") == {"USD": 1999}


@pytest.mark.django_db
def test_every_bad_row_is_named_and_nothing_is_imported(refused):
    told = refused(
        HEADER
        + "GOOD,Good,standard,1,1.00,,\n"
        + ",No sku,standard,1,1.00,,\n"
        + "BAD SKU,x,standard,1,1.00,,\n"
        + "A,,standard,1,1.00,,\n"
        + "B,x,standard,-1,1.00,,\n"
        + "C,x,standard,1,19.999,,\n"
        + "D,x,standard,1,,1.5,\n"
        + "E,x,standard,1,,,\n"
        + "F,x,standard,1,-1.00,,\n"
        + "G,x,standard,1,1e3,,\n"
        + "H,x,standard,1,0,,\n"
        + "I,x,standard,1,999999999999999,,\n"
        + "J,x,standard,1\n"
        + "GOOD,Good,standard,1,1.00,,\n"
        + "K,x\x07,Standard,many,1.00,,\n"
        + "L,x,standard,99999999999,1.00,,\n"
    )
    lines = {line.split(": ", 1)[0]: line.split(": ", 1)[1] for line in told}
    assert set(lines) == {f"line {number}" for number in range(3, 18)}
    assert lines["line 3"] == "sku is empty"
    assert lines["line 7"] == "price_USD is no amount: USD has 2 decimals"
    assert lines["line 8"] == "price_JPY is no amount: JPY has 0 decimals"
    assert lines["line 9"] == "there is no price"
    assert lines["line 14"] == "4 cells where the header has 7"
    assert lines["line 15"] == "the same as line 2"
    assert lines["line 16"].count(";") == 2
    assert not Product.objects.exists()
    assert not StockItem.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "line 1: the column on_hand is missing"),
        ("sku,title,tax_code,on_hand,price_USD,color\n", "line 1: the column 'color' is not known"),
        ("sku,title,tax_code,on_hand,price_XYZ\n", "line 1: the column 'price_XYZ' is not known"),
        ("sku,sku,title,tax_code,on_hand\n", "line 1: a column stands twice"),
        (HEADER, "line 1: there is no row"),
        (HEADER.encode() + b"MUG,\xff,standard,1,1,,\n", "this is no CSV in UTF-8"),
        (HEADER + 'MUG,"x"y,standard,1,1,,\n', "this is no CSV in UTF-8"),
        (HEADER + "MUG,a\x00b,standard,1,1,,\n", "line 2:"),
    ],
)
def test_a_file_that_is_no_catalog_is_refused_as_such(refused, text, reason):
    assert any(reason in line for line in refused(text))


@pytest.mark.django_db
def test_a_missing_file_is_an_error_and_not_a_crash(tmp_path):
    with pytest.raises(CommandError, match="is not a file"):
        call_command("import_catalog", str(tmp_path / "nothing.csv"))


@pytest.mark.django_db
def test_a_byte_order_mark_a_note_and_empty_lines_do_no_harm(imported):
    text = "\ufeffsku,title,tax_code,on_hand,price_USD,note\r\nMUG,Mug,standard,1,1,hello\r\n\r\n"
    assert "1 rows imported" in imported(text)


@pytest.mark.django_db
def test_a_large_file_takes_few_statements_and_tells_how_far_it_is(imported):
    rows = "".join(f"SKU-{n},Thing {n},standard,{n},{n + 1}.50,{n + 1},\n" for n in range(2_500))
    with CaptureQueriesContext(connection) as statements:
        told = imported(HEADER + rows)
    assert Product.objects.count() == StockItem.objects.count() == 2_500
    assert Price.objects.count() == 5_000
    assert "2000 of 2500" in told
    assert len(statements) <= 30


@pytest.mark.django_db
def test_a_failure_in_the_last_portion_takes_the_first_ones_back(refused, imported, monkeypatch):
    monkeypatch.setattr(importing, "BATCH", 2)
    store = import_catalog._store

    def break_at_the_last(rows, **options):
        store(rows, **options)
        if len(rows) == 1:
            raise importing.ImportRefused([importing.BadRow(rows[0].line, "the disk is full")])

    text = HEADER + "".join(f"SKU-{n},Thing,standard,1,1,,\n" for n in range(5))
    with monkeypatch.context() as broken:
        broken.setattr(import_catalog, "_store", break_at_the_last)
        assert refused(text) == ["line 6: the disk is full"]
    assert not Product.objects.exists()
    assert not StockItem.objects.exists()
    imported(text)
    assert Product.objects.count() == 5


@pytest.mark.django_db
def test_the_samples_are_importable_and_sell_two_blue_mugs_to_oregon():
    for command, name in (
        ("import_catalog", "catalog.csv"),
        ("import_tax_rates", "tax_rates.csv"),
        ("import_shipping_rates", "shipping_rates.csv"),
    ):
        for _ in range(2):
            call_command(command, str(SAMPLES / name), stdout=io.StringIO())
    assert Product.objects.count() >= 290
    assert StockItem.objects.get(sku="MUG-BLUE").on_hand == 5000
    assert StockItem.objects.get(sku="PRINT-SIGNED-001").on_hand == 1
    tables = rate_tables.load()
    shipping = shipping_quote(method="standard", country="US", currency="USD", tables=tables)
    line = tax.PricedLine("MUG-BLUE", 2, prices("MUG-BLUE")["USD"], "standard")
    bought = tax.quote(lines=[line], shipping=shipping, country="US", region="OR", tables=tables)
    assert bought.total == 4298
    for code in set(Product.objects.values_list("tax_code", flat=True)) | {"shipping"}:
        assert tax.rate_for(country="DE", region="", tax_code=code, tables=tables).inclusive


@pytest.mark.django_db
def test_tax_rates_are_exact_and_bad_ones_are_named(imported, refused):
    header = "country,region,tax_code,jurisdiction,rate_percent,inclusive,note\n"
    quebec = "CA,QC,standard,Quebec,14.975,false,\n"
    imported(header + quebec + "DE,,books,Germany,7,yes,x\n", command="import_tax_rates")
    assert dict(TaxRate.objects.values_list("country", "rate_ppm")) == {"CA": 149_750, "DE": 70_000}
    imported(header + quebec.replace("14.975", "15"), command="import_tax_rates")
    assert TaxRate.objects.get(country="CA").rate_ppm == 150_000
    bad = (
        "XX,,standard,x,1,no,\nDE,,standard,x,101,no,\n"
        "DE,,food,x,1.00001,maybe,\nDE,by,food,x,1,no,\n"
    )
    told = refused(header + bad, command="import_tax_rates")
    assert [line.split(":")[0] for line in told] == [f"line {number}" for number in range(2, 6)]
    assert TaxRate.objects.count() == 2


@pytest.mark.django_db
def test_shipping_rates_are_exact_and_bad_ones_are_named(imported, refused):
    header = "method,country,currency,amount,tax_code,title\n"
    imported(
        header + "standard,KW,KWD,1.500,shipping,Fast\nstandard,*,USD,0,shipping,Free\n",
        command="import_shipping_rates",
    )
    stored = ShippingRate.objects.values_list("country", "currency", "amount")
    assert set(stored) == {("KW", "KWD", 1500), ("*", "USD", 0)}
    bad = (
        "Standard,US,USD,1,shipping,x\nexpress,US,XYZ,1,shipping,x\nexpress,ZZ,USD,-1,shipping,x\n"
    )
    told = refused(header + bad, command="import_shipping_rates")
    assert told == [
        "line 2: method does not have the expected form",
        "line 3: currency does not have the expected form",
        "line 4: country does not have the expected form; "
        "amount is no amount: not a plain decimal number such as 19.99",
    ]
