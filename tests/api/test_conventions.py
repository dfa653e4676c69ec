"""What holds at every path of the API: refusals are problems, headers are there, and so on."""

import pytest

from foundation.edge.http import client_ip
from tests import builders
from tests.api.conftest import Caller
from tests.api.paths import EVERY, PLACES, named

WITH_KEY = [pair for pair in EVERY if pair[0].needs_a_key]
WITH_BODY = [pair for pair in WITH_KEY if pair[0].operations[pair[1]].body is not None]
WITH_ID = [pair for pair in WITH_KEY if pair[0].has_id]
UNCHANGING = [(place, method) for place, method in EVERY if place.operations[method].is_paged]


def assert_problem(reply, status, code):
    assert reply.status_code == status, (reply.status_code, reply.content)
    assert reply["Content-Type"] == "application/problem+json"
    problem = reply.json()
    assert (problem["status"], problem["code"]) == (status, code)
    assert problem["type"].endswith(f"/v1/problems/{code}")
    assert problem["title"]
    assert problem["detail"]
    assert problem["request_id"] == reply["Request-Id"]
    assert problem["retry_with"] in ("same_key", "new_key", "none")
    assert problem["retryable"] == (problem["retry_with"] != "none")


def test_the_list_of_places_is_not_empty():
    assert len(PLACES) > 35
    assert len(EVERY) > 40


@pytest.mark.parametrize(("place", "method"), WITH_KEY, ids=named(WITH_KEY))
def test_without_a_key_there_is_nothing(stranger, place, method):
    reply = stranger.send(place, method)

    assert_problem(reply, 401, "unauthenticated")
    assert reply["WWW-Authenticate"] == "Bearer"
    assert reply["RateLimit"].startswith('"address";r=')


@pytest.mark.parametrize(("place", "method"), WITH_KEY, ids=named(WITH_KEY))
def test_a_key_without_the_scope_may_not(db, place, method):
    _, key = builders.a_client(scopes=[])

    assert_problem(Caller(key).send(place, method), 403, "scope_missing")


@pytest.mark.parametrize("place", PLACES, ids=str)
def test_a_method_that_is_not_offered_is_refused_and_the_others_are_named(caller, place):
    reply = caller.send(place, "PUT")

    assert_problem(reply, 405, "method_not_allowed")
    assert set(place.methods) <= set(reply["Allow"].split(", "))
    assert "PUT" not in reply["Allow"]


@pytest.mark.parametrize("place", PLACES, ids=str)
def test_options_names_the_methods(caller, place):
    reply = caller.send(place, "OPTIONS")

    assert reply.status_code == 200
    assert set(place.methods) <= set(reply["Allow"].split(", "))


@pytest.mark.parametrize(("place", "method"), WITH_KEY, ids=named(WITH_KEY))
def test_who_accepts_no_json_is_told_so(caller, place, method):
    assert_problem(caller.send(place, method, Accept="text/html"), 406, "not_acceptable")


@pytest.mark.parametrize(("place", "method"), WITH_BODY, ids=named(WITH_BODY))
def test_another_content_type_is_refused(caller, place, method):
    path = f"{place.path}?account=stripe" if method == "POST" else place.path

    reply = caller.send(place, method, path=path, content_type="application/xml")

    assert_problem(reply, 415, "unsupported_media_type")


@pytest.mark.parametrize(("place", "method"), WITH_BODY, ids=named(WITH_BODY))
def test_too_large_a_body_is_refused(caller, settings, place, method):
    for name in ("API_BODY_BYTES_MAX", "CONVERSIONS_BODY_BYTES_MAX", "SETTLEMENT_BYTES_MAX"):
        setattr(settings, name, 64)
    path = f"{place.path}?account=stripe" if method == "POST" else place.path

    reply = caller.send(place, method, path=path, body=b'{"a": "' + b"x" * 64 + b'"}')

    assert_problem(reply, 413, "body_too_large")


@pytest.mark.parametrize(("place", "method"), WITH_ID, ids=named(WITH_ID))
def test_what_does_not_exist_is_not_found(caller, place, method):
    assert_problem(caller.send(place, method), 404, "not_found")


@pytest.mark.parametrize(("place", "method"), UNCHANGING, ids=named(UNCHANGING))
def test_a_page_that_can_not_be_is_refused(caller, place, method):
    for query in ("limit=0", "limit=101", "limit=x", "cursor=ord_x"):
        reply = caller.send(place, method, path=f"{place.path}?{query}")

        assert_problem(reply, 422, "invalid_request")
        assert reply.json()["errors"][0]["pointer"] == f"?{query.partition('=')[0]}"


@pytest.mark.parametrize(("place", "method"), WITH_KEY, ids=named(WITH_KEY))
def test_every_answer_says_who_asked_and_how_often_one_may(caller, place, method):
    reply = caller.send(place, method, **{"Request-Id": "a-request-0001", "Accept": "text/html"})

    assert reply["Request-Id"] == "a-request-0001"
    authenticated = caller.send(place, "PUT")
    assert authenticated["RateLimit"].startswith('"key";r=')
    assert authenticated["RateLimit-Policy"] == '"key";q=18000;w=60'


@pytest.mark.parametrize("place", PLACES, ids=str)
def test_browsers_of_other_sites_are_let_in_nowhere(caller, place):
    reply = caller.send(place, "OPTIONS", Origin="https://elsewhere.example")

    assert [name for name in reply.headers if name.startswith("Access-Control-")] == []


def test_a_site_that_is_named_may_ask_from_a_browser_and_no_other(api, settings):
    settings.CORS_ALLOWED_ORIGINS = ["https://desk.example"]
    wish = {
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "idempotency-key",
    }

    named = api.client.options("/v1/checkouts", headers={"Origin": "https://desk.example", **wish})
    other = api.client.options("/v1/checkouts", headers={"Origin": "https://other.example", **wish})
    page = api.client.get("/livez", headers={"Origin": "https://desk.example"})

    assert named["Access-Control-Allow-Origin"] == "https://desk.example"
    assert "idempotency-key" in named["Access-Control-Allow-Headers"]
    for reply in (other, page):
        assert "Access-Control-Allow-Origin" not in reply.headers


def test_head_is_what_get_is_without_its_body(caller):
    for place, method in UNCHANGING:
        asked, looked = caller.send(place, method), caller.send(place, "HEAD")

        assert (looked.status_code, looked.content) == (asked.status_code, b""), place


def test_nothing_else_below_v1_is_there(stranger):
    for path in ("/v1/", "/v1/nothing", "/v1/orders/", "/v1/orders/ord_x/nothing"):
        assert_problem(stranger.client.get(path), 404, "not_found")


def test_addresses_behind_a_proxy_count_only_when_it_is_trusted(rf):
    request = rf.get("/", headers={"X-Forwarded-For": "203.0.113.7"}, REMOTE_ADDR="10.0.0.1")

    assert client_ip(request, trusted=[]) == "10.0.0.1"
    assert client_ip(request, trusted=["10.0.0.0/8"]) == "203.0.113.7"
