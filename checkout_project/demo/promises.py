"""What each story promises, as pure functions: evidence in, kept or broken out.

The evidence is what the API answered and what the processor's own journal says; nothing here
asks anybody, so a test can feed it a shop that breaks its word.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from checkout_project.demo.outside import Doc, Reply, Shelf

OK = HTTPStatus.CREATED
AUTHORIZATION = "authorization"


@dataclass(frozen=True, slots=True)
class Promise:
    """One sentence, whether it was kept, and what was seen when it was not."""

    text: str
    kept: bool
    saw: str = ""


def promise(text: str, *, saw: Any, expected: Any) -> Promise:
    """Kept when what was seen is what was expected."""
    return Promise(text, saw == expected, f"expected {expected}, saw {saw}")


@dataclass(frozen=True, slots=True)
class Aftermath:
    """What became of one order: what the API says, what the processor did, what was mailed."""

    order: Doc
    timeline: Sequence[Doc]
    journal: Doc
    mails: int


def finished(seen: Aftermath) -> list[Promise]:
    """Captured once, owed by the warehouse once, told once."""
    return [
        promise(
            "the processor's journal has one hold and one capture",
            saw=dict(seen.journal["effects"]),
            expected={AUTHORIZATION: 1, "capture": 1},
        ),
        promise(
            "the order says so: fulfilling, captured",
            saw=(seen.order["status"], seen.order["payment_status"]),
            expected=("fulfilling", "captured"),
        ),
        promise(
            "the warehouse owes one shipment",
            saw=[entry["what"] for entry in seen.timeline].count("fulfillment.created"),
            expected=1,
        ),
        promise("the customer has one e-mail", saw=seen.mails, expected=1),
    ]


def purchase(reply: Reply, seen: Aftermath, *, total: Doc) -> list[Promise]:
    """A purchase is answered with its order, and the rest follows by itself."""
    return [
        promise("answered 201", saw=reply.status, expected=OK),
        promise("the total is the one that was shown", saw=seen.order.get("total"), expected=total),
        *finished(seen),
    ]


def _sent(journal: Doc) -> Doc:
    """What may move money. Workers that follow the processor's own messages only look."""
    moves = ("create", "confirm", "capture", "cancel", "refund")
    return {name: count for name, count in journal["requests"].items() if name in moves}


def repeat(first: Reply, again: Reply, *, journal: Doc, new_lines: int) -> list[Promise]:
    """The same request again is the same answer."""
    return [
        promise("the same status", saw=again.status, expected=first.status),
        promise("the same bytes", saw=again.body, expected=first.body),
        promise(
            "marked Idempotent-Replayed, the first not",
            saw=(first.is_replay, again.is_replay),
            expected=(False, True),
        ),
        promise("nothing was sent to the processor", saw=_sent(journal), expected={}),
        promise("nothing was added to the order's timeline", saw=new_lines, expected=0),
    ]


def crowd(
    replies: Sequence[Reply], repeats: Sequence[Reply], *, orders: int, journal: Doc
) -> list[Promise]:
    """Many with one key are one."""
    created = [reply for reply in replies if reply.status == OK]
    busy = [reply for reply in replies if reply.status == HTTPStatus.CONFLICT]
    bodies = {reply.body for reply in (*created, *repeats)}
    return [
        promise("one order", saw=orders, expected=1),
        promise(
            "one hold in the journal", saw=journal["effects"].get(AUTHORIZATION, 0), expected=1
        ),
        promise(
            "exactly one 201 is not a replay",
            saw=sum(not reply.is_replay for reply in created),
            expected=1,
        ),
        promise(
            "the rest: a replay, or 409 idempotency_in_progress with Retry-After",
            saw=len(created) + sum(_says_later(reply) for reply in busy),
            expected=len(replies),
        ),
        promise("all sixteen, asked again, have the same bytes", saw=len(bodies), expected=1),
    ]


def _says_later(reply: Reply) -> bool:
    return reply.doc.get("code") == "idempotency_in_progress" and "retry-after" in reply.headers


def decline(
    first: Reply, again: Reply, *, before: Shelf, after: Shelf, journal: Doc
) -> list[Promise]:
    """A final no leaves nothing behind."""
    return [
        promise(
            "answered 402 payment_declined",
            saw=(first.status, first.doc.get("code")),
            expected=(HTTPStatus.PAYMENT_REQUIRED, "payment_declined"),
        ),
        promise(
            "with the card's own reason",
            saw=first.doc.get("decline_code"),
            expected="insufficient_funds",
        ),
        promise("the shelf is as before", saw=after, expected=before),
        promise("no hold in the journal", saw=dict(journal["effects"]), expected={}),
        promise(
            "the same key again: the same bytes, a replay",
            saw=(again.is_replay, again.body),
            expected=(True, first.body),
        ),
    ]


def last_unit(replies: Sequence[Reply], *, shelf: Shelf, journal: Doc) -> list[Promise]:
    """One unit is sold once."""
    lost = [reply for reply in replies if reply.status != OK]
    return [
        promise(
            "one 201 and one 409",
            saw=sorted(reply.status for reply in replies),
            expected=[OK, HTTPStatus.CONFLICT],
        ),
        promise(
            "the 409 says out_of_stock",
            saw=[reply.doc.get("code") for reply in lost],
            expected=["out_of_stock"],
        ),
        promise(
            "one hold in the journal", saw=journal["effects"].get(AUTHORIZATION, 0), expected=1
        ),
        promise("one sold, and nothing held besides", saw=shelf, expected=Shelf(1, 1, 0)),
    ]


def time_out(first: Reply, again: Reply, *, checkout: Doc, journal: Doc) -> list[Promise]:
    """An unknown outcome is a state, and is resolved without the client."""
    return [
        promise(
            "answered 202 processing with the checkout's address",
            saw=(first.status, first.doc.get("status"), first.headers.get("location")),
            expected=(HTTPStatus.ACCEPTED, "processing", f"/v1/checkouts/{checkout['id']}"),
        ),
        promise(
            "resolved to an order while nobody asked",
            saw=(checkout["status"], "order" in checkout),
            expected=("completed", True),
        ),
        promise(
            "one hold in the journal: looked up, not sent again",
            saw=(journal["effects"].get(AUTHORIZATION, 0), journal["requests"].get("create", 0)),
            expected=(1, 1),
        ),
        promise(
            "the same key now has the stored 201 with that order",
            saw=(again.status, again.is_replay, again.doc.get("order", {}).get("id")),
            expected=(OK, True, checkout.get("order", {}).get("id")),
        ),
    ]


def killed_worker(*, killed_at: str, is_gone: bool, seen: Aftermath) -> list[Promise]:
    """Work that died in mid-air is finished, once."""
    return [
        promise(
            "the worker died while the payment was capturing", saw=killed_at, expected="capturing"
        ),
        promise("it and its children were gone", saw=is_gone, expected=True),
        *finished(seen),
    ]
