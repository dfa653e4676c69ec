"""The routes under /_sandbox: for tests and demonstrations, not for a shop."""

from typing import Protocol

import orjson

from sandbox_processor import witness
from sandbox_processor.faults import Faults
from sandbox_processor.http import Request
from sandbox_processor.journal import Journal
from sandbox_processor.wire import Doc, Refused, Reply, parse_form


class Controlled(Protocol):
    """What the control routes need of the sandbox."""

    journal: Journal
    faults: Faults
    allow_reset: bool


def answer(sandbox: Controlled, request: Request) -> Reply:
    query = parse_form(request.query)
    route = (request.method, request.path.removeprefix("/_sandbox/"))
    if route == ("GET", "health"):
        return _json({"status": "ok", "livemode": False})
    if route == ("GET", "journal"):
        return _json(witness.entries(sandbox.journal, query=query))
    if route == ("DELETE", "journal"):
        return _json(witness.reset(sandbox.journal, allowed=sandbox.allow_reset))
    if route == ("GET", "holds"):
        return _json(witness.holds(sandbox.journal, query=query))
    raise Refused(f"Unrecognized request URL ({request.method}: {request.path}).", status=404)


def _json(doc: Doc) -> Reply:
    return Reply(status=200, body=orjson.dumps(doc))
