"""Reads a JSON body strictly, or says with a clear 4xx what is wrong and where.

Everything that other parsers let through and PostgreSQL, or the next reader, chokes on is refused
here: duplicate keys (last one wins elsewhere), NaN and infinities, integers beyond bigint, NUL
characters and lone surrogates, deep nesting, byte order marks, other encodings. A message never
repeats what was sent: it may hold a secret.
"""

import json
import math
import re
from collections.abc import Iterator, Mapping
from typing import IO, Any, ClassVar, NoReturn

from django.conf import settings
from rest_framework.parsers import BaseParser

from foundation.card_numbers import contains_card_number, may_contain_card_number
from foundation.errors import DomainError, MalformedRequest

_BIGINT = 1 << 63
_LONGEST_INTEGER = len(str(-_BIGINT))
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_TELLING_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,39}")

# What a hook could not accept; the walk over the finished document says where it stood.
_REFUSALS = {
    "duplicate_key": "An object names the same key twice.",
    "number_out_of_range": "A number is out of range: integers fit in 64 bits, and all are finite.",
}


class BodyTooLarge(DomainError):
    """More bytes than the API accepts."""

    code, status, title = "body_too_large", 413, "The request body is too large"
    retryable, retry_with = True, "same_key"


class CardNumberRefused(DomainError):
    """A card number was sent; it is neither stored nor logged nor repeated."""

    code, status, title = "card_number_refused", 422, "The request contains a card number"
    retryable, retry_with = True, "same_key"


class _Refused:
    """Stands in the parsed document where something unacceptable stood."""

    __slots__ = ("code",)

    def __init__(self, code: str) -> None:
        self.code = code


_DUPLICATE = _Refused("duplicate_key")
_OUT_OF_RANGE = _Refused("number_out_of_range")


def parse(raw: bytes, *, max_bytes: int, max_depth: int = 20) -> Any:
    """Read one JSON document.

    Raises `BodyTooLarge` (413), else `MalformedRequest` (400) with the place as a byte offset
    (what is no JSON) or as a JSON Pointer (what is JSON, but not acceptable).
    """
    document, text = _read(raw, max_bytes=max_bytes)
    _check(document, max_depth=max_depth, escaped="\\u" in text)
    return document


def refuse_card_numbers(document: Any) -> None:
    """Raise `CardNumberRefused` if any key, string or number in the document is a card number."""
    for pointer, value in _walk(document, max_depth=math.inf):
        for scalar in value if isinstance(value, dict) else (value,):
            if _is_card(scalar):
                raise CardNumberRefused(
                    "Send a payment method token such as pm_..., never a card number.",
                    errors=[_error(pointer, "card_number_refused", "A card number stands here.")],
                )


class StrictJSONParser(BaseParser):
    """DRF's parser for `application/json`: strict, bounded, and closed to card numbers."""

    media_type = "application/json"
    limit: ClassVar = "API_BODY_BYTES_MAX"  # the setting that says how many bytes

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,  # noqa: ARG002 - DRF's signature
        parser_context: Mapping[str, Any] | None = None,  # noqa: ARG002 - DRF's signature
    ) -> Any:
        """Read the body, at most one byte more than is allowed."""
        limit: int = getattr(settings, self.limit)
        document, text = _read(stream.read(limit + 1), max_bytes=limit)
        escaped = "\\u" in text
        _check(document, max_depth=20, escaped=escaped)
        if escaped or may_contain_card_number(text):
            refuse_card_numbers(document)
        return document


def _read(raw: bytes, *, max_bytes: int) -> tuple[Any, str]:
    if len(raw) > max_bytes:
        raise BodyTooLarge(f"The body may have at most {max_bytes} bytes.")
    text = _decode(raw)
    try:
        return _DECODER.decode(text), text
    except json.JSONDecodeError as broken:
        offset = len(text[: broken.pos].encode())
        raise MalformedRequest(f"The body is not JSON: {broken.msg} at byte {offset}.") from None
    except RecursionError:
        raise MalformedRequest("The body is nested too deeply.") from None


