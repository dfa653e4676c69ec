"""What the document of the API says of an operation, as plain data next to the code it describes.

Each app states its operations in its module `contract`; `checkout_project/openapi/` turns all of
them into the document. Nothing here is loaded by a process that serves requests.

A shape is a JSON Schema whose leaves carry an example, so a whole example is put together from it
and can not contradict it.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from foundation.edge.strict_fields import BIGINT_MAX, StrictSerializer
from foundation.errors import DomainError
from foundation.ids import new_id, public

Shape = dict[str, Any]
JSON: Final = "application/json"
SHAPES: Final[dict[str, Shape]] = {}
_EXAMPLE_ID: Final = "aajejgsmpdnkqaoytrratiqwkqoz"
_EXAMPLE_MOMENT: Final = "2026-11-24T15:00:07.511902Z"
_ID_LENGTH: Final = len(public("", new_id())) - 1


def text(example: str, **more: Any) -> Shape:
    """Any text."""
    return {"type": "string", "example": example, **more}


def choice(*values: str) -> Shape:
    """One of these; the first one is the example."""
    return {"type": "string", "enum": list(values), "example": values[0]}


def states(first: str, every: Collection[str]) -> tuple[str, ...]:
    """All of them in their order, after the one that is the example."""
    return (first, *sorted(set(every) - {first}))


def integer(example: int, *, least: int | None = 0) -> Shape:
    """A whole number that fits in 64 bits."""
    bounds = {} if least is None else {"minimum": least}
    return {"type": "integer", **bounds, "maximum": BIGINT_MAX, "example": example}


def boolean(*, example: bool) -> Shape:
    """true or false."""
    return {"type": "boolean", "example": example}


def number(example: float) -> Shape:
    """A share, as a decimal number."""
    return {"type": "number", "example": example}


def reference(prefix: str) -> Shape:
    """A public id."""
    return {
        "type": "string",
        "pattern": f"^{prefix}_[a-z]{{{_ID_LENGTH}}}$",
        "example": f"{prefix}_{_EXAMPLE_ID}",
    }


def moment() -> Shape:
    """RFC 3339 in UTC."""
    return {"type": "string", "format": "date-time", "example": _EXAMPLE_MOMENT}


def day() -> Shape:
    """A calendar day."""
    return {"type": "string", "format": "date", "example": "2026-11-24"}


def nullable(shape: Shape) -> Shape:
    """That, or null."""
    if "type" not in shape:
        return {"anyOf": [shape, {"type": "null"}]}
    more = {"enum": [*shape["enum"], None]} if "enum" in shape else {}
    return {**shape, "type": [shape["type"], "null"], **more}


def listed(shape: Shape) -> Shape:
    """A list of these."""
    return {"type": "array", "items": shape}


def mapping(shape: Shape, example: Mapping[str, Any] | None = None) -> Shape:
    """Names that are not known beforehand, with values of one shape."""
    return {"type": "object", "additionalProperties": shape, "example": dict(example or {})}


def record(_optional: Sequence[str] = (), /, **members: Shape) -> Shape:
    """An object of exactly these members; all are there but the optional ones."""
    required = [name for name in members if name not in _optional]
    return {
        "type": "object",
        "properties": members,
        "required": required,
        "additionalProperties": False,
    }


def named(name: str, shape: Shape) -> Shape:
    """A shape that has a name of its own in the document; returns the reference to it."""
    if SHAPES.setdefault(name, shape) != shape:
        raise ValueError(f"two shapes are named {name}")
    return {"$ref": f"#/components/schemas/{name}"}


def items(shape: Shape) -> Shape:
    """A list that is short by nature, and told whole."""
    return record(items=listed(shape))


def page(shape: Shape) -> Shape:
    """One page of a list, and where the next one begins; null ends it."""
    following = nullable(text(f"ord_{_EXAMPLE_ID}"))
    return record(items=listed(shape), next_cursor=following)


MONEY: Final = named(
    "Money",
    record(amount=integer(4298, least=None), currency=text("USD", pattern="^[A-Z]{3}$"))
    | {"description": "Integer minor units of an ISO 4217 currency."},
)


def worth(amount: int) -> Shape:
    """Money, with an example of so much."""
    return {**MONEY, "example": {"amount": amount, "currency": "USD"}}


NOTHING: Final = worth(0)


@dataclass(frozen=True)
class Query:
    """A parameter of the query."""

    name: str
    description: str
    shape: Shape
    required: bool = False


@dataclass(frozen=True)
class Answer:
    """A success: what it means, its body, and which headers it has besides those of all."""

    means: str
    shape: Shape | None = None
    headers: tuple[str, ...] = ()


@dataclass(frozen=True)
class Operation:
    """One method of one path.

    `problems` are its own refusals; those that follow from its kind (a key, a body, a page, an
    id) are added where the document is made. `example` is a body that works.
    """

    id: str
    summary: str
    answers: Mapping[int, Answer]
    problems: Sequence[type[DomainError]] = ()
    body: type[StrictSerializer] | Shape | None = None
    media_type: str = JSON
    example: Any = None
    query: Sequence[Query] = ()
    prefix: str = ""  # of the id in the path
    is_idempotent: bool = False
    is_paged: bool = False
    reads_one: bool = False  # answers with an ETag
    changes_one: bool = False  # heeds If-Match: the ETag of what the path names up to its id
    description: str = ""
    headers: Mapping[str, str] | None = None  # further request headers, by name


# Who answers (a view's class), and by which method.
Operations = Mapping[tuple[type, str], Operation]


def example_of(shape: Shape) -> Any:
    """One example of the shape, put together from its leaves."""
    if "example" in shape:
        return shape["example"]
    if "$ref" in shape:
        return example_of(SHAPES[shape["$ref"].rpartition("/")[2]])
    for several in ("anyOf", "oneOf"):
        if several in shape:
            return example_of(shape[several][0])
    if "properties" in shape:
        return {name: example_of(member) for name, member in shape["properties"].items()}
    if shape.get("type") == "array":
        return [example_of(shape["items"])]
    raise LookupError(f"no example in {shape}")
