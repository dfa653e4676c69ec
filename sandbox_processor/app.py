"""Takes a request through key, faults, operation, journal and answer, in that order."""

import asyncio
from dataclasses import dataclass, field

import orjson

from sandbox_processor import control, faults, routes
from sandbox_processor.call import API_VERSION, Call
from sandbox_processor.expansion import expand
from sandbox_processor.faults import Fault, Faults
from sandbox_processor.http import Request
from sandbox_processor.idempotency import Keys
from sandbox_processor.journal import Journal
from sandbox_processor.wire import Refused, Reply, as_flag, as_list, parse_form


@dataclass(kw_only=True)
class Sandbox:
    """The processor: its journal, its keys in use, its faults."""

    journal: Journal
    faults: Faults
    origin: str = ""
    search_lag: float = 0.0
    allow_reset: bool = False
    keys: Keys = field(default_factory=Keys)

    async def answer(self, request: Request) -> Reply:
        if request.path.startswith("/_sandbox/"):
            return await self._control(request)
        return await self._serve(request)

    async def _control(self, request: Request) -> Reply:
        try:
            reply = control.answer(self, request)
        except Refused as refusal:
            reply = Reply(status=refusal.status, body=refusal.body())
        await self.journal.durable()
        return reply

    async def _serve(self, request: Request) -> Reply:
        call = Call(
            journal=self.journal,
            operation="unknown",
            method=request.method,
            path=request.path,
            target="",
            params={},
            key=None,
            origin=self.origin,
            search_lag=self.search_lag,
        )
        try:
            reply = await self._attempt(call, request)
        except Refused as refusal:
            reply = Reply(status=refusal.status, body=refusal.body())
            self._note(call, status=reply.status)
        finally:
            await self.journal.durable()
            self.keys.release(call)
        reply.headers.update(_headers(call, reply))
        return reply

    async def _attempt(self, call: Call, request: Request) -> Reply:
        authenticate(request.headers.get("authorization", ""))
        call.params = parse_form(request.body if request.method == "POST" else request.query)
        call.operation, operate, call.target = routes.find(request.method, request.path)
        if request.method == "POST":
            call.key = request.headers.get("idempotency-key")
        stored = self.keys.claim(call, body=request.body)
        if stored is not None:
            self._note(call, status=stored.status, replayed=True)
            return stored
        call.faults = self._faults_of(call)
        early = faults.instead_of_effect(call.faults)
        if early is not None:
            return self._without_effect(call, early)
        await self._loiter(call)
        reply = self._operate(call, operate)
        return faults.spoil(reply, call.faults)

    def _faults_of(self, call: Call) -> list[Fault]:
        """The faults of this request: its own, those of its intent, and those for all."""
        if call.target.startswith("pi_"):
            call.intent = self.journal.load(call.target)
        metadata = call.metadata()
        method = call.params.get("payment_method") or (call.intent or {}).get("payment_method")
        carried = faults.carried_by_card(method) + faults.carried_by_metadata(metadata)
        operations = {call.operation}
        if call.operation == "confirm" or as_flag(call.params.get("confirm")):
            operations.add("authorizing")
        subject = metadata.get("payment") or call.target or method or ""
        return self.faults.strike(
            operations=frozenset(operations), carried=carried, subject=subject
        )

    def _without_effect(self, call: Call, reply: Reply) -> Reply:
        self._note(call, status=reply.status or None)
        fault = faults.named(call.faults, "500_before")
        if fault is not None and fault.store:
            self.keys.keep(call, status=reply.status, body=reply.body)
        else:
            self.keys.release(call)
        return reply

    async def _loiter(self, call: Call) -> None:
        """A slow request is on record while it waits, and has its effect afterwards."""
        slow = faults.named(call.faults, "slow")
        if slow is not None:
            self._note(call, status=None)
            await asyncio.sleep(slow.seconds)

    def _operate(self, call: Call, operate: routes.Operation) -> Reply:
        if not call.seq:
            self._note(call, status=None)
        try:
            doc = operate(call)
            paths = as_list(call.params.get("expand"))
            reply = Reply(
                status=200,
                body=orjson.dumps(expand(doc, paths=paths, journal=call.journal)),
            )
            final = True
        except Refused as refusal:
            reply = Reply(status=refusal.status, body=refusal.body())
            final = refusal.final
        if final:
            self._keep(call, reply)
        self._amend(call, status=reply.status)
        return reply

    def _keep(self, call: Call, reply: Reply) -> None:
        fault = faults.named(call.faults, "500_after")
        if fault is not None and fault.store:
            self.keys.keep(call, status=500, body=faults.ANSWER_500)
        else:
            self.keys.keep(call, status=reply.status, body=reply.body)

    def _note(self, call: Call, *, status: int | None, replayed: bool = False) -> None:
        if call.seq:
            self._amend(call, status=status)
            return
        entry = call.request_entry(status=status, replayed=replayed)
        call.seq = self.journal.note(
            entry, reference=call.reference(), intent=entry["payment_intent"]
        )

    def _amend(self, call: Call, *, status: int | None) -> None:
        entry = call.request_entry(status=status)
        self.journal.amend(
            call.seq, entry, reference=call.reference(), intent=entry["payment_intent"]
        )


def authenticate(header: str) -> None:
    """Any secret test key will do; a live one is refused, so that nobody mistakes this for Stripe."""
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
