"""Reads Stripe's form encoding and writes Stripe's answers and error shapes."""

import re
import secrets
import time
from dataclasses import dataclass, field
from enum import Enum
from typing import Any
from urllib.parse import parse_qsl

import orjson

Doc = dict[str, Any]

LONGEST_SECONDS = 120.0
WITH_PARTS = frozenset(
    {
        "automatic_payment_methods",
        "created",
        "evidence",
        "expand",
        "metadata",
        "payment_method_options",
        "payment_method_types",
        "shipping",
        "types",
    }
)
INTEGER = re.compile(r"-?[0-9]{1,18}")


class Wire(Enum):
    """What becomes of an answer on its way to the client."""

    SEND = "send"
    HANG = "hang"
    DROP = "drop"
    RESET = "reset"


@dataclass(slots=True, kw_only=True)
class Reply:
    """An answer: what to send, and whether the line lets it through."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)
    content_type: str = "application/json"
    wire: Wire = Wire.SEND
    seconds: float = 0.0


class Refused(Exception):
    """A Stripe error object. `final` ones came out of the operation itself and are kept per key."""

    def __init__(
        self,
        message: str,
        *,
        status: int = 400,
        kind: str = "invalid_request_error",
        final: bool = False,
        **fields: Any,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.final = final
        self.error: Doc = {"type": kind, "message": message}
        self.error.update({name: value for name, value in fields.items() if value is not None})

    def body(self) -> bytes:
        return orjson.dumps({"error": self.error})


def new_id(prefix: str) -> str:
    """An id that looks like Stripe's and sorts by time, so that indexes grow at their end."""
    return f"{prefix}_{time.time_ns():016x}{secrets.token_hex(4)}"


def parse_form(text: bytes | str) -> Doc:
    """`metadata[payment]=x&expand[]=y` as nested dicts; lists stay dicts until `as_list`."""
    form: Doc = {}
    source = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    for name, value in parse_qsl(source, keep_blank_values=True):
        if "[" not in name:
            form[name] = value
            continue
        head, _, tail = name.partition("[")
        _place(form, path=[head, *tail.removesuffix("]").split("][")], value=value)
    return form


def _place(form: Doc, *, path: list[str], value: str) -> None:
    node = form
    for part in path[:-1]:
        below = node.get(part)
        if not isinstance(below, dict):
            below = node[part] = {}
        node = below
    node[path[-1] or str(len(node))] = value


def as_list(value: Any) -> list[str]:
    """The values of `name[]=…` or `name[0]=…`, whatever their keys."""
    if isinstance(value, dict):
        return [str(each) for each in value.values()]
    return [] if value is None else [str(value)]


def as_flag(value: Any) -> bool:
    return value in ("true", "1", True)


def as_integer(form: Doc, name: str) -> int | None:
    """The integer called `name`, or Stripe's refusal when it is anything else."""
    value = form.get(name)
    if value is None or value == "":
        return None
    if isinstance(value, str) and INTEGER.fullmatch(value):
        return int(value)
    raise Refused(f"Invalid integer: {value}", code="parameter_invalid_integer", param=name)


def as_section(form: Doc, name: str) -> Doc:
    """A nested dict called `name`, or Stripe's refusal of a plain value."""
    value = form.get(name, {})
    if value == "":
        return {}
    if not isinstance(value, dict):
        raise Refused("Invalid object", param=name)
    return value


def check_plain(form: Doc) -> None:
    """Refuses brackets on a parameter that has no parts."""
    for name, value in form.items():
        if isinstance(value, dict) and name not in WITH_PARTS:
            raise Refused(f"Invalid string: {name}", param=name)


def missing(name: str) -> Refused:
    return Refused(f"Missing required param: {name}.", code="parameter_missing", param=name)


def no_such(kind: str, wanted: str, *, param: str, status: int = 404) -> Refused:
    return Refused(
        f"No such {kind}: '{wanted}'", status=status, code="resource_missing", param=param
    )
