"""GA4 is told over its own wire: validated first, and its secret is repeated nowhere."""

import datetime as dt
import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from attribution.analytics.base import Purchase, Refused, Unavailable
from attribution.analytics.ga4 import MeasurementProtocol, message
from foundation.money import Money

PURCHASE = Purchase(
    number="R1000001", total=Money(4298, "USD"), tax=Money(0, "USD"), shipping=Money(300, "USD"),
    placed_at=dt.datetime(2026, 11, 20, 10, 0, 0, 123_456, tzinfo=dt.UTC),
    browser_id="123.456", session_id="1763632800",
)  # fmt: skip
FINE = b'{"validationMessages": []}'


class Google(HTTPServer):
    """Answers the validating address with `found`, and keeps whatever is collected."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.found, self.status, self.asked = FINE, 200, []

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.asked.append((self.path.split("?")[0], self.path, json.loads(body)))
        answer = self.server.found if "debug" in self.path else b""
        self.send_response(self.server.status)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *args):
        """Nothing: what is logged here is the test's own."""


@pytest.fixture
def google(settings):
    server = Google()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    settings.GA4_URL = server.url
    settings.GA4_MEASUREMENT_ID, settings.GA4_API_SECRET = "G-TEST", "very-secret"
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_purchase_is_validated_and_then_collected(google):
    MeasurementProtocol().send(PURCHASE)

    assert [path for path, _, _ in google.asked] == ["/debug/mp/collect", "/mp/collect"]
    _, address, told = google.asked[-1]
    assert "measurement_id=G-TEST" in address
    assert told["client_id"] == "123.456"
    assert told["timestamp_micros"] == 1763632800123456 + 365 * 86_400 * 1_000_000
    assert told["events"][0]["params"] == {
        "transaction_id": "R1000001", "currency": "USD", "value": 42.98, "tax": 0.0,
        "shipping": 3.0, "session_id": "1763632800", "engagement_time_msec": 1,
    }  # fmt: skip


@pytest.mark.parametrize(("currency", "value"), [("JPY", 4298.0), ("KWD", 4.298)])
def test_amounts_are_in_the_currencys_own_decimals(currency, value):
    none = Money(0, currency)
    purchase = Purchase(
        "R1", Money(4298, currency), none, none, PURCHASE.placed_at, "1.2", session_id=""
    )

    told = message(purchase)["events"][0]["params"]

    assert told["value"] == value
    assert "session_id" not in told


def test_what_the_validation_finds_wrong_is_final_and_not_collected(google):
    google.found = b'{"validationMessages": [{"validationCode": "VALUE_INVALID"}]}'

    with pytest.raises(Refused, match="VALUE_INVALID"):
        MeasurementProtocol().send(PURCHASE)

    assert len(google.asked) == 1


@pytest.mark.parametrize("found", [b"", b"<html>", b"[]", b'{"validationMessages": 1}'])
def test_a_validation_that_can_not_be_read_is_no_yes(google, found):
    google.found = found

    with pytest.raises(Unavailable):
        MeasurementProtocol().send(PURCHASE)

    assert len(google.asked) == 1


@pytest.mark.parametrize("status", [302, 404, 500])
def test_an_answer_that_is_no_yes_is_tried_again(google, status):
    google.status = status

    with pytest.raises(Unavailable, match=f"answered {status}"):
        MeasurementProtocol().send(PURCHASE)


def test_nobody_there_is_told_without_the_secret(settings):
    settings.GA4_URL, settings.GA4_API_SECRET = "http://127.0.0.1:9", "very-secret"

    with pytest.raises(Unavailable) as away:
        MeasurementProtocol().send(PURCHASE)

    assert "very-secret" not in f"{away.value!r}"
    assert away.value.__suppress_context__
