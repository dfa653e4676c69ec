"""Makes happen what only banks, cardholders and time can: for tests and demonstrations.

POST   /_sandbox/disputes {"payment": pi_, "amount", "reason"}      a cardholder objects
POST   /_sandbox/disputes/{id}/close {"status": "won" | "lost"}     the bank decides
POST   /_sandbox/disputes/{id}/escalate                             an inquiry becomes a dispute
POST   /_sandbox/refunds/{id}/settle {"status", "failure_reason"}   succeeded, failed or canceled
POST   /_sandbox/holds/{intent}/expire                              the hold's time is up now
POST   /_sandbox/clock {"move_seconds"}                             the sandbox's time
GET    /_sandbox/clock, DELETE /_sandbox/clock                      what it is; as it was
PUT    /_sandbox/listener {"url", "secret"}                         who is told; no url: nobody
POST   /_sandbox/events/{id}/send {"times", "age_seconds", "forged"}   deliver it (again) now
"""

from collections.abc import Awaitable, Callable
from typing import Protocol
from urllib.parse import urlsplit

import orjson

from sandbox_processor import captures, clock, disputes, refund_outcomes
from sandbox_processor.call import Call
from sandbox_processor.journal import Journal
from sandbox_processor.webhooks import Courier
from sandbox_processor.wire import Doc, Refused, no_such

MOST_TIMES = 20
FURTHEST_SECONDS = 10 * 366 * 86_400


class Stage(Protocol):
    """What these routes need of the sandbox."""

    journal: Journal
    courier: Courier

    def new_call(self, *, operation: str, target: str) -> Call: ...

    def catch_up(self) -> None: ...

    async def tell(self, call: Call) -> None: ...


Deed = Callable[[Call, str, Doc], Doc]

DEEDS: dict[tuple[str, str], Deed] = {
    ("disputes", ""): lambda call, _, given: disputes.open_by_hand(call, given=given),
    ("disputes", "close"): lambda call, id_, given: disputes.decide(call, wanted=id_, given=given),
    ("disputes", "escalate"): lambda call, id_, _: disputes.escalate(call, wanted=id_),
    ("refunds", "settle"): lambda call, id_, given: refund_outcomes.settle(
        call, wanted=id_, given=given
    ),
    ("holds", "expire"): lambda call, id_, _: _expire(call, intent=id_),
}


async def answer(stage: Stage, *, route: str, target: str, body: bytes) -> Doc:
    """One request; `route` is method and first part of the path, `target` the rest of it."""
    wanted, _, act = target.partition("/")
    method, _, name = route.partition(" ")
    deed = DEEDS.get((name, act)) if method == "POST" else None
    if deed is not None:
        return await _do(stage, deed, target=wanted, given=_given(body), name=name)
    special = SPECIAL.get((route, act))
    if special is None:
        raise Refused(f"Unrecognized request URL ({route}).", status=404)
    return await special(stage, wanted, _given(body))


def _given(body: bytes) -> Doc:
    try:
        given = orjson.loads(body or b"{}")
    except orjson.JSONDecodeError:
        given = None
    if not isinstance(given, dict):
        raise Refused("Send a JSON object.")
    return given


async def _do(stage: Stage, deed: Deed, *, target: str, given: Doc, name: str) -> Doc:
    """Does it whole or not at all, and lets the listener know."""
    call = stage.new_call(operation=name, target=target)
    with stage.journal.unit():
        done = deed(call, target, given)
    await stage.journal.durable()
    await stage.tell(call)
    return done


def _expire(call: Call, *, intent: str) -> Doc:
    found = call.journal.load(intent)
    if found is None or found["object"] != "payment_intent":
        raise no_such("payment_intent", intent, param="intent")
    captures.expire(call)
    return call.journal.load(intent) or {}


async def _clock(stage: Stage, _: str, given: Doc) -> Doc:
    seconds = _number(given, "move_seconds")
    stage.journal.remember_moved(clock.move(seconds))
    stage.catch_up()
    return {"object": "sandbox.clock", "now": clock.now()}


async def _real_time(stage: Stage, _: str, __: Doc) -> Doc:
    clock.set_to(0.0)
    stage.journal.remember_moved(0.0)
    return {"object": "sandbox.clock", "now": clock.now()}


async def _listener(stage: Stage, _: str, given: Doc) -> Doc:
    url = given.get("url") or ""
    if not isinstance(url, str) or (url and urlsplit(url).scheme not in ("http", "https")):
        raise Refused("Invalid url", param="url")
    secret = given.get("secret", "whsec_sandbox")
    if not isinstance(secret, str):
        raise Refused("Invalid secret", param="secret")
    stage.courier.listen(url=url, secret=secret)
    return {"object": "sandbox.listener", "url": url}


async def _send(stage: Stage, wanted: str, given: Doc) -> Doc:
    """Delivers at once, as often as asked, and tells what the listener answered."""
    event = stage.journal.load(wanted)
    if event is None or event["object"] != "event":
        raise no_such("event", wanted, param="id")
    if not stage.courier.listening:
        raise Refused("Nobody listens: PUT /_sandbox/listener first.")
    times, age = int(_number(given, "times", default=1)), _number(given, "age_seconds")
    body, forged = orjson.dumps(event), bool(given.get("forged"))
    statuses = [
        await stage.courier.send_again(body, age=age, forged=forged)
        for _ in range(min(times, MOST_TIMES))
    ]
    return {"object": "sandbox.delivery", "event": wanted, "statuses": statuses}


def _number(given: Doc, name: str, *, default: float = 0) -> float:
    value = given.get(name, default)
    if not isinstance(value, int | float) or abs(value) > FURTHEST_SECONDS:
        raise Refused("Invalid number", param=name)
    return value


SPECIAL: dict[tuple[str, str], Callable[[Stage, str, Doc], Awaitable[Doc]]] = {
    ("POST clock", ""): _clock,
    ("GET clock", ""): _clock,
    ("DELETE clock", ""): _real_time,
    ("PUT listener", ""): _listener,
    ("POST events", "send"): _send,
}
