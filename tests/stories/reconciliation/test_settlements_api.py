"""A settlement report comes in over HTTP as it is: read whole, once, and within bounds."""

import pytest
from django.test import Client

from reconciliation.models import SettlementLine, SettlementReport
from tests import builders
from tests.conftest import Api
from tests.reconciliation.reports import report, row

PATH = "/v1/settlements?account=stripe"
DAY = "&since=2026-03-10T00:00:00Z&until=2026-03-11T00:00:00Z"


@pytest.fixture
def books(transactional_db):
    """A key that sees all."""
    _, key = builders.a_client(sees_all=True)
    return Api(key)


def send(api, content, *, path=PATH, key=None, **more):
    """What does not say of which time it tells, tells whole days."""
    if "?account" in path and "since=" not in path and "whole_days=" not in path:
        path += "&whole_days=true"
    given = {"content_type": "text/csv"} | more
    return api.post(path, None, raw=content, key=key or builders.a_key(), **given)


def test_a_report_is_read_and_its_lines_are_kept(books):
    reply = send(books, report(row(1), row(2)), path=f"{PATH}{DAY}&name=day.csv")

    body = reply.json()
    assert reply.status_code == 201, body
    assert (body["lines"], body["new_lines"], body["name"]) == (2, 2, "day.csv")
    assert (body["since"], body["until"]) == ("2026-03-10T00:00:00Z", "2026-03-11T00:00:00Z")
    assert (body["origin"], body["reader"]) == ("upload", "stripe_csv")
    assert reply["Location"] == f"/v1/settlements/{body['id']}"
    assert books.get(reply["Location"]).json() == body
    assert SettlementLine.objects.count() == 2


def test_the_same_key_hears_the_same_and_reads_nothing_twice(books):
    key = builders.a_key()
    first = send(books, report(row()), key=key)
    again = send(books, report(row()), key=key)
    other = send(books, report(row(2)), key=key)

    assert (again.status_code, again.content) == (201, first.content)
    assert again["Idempotent-Replayed"] == "true"
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    assert SettlementReport.objects.count() == 1


def test_the_same_file_under_another_key_is_refused_and_the_first_is_named(books):
    first = send(books, report(row())).json()

    reply = send(books, report(row()))

    assert (reply.status_code, reply.json()["code"]) == (409, "report_already_read")
    assert reply.json()["report"] == first["id"]


def test_a_malformed_report_stores_nothing_and_its_key_may_be_used_again(books):
    key = builders.a_key()

    reply = send(books, report(row(1), row(2, net="5")), key=key)

    body = reply.json()
    assert (reply.status_code, body["code"]) == (422, "malformed_report")
    assert body["errors"] == [
        {"line": "3", "code": "malformed", "detail": "net is 5, but gross 2000 less fee 88 is 1912"}
    ]
    assert not SettlementReport.objects.exists()
    assert send(books, report(row(1), row(2)), key=key).status_code == 201


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("", "unknown_account"),
        ("?account=nobody", "unknown_account"),
        ("?account=stripe&reader=xml", "invalid_request"),
        ("?account=stripe&reader=mapped_csv", "invalid_request"),
        ("?account=stripe&since=2026-03-10T00:00:00Z", "invalid_request"),
        ("?account=stripe&since=2026-03-10&until=2026-03-11", "invalid_request"),
        ("?account=stripe&since=0001-01-01T00:00:00%2B05:00", "invalid_request"),
        ("?account=stripe&name=" + "x" * 256, "invalid_request"),
        ("?account=%00", "invalid_request"),
        ("?account=stripe&whole_days=", "invalid_request"),
        ("?account=stripe&whole_days=1", "invalid_request"),
        (f"?account=stripe{DAY}&whole_days=true", "invalid_request"),
    ],
)
def test_a_query_that_says_nothing_sensible_is_422(books, query, code):
    reply = send(books, report(row()), path=f"/v1/settlements{query}")

    assert (reply.status_code, reply.json()["code"]) == (422, code)


def test_more_bytes_than_a_report_may_have_are_413(books, settings):
    settings.SETTLEMENT_BYTES_MAX = 100

    reply = send(books, report(row()))

    assert (reply.status_code, reply.json()["code"]) == (413, "body_too_large")


@pytest.mark.parametrize("content", [b"", b"\x00\x01\x02", b"PK\x03\x04", b"\xff\xfe", b'"', b","])
def test_what_is_no_report_is_422_and_never_500(books, content):
    reply = send(books, content)

    assert (reply.status_code, reply.json()["code"]) == (422, "malformed_report")


def test_another_content_type_is_415_and_says_which_is_read(books):
    reply = send(books, b"{}", content_type="application/json")

    assert reply.status_code == 415
    assert "text/csv" in reply.json()["detail"]


def test_without_a_key_of_idempotency_nothing_is_read(books):
    reply = books.post(PATH, None, raw=report(row()), content_type="text/csv")

    assert reply.json()["code"] == "idempotency_key_missing"


def test_it_takes_the_scope_and_a_key_that_sees_all(books):
    _, reader = builders.a_client(scopes=["reports"], sees_all=True)
    _, narrow = builders.a_client()

    assert send(Api(reader), report(row())).json()["code"] == "scope_missing"
    assert send(Api(narrow), report(row())).json()["code"] == "account_wide_key_required"
    assert Api(narrow).get("/v1/settlements").json()["code"] == "account_wide_key_required"
    assert Client().get("/v1/settlements").status_code == 401


def test_reports_are_listed_newest_first_by_cursor(books):
    sent = [send(books, report(row(number))).json()["id"] for number in range(3)]

    first = books.get("/v1/settlements", limit=2).json()
    rest = books.get("/v1/settlements", limit=2, cursor=first["next_cursor"]).json()

    listed = [each["id"] for page in (first, rest) for each in page["items"]]
    assert listed == sent[::-1]
    assert books.get("/v1/settlements", account="bank").json()["items"] == []


def test_the_map_of_an_accounts_settings_reads_its_files(books, settings):
    settings.RECONCILIATION_ACCOUNTS = {
        "bank": {
            "time_zone": "UTC",
            "column_map": {
                "columns": {"external_id": "id", "occurred_at": "on", "gross": "sum"},
                "currency": "JPY", "category": "charge",
            },
        },
    }  # fmt: skip

    reply = send(books, b"id,on,sum\n1,2026-03-10T00:00:00Z,500\n",
                 path="/v1/settlements?account=bank")  # fmt: skip

    assert (reply.status_code, reply.json()["reader"]) == (201, "mapped_csv")
    assert SettlementLine.objects.get().gross == 500
