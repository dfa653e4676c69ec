"""Staff bring a file of conversions: whole or not at all, once, and only those who may."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from attribution.models import Conversion, ConversionBatch
from foundation.models import AuditEntry
from tests.attribution.test_import_conversions import GOOD, HEADER
from tests.desk import Desk

UPLOAD = "admin:attribution_conversionbatch_upload"


@pytest.fixture
def anna(client):
    """May import conversions."""
    return Desk("anna", "import_conversions")


@pytest.fixture
def bert(client):
    """May look, and nothing else."""
    return Desk("bert")


def send(desk, whose, content, **fields):
    content = content if isinstance(content, bytes) else content.encode()
    file = SimpleUploadedFile("export.csv", content, content_type="text/csv")
    given = {"client": str(whose.pk), "format": "plain", "file": file, "sure": "on"} | fields
    return desk.client.post(reverse(UPLOAD), {n: v for n, v in given.items() if v is not None})


def nothing_is_stored():
    return not Conversion.objects.exists() and not ConversionBatch.objects.exists()


def test_a_file_becomes_a_batch_and_who_brought_it_is_on_record(anna, client):
    reply = send(anna, client, HEADER + GOOD + GOOD.replace("R1000001", "R1000002"))

    batch = ConversionBatch.objects.get()
    assert (reply.status_code, batch.rows, batch.file_name) == (302, 2, "export.csv")
    assert batch.client_id == client.pk
    page = anna.client.get(reply["Location"]).content.decode()
    assert "2 sales were imported, 0 rows were none." in page
    record = AuditEntry.objects.get(aggregate_id=batch.pk)
    assert (record.actor, record.action) == ("staff:anna", "import_conversions")


def test_every_bad_line_is_shown_and_nothing_is_stored(anna, client):
    content = HEADER + GOOD.replace("42.98", "x") + GOOD + GOOD.replace("USD", "XXQ")

    reply = send(anna, client, content)

    page = reply.content.decode()
    assert reply.status_code == 422
    assert "Line 2: value is no amount" in page
    assert "Line 4: currency is no ISO 4217" in page
    assert nothing_is_stored()
    assert not AuditEntry.objects.filter(action="import_conversions").exists()


def test_the_same_file_twice_is_refused(anna, client):
    send(anna, client, HEADER + GOOD)

    reply = send(anna, client, HEADER + GOOD)

    assert reply.status_code == 422
    assert "imported before" in reply.content.decode()
    assert Conversion.objects.count() == 1


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"client": ""}, "This field is required"),
        ({"client": "x"}, "is not a valid UUID"),
        ({"format": "xml"}, "Select a valid choice"),
        ({"currency": "XXQ"}, "no ISO 4217 code"),
        ({"file": ""}, "This field is required"),
        ({"sure": None}, "This field is required"),
    ],
)
def test_what_is_missing_or_wrong_is_said_and_nothing_is_stored(anna, client, fields, reason):
    reply = send(anna, client, HEADER + GOOD, **fields)

    assert reply.status_code == 422
    assert reason in reply.content.decode()
    assert nothing_is_stored()


def test_a_currency_is_given_for_a_file_that_names_none(anna, client):
    send(anna, client, "transaction_id,value,occurred_at\nR1,5,2026-11-20\n", currency="jpy")

    assert Conversion.objects.get().currency == "JPY"


def test_another_encoding_is_told_by_its_line(anna, client):
    reply = send(anna, client, (HEADER + GOOD.replace("google", "gügel")).encode("latin-1"))

    assert "Line 2: byte" in reply.content.decode()
    assert nothing_is_stored()


def test_a_file_that_is_too_large_comes_by_command(anna, client, settings):
    settings.CONVERSIONS_FILE_BYTES_MAX = 10

    reply = send(anna, client, HEADER + GOOD)

    assert "manage.py import_conversions" in reply.content.decode()
    assert nothing_is_stored()


def test_only_those_who_may_see_the_form_or_send_it(anna, bert, client):
    assert anna.client.get(reverse(UPLOAD)).status_code == 200
    assert bert.client.get(reverse(UPLOAD)).status_code == 403
    assert send(bert, client, HEADER + GOOD).status_code == 403
    assert nothing_is_stored()
