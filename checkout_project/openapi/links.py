"""Where an answer leads: from each id in it to every operation on what it names.

There is no table to keep: an id is known by its pattern, an operation by the id in its path or in
its query. Clients find their way by it, and so does the fuzzer, through sequences nobody wrote.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from foundation.edge.contract import SHAPES, Operation, Shape

_PATTERN: Final = re.compile(r"\^([a-z]+)_\[a-z\]")
_BY_NAME: Final = ("account",)  # no id, and the same everywhere
Spec = dict[str, Any]


def links(shape: Shape, operations: Iterable[Operation]) -> Spec:
    """The links of an answer of this shape, by the name of the operation that each leads to."""
    known = _ids(shape)
    return dict(link for each in operations for link in _leading_to(each, known))


def _leading_to(operation: Operation, known: Mapping[str, str]) -> Iterator[tuple[str, Spec]]:
    if operation.prefix in known:
        yield operation.id, _link(operation, "id", known[operation.prefix])
    for query in operation.query:
        kind = query.name if query.name in _BY_NAME else _prefix(query.shape)
        if kind in known and not query.required:
            yield f"{operation.id}_of_{query.name}", _link(operation, query.name, known[kind])


def _link(operation: Operation, parameter: str, pointer: str) -> Spec:
    return {
        "operationId": operation.id,
        "description": operation.summary,
        "parameters": {parameter: f"$response.body#{pointer}"},
    }


def _ids(shape: Shape) -> dict[str, str]:
    """Prefix of each id that is always there with its object → where it stands, outermost first.

    Of a list, the first item's own.
    """
    members = _members(shape)
    if "items" in members:
        own = _members(members["items"].get("items", {})).get("id", {})
        return {_prefix(own): "/items/0/id"} if _prefix(own) else {}
    found: dict[str, str] = {}
    level = [("", members)]
    while level:
        below = []
        for pointer, inner in level:
            for name, member in inner.items():
                here = f"{pointer}/{name}"
                kind = name if name in _BY_NAME else _prefix(member)
                if kind:
                    found.setdefault(kind, here)
                below.append((here, _members(member)))
        level = [(pointer, inner) for pointer, inner in below if inner]
    return found


def _members(shape: Shape) -> Mapping[str, Shape]:
    if "$ref" in shape:
        return _members(SHAPES[shape["$ref"].rpartition("/")[2]])
    properties: Mapping[str, Shape] = shape.get("properties", {})
    return properties


def _prefix(shape: Shape) -> str:
    found = _PATTERN.match(shape.get("pattern", "")) if shape.get("type") == "string" else None
    return found[1] if found else ""
