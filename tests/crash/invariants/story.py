"""States, moves, events, mail and the record of who did what."""

import itertools
from collections import Counter
from collections.abc import Iterator

from orders.states import CHECKOUT, ORDER
from payments.states import PAYMENT
from tests.crash.facts import Facts, Row

_ENDS = ("completed", "failed", "expired", "compensated")
_IN_FLIGHT = ("authorizing", "unknown", "requires_action", "capturing", "voiding")
_TABLES = {"checkout": CHECKOUT, "order": ORDER, "payment": PAYMENT}


def g1_every_checkout_ends(facts: Facts) -> Iterator[str]:
    """At rest it is done or undone."""
    for checkout in facts.checkouts:
        if checkout["state"] not in _ENDS:
            yield f"a checkout is {checkout['state']} ({checkout['recovery_point']})"


def g1_every_payment_is_settled(facts: Facts) -> Iterator[str]:
    """At rest none is in doubt."""
    for payment in facts.payments:
        if payment["state"] in _IN_FLIGHT:
            yield f"a payment is {payment['state']}"


def g2_moves_are_legal_and_a_path(facts: Facts) -> Iterator[str]:
    """Each move begins where the last one ended, and the last one ended where the row is."""
    rows = {"checkout": facts.checkouts, "order": facts.orders, "payment": facts.payments}
    for aggregate, table in _TABLES.items():
        for row in rows[aggregate]:
            moves = [move for move in facts.moves if move["aggregate_id"] == row["id"]]
            yield from _flaws(aggregate, table.moves, row, moves)


def o1_an_order_is_told_of_once(facts: Facts) -> Iterator[str]:
    """One `order.placed` per order, none without."""
    told = Counter(event["type"] for event in facts.events)
    if told["order.placed"] != len(facts.orders):
        yield f"{len(facts.orders)} orders, {told['order.placed']} times order.placed"
    captures = sum(bool(facts.steps_of(p, "capture")) for p in facts.payments)
    if bool(told["payment.captured"]) != bool(captures):
        yield f"{captures} captures, {told['payment.captured']} times payment.captured"


def o2_everything_was_told(facts: Facts) -> Iterator[str]:
    """At rest nothing waits in the outbox, and nothing was given up."""
    for event in facts.events:
        if event["state"] != "sent":
            yield f"{event['type']} is {event['state']}"


def o3_sequences_have_no_gap(facts: Facts) -> Iterator[str]:
    """Per story 1, 2, 3 ..."""
    by_stream: dict[str, list[int]] = {}
    for event in facts.events:
        by_stream.setdefault(str(event["stream"]), []).append(event["sequence"])
    for numbers in by_stream.values():
        if numbers != list(range(1, len(numbers) + 1)):
            yield f"sequences {numbers}"


def o4_every_consumer_did_it_once(facts: Facts) -> Iterator[str]:
    """One shipment and one notification an order, and the mails of one carry one Message-ID."""
    for order in facts.orders:
        shipments = [f for f in facts.fulfillments if f["order_id"] == order["id"]]
        if len(shipments) > 1:
            yield f"{len(shipments)} shipments of one order"
    if len(set(facts.mails)) > len(facts.notifications):
        yield f"{len(set(facts.mails))} different mails, {len(facts.notifications)} notifications"
    if any(row["sent_at"] is not None for row in facts.notifications) and not facts.mails:
        yield "a notification counts as sent, and no mail left"


def a1_staff_are_on_record(facts: Facts) -> Iterator[str]:
    """Whoever of the staff moved a payment stands in the audit, with a reason."""
    named = {(entry["actor"], entry["aggregate_id"]) for entry in facts.audit if entry["reason"]}
    for move in facts.moves:
        person = move["actor"].startswith("staff:") and move["to_state"] == "voiding"
        if person and (move["actor"], move["aggregate_id"]) not in named:
            yield f"{move['actor']} moved a {move['aggregate']} and is not on record"


def _flaws(
    aggregate: str, legal: dict[str, tuple[str, ...]], row: Row, moves: list[Row]
) -> Iterator[str]:
    for move in moves:
        if move["to_state"] not in legal.get(move["from_state"], ()):
            yield f"{aggregate}: {move['from_state']} to {move['to_state']} is not a legal move"
    for one, following in itertools.pairwise(moves):
        if one["to_state"] != following["from_state"]:
            yield f"{aggregate}: moved to {one['to_state']}, then on from {following['from_state']}"
    if moves and moves[-1]["to_state"] != row["state"]:
        yield f"{aggregate} is {row['state']}, its last move was to {moves[-1]['to_state']}"


RULES = (
    g1_every_checkout_ends,
    g1_every_payment_is_settled,
    g2_moves_are_legal_and_a_path,
    o1_an_order_is_told_of_once,
    o2_everything_was_told,
    o3_sequences_have_no_gap,
    o4_every_consumer_did_it_once,
    a1_staff_are_on_record,
)
