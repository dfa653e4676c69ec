"""Which faults there are, and how a card's id or metadata asks for one (see `faults`)."""

import re
from dataclasses import dataclass

from sandbox_processor.payment_methods import parts_of
from sandbox_processor.wire import LONGEST_SECONDS, Doc, Refused, as_integer

OPERATIONS = frozenset(
    {"create", "confirm", "authorizing", "capture", "cancel", "refund", "respond", "accept"}
    | {"retrieve", "list", "search"}
)
AUTHORIZING = frozenset({"authorizing"})
LOOKUPS = frozenset({"retrieve", "search", "list"})
BEFORE = frozenset({"timeout_before", "reset_before", "500_before", "rate_limited", "lookup_500"})
AFTER = frozenset(
    {"timeout_after", "lost_reply", "500_after", "malformed", "empty", "wrong_amount_echoed"}
)
REFUND = frozenset(
    {"refund_pending", "refund_insufficient_balance", "refund_fails", "refund_fails_later"}
)
DURING = REFUND | {
    "slow",
    "search_lag",
    "lookup_lag",
    "capture_refused",
    "cancel_refused",
    "authorization_expires",
}
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
    "lookup_lag": 5.0,
    "authorization_expires": 1.0,
    "rate_limited": 1.0,
    "refund_pending": 60.0,
    "refund_fails_later": 60.0,
}
HOME = {
    "capture_refused": frozenset({"capture"}),
    "cancel_refused": frozenset({"cancel"}),
    "lookup_500": LOOKUPS,
    "lookup_lag": LOOKUPS - {"search"},
    "search_lag": frozenset({"search"}),
    **dict.fromkeys(REFUND, frozenset({"refund"})),
}
ELSEWHERE = re.compile(r"(?P<fault>.+)_on_(?P<operation>[a-z]+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One fault, ready to strike."""

    name: str
    seconds: float
    operations: frozenset[str]
    times: int | None = None
    store: bool = True


def from_rule(rule: Doc) -> Fault:
    return Fault(
        name=rule["fault"],
        seconds=_seconds(rule["fault"], rule["seconds"]),
        operations=frozenset({rule["operation"]}),
        store=rule["store"],
    )


def _seconds(name: str, given: float | None) -> float:
    return SECONDS.get(name, 0.0) if given is None else given


def carried_by(intent: Doc) -> list[Fault]:
    """The faults that an intent brings along to every later request about it."""
    return carried_by_card(intent["payment_method"]) + carried_by_metadata(intent["metadata"])


def carried_by_card(method: str | None) -> list[Fault]:
    """The faults in the parts of a card's id after its double underscores."""
    return [
        _of_part(part.removeprefix("fault_"))
        for part in parts_of(method or "")
        if part.startswith(("fault_", "refund_"))
    ]


def _of_part(text: str) -> Fault:
    """`timeout_after_3_on_capture` and its like."""
    elsewhere = ELSEWHERE.fullmatch(text)
    if elsewhere and elsewhere["operation"] not in OPERATIONS:
        raise Refused(f"No such operation: '{elsewhere['operation']}'", param="payment_method")
    name, number = _split(elsewhere["fault"] if elsewhere else text)
    timed = name in SECONDS
    return Fault(
        name=name,
        seconds=_seconds(name, number if timed else None),
        operations=frozenset({elsewhere["operation"]}) if elsewhere else _home(name),
        times=None if timed or number is None else number,
    )


def _home(name: str) -> frozenset[str]:
    return HOME.get(name, AUTHORIZING)


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
