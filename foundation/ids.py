"""Public ids: a prefix that says what it names, and a UUIDv7 in letters only.

Letters only, because thirteen digits in a row may look like a card number to a scanner,
and a reference that trips the card scanner can be neither logged nor searched for.
"""

import datetime as dt
import string
import uuid
from functools import lru_cache
from typing import Final

import uuid_utils.compat

_ALPHABET: Final = string.ascii_lowercase
_LENGTH: Final = 28  # the fewest base-26 letters that hold 128 bits
_VALUE_OF: Final = {letter: value for value, letter in enumerate(_ALPHABET)}


def new_id() -> uuid.UUID:
    """A fresh UUIDv7: sorts by the time it was made, so indexes stay warm at one end."""
    return uuid_utils.compat.uuid7()


def floor(moment: dt.datetime) -> uuid.UUID:
    """Below every id made at `moment` or later: a window of time read off the primary key."""
    return uuid.UUID(int=max(int(moment.timestamp() * 1000), 0) << 80)


@lru_cache(maxsize=4096)  # one answer names the same few things several times
def public(prefix: str, value: uuid.UUID) -> str:
    """`public("ord", id)` → `"ord_..."`; keeps the order of the ids."""
    number, letters = value.int, []
    for _ in range(_LENGTH):
        number, digit = divmod(number, 26)
        letters.append(_ALPHABET[digit])
    return f"{prefix}_{''.join(reversed(letters))}"


def parse(prefix: str, text: str) -> uuid.UUID | None:
    """The id inside a public reference, or None when the text is not one of that kind."""
    head, _, body = text.partition("_")
    if head != prefix or len(body) != _LENGTH or not body.isascii():
        return None
    number = 0
    for letter in body:
        if letter not in _VALUE_OF:
            return None
        number = number * 26 + _VALUE_OF[letter]
    return uuid.UUID(int=number) if number < 1 << 128 else None
