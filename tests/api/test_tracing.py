"""`traceparent` is believed only when it is one (W3C Trace Context), and then it is logged."""

import logging

import pytest
import structlog

from checkout_project.request_ids import RequestIdMiddleware, traced

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
VALID = [f"00-{TRACE}-{PARENT}-01", f"00-{TRACE}-{PARENT}-00", f"cc-{TRACE}-{PARENT}-01-more"]
INVALID = [
    "",
    "nonsense",
    f"00-{TRACE.upper()}-{PARENT}-01",
    f"00-{'0' * 32}-{PARENT}-01",
    f"00-{TRACE}-{'0' * 16}-01",
    f"ff-{TRACE}-{PARENT}-01",
    f"00-{TRACE}-{PARENT}-01-more",
    f"00-{TRACE}-{PARENT}-01\n",
    f"00-{TRACE}-{PARENT}",
]


@pytest.mark.parametrize("header", VALID)
def test_a_valid_one_names_trace_and_parent(header):
    assert traced(header) == {"trace_id": TRACE, "parent_id": PARENT}


@pytest.mark.parametrize("header", INVALID)
def test_any_other_is_as_if_it_were_not_there(header):
    assert traced(header) == {}


def test_what_is_logged_while_a_request_is_served_carries_its_trace(rf):
    seen = {}

    def view(request):
        seen.update(structlog.contextvars.get_contextvars())
        logging.getLogger(__name__).info("at work")
        return {}

    class Response(dict):
        headers = {}

    middleware = RequestIdMiddleware(lambda request: view(request) or Response())
    middleware(rf.get("/", headers={"traceparent": VALID[0], "Request-Id": "a-request-0001"}))

    assert seen["trace_id"] == TRACE
    assert seen["request_id"] == "a-request-0001"
    assert "trace_id" not in structlog.contextvars.get_contextvars()
