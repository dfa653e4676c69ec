"""What came over the wire, put into short lines for a reader."""

import datetime as dt
import json
from collections.abc import Sequence
from email.message import Message
from http import HTTPStatus
from typing import Any

from checkout_project.demo.outside import Doc, Reply
from foundation.money import Money

SHOWN_HEADERS = ("Location", "Retry-After", "Idempotent-Replayed")
SHOWN_MEMBERS = (
    *("id", "number", "status", "total", "order", "payment"),
    *("code", "detail", "decline_code", "charge_state", "retry_with"),
)
INNER_MEMBERS = ("id", "number", "status")
AMOUNT = {"amount", "currency"}


def money(amount: Doc) -> str:
    """An amount as people write it."""
    return str(Money(amount["amount"], amount["currency"]))


def body_lines(doc: Doc) -> list[str]:
    """The members that tell the story: plain ones together, each object on a line of its own."""
    short = {name: _short(doc[name]) for name in SHOWN_MEMBERS if doc.get(name) is not None}
    plain = {name: value for name, value in short.items() if not isinstance(value, dict)}
    inner = [{name: value} for name, value in short.items() if isinstance(value, dict)]
    parts = [json.dumps(part, ensure_ascii=False)[1:-1] for part in _lines_of(plain) + inner]
    return [
        f"{' ' if place else '{'}{part}{',' if place < len(parts) - 1 else '}'}"
        for place, part in enumerate(parts)
    ]


def _lines_of(plain: Doc) -> list[Doc]:
    names = list(plain)
    return [{name: plain[name] for name in names[at : at + 3]} for at in range(0, len(names), 3)]


def _short(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    if value.keys() == AMOUNT:
        return money(value)
    return {name: value[name] for name in INNER_MEMBERS if name in value}


def headers(reply: Reply) -> list[str]:
    """The headers that matter, of those that are there."""
    shown = [name for name in SHOWN_HEADERS if name.lower() in reply.headers]
    return [f"{name}: {reply.headers[name.lower()]}" for name in shown]


def status(reply: Reply) -> str:
    """The number and its name."""
    return f"{reply.status} {HTTPStatus(reply.status).phrase}"


def kind(reply: Reply) -> str:
    """One answer among many, in a few words."""
    told = [line for line in headers(reply) if not line.startswith("Location")]
    return "   ".join([status(reply), *filter(None, [reply.doc.get("code")]), *told])


def journal_line(entry: Doc) -> str:
    """One line of the processor's book."""
    amount = ""
    if entry.get("amount"):
        amount = money({"amount": int(entry["amount"]), "currency": entry["currency"].upper()})
    if entry["kind"] == "effect":
        return f"{'effect':<9}{entry['effect']:<15}{amount}"
    answer = entry["status"] or "no answer"
    faults = f"   fault: {', '.join(entry['faults'])}" if entry["faults"] else ""
    return f"{'request':<9}{entry['operation']:<15}{amount:<14}{answer}{faults}"


def mail_lines(mail: Message) -> list[str]:
    """A message as its reader sees it: of text and HTML, the text."""
    plain = next(part for part in mail.walk() if not part.is_multipart())
    written = plain.get_payload(decode=True)
    text = written.decode() if isinstance(written, bytes) else ""
    heads = [f"{name}: {mail[name]}" for name in ("To", "Subject")]
    return [*heads, *(line for line in text.splitlines() if line.strip())]


def timeline_lines(entries: Sequence[Doc]) -> list[str]:
    """What the shop wrote down, in seconds since the first line."""
    started = _moment(entries[0]) if entries else 0.0
    return [
        f"{_moment(entry) - started:+7.3f} s  {entry['kind']:<13}{entry['what']:<42}"
        f"{entry.get('actor', '')}".rstrip()
        for entry in entries
    ]


def _moment(entry: Doc) -> float:
    return dt.datetime.fromisoformat(entry["at"]).timestamp()
