"""Who may do what, and see what: keys, scopes, and one client's things hidden from another."""

import datetime as dt

import pytest

from foundation import clock
from foundation.edge.authentication import ApiKeyAuthentication, create_key
from foundation.models import ApiKey
from payments.models import Payment
from payments.services import void
from tests import builders
from tests.conftest import Api

NOBODYS_KEYS = ["", "sk_test_", "sk_test_" + "a" * 38, "nonsense", "sk_test_ü" + "a" * 30]


@pytest.mark.parametrize("key", NOBODYS_KEYS)
def test_without_a_genuine_key_there_is_nothing(api, key):
    stranger = Api(key)

    for reply in (stranger.checkout(), stranger.get("/v1/orders")):
        assert reply.status_code == 401
        assert reply["WWW-Authenticate"] == "Bearer"
        assert reply.json()["code"] == "unauthenticated"


def test_a_revoked_or_expired_key_is_a_strangers(api):
    now = clock.now()
    for change in ({"revoked_at": now}, {"expires_at": now - dt.timedelta(seconds=1)}):
        ApiKey.objects.update(revoked_at=None, expires_at=None)
        ApiKey.objects.update(**change)
        ApiKeyAuthentication._believed.clear()
        assert api.get("/v1/orders").status_code == 401


def test_a_key_does_only_what_its_scopes_say(shop):
    _, reader = builders.a_client(scopes=["orders:read"])
    _, buyer = builders.a_client(scopes=["checkout"])

    assert Api(reader).get("/v1/orders").status_code == 200
    assert Api(reader).checkout().status_code == 403
    assert Api(buyer).checkout().status_code == 201
    assert Api(buyer).get("/v1/orders").status_code == 403


def test_keys_are_kept_as_digests_only(shop):
    _, key = builders.a_client()

    row = ApiKey.objects.get()
    assert len(bytes(row.digest)) == 32
    assert key not in str(vars(row))


def test_two_keys_of_one_client_see_the_same_orders_while_one_is_rotated_out(api, shop):
    order = api.checkout().json()["order"]["id"]
    client = ApiKey.objects.get().client
    second = Api(create_key(client, scopes=["orders:read"]))

    assert second.get(f"/v1/orders/{order}").status_code == 200


def test_nothing_of_one_client_is_seen_by_another(api, another_api):
    bought = api.checkout().json()
    checkout, order, payment = bought["id"], bought["order"]["id"], bought["payment"]["id"]
    paths = [
        f"/v1/checkouts/{checkout}",
        f"/v1/checkouts/{checkout}/timeline",
        f"/v1/orders/{order}",
        f"/v1/orders/{order}/timeline",
        f"/v1/payments/{payment}",
        f"/v1/payments/{payment}/transactions",
        f"/v1/payments/{payment}/timeline",
    ]

    for path in paths:
        assert api.get(path).status_code == 200, path
        assert another_api.get(path).status_code == 404, path
    for listing in ("/v1/orders", "/v1/payments"):
        assert len(api.get(listing).json()["items"]) == 1
        assert another_api.get(listing).json()["items"] == []


def test_a_key_that_sees_all_sees_all(api, shop):
    order = api.checkout().json()["order"]["id"]
    _, key = builders.a_client(scopes=["orders:read"], sees_all=True)

    assert Api(key).get(f"/v1/orders/{order}").status_code == 200


def test_lists_are_paged_by_cursor_and_survive_inserts(api, shop):
    bought = [api.checkout().json()["order"]["id"] for _ in range(5)]
    first = api.get("/v1/orders", limit=2).json()
    api.checkout()

    second = api.get("/v1/orders", limit=2, cursor=first["next_cursor"]).json()
    third = api.get("/v1/orders", limit=2, cursor=second["next_cursor"]).json()

    seen = [order["id"] for page in (first, second, third) for order in page["items"]]
    assert seen == bought[::-1]
    assert third["next_cursor"] is None


@pytest.mark.parametrize(
    "query", [{"limit": "0"}, {"limit": "101"}, {"limit": "x"}, {"limit": "²"}, {"cursor": "ord_x"}]
)
def test_a_page_that_cannot_be_is_refused(api, query):
    assert api.get("/v1/orders", **query).status_code == 422


@pytest.mark.parametrize(
    "reference", ["ord_", "ord_" + "z" * 28, "pay_x", "1", "%00", "ord_\u00e9"]
)
def test_an_id_that_is_none_is_404(api, reference):
    assert api.get(f"/v1/orders/{reference}").status_code == 404


def test_the_request_id_is_echoed_when_it_is_a_sane_one(api):
    assert api.checkout(**{"Request-Id": "my-request-0001"})["Request-Id"] == "my-request-0001"
    assert api.checkout(**{"Request-Id": "no\tgood"})["Request-Id"] != "no\tgood"


def test_who_has_a_resource_already_is_not_sent_it_again(api, shop):
    bought = api.checkout().json()
    for path in (
        f"/v1/checkouts/{bought['id']}",
        f"/v1/orders/{bought['order']['id']}",
        f"/v1/payments/{bought['payment']['id']}",
    ):
        first = api.get(path)
        headers = {"Authorization": f"Bearer {api.key}", "If-None-Match": first["ETag"]}
        again = api.client.get(path, headers=headers)
        assert (again.status_code, again.content) == (304, b"")

    void.void(Payment.objects.get().pk, by="staff:anna", reason="test")
    changed = api.client.get(path, headers=headers)
    assert changed.status_code == 200
    assert changed["ETag"] != first["ETag"]


def test_where_money_is_real_a_test_key_opens_nothing(shop, settings):
    client, test_key = builders.a_client()
    live = Api(create_key(client, scopes=["orders:read"], live=True))
    assert Api(test_key).get("/v1/orders").status_code == 200
    settings.API_KEYS_LIVE_ONLY = True

    assert Api(test_key).get("/v1/orders").status_code == 401
    assert live.get("/v1/orders").status_code == 200
