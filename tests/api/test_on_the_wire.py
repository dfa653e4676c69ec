"""What comes in an odd shape is refused with a problem document, and is never taken for less."""

import http.client
import io
import json
from urllib.parse import urlsplit

import pytest
from django.http import UnreadablePostError
from django.test import Client

from checkout_project import body_lengths
from checkout_project.body_lengths import BodyLengthMiddleware
from foundation.edge import rate_limits
from foundation.edge.http import client_ip
from payments.models import Payment, Refund
from tests import builders
from tests.api.paths import EVERY, named
from tests.api.test_conventions import UNCHANGING, WITH_BODY, assert_problem
from tests.stories.payments.moves import Till


def chunks(url, path, body, **headers):
    """POST a body as streaming clients do: in chunks, without its length."""
    line = http.client.HTTPConnection(urlsplit(url).netloc, timeout=30)
    line.request("POST", path, body=iter([body]), headers=headers, encode_chunked=True)
    reply = line.getresponse()
    found = reply.status, json.loads(reply.read())
    line.close()
    return found


def refund_in_chunks(live_server, api, shop):
    """A part of what was taken, asked back in chunks."""
    api.checkout()
    payment = Payment.objects.get()
    Till(api, shop).capture(payment)
    return chunks(
        live_server.url, f"/v1/payments/{payment.reference}/refunds",
        b'{"amount": {"amount": 100, "currency": "USD"}}',
        **{
            "Authorization": f"Bearer {api.key}", "Idempotency-Key": builders.a_key(),
            "Content-Type": "application/json", "Transfer-Encoding": "chunked",
        },
    )  # fmt: skip


def test_a_refund_of_a_part_that_comes_in_chunks_gives_nothing_back(live_server, api, shop):
    status, problem = refund_in_chunks(live_server, api, shop)

    assert (status, problem["code"]) == (411, "length_required")
    assert not Refund.objects.exists()


def test_control_without_the_guard_the_part_is_everything(live_server, api, shop, monkeypatch):
    monkeypatch.setattr(body_lengths, "_is_of_unknown_length", lambda _: False)

    status, refund = refund_in_chunks(live_server, api, shop)

    assert (status, refund["amount"]["amount"]) == (201, 4298)


@pytest.mark.parametrize(("place", "method"), WITH_BODY, ids=named(WITH_BODY))
def test_a_body_without_its_length_is_refused_everywhere(caller, place, method):
    reply = caller.send(place, method, **{"Transfer-Encoding": "chunked"})

    assert_problem(reply, 411, "length_required")


@pytest.mark.parametrize(("body", "status"), [(b"{}", 411), (b"", 200)])
def test_since_http_2_a_body_needs_no_length_and_is_refused_only_if_it_is_there(rf, body, status):
    request = rf.post("/v1/checkouts")
    request.META |= {"SERVER_PROTOCOL": "HTTP/2.0", "wsgi.input": io.BytesIO(body)}
    request.META.pop("CONTENT_LENGTH", None)

    class Served:
        status_code = 200

    assert BodyLengthMiddleware(lambda _: Served)(request).status_code == status


def test_a_path_that_is_none_is_not_found_by_any_method_without_a_cookie(db):
    browserless = Client(enforce_csrf_checks=True)
    for path in ("/v1/checkouts/", "/v1/nothing", "/v1/orders/ord_x/nothing"):
        for method in ("post", "put", "patch", "delete"):
            assert_problem(getattr(browserless, method)(path), 404, "not_found")


def test_a_host_that_is_not_ours_hears_a_problem(db):
    reply = Client(raise_request_exception=False).get("/v1/orders", headers={"Host": "evil.test"})

    assert_problem(reply, 400, "malformed_request")


def test_more_parameters_than_are_read_are_refused(caller):
    query = "&".join(f"p{number}=1" for number in range(1001))
    for place, method in UNCHANGING:
        reply = caller.send(place, method, path=f"{place.path}?{query}")

        assert_problem(reply, 400, "malformed_request")


def test_a_body_that_ends_early_is_no_bug_of_ours(api, caplog):
    class Broken:
        def read(self, *_):
            raise UnreadablePostError("gone")

        readline = read

    reply = api.client.post(
        "/v1/checkouts", data=b"{}", content_type="application/json",
        headers={"Authorization": f"Bearer {api.key}", "Idempotency-Key": builders.a_key()},
        **{"wsgi.input": Broken()},
    )  # fmt: skip

    assert_problem(reply, 400, "malformed_request")
    assert "unhandled" not in caplog.text


@pytest.mark.parametrize(("place", "method"), UNCHANGING, ids=named(UNCHANGING))
def test_a_parameter_that_would_be_lost_is_refused(caller, place, method):
    for query, pointer in (("nonsense=1", "?*"), ("limit=1&limit=2", "?limit")):
        reply = caller.send(place, method, path=f"{place.path}?{query}")

        assert_problem(reply, 422, "invalid_request")
        assert [error["pointer"] for error in reply.json()["errors"]] == [pointer]


def test_a_state_or_class_that_there_is_not_is_refused_and_each_that_there_is_is_not(caller):
    looked_at = 0
    for place, method in EVERY:
        for query in place.operations[method].query:
            if "enum" not in query.shape or method != "GET":
                continue
            looked_at += 1
            known = [f"{query.name}={value}" for value in query.shape["enum"]]
            for asked, status in [
                (f"{query.name}=nonsense", 422),
                *((each, 200) for each in known),
            ]:
                reply = caller.send(place, method, path=f"{place.path}?{asked}")
                assert reply.status_code == status, (place, asked, reply.content)
    assert looked_at >= 7


@pytest.mark.parametrize(
    ("address", "trusted", "seen"),
    [
        ("::ffff:203.0.113.7", [], "203.0.113.7"),
        ("::ffff:10.0.0.1", ["10.0.0.0/8"], "198.51.100.4"),
        ("fe80::1%eth0", [], "fe80::1"),
        ("2001:db8::1", [], "2001:db8::1"),
        ("203.0.113.7:443", [], "203.0.113.7"),
        ("[2001:db8::1]:443", [], "2001:db8::1"),
        ("[nonsense]:443", [], None),
    ],
)
def test_an_address_is_one_however_the_socket_writes_it(rf, address, trusted, seen):
    request = rf.get("/", headers={"X-Forwarded-For": "198.51.100.4"}, REMOTE_ADDR=address)

    assert client_ip(request, trusted=trusted) == seen


def test_wrong_keys_of_one_address_do_not_lock_out_another_behind_the_same_socket(api, settings):
    settings.RATE_LIMIT_FAILURES = (2, 60.0)
    rate_limits.forget()
    for _ in range(4):
        api.client.get("/v1/orders", REMOTE_ADDR="::ffff:203.0.113.7")

    given = {"Authorization": f"Bearer {api.key}"}
    reply = api.client.get("/v1/orders", headers=given, REMOTE_ADDR="::ffff:198.51.100.4")

    assert reply.status_code == 200


def test_a_tag_that_a_proxy_made_weak_is_the_same_copy(api):
    path = f"/v1/orders/{api.checkout().json()['order']['id']}"
    tag = api.get(path)["ETag"]
    given = {"Authorization": f"Bearer {api.key}", "If-None-Match": f'"other", W/{tag}'}

    assert api.client.get(path, headers=given).status_code == 304
