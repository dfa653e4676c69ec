"""Our books against the processor's journal, in integer minor units."""

from collections.abc import Iterator

from tests.crash.facts import Facts, Row, reference

_EFFECT_OF = {"authorization": "authorization", "capture": "capture", "refund": "refund"}
_PAID = ("captured", "partially_captured", "partially_refunded", "refunded", "disputed")


def i2_one_authorization_a_payment(facts: Facts) -> Iterator[str]:
    """The processor held once, or not at all."""
    for payment in facts.payments:
        count = len(facts.effects_of(payment, "authorization"))
        if count > 1:
            yield f"{count} authorizations at the processor for one payment"
    if sum(bool(facts.effects_of(p, "authorization")) for p in facts.payments) > 1:
        yield "two payments of one key were authorized"


def m1_sums_agree(facts: Facts) -> Iterator[str]:
    """Held, taken and given back: the same sums here and there."""
    for payment in facts.payments:
        for kind, effect in _EFFECT_OF.items():
            ours = sum(step["amount"] for step in facts.steps_of(payment, kind))
            theirs = sum(entry["amount"] for entry in facts.effects_of(payment, effect))
            if ours != theirs:
                yield f"{kind}: {ours} here, {theirs} at the processor"


def m1_releases_agree(facts: Facts) -> Iterator[str]:
    """What was let go of a hold, whole or the rest of it: the same sum here and there."""
    for payment in facts.payments:
        ours = sum(step["amount"] for step in facts.steps_of(payment, "void"))
        let_go = facts.effects_of(payment, "cancel", "release", "expire")
        theirs = sum(entry["amount"] for entry in let_go)
        if ours != theirs:
            yield f"let go: {ours} here, {theirs} at the processor ({payment['state']})"


def m2_no_hold_without_an_order(facts: Facts) -> Iterator[str]:
    """A hold that lives is a hold that we know of, for an order that lives."""
    alive = {order["payment_id"] for order in facts.orders if order["state"] != "canceled"}
    known = {reference(p): p for p in facts.payments if p["state"] in ("authorized", "capturing")}
    for hold in facts.holds:
        payment = known.get(hold["reference"])
        if payment is None or payment["id"] not in alive:
            yield f"a hold of {hold['amount']} lives at the processor for no order of ours"


def m3_never_more_than_there_was(facts: Facts) -> Iterator[str]:
    """Taken at most what was held, given back at most what was taken: here and there."""
    for payment in facts.payments:
        if not payment["refunded_amount"] <= payment["captured_amount"]:
            yield "refunded more than was captured"
        if not payment["captured_amount"] <= payment["authorized_amount"]:
            yield "captured more than was authorized"
        there = {name: _sum(facts, payment, name) for name in _EFFECT_OF.values()}
        if not there["refund"] <= there["capture"] <= there["authorization"]:
            yield f"the processor's own sums: {there}"


def m4_no_money_is_both_taken_and_let_go(facts: Facts) -> Iterator[str]:
    """What was taken and what was let go are parts of what was held: here and there."""
    for payment in facts.payments:
        here = [sum(s["amount"] for s in facts.steps_of(payment, k)) for k in ("capture", "void")]
        if sum(here) > payment["authorized_amount"]:
            yield f"held {payment['authorized_amount']}, taken and let go {here}, here"
        there = [_sum(facts, payment, name) for name in ("capture", "cancel", "release")]
        if sum(there) > _sum(facts, payment, "authorization"):
            yield f"taken, canceled and let go at the processor: {there}"


def m6_amounts_and_currencies_agree(facts: Facts) -> Iterator[str]:
    """Each payment's own record with each effect at the processor."""
    for payment in facts.payments:
        for effect in facts.effects_of(payment, "authorization"):
            if effect["currency"].upper() != payment["currency"]:
                yield f"{payment['currency']} here, {effect['currency']} there"
            if effect["amount"] != payment["amount"]:
                yield f"asked for {payment['amount']}, held {effect['amount']}"


def m7_the_order_adds_up(facts: Facts) -> Iterator[str]:
    """Total = lines + tax + shipping = what was authorized."""
    for order in facts.orders:
        lines = [line for line in facts.lines if line["order_id"] == order["id"]]
        net = sum(line["net_amount"] for line in lines)
        if net != order["subtotal_amount"] or not lines:
            yield f"lines are {net}, the order says {order['subtotal_amount']}"
        extras = order["tax_amount"] + order["shipping_amount"]
        if order["subtotal_amount"] + extras != order["total_amount"]:
            yield "the order's parts are not its total"
        payment = next(p for p in facts.payments if p["id"] == order["payment_id"])
        if payment["authorized_amount"] != order["total_amount"]:
            yield f"{payment['authorized_amount']} held for a total of {order['total_amount']}"


def m11_what_ships_is_paid(facts: Facts) -> Iterator[str]:
    """At rest an order on its way is taken in full; a canceled one keeps no money."""
    for order in facts.orders:
        payment = next(p for p in facts.payments if p["id"] == order["payment_id"])
        kept = payment["captured_amount"] - payment["refunded_amount"]
        if order["state"] == "canceled" and kept:
            yield f"canceled, and {kept} were kept"
        if order["state"] in ("fulfilling", "completed") and payment["state"] not in _PAID:
            yield f"{order['state']}, and its payment is {payment['state']}"


def g4_no_key_was_used_for_two_things(facts: Facts) -> Iterator[str]:
    """One key at the processor stands for one operation with one amount."""
    asked: dict[str, set[tuple[str, int | None]]] = {}
    for request in facts.requests:
        key = request["idempotency_key"]
        if key:
            asked.setdefault(key, set()).add((request["operation"], request["amount"]))
    for key, things in asked.items():
        if len(things) > 1:
            yield f"{key} was sent for {sorted(map(str, things))}"


def _sum(facts: Facts, payment: Row, effect: str) -> int:
    return sum(int(entry["amount"]) for entry in facts.effects_of(payment, effect))


RULES = (
    i2_one_authorization_a_payment,
    m1_sums_agree,
    m1_releases_agree,
    m2_no_hold_without_an_order,
    m3_never_more_than_there_was,
    m4_no_money_is_both_taken_and_let_go,
    m6_amounts_and_currencies_agree,
    m7_the_order_adds_up,
    m11_what_ships_is_paid,
    g4_no_key_was_used_for_two_things,
)