def _decode(raw: bytes) -> str:
    if raw.startswith(b"\xef\xbb\xbf"):
        raise MalformedRequest("The body begins with a byte order mark; send plain UTF-8.")
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as broken:
        raise MalformedRequest(f"The body is not UTF-8 at byte {broken.start}.") from None
    if not text or text.isspace():
        raise MalformedRequest("The body is empty; a JSON document is expected.")
    return text


def _unique(pairs: list[tuple[str, Any]]) -> Any:
    members = dict(pairs)
    return members if len(members) == len(pairs) else _DUPLICATE


def _integer(digits: str) -> int | _Refused:
    # The length is looked at first: turning 5,000 digits into an integer is already work.
    if len(digits) > _LONGEST_INTEGER or not -_BIGINT <= (number := int(digits)) < _BIGINT:
        return _OUT_OF_RANGE
    return number


def _float(digits: str) -> float | _Refused:
    number = float(digits)
    return number if math.isfinite(number) else _OUT_OF_RANGE


_DECODER = json.JSONDecoder(
    object_pairs_hook=_unique,
    parse_int=_integer,
    parse_float=_float,
    parse_constant=lambda _: _OUT_OF_RANGE,
)


def _check(document: Any, *, max_depth: int, escaped: bool) -> None:
    """Look at every value once; strings only when an escape could have smuggled something in.

    Without escapes a NUL or a surrogate cannot be there: one is no JSON, the other no UTF-8.
    """
    for pointer, value in _walk(document, max_depth=max_depth):
        if isinstance(value, _Refused):
            _refuse(pointer, value.code, _REFUSALS[value.code])
        if escaped:
            for text in value if isinstance(value, dict) else (value,):
                if isinstance(text, str) and _UNSTORABLE.search(text):
                    _refuse(pointer, "unstorable_character", "NUL or half of a surrogate pair.")


def _walk(document: Any, *, max_depth: float) -> Iterator[tuple["_Place", Any]]:
    """Every value with its place, containers before what is in them, without recursion."""
    level: list[tuple[_Place, Any]] = [((), document)]
    depth = 0
    while level:
        yield from level
        below: list[tuple[_Place, Any]] = []
        for place, value in level:
            if isinstance(value, dict):
                below += [((place, key), member) for key, member in value.items()]
            elif isinstance(value, list):
                below += [((place, index), member) for index, member in enumerate(value)]
        depth += 1
        if below and depth > max_depth:
            _refuse(below[0][0], "nested_too_deeply", f"More than {max_depth} levels deep.")
        level = below


# A place is a linked list from the inside out: nothing is joined unless something is wrong.
_Place = tuple[Any, ...]


def _pointer(place: _Place) -> str:
    tokens = []
    while place:
        place, token = place
        tokens.append(pointer_token(token))
    return "".join(f"/{token}" for token in reversed(tokens))


def pointer_token(token: str | int) -> str:
    """A key as it may be repeated: only what looks like a field's name, for keys can be secrets."""
    if isinstance(token, int):
        return str(token)
    telling = _TELLING_KEY.fullmatch(token) and not contains_card_number(token)
    return token if telling else "*"


def _error(place: _Place, code: str, detail: str) -> dict[str, str]:
    return {"pointer": _pointer(place), "code": code, "detail": detail}


def _refuse(place: _Place, code: str, detail: str) -> NoReturn:
    error = _error(place, code, detail)
    raise MalformedRequest(f"{detail} (at {error['pointer'] or 'the top'})", errors=[error])


def _is_card(scalar: Any) -> bool:
    if isinstance(scalar, str):
        return contains_card_number(scalar)
    return isinstance(scalar, int | float) and contains_card_number(repr(scalar))
