"""What one client made does not exist for another: at every path with an id, by each method."""

import pytest

from tests import builders
from tests.api.conftest import Caller
from tests.api.paths import EVERY
from tests.api.world import a_world

OF_CLIENTS = [
    (place, method)
    for place, method in EVERY
    if place.prefix and not place.route.startswith(("/v1/settlements", "/v1/reconciliation"))
]
OF_THE_SHOP = [
    (place, method)
    for place, method in EVERY
    if place.route.startswith(("/v1/settlements", "/v1/reconciliation"))
]


@pytest.fixture
def world(api):
    return a_world(api)


def test_every_path_with_an_id_is_looked_at():
    assert {place.prefix for place, _ in OF_CLIENTS} == {
        "chk", "ord", "pay", "ful", "rfd", "dsp", "whe", "evt", "dlv",
    }  # fmt: skip
    assert len(OF_CLIENTS) > 25


def test_another_clients_things_are_not_there(api, another_api, world):
    owner, other = Caller(api.key), Caller(another_api.key)
    # What only looks comes first: the others change what is looked at, or take it away.
    turns = {"GET": 0, "DELETE": 2}
    for place, method in sorted(OF_CLIENTS, key=lambda pair: turns.get(pair[1], 1)):
        path = place.at(world[place.prefix])

        refused = other.send(place, method, path=path)
        assert refused.status_code == 404, (method, path, refused.content)
        assert refused.json()["code"] == "not_found"
        assert owner.send(place, method, path=path).status_code != 404, (method, path)


def test_what_another_clients_key_hears_is_what_nobodys_id_hears(another_api, world):
    other = Caller(another_api.key)
    for place, method in OF_CLIENTS:
        theirs = other.send(place, method, path=place.at(world[place.prefix])).json()
        nobodys = other.send(place, method).json()

        assert theirs["detail"] == f"There is no {world[place.prefix]!r}."
        assert {**theirs, "detail": "", "instance": "", "request_id": ""} == {
            **nobodys, "detail": "", "instance": "", "request_id": "",
        }  # fmt: skip


def test_the_books_of_the_whole_shop_are_closed_to_keys_that_see_their_own(api, world):
    owner = Caller(api.key)
    for place, method in OF_THE_SHOP:
        path = place.at(world.get(place.prefix, ""))
        reply = owner.send(place, method, path=path)

        assert reply.status_code == 403, (method, path, reply.content)
        assert reply.json()["code"] == "account_wide_key_required"


def test_a_list_shows_a_client_its_own(api, another_api, world):
    for path in (
        "/v1/orders", "/v1/payments", "/v1/disputes", "/v1/ledger/entries",
        "/v1/webhook-endpoints", "/v1/events", "/v1/deliveries",
    ):  # fmt: skip
        assert api.get(path).json()["items"], path
        assert another_api.get(path).json()["items"] == [], path
    entries = another_api.get("/v1/ledger/entries", payment=world["pay"])
    assert entries.json()["items"] == []


def test_pages_survive_inserts_in_every_list(api, world):
    _, key = builders.a_client(sees_all=True)
    reader = Caller(key)
    for _ in range(3):
        api.checkout()
    for place, method in [pair for pair in EVERY if pair[0].operations[pair[1]].is_paged]:
        whole = reader.send(place, method).json()["items"]
        seen, cursor, has_more = [], "", True
        while has_more:
            query = f"?limit=1&cursor={cursor}" if cursor else "?limit=1"
            page = reader.send(place, method, path=place.path + query).json()
            seen += page["items"]
            cursor = page["next_cursor"]
            has_more = page.get("has_more", cursor is not None)  # the feed's cursor stays
            if len(seen) == 1:
                api.checkout()  # newer than all that was seen

        assert whole, place
        assert [each["id"] for each in seen] == [each["id"] for each in whole], place


def test_one_thing_is_not_sent_twice_to_who_has_it(api, world):
    _, key = builders.a_client(sees_all=True)
    reader = Caller(key)
    for place, method in EVERY:
        if place.prefix not in world or not place.operations[method].reads_one or method != "GET":
            continue
        path = place.at(world[place.prefix])
        first = reader.send(place, "GET", path=path)
        again = reader.send(place, "GET", path=path, **{"If-None-Match": first["ETag"]})

        assert first.status_code == 200, path
        assert (again.status_code, again.content) == (304, b""), path
        assert again["ETag"] == first["ETag"]
