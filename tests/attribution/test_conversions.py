"""What analytics counted: all rows of a request or none, and the same sale twice is kept twice."""

import pytest

from attribution.models import Conversion, ConversionBatch
from foundation import clock
from foundation.models import IdempotencyKey
from tests import builders
from tests.conftest import Api

PATH = "/v1/conversions"


def a_sale(number="R1000001", amount=4298, currency="USD", **facts):
    return {
        "transaction_id": number, "value": {"amount": amount, "currency": currency},
        "occurred_at": clock.now().isoformat(), "source": "newsletter", "medium": "email",
    } | facts  # fmt: skip


def tell(caller, *sales, key=None):
    return caller.post(PATH, {"conversions": list(sales)}, key=key or builders.a_key())


def test_every_row_hears_what_became_of_it(caller):
    tell(caller, a_sale("R1"))

    reply = tell(caller, a_sale("R1"), a_sale("R2"), a_sale("R2"), a_sale("R3"))

    assert reply.status_code == 201, reply.content
    told = reply.json()
    assert (told["accepted"], told["duplicates"]) == (4, 2)
    assert [(row["transaction_id"], row["status"]) for row in told["results"]] == [
        ("R1", "duplicate"), ("R2", "accepted"), ("R2", "duplicate"), ("R3", "accepted"),
    ]  # fmt: skip
    assert Conversion.objects.count() == 5
    assert ConversionBatch.objects.order_by("-pk").first().rows == 4


def test_the_same_key_counts_them_once(caller):
    key, sale = builders.a_key(), a_sale()

    first, again = tell(caller, sale, key=key), tell(caller, sale, key=key)

    assert again.content == first.content
    assert Conversion.objects.count() == 1


def test_a_thousand_rows_fit_and_stand_in_their_order(caller):
    facts = {"campaign": "spring sale of everything", "tax": {"amount": 0, "currency": "USD"}}
    sales = [a_sale(f"R{n:07}", **facts) for n in range(1000)]

    reply = tell(caller, *sales)

    assert reply.status_code == 201, reply.content[:200]
    assert [row["transaction_id"] for row in reply.json()["results"]] == [
        sale["transaction_id"] for sale in sales
    ]


def test_what_another_client_told_is_no_duplicate_here(caller):
    _, key = builders.a_client()
    tell(Api(key), a_sale("R1"))

    assert tell(caller, a_sale("R1")).json()["duplicates"] == 0


BAD = {
    "negative": {"value": {"amount": -1, "currency": "USD"}},
    "decimals": {"value": {"amount": 42.98, "currency": "USD"}},
    "too large": {"value": {"amount": 10**13, "currency": "USD"}},
    "an unknown currency": {"value": {"amount": 1, "currency": "XXQ"}},
    "tax in another currency": {"tax": {"amount": 1, "currency": "EUR"}},
    "no number": {"transaction_id": ""},
    "a number of spaces": {"transaction_id": "  "},
    "a time to come": {"occurred_at": "2999-01-01T00:00:00Z"},
    "an unknown member": {"price": 1},
}


@pytest.mark.parametrize("name", BAD)
def test_one_bad_row_is_named_and_none_is_stored(caller, name):
    reply = tell(caller, a_sale("R1"), a_sale("R2") | BAD[name])

    assert reply.status_code == 422, reply.content
    assert all(e["pointer"].startswith("/conversions/1") for e in reply.json()["errors"])
    assert not Conversion.objects.exists()
    assert not IdempotencyKey.objects.exists()


@pytest.mark.parametrize("count", [0, 1001])
def test_a_request_has_one_to_a_thousand_rows(caller, count):
    reply = tell(caller, *[a_sale(f"R{n}") for n in range(count)])

    assert reply.status_code == 422
    assert not ConversionBatch.objects.exists()


def test_more_than_a_mebibyte_is_refused(caller):
    reply = caller.post(PATH, None, raw=b'{"x": "' + b"x" * (1 << 20) + b'"}', key=builders.a_key())

    assert reply.status_code == 413


def test_only_a_key_for_reports_may_tell(transactional_db):
    _, buyer = builders.a_client(scopes=["checkout"])

    assert tell(Api(buyer), a_sale()).status_code == 403
