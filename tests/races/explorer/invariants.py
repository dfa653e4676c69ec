"""What must hold for every world at rest, whoever met in it: our rows against the journal.

Each rule yields what breaks it, in words. Numbers in brackets are those of the rule list that
the project's other harnesses use: M money, S stock, G sagas and states, O events.
"""

import uuid
from collections import Counter
from collections.abc import Iterator, Sequence
from types import SimpleNamespace
from typing import Any, Final

from foundation.ids import public
from foundation.state_machine import StateTable
from orders.states import CHECKOUT, FULFILLMENT, ORDER
from payments.amounts import fold
from payments.states import COVERED, PAYMENT, TAKEN
from tests.races.explorer.books import Books, Row, by, read_books
from tests.races.explorer.pair import Pair

_BOUGHT, _STILL_OPEN = "completed", ("in_review", "needs_attention")
_KEEPS_MONEY: Final = ("authorized", "capturing", "captured", "partially_captured")
_TOLD_ONCE: Final = ("order.placed", "order.canceled", "payment.authorized", "payment.voided")
_COVERS: Final = (*TAKEN, *COVERED)
_EFFECTS: Final = {  # what our columns and transactions add up, and what the journal calls it
    "authorized": ("authorization",), "captured": ("capture",), "voided": ("cancel", "release"),
    "refunded": ("refund",),
}  # fmt: skip


def broken(pair: Pair) -> Iterator[str]:
    """Everything that is wrong with the rows of this world."""
    books = read_books(pair.client_id, pair.skus)
    yield from _stock(books)
    for payment in books.payments:
        reference = public("pay", uuid.UUID(payment["id"]))
        yield from _money(payment, books, pair.sandbox.effects(reference))
    yield from _stories(books)
    yield from _paths(books.checkouts, CHECKOUT, books)
    yield from _paths(books.payments, PAYMENT, books)
    yield from _paths(books.orders, ORDER, books)
    yield from _paths(books.shipments, FULFILLMENT, books)
    yield from _events(books)


def _stock(books: Books) -> Iterator[str]:
    """[S-1, S-2] The counter is the sum of the open rows, and never more than there is."""
    spoken_for = {row["sku"]: row["quantity"] for row in books.spoken_for}
    for item in books.stock:
        counted, held = item["reserved"], spoken_for.get(item["sku"], 0)
        if counted != held:
            yield f"{item['sku']}: the counter says {counted} are spoken for, the rows say {held}"
        if held > item["on_hand"]:
            yield f"{item['sku']}: {held} are spoken for, of {item['on_hand']}"


def _money(payment: Row, books: Books, effects: list[Any]) -> Iterator[str]:
    """[M-1, M-3, M-4, I-2] Columns, transactions and the processor's journal say one thing."""
    steps = [step for step in books.steps if step["payment_id"] == payment["id"]]
    amounts = fold(SimpleNamespace(**step) for step in steps)
    ours = {name: getattr(amounts, name) for name in _EFFECTS}
    stored = {name: payment[f"{name}_amount"] for name in _EFFECTS}
    theirs = {name: _sum(effects, *kinds) for name, kinds in _EFFECTS.items()}
    if stored != ours:
        yield f"the payment is stored as {stored}, its transactions fold to {ours}"
    if ours != theirs and not _came_and_went(payment, ours, theirs):
        yield f"our books say {ours}, the processor says {theirs}"
    happened = Counter(effect["effect"] for effect in effects)
    if happened["authorization"] > 1:
        yield f"{happened['authorization']} authorizations of one payment"
    if happened["capture"] and happened["cancel"]:
        yield "captured and released"
    if theirs["authorized"] > theirs["captured"] + theirs["voided"]:
        yield from _held(payment, books)


def _came_and_went(payment: Row, ours: dict[str, int], theirs: dict[str, int]) -> bool:
    """A hold that nobody of ours saw alive, or that ran out: nothing of it is owed either way."""
    is_let_go = theirs["authorized"] == theirs["voided"] and not theirs["captured"]
    return is_let_go and (payment["state"] == "expired" or not any(ours.values()))


