"""Retrieves, lists and pages through what the sandbox keeps, newest first."""

import math

import orjson

from sandbox_processor.call import Call
from sandbox_processor.fault_names import named
from sandbox_processor.payment_methods import as_payment_method, card_of
from sandbox_processor.wire import Doc, Refused, as_integer, as_list, no_such

KINDS = {
    "payment_intents": "payment_intent",
    "charges": "charge",
    "refunds": "refund",
    "disputes": "dispute",
    "balance_transactions": "balance_transaction",
    "payouts": "payout",
    "events": "event",
}
FILTERS = {
    # kind: the parameters that narrow a list down to objects with the same value
    "payment_intent": ("customer",),
    "charge": ("customer", "payment_intent"),
    "refund": ("charge", "payment_intent"),
    "dispute": ("charge", "payment_intent"),
    "balance_transaction": ("currency", "source", "type"),
    "payout": ("status",),
    "event": ("type",),
}
COMPARISONS = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}
LARGEST_PAGE = 100
USUAL_PAGE = 10


def retrieve(call: Call) -> Doc:
    """One object by its id, or Stripe's 404."""
    kind = KINDS[call.path.split("/")[2]]
    found = call.journal.load(call.target)
    if found is None or found["object"] != kind or found["created"] > _visible_until(call):
        raise no_such(kind, call.target, param="id")
    return found


def _visible_until(call: Call) -> float:
    """What is younger is there, but does not show yet."""
    lag = named(call.faults, "lookup_lag")
    return call.now - lag.seconds if lag else math.inf


def retrieve_payment_method(call: Call) -> Doc:
    return as_payment_method(card_of(call.target))


def page_size(call: Call) -> int:
    limit = as_integer(call.params, "limit")
    if limit is None:
        return USUAL_PAGE
    if not 1 <= limit <= LARGEST_PAGE:
        raise Refused("Limit must be between 1 and 100.", param="limit")
    return limit


def list_objects(call: Call) -> Doc:
    """One page, by Stripe's filters and cursors."""
    kind = KINDS[call.path.split("/")[2]]
    where: list[str] = ["kind = ?", "created <= ?"]
    arguments: list[object] = [kind, _visible_until(call)]
    _narrow(call, kind=kind, where=where, arguments=arguments)
    backwards = bool(call.params.get("ending_before"))
    cursor = call.params.get("ending_before") or call.params.get("starting_after")
    if cursor:
        where.append("seq > ?" if backwards else "seq < ?")
        arguments.append(_place_of(call, cursor, kind=kind))
    size = page_size(call)
    rows = call.journal.read(
        f"SELECT doc FROM objects WHERE {' AND '.join(where)} "  # noqa: S608 our own conditions
        f"ORDER BY seq {'ASC' if backwards else 'DESC'} LIMIT {size + 1}",
        tuple(arguments),
    )
    found: list[Doc] = [orjson.loads(doc) for (doc,) in rows[:size]]
    if backwards:
        found.reverse()
    call.refuse_lookup_of(found)
    return {"object": "list", "url": call.path, "has_more": len(rows) > size, "data": found}


def _narrow(call: Call, *, kind: str, where: list[str], arguments: list[object]) -> None:
    created = call.params.get("created")
    bounds = created if isinstance(created, dict) else {} if created is None else {"": created}
    for name in bounds:
        sign = COMPARISONS.get(name, "=")
        where.append(f"CAST(created AS INTEGER) {sign} ?")
        arguments.append(as_integer(bounds, name))
    for name in FILTERS[kind]:
        if call.params.get(name):
            where.append(f"json_extract(CAST(doc AS TEXT), '$.{name}') = ?")
            arguments.append(call.params[name])
    if kind == "balance_transaction" and call.params.get("payout"):
        where.append("parent = ?")
        arguments.append(call.params["payout"])
    types = as_list(call.params.get("types"))
    if types:
        marks = ", ".join("?" * len(types))
        where.append(f"json_extract(CAST(doc AS TEXT), '$.type') IN ({marks})")
        arguments.extend(types)


def _place_of(call: Call, cursor: str, *, kind: str) -> int:
    rows = call.journal.read("SELECT seq FROM objects WHERE id = ? AND kind = ?", (cursor, kind))
    if not rows:
        raise no_such(kind, cursor, param="starting_after", status=400)
    place: int = rows[0][0]
    return place
