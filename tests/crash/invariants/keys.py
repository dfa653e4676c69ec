"""One key, one effect: what was answered, what was stored, and what it promised."""

import json
from collections.abc import Iterator

from tests.crash.facts import Facts, Heard, Row

PURCHASE = "/v1/checkouts"
_LIVE_ENDS = ("completed", "abandoned")


def i1_one_order_a_key(facts: Facts) -> Iterator[str]:
    """At most one order, whatever was repeated."""
    if len(facts.orders) > 1:
        yield f"{len(facts.orders)} orders for one cart and one key"


def i3_every_final_answer_is_the_same(facts: Facts) -> Iterator[str]:
    """Byte for byte where it is stored; a refusal that is not stored says the same code."""
    said: dict[tuple[str, str], set[tuple[int, str]]] = {}
    for heard in facts.heard:
        if heard["key"] and is_final(heard):
            place = (heard["path"], heard["key"])
            said.setdefault(place, set()).add((heard["status"], _said(heard)))
    for (path, _), answers in said.items():
        if len(answers) > 1:
            yield f"{path} answered {sorted(status for status, _ in answers)} in different bytes"


def _said(heard: Heard) -> str:
    is_stored = heard["status"] < 300 or heard["path"] == PURCHASE
    return str(heard["body"] if is_stored else json.loads(heard["body"])["code"])


def i5_no_key_is_left_open(facts: Facts) -> Iterator[str]:
    """At rest every key has ended, with its answer."""
    for key in facts.keys:
        if key["state"] not in _LIVE_ENDS or key["response_body"] is None:
            yield f"key of scope {key['scope'][-30:]} is {key['state']}"


def i6_a_promised_order_exists(facts: Facts) -> Iterator[str]:
    """Every 201 that was heard is an order, with the amount and the lines it named."""
    for heard in facts.heard:
        if heard["status"] == 201 and heard["path"] == PURCHASE:
            yield from _differences(json.loads(heard["body"]), facts)


def i7_a_final_refusal_leaves_nothing(facts: Facts) -> Iterator[str]:
    """No hold, no reserved stock, no order."""
    if not any(_is_final_refusal(heard) for heard in facts.heard):
        return
    if facts.orders:
        yield "refused, and there is an order"
    if facts.holds:
        yield f"refused, and {len(facts.holds)} holds live at the processor"
    if any(row["state"] in ("held", "committed") for row in facts.reservations):
        yield "refused, and stock is reserved"


def x1_order_and_key_commit_together(facts: Facts) -> Iterator[str]:
    """The key that promised the order was completed by the transaction that wrote its lines."""
    authors = {key["written_by"] for key in facts.keys if key["response_status"] == 201}
    for line in facts.lines:
        if authors and line["written_by"] not in authors:
            yield "the order's lines and its key were written by different transactions"


def is_final(heard: Heard) -> bool:
    """An answer that a client may build on: stored, and the same for ever."""
    if heard["status"] in (200, 201, 402):
        return True
    if heard["status"] not in (409, 422):
        return False
    return bool(json.loads(heard["body"])["retry_with"] != "same_key")


def _is_final_refusal(heard: Heard) -> bool:
    is_purchase = heard["path"] == PURCHASE
    return is_purchase and is_final(heard) and heard["status"] in (402, 422)


def _differences(promised: Row, facts: Facts) -> Iterator[str]:
    if not facts.orders:
        yield "201 was answered, and there is no order"
        return
    (order, *_), lines = facts.orders, facts.lines
    told = promised["order"]
    if told["total"]["amount"] != order["total_amount"]:
        yield f"201 named {told['total']['amount']}, the order says {order['total_amount']}"
    if sorted(line["sku"] for line in told["lines"]) != sorted(line["sku"] for line in lines):
        yield "201 named other lines than the order has"


RULES = (
    i1_one_order_a_key,
    i3_every_final_answer_is_the_same,
    i5_no_key_is_left_open,
    i6_a_promised_order_exists,
    i7_a_final_refusal_leaves_nothing,
    x1_order_and_key_commit_together,
)
