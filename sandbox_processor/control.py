"""The routes under /_sandbox: for tests and demonstrations, not for a shop.

GET    /_sandbox/health
GET    /_sandbox/journal, DELETE /_sandbox/journal, GET /_sandbox/holds      (see `witness`)
POST   /_sandbox/faults, GET /_sandbox/faults, DELETE /_sandbox/faults       (see `faults`)
POST   /_sandbox/authenticate/{intent}[?result=fail]   the card's holder answers (GET: a browser)
POST   /_sandbox/settle[?until=UNIX]                   closes the books into payouts
GET    /_sandbox/settlement.csv?date=YYYY-MM-DD        the report of a day
and what `backstage` adds: disputes, refunds, holds, clock, listener, events
"""

from typing import Protocol

import orjson

from sandbox_processor import (
    backstage,
    clock,
    fault_names,
    payment_intents,
    payouts,
    settlement,
    witness,
)
from sandbox_processor.agenda import Agenda
from sandbox_processor.call import Call
from sandbox_processor.faults import Faults
from sandbox_processor.holds import Holds
from sandbox_processor.http import Request
from sandbox_processor.wire import Doc, Refused, Reply, new_id, no_such, parse_form


class Controlled(backstage.Stage, Protocol):
    """What the control routes need of the sandbox."""

    faults: Faults
    holds: Holds
    agenda: Agenda
    allow_reset: bool

    def new_call(
        self, *, operation: str, target: str, method: str = "", path: str = ""
    ) -> Call: ...


async def answer(sandbox: Controlled, request: Request) -> Reply:
    """One control request."""
    query = parse_form(request.query)
    name, _, target = request.path.removeprefix("/_sandbox/").partition("/")
    route = f"{request.method} {name}"
    if route in ("POST authenticate", "GET authenticate"):
        return await _authenticate(sandbox, target=target, query=query)
    if route == "POST settle":
        return await _settle(sandbox, query=query)
    if route == "GET settlement.csv":
        return _settlement(sandbox, query=query)
    if name == "faults":
        return _json(_faults(sandbox, request))
    witnessed = _witness(sandbox, route=route, query=query)
    if witnessed is None:
        witnessed = await backstage.answer(sandbox, route=route, target=target, body=request.body)
    return _json(witnessed)


def _witness(sandbox: Controlled, *, route: str, query: Doc) -> Doc | None:
    if route == "GET health":
        return {"status": "ok", "livemode": False}
    if route == "GET journal":
        return witness.entries(sandbox.journal, query=query)
    if route == "GET holds":
        return witness.holds(sandbox.journal, query=query)
    if route == "DELETE journal":
        forgotten = witness.reset(sandbox.journal, allowed=sandbox.allow_reset)
        sandbox.faults.clear()
        sandbox.holds.clear()
        sandbox.agenda.clear()
        sandbox.courier.listen_as_at_start()
        clock.set_to(0.0)
        return forgotten
    return None


def _faults(sandbox: Controlled, request: Request) -> Doc:
    if request.method == "POST":
        rule = _rule(request.body)
        sandbox.faults.add(rule)
        return rule
    if request.method == "DELETE":
        sandbox.faults.clear()
    return {"object": "list", "data": list(sandbox.faults.rules.values())}


def _rule(body: bytes) -> Doc:
    try:
        given = orjson.loads(body)
    except orjson.JSONDecodeError:
        given = None
    if not isinstance(given, dict):
        raise Refused("Send JSON: operation, fault, times, seconds, payment, store.")
    rule: Doc = {
        "id": new_id("flt"),
        "operation": given.get("operation", "*"),
        "fault": given.get("fault"),
        "times": given.get("times"),
        "seconds": given.get("seconds"),
        "payment": given.get("payment"),
        "store": given.get("store", True),
    }
    settling = rule["operation"] == "settlement"
    if not settling and rule["operation"] not in {*fault_names.OPERATIONS, "*"}:
        raise Refused(f"No such operation: {rule['operation']}", param="operation")
    if rule["fault"] not in (fault_names.SETTLEMENT if settling else fault_names.NAMES):
        raise Refused(f"No such fault: {rule['fault']}", param="fault")
    if not isinstance(rule["times"], int | None):
        raise Refused("Invalid integer", param="times")
    if not isinstance(rule["seconds"], int | float | None):
        raise Refused("Invalid number", param="seconds")
    return rule


async def _authenticate(sandbox: Controlled, *, target: str, query: Doc) -> Reply:
    intent = sandbox.journal.load(target)
    if intent is None or intent["object"] != "payment_intent":
        raise no_such("payment_intent", target, param="intent")
    if intent["status"] != "requires_action":
        raise Refused(f"This PaymentIntent has a status of {intent['status']}.")
    back = intent["next_action"]["redirect_to_url"]["return_url"]
    call = sandbox.new_call(method="POST", path="", operation="authenticate", target=target)
    call.intent = intent
    call.note(status=200)
    succeeds = query.get("result") != "fail"
    reply = _json(payment_intents.authenticate(call, intent=intent, succeeds=succeeds))
    await sandbox.journal.durable()
    await sandbox.tell(call)
    if back:
        reply.status, reply.headers = 303, {"Location": back}
    return reply


async def _settle(sandbox: Controlled, *, query: Doc) -> Reply:
    call = sandbox.new_call(method="POST", path="", operation="settle", target="")
    call.params = query
    reply = _json(payouts.settle(call))
    await sandbox.journal.durable()
    await sandbox.tell(call)
    return reply


def _settlement(sandbox: Controlled, *, query: Doc) -> Reply:
    body = settlement.report(sandbox.journal, query=query, faults=sandbox.faults.settlement())
    return Reply(status=200, body=body, content_type="text/csv")


def _json(doc: Doc) -> Reply:
    return Reply(status=200, body=orjson.dumps(doc))
