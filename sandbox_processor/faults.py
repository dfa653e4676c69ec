"""Faults a real processor has and a mock has not, chosen per request or for all.

Per request: metadata `sandbox_fault` (several with commas), with `sandbox_fault_on` (operation),
`sandbox_fault_seconds`, `sandbox_fault_times`, `sandbox_fault_store`; or a card's id, as in
`pm_card_visa__fault_timeout_after_3`. The number is seconds for the faults that take time
(SECONDS) and how often the fault strikes for the others, counted per payment. Without
`sandbox_fault_on` it strikes where it belongs (HOME), which for most is the request that
authorizes; a card says it as in `pm_card_visa__fault_lost_reply_1_on_capture`. Metadata of an
intent, and its card, go on counting for the later requests about it.

Refunds that do not just succeed are chosen likewise, on a card without the word fault
(`pm_card_visa__refund_pending_5`): `refund_pending` succeeds after so many seconds, and
`refund_fails_later` succeeds and fails after so many (60 when none are given);
`refund_insufficient_balance` stays pending until somebody settles it; `refund_fails` is refused by
the bank at once. `lookup_lag` hides from lists and retrievals what is younger than its seconds.

For all: `POST /_sandbox/faults {"operation", "fault", "times", "seconds", "payment", "store"}`.

A 500 is kept with its idempotency key and replayed, before or after the effect, as Stripe's v1
does; `store: false` leaves `500_before` without a trace, and lets `500_after` be followed by the
true answer.
"""

import orjson

from sandbox_processor.fault_names import AFTER, BEFORE, Fault, from_rule, named
from sandbox_processor.journal import Journal
from sandbox_processor.wire import Doc, Refused, Reply, Wire

ANSWER_500 = Refused(
    "An unknown error occurred (a fault of the sandbox).", status=500, kind="api_error"
).body()


class Faults:
    """Which faults strike which request, and how often they still may."""

    def __init__(self, *, journal: Journal) -> None:
        self._journal = journal
        self._struck: dict[tuple[str, frozenset[str], str], int] = {}
        self.rules: dict[str, Doc] = {
            rule: orjson.loads(doc) for rule, doc in journal.read("SELECT id, doc FROM rules")
        }

    def add(self, rule: Doc) -> None:
        self.rules[rule["id"]] = rule
        self._keep(rule)

    def clear(self) -> None:
        self.rules.clear()
        self._struck.clear()
        self._journal.write("DELETE FROM rules")

    def _keep(self, rule: Doc) -> None:
        self._journal.write(
            "INSERT OR REPLACE INTO rules (id, doc) VALUES (?, ?)", (rule["id"], orjson.dumps(rule))
        )

    def strike(
        self,
        *,
        operations: frozenset[str],
        carried: list[Fault],
        subject: str,
        rules: bool = True,
    ) -> list[Fault]:
        """The faults that hit a request, each counted as one more hit."""
        struck = [
            fault
            for fault in carried
            if fault.operations & operations and self._may_strike(fault, subject=subject)
        ]
        for rule in self.rules.values() if rules else ():
            if self._applies(rule, operations=operations, subject=subject):
                struck.append(from_rule(rule))
                self._spend(rule)
        return struck

    def _may_strike(self, fault: Fault, *, subject: str) -> bool:
        if fault.times is None:
            return True
        place = (fault.name, fault.operations, subject)
        hits = self._struck.get(place, 0)
        self._struck[place] = hits + 1
        return hits < fault.times

    def _applies(self, rule: Doc, *, operations: frozenset[str], subject: str) -> bool:
        if rule["operation"] not in operations and rule["operation"] != "*":
            return False
        return rule["times"] != 0 and rule["payment"] in (None, subject)

    def _spend(self, rule: Doc) -> None:
        if rule["times"] is not None:
            rule["times"] -= 1
            self._keep(rule)

    def settlement(self) -> set[str]:
        """The faults of a settlement report, counted when it is fetched."""
        hit = [
            rule
            for rule in self.rules.values()
            if rule["operation"] == "settlement" and rule["times"] != 0
        ]
        for rule in hit:
            self._spend(rule)
        return {rule["fault"] for rule in hit}


def instead_of_effect(faults: list[Fault]) -> Reply | None:
    """What a fault before the effect answers, or nothing when there is none."""
    fault = named(faults, *BEFORE)
    if fault is None:
        return None
    if fault.name == "timeout_before":
        return Reply(status=0, body=b"", wire=Wire.HANG, seconds=fault.seconds)
    if fault.name == "reset_before":
        return Reply(status=0, body=b"", wire=Wire.RESET)
    if fault.name == "rate_limited":
        refusal = Refused("Request rate limit exceeded.", status=429, code="rate_limit")
        return Reply(
            status=429,
            body=refusal.body(),
            headers={"Retry-After": str(max(1, round(fault.seconds)))},
        )
    return Reply(status=500, body=ANSWER_500)


def spoil(reply: Reply, faults: list[Fault]) -> Reply:
    """What a fault after the effect makes of a true answer."""
    fault = named(faults, *AFTER)
    if fault is None:
        return reply
    if fault.name == "timeout_after":
        return Reply(status=0, body=b"", wire=Wire.HANG, seconds=fault.seconds)
    if fault.name == "lost_reply":
        return Reply(status=0, body=b"", wire=Wire.DROP)
    if fault.name == "500_after":
        return Reply(status=500, body=ANSWER_500, headers=reply.headers)
    body = {"malformed": reply.body[: len(reply.body) // 2], "empty": b""}.get(fault.name)
    if body is None:
        body = _with_wrong_amount(reply.body)
    return Reply(status=reply.status, body=body, headers=reply.headers)


def _with_wrong_amount(body: bytes) -> bytes:
    doc = orjson.loads(body)
    for name in ("amount", "amount_capturable", "amount_received"):
        if doc.get(name):
            doc[name] += 1
    return orjson.dumps(doc)