def _sum(effects: list[Any], *kinds: str) -> int:
    return sum(effect["amount"] for effect in effects if effect["effect"] in kinds)


def _held(payment: Row, books: Books) -> Iterator[str]:
    """[M-2] What is held for a checkout is held for a live order, or for a person to decide."""
    orders = [order for order in books.orders if order["payment_id"] == payment["id"]]
    checkouts = [c for c in books.checkouts if c["payment_id"] == payment["id"]]
    is_owned = any(order["state"] != "canceled" for order in orders)
    if checkouts and not is_owned and not any(c["state"] in _STILL_OPEN for c in checkouts):
        yield f"the processor holds money for nobody ({payment['state']})"


def _stories(books: Books) -> Iterator[str]:
    """[M-2, S-5, S-6, G-1] Order, key, payment and stock stand and fall together."""
    bought = {order["checkout_id"]: order for order in books.orders}
    keys, held = by("subject_id", books.keys), by("checkout_id", books.reservations)
    for checkout in books.checkouts:
        number = checkout["id"]
        stock = Counter(row["state"] for row in held[number])
        if number in bought:
            yield from _placed(checkout, bought[number], keys[number], stock)
            yield from _paid(checkout, bought[number], books)
        elif checkout["state"] not in _STILL_OPEN:
            yield from _refused(checkout, books.payment.get(checkout["payment_id"]), stock)


def _placed(checkout: Row, order: Row, keys: Sequence[Row], stock: Counter[str]) -> Iterator[str]:
    if checkout["state"] != _BOUGHT:
        yield f"there is an order, and its checkout is {checkout['state']}"
    name = public("ord", uuid.UUID(order["id"]))
    if keys and not any(name in (key["answer"] or "") for key in keys):
        yield "there is an order, and no key says so"
    if order["state"] != "canceled" and stock["held"] + stock["released"]:
        yield f"a live order with stock that is not its own: {dict(stock)}"


def _paid(checkout: Row, order: Row, books: Books) -> Iterator[str]:
    payment = books.payment[order["payment_id"]]
    if payment["id"] != checkout["payment_id"] and payment["replaces_id"] is None:
        yield "the order stands on a payment that is not its checkout's"
    if order["state"] not in ("canceled", "payment_required") and payment["state"] not in _COVERS:
        yield f"an order that is {order['state']} stands on a payment that is {payment['state']}"


def _refused(checkout: Row, payment: Row | None, stock: Counter[str]) -> Iterator[str]:
    state = checkout["state"]
    if state == _BOUGHT:
        yield "the checkout is completed, and there is no order"
    if stock["held"] + stock["committed"]:
        yield f"a checkout that is {state} keeps stock: {dict(stock)}"
    if payment is not None and payment["state"] in _KEEPS_MONEY:
        yield f"a checkout that is {state} keeps money: {payment['state']}"


def _paths(rows: Sequence[Row], table: StateTable, books: Books) -> Iterator[str]:
    """[G-2] The journal of moves is a path through the table, up to the state that is stored."""
    moves = by("aggregate_id", books.moves)
    for row in rows:
        path = [(move["from_state"], move["to_state"]) for move in moves[row["id"]]]
        states = [*(before for before, _ in path), row["state"]]
        illegal = [after for before, after in path if after not in table.moves[before]]
        if illegal or states[1:] != [after for _, after in path]:
            yield f"{table.aggregate}: {path} is no path to {row['state']}"


def _events(books: Books) -> Iterator[str]:
    """[O-1, O-3] Numbered without a gap; what happens once is told once."""
    for events in by("stream", books.events).values():
        if [event["sequence"] for event in events] != list(range(1, len(events) + 1)):
            yield f"sequences with a gap: {[event['sequence'] for event in events]}"
        counts = Counter(event["type"] for event in events)
        yield from (f"told {counts[kind]} times: {kind}" for kind in _TOLD_ONCE if counts[kind] > 1)
