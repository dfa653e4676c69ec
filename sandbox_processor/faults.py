"""Faults a real processor has and a mock has not, chosen per request or for all.

Per request: metadata `sandbox_fault` (several with commas), with `sandbox_fault_on` (operation),
`sandbox_fault_seconds`, `sandbox_fault_times`, `sandbox_fault_store`; or a card's id, as in
`pm_card_visa__fault_timeout_after_3`. The number is seconds for the faults that take time
(SECONDS) and how often the fault strikes for the others, counted per payment. Without
`sandbox_fault_on` it strikes where it belongs (HOME), which for most is the request that
authorizes. Metadata of an intent goes on counting for the later requests about it.

For all: `POST /_sandbox/faults {"operation", "fault", "times", "seconds", "payment", "store"}`.

A 500 is kept with its idempotency key and replayed, before or after the effect, as Stripe's v1
does; `store: false` leaves `500_before` without a trace, and lets `500_after` be followed by the
true answer.
"""

from dataclasses import dataclass

import orjson

from sandbox_processor.journal import Journal
from sandbox_processor.wire import LONGEST_SECONDS, Doc, Refused, Reply, Wire, as_integer

AUTHORIZING = frozenset({"authorizing"})
LOOKUPS = frozenset({"retrieve", "search", "list"})
BEFORE = frozenset({"timeout_before", "reset_before", "500_before", "rate_limited", "lookup_500"})
AFTER = frozenset(
    {"timeout_after", "lost_reply", "500_after", "malformed", "empty", "wrong_amount_echoed"}
)
DURING = frozenset({"slow", "search_lag", "capture_refused", "authorization_expires"})
WEBHOOK = frozenset(
    {
        "webhook_duplicate",
        "webhook_reordered",
        "webhook_lost",
        "webhook_forged",
        "webhook_before_response",
    }
)
SETTLEMENT = frozenset({"missing", "extra", "off_by_one", "other_currency"})
NAMES = BEFORE | AFTER | DURING | WEBHOOK | {"requires_action"}
SECONDS = {
    # fault: seconds when none are given
    "timeout_before": LONGEST_SECONDS,
    "timeout_after": LONGEST_SECONDS,
    "slow": 1.0,
    "search_lag": 5.0,
    "authorization_expires": 1.0,
    "rate_limited": 1.0,
}
HOME = {
    "capture_refused": frozenset({"capture"}),
    "lookup_500": LOOKUPS,
    "search_lag": frozenset({"search"}),
}
ANSWER_500 = Refused(
    "An unknown error occurred (a fault of the sandbox).", status=500, kind="api_error"
).body()


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One fault, ready to strike."""

    name: str
    seconds: float
    operations: frozenset[str]
    times: int | None = None
    store: bool = True


class Faults:
    """Which faults strike which request, and how often they still may."""

    def __init__(self, *, journal: Journal) -> None:
        self._journal = journal
        self._struck: dict[tuple[str, str], int] = {}
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
        hits = self._struck.get((fault.name, subject), 0)
        self._struck[fault.name, subject] = hits + 1
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


def from_rule(rule: Doc) -> Fault:
    return Fault(
        name=rule["fault"],
        seconds=_seconds(rule["fault"], rule["seconds"]),
        operations=frozenset({rule["operation"]}),
        store=rule["store"],
    )


def _seconds(name: str, given: float | None) -> float:
    return SECONDS.get(name, 0.0) if given is None else given


def carried_by_card(method: str | None) -> list[Fault]:
    """The faults in the parts of a card's id after its double underscores."""
    faults = []
    for part in (method or "").split("__")[1:]:
        if part.startswith("fault_"):
            name, number = _split(part.removeprefix("fault_"))
            timed = name in SECONDS
            faults.append(
                Fault(
                    name=name,
                    seconds=_seconds(name, number if timed else None),
                    operations=HOME.get(name, AUTHORIZING),
                    times=None if timed or number is None else number,
                )
            )
    return faults


def carried_by(intent: Doc) -> list[Fault]:
    """The faults that an intent brings along to every later request about it."""
    return carried_by_card(intent["payment_method"]) + carried_by_metadata(intent["metadata"])


def _split(text: str) -> tuple[str, int | None]:
    """`500_after_2` is `500_after` and 2; `lookup_500` has no number."""
    if text in NAMES:
        return text, None
    name, _, number = text.rpartition("_")
    if name in NAMES and number.isdecimal() and len(number) < 6:
        return name, int(number)
    raise Refused(f"No such sandbox fault: '{text}'", param="payment_method")


def carried_by_metadata(metadata: Doc, *, on: frozenset[str] = AUTHORIZING) -> list[Fault]:
    """The faults that metadata asks for; `on` is where those without their own place strike."""
    wanted = metadata.get("sandbox_fault")
    if not wanted:
        return []
    seconds = _number(metadata.get("sandbox_fault_seconds"))
    where = metadata.get("sandbox_fault_on")
    faults = []
    for name in str(wanted).split(","):
        if name not in NAMES:
            raise Refused(f"No such sandbox fault: '{name}'", param="metadata[sandbox_fault]")
        faults.append(
            Fault(
                name=name,
                seconds=_seconds(name, seconds),
                operations=frozenset({where}) if where else HOME.get(name, on),
                times=as_integer(metadata, "sandbox_fault_times"),
                store=metadata.get("sandbox_fault_store") != "false",
            )
        )
    return faults


def _number(text: str | None) -> float | None:
    try:
        return float(text) if text else None
    except ValueError:
        raise Refused(f"Invalid number: {text}", param="metadata[sandbox_fault_seconds]") from None


def named(faults: list[Fault], *names: str) -> Fault | None:
    """The first of these faults among those that struck."""
    return next((fault for fault in faults if fault.name in names), None)


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
