"""Finds payment intents by Stripe's query language, as late as a real index does.

Clauses `metadata['name']:'value'`, `status:'…'`, `currency:'…'`, `customer:'…'`, and comparisons of
`amount` and `created`, joined by AND. An intent younger than the lag is not found yet:
`--search-lag`, a `search_lag` fault for all, or one that the intent itself carries.
"""

import operator
import re
from collections.abc import Callable

import orjson

from sandbox_processor import clock, fault_names
from sandbox_processor.call import Call
from sandbox_processor.lookups import page_size
from sandbox_processor.wire import Doc, Refused, missing

METADATA = re.compile(r"""metadata\[(['"])(?P<name>.+?)\1\]:(['"])(?P<value>.*)\3""")
EQUAL = re.compile(r"""(?P<name>status|currency|customer):(['"])(?P<value>.*)\2""")
NUMBER = re.compile(
    r"""(?P<name>amount|created)(?P<sign>:|>=|<=|>|<)['"]?(?P<value>\d{1,18})['"]?"""
)
AND = re.compile(r"\s+AND\s+", re.IGNORECASE)
SIGNS: dict[str, Callable[[int, int], bool]] = {
    ":": operator.eq,
    ">": operator.gt,
    "<": operator.lt,
    ">=": operator.ge,
    "<=": operator.le,
}
Clause = Callable[[Doc], bool]


def search(call: Call) -> Doc:
    """One page of what the index knows by now."""
    query = call.params.get("query")
    if not query:
        raise missing("query")
    wanted, clauses = _parse(str(query))
    size = page_size(call)
    before = call.params.get("page", "9223372036854775807")
    found: list[tuple[int, Doc]] = []
    for seq, created, doc in _candidates(call, wanted=wanted, before=before):
        intent: Doc = orjson.loads(doc)
        if created + _lag(call, intent) <= clock.now() and all(holds(intent) for holds in clauses):
            found.append((seq, intent))
        if len(found) > size:
            break
    page = [intent for _, intent in found[:size]]
    call.refuse_lookup_of(page)
    more = len(found) > size
    return {
        "object": "search_result",
        "url": call.path,
        "has_more": more,
        "next_page": str(found[size - 1][0]) if more else None,
        "data": page,
    }


def reference_in(query: str) -> str | None:
    """The payment a query asks about, for the witness."""
    for text in AND.split(query.strip()):
        clause = METADATA.fullmatch(text)
        if clause and clause["name"] == "payment":
            return clause["value"]
    return None


def _parse(query: str) -> tuple[list[tuple[str, str]], list[Clause]]:
    wanted: list[tuple[str, str]] = []
    clauses: list[Clause] = []
    for text in AND.split(query.strip()):
        if by_metadata := METADATA.fullmatch(text):
            wanted.append((by_metadata["name"], by_metadata["value"]))
        elif equal := EQUAL.fullmatch(text):
            clauses.append(_equal(equal["name"], equal["value"]))
        elif number := NUMBER.fullmatch(text):
            clauses.append(_number(number["name"], number["sign"], int(number["value"])))
        else:
            raise Refused(f"We were unable to parse your search query: {text}", param="query")
    return wanted, clauses


def _equal(name: str, value: str) -> Clause:
    return lambda intent: str(intent[name]).lower() == value.lower()


def _number(name: str, sign: str, value: int) -> Clause:
    return lambda intent: SIGNS[sign](intent[name], value)


def _candidates(
    call: Call, *, wanted: list[tuple[str, str]], before: str
) -> list[tuple[int, float, bytes]]:
    where = ["kind = 'payment_intent'", "seq < CAST(? AS INTEGER)"]
    arguments: list[str] = [before]
    for name, value in wanted:
        where.append("id IN (SELECT id FROM metadata WHERE name = ? AND value = ?)")
        arguments += [name, value]
    return [
        (seq, created, doc)
        for seq, created, doc in call.journal.read(
            "SELECT seq, created, doc FROM objects "  # noqa: S608 our own conditions
            f"WHERE {' AND '.join(where)} ORDER BY seq DESC",
            tuple(arguments),
        )
    ]


def _lag(call: Call, intent: Doc) -> float:
    carried = fault_names.carried_by(intent)
    lags = [fault.seconds for fault in (*call.faults, *carried) if fault.name == "search_lag"]
    return max([call.search_lag, *lags])
