"""Takes a request through key, faults, operation, journal and answer, in that order."""

import asyncio
from dataclasses import dataclass, field

import orjson

from sandbox_processor import agenda, clock, control, fault_names, faults, routes, search
from sandbox_processor.agenda import Agenda
from sandbox_processor.call import API_VERSION, Call
from sandbox_processor.captures import expire
from sandbox_processor.expansion import check_expandable, expand
from sandbox_processor.fault_names import Fault
from sandbox_processor.faults import Faults
from sandbox_processor.holds import Holds
from sandbox_processor.http import Request
from sandbox_processor.idempotency import Keys
from sandbox_processor.journal import Journal
from sandbox_processor.webhooks import Courier
from sandbox_processor.wire import (
    LONGEST_SECONDS,
    Doc,
    Refused,
    Reply,
    as_flag,
    as_list,
    check_plain,
    parse_form,
)

WATCH_PAUSE_SECONDS = 0.1


@dataclass(kw_only=True)
class Sandbox:
    """The processor: its journal, its keys in use, its faults, its listener."""

    journal: Journal
    faults: Faults
    holds: Holds
    agenda: Agenda
    courier: Courier
    origin: str = ""
    search_lag: float = 0.0
    allow_reset: bool = False
    keys: Keys = field(default_factory=Keys)

    async def answer(self, request: Request) -> Reply:
        """The one way in."""
        self.catch_up()
        if request.path.startswith("/_sandbox/"):
            return await self._control(request)
        call = self.new_call(method=request.method, path=request.path)
        try:
            reply = await self._attempt(call, request)
            await self.journal.durable()
        finally:
            self.keys.release(call)
        await self.tell(call)
        reply.headers.update(_headers(call, reply))
        return reply

    async def watch(self) -> None:
        """Lets happen on time what happens when nobody asks."""
        while True:
            await asyncio.sleep(WATCH_PAUSE_SECONDS)
            self.catch_up()

    def catch_up(self) -> None:
        """Holds run out, and what is on the agenda comes to pass."""
        for intent in self.holds.due():
            call = self.new_call(operation="expire", target=intent)
            expire(call)
            self._tell_of_itself(call)
        for planned in self.agenda.due():
            call = self.new_call(operation=planned.happening, target=planned.target)
            agenda.happen(call, planned)
            self._tell_of_itself(call)

    def _tell_of_itself(self, call: Call) -> None:
        self.agenda.add(call.planned)
        self.courier.send(call.events, faults=[])

    def new_call(
        self, *, method: str = "", path: str = "", operation: str = "unknown", target: str = ""
    ) -> Call:
        return Call(
            journal=self.journal,
            desk=self.faults,
            operation=operation,
            method=method,
            path=path,
            target=target,
            listened=self.courier.listening,
            origin=self.origin,
            search_lag=self.search_lag,
        )

    async def tell(self, call: Call) -> None:
        """Starts the clock of what is to come, and lets the listener know what happened."""
        self.agenda.add(call.planned)
        if call.hold_until is not None and call.intent is not None:
            self.holds.add(call.intent["id"], until=call.hold_until)
        if fault_names.named(call.faults, "webhook_before_response"):
            await self.courier.send_now(call.events)
        else:
            self.courier.send(call.events, faults=call.faults)

    async def _control(self, request: Request) -> Reply:
        try:
            reply = await control.answer(self, request)
        except Refused as refusal:
            reply = Reply(status=refusal.status, body=refusal.body())
        await self.journal.durable()
        return reply

    async def _attempt(self, call: Call, request: Request) -> Reply:
        try:
            authenticate(request.headers.get("authorization", ""))
            operate = self._read(call, request)
            stored = self.keys.claim(call, body=request.body)
            if stored is not None:
                call.note(status=stored.status, replayed=True)
                return stored
            call.faults = self._faults_of(call)
        except Refused as refusal:
            call.note(status=refusal.status)
            return Reply(status=refusal.status, body=refusal.body())
        call.listened = call.listened and not fault_names.named(call.faults, "webhook_lost")
        early = faults.instead_of_effect(call.faults)
        if early is not None:
            return self._without_effect(call, early)
        await self._loiter(call)
        return faults.spoil(self._operate(call, operate), call.faults)

    def _read(self, call: Call, request: Request) -> routes.Operation:
        posted = request.method == "POST"
        call.params = parse_form(request.body if posted else request.query)
        check_plain(call.params)
        call.operation, operate, call.target = routes.find(request.method, request.path)
        if posted:
            call.key = request.headers.get("idempotency-key")
        if call.operation == "search":
            call.sought = search.reference_in(str(call.params.get("query", "")))
        return operate

    def _faults_of(self, call: Call) -> list[Fault]:
        """The faults of this request: its own, those of its intent, and those for all."""
        self._find_intent(call)
        operations = {call.operation}
        if call.operation == "confirm" or as_flag(call.params.get("confirm")):
            operations.add("authorizing")
        own = frozenset({"authorizing" if call.operation == "create" else call.operation})
        given = call.params.get("metadata")
        carried = fault_names.carried_by_metadata(given if isinstance(given, dict) else {}, on=own)
        method = call.params.get("payment_method")
        if call.intent is not None:
            carried += fault_names.carried_by_metadata(call.intent["metadata"])
            method = method or call.intent["payment_method"]
        carried += fault_names.carried_by_card(method)
        subject = call.reference() or call.target or method or ""
        return self.faults.strike(
            operations=frozenset(operations), carried=carried, subject=subject
        )

    def _find_intent(self, call: Call) -> None:
        """The intent a request is about, by its own id or by that of its charge."""
        wanted = call.target or call.params.get("payment_intent") or call.params.get("charge")
        if isinstance(wanted, str) and wanted.startswith(("pi_", "ch_", "re_", "du_")):
            found = self.journal.load(wanted) or {}
            if found.get("object") != "payment_intent":
                found = self.journal.load(found.get("payment_intent", "")) or {}
            call.intent = found or None

    def _without_effect(self, call: Call, reply: Reply) -> Reply:
        call.note(status=reply.status or None)
        fault = fault_names.named(call.faults, "500_before")
        if fault is not None and fault.store:
            self.keys.keep(call, status=reply.status, body=reply.body)
        return reply

    async def _loiter(self, call: Call) -> None:
        """A slow request is on record while it waits, and has its effect afterwards."""
        slow = fault_names.named(call.faults, "slow")
        if slow is None:
            return
        call.note(status=None)
        await self.journal.durable()
        await asyncio.sleep(min(slow.seconds, LONGEST_SECONDS))
        self.catch_up()
        call.now = clock.now()

    def _operate(self, call: Call, operate: routes.Operation) -> Reply:
        call.take_place()
        with self.journal.unit():
            reply = self._answer_of(call, operate)
        call.note(status=reply.status)
        return reply

    def _answer_of(self, call: Call, operate: routes.Operation) -> Reply:
        try:
            paths = as_list(call.params.get("expand"))
            check_expandable(paths)
            doc = operate(call)
            reply = Reply(status=200, body=_body(call, doc, paths=paths))
            final = True
        except Refused as refusal:
            reply = Reply(status=refusal.status, body=refusal.body())
            final = refusal.final
        if final:
            self._keep(call, reply)
        return reply

    def _keep(self, call: Call, reply: Reply) -> None:
        fault = fault_names.named(call.faults, "500_after")
        if fault is not None and fault.store:
            self.keys.keep(call, status=500, body=faults.ANSWER_500)
        else:
            self.keys.keep(call, status=reply.status, body=reply.body)


def _body(call: Call, doc: Doc, *, paths: list[str]) -> bytes:
    return orjson.dumps(expand(doc, paths=paths, journal=call.journal) if paths else doc)


def authenticate(header: str) -> None:
    """Any secret test key will do; a live one is refused: nobody shall mistake this for Stripe."""
    key = header.removeprefix("Bearer ") if header.startswith("Bearer ") else ""
    if key.startswith("sk_live_"):
        raise Refused("This is a sandbox: live keys are refused here.", status=401)
    if not key.startswith("sk_"):
        raise Refused(
            "You did not provide an API key. Send one as 'Authorization: Bearer sk_test_...'.",
            status=401,
        )


def _headers(call: Call, reply: Reply) -> dict[str, str]:
    headers = {"Request-Id": call.request_id, "Stripe-Version": API_VERSION}
    if call.key:
        headers["Idempotency-Key"] = call.key
    if reply.status in (409, 429, 500):
        headers["Stripe-Should-Retry"] = "false" if reply.status == 500 else "true"
    return headers
