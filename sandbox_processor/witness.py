"""The independent witness: every request and every effect, in order, and the holds that live.

    GET    /_sandbox/health
    GET    /_sandbox/journal[?payment=REF][&metadata_key=NAME][&payment_intent=ID][&since=SEQ]
    DELETE /_sandbox/journal          (only when started with --allow-reset)
    GET    /_sandbox/holds[?payment=REF]

`effects` counts effects by name and `requests` requests by operation, both over what was asked for.
A reset forgets everything, faults included; the order of the entries starts anew with it.
"""

from collections import Counter

import orjson

from sandbox_processor.journal import Journal
from sandbox_processor.wire import Doc, Refused

MOST_ENTRIES = 10_000


def entries(journal: Journal, *, query: Doc) -> Doc:
    """What happened, oldest first, for everything or for one payment."""
    where, arguments = ["seq > ?"], [query.get("since", "0")]
    if "payment" in query:
        name = query.get("metadata_key", "payment")
        if name == "payment":
            where.append("reference = ?")
            arguments.append(query["payment"])
        else:
            where.append("json_extract(CAST(doc AS TEXT), ?) = ?")
            arguments += [f'$.metadata."{name}"', query["payment"]]
    if "payment_intent" in query:
        where.append("intent = ?")
        arguments.append(query["payment_intent"])
    rows = journal.read(
        f"SELECT seq, doc FROM entries WHERE {' AND '.join(where)} "  # noqa: S608 our conditions
        f"ORDER BY seq LIMIT {MOST_ENTRIES + 1}",
        tuple(arguments),
    )
    found: list[Doc] = [{"seq": seq, **orjson.loads(doc)} for seq, doc in rows[:MOST_ENTRIES]]
    return {
        "object": "sandbox.journal",
        "livemode": False,
        "has_more": len(rows) > MOST_ENTRIES,
        "effects": Counter(each["effect"] for each in found if each["kind"] == "effect"),
        "requests": Counter(each["operation"] for each in found if each["kind"] == "request"),
        "entries": found,
    }


def holds(journal: Journal, *, query: Doc) -> Doc:
    """The authorizations that are neither captured, canceled nor run out."""
    live = [
        {
            "payment_intent": intent["id"],
            "amount": intent["amount_capturable"],
            "currency": intent["currency"],
            "created": intent["created"],
            "metadata": intent["metadata"],
        }
        for intent in journal.select("status = 'requires_capture'")
        if query.get("payment") in (None, intent["metadata"].get("payment"))
    ]
    return {"object": "sandbox.holds", "livemode": False, "count": len(live), "holds": live}


def reset(journal: Journal, *, allowed: bool) -> Doc:
    if not allowed:
        raise Refused("Start the sandbox with --allow-reset to forget its journal.", status=403)
    journal.forget()
    return {"object": "sandbox.journal", "deleted": True}
