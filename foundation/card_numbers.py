"""Finds card numbers in text, so that none is accepted, stored or logged.

A card number is 13 to 19 digits, bare or with single spaces, dashes or dots between, with a prefix
and a length that some issuer uses, and a correct Luhn digit. Digits of any script count, since a
number typed in Arabic or full-width digits is the same card. Ordinary identifiers that merely look
alike (UUIDs, hashes, phone numbers, barcodes, analytics client ids) are left alone; the comments
say how.
"""

import re
import unicodedata
from collections.abc import Iterator

Span = tuple[int, int]

_DIGITS = range(13, 20)
_FIRST_DIGITS = "2345689"
_CANDIDATE = re.compile(r"[0-9](?:[ .\-]?[0-9]){12,}")
_GROUP = re.compile(r"[0-9]+")

# Never cards, and blanked before the search: UUIDs and long hexadecimal words with a letter in
# them (hashes, trace ids), whose runs of digits are chance.
_NOT_CARDS = re.compile(
    r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b"
    r"|\b(?=[0-9]*[a-f])[0-9a-f]{32,}\b",
    re.IGNORECASE,
)

# Issuer prefixes with the lengths they are issued in.
_ISSUERS: tuple[tuple[str, frozenset[int]], ...] = (
    (r"4", frozenset({13, 16, 19})),  # Visa
    (r"5[1-5]|222[1-9]|22[3-9]|2[3-6]|27[01]|2720", frozenset({16})),  # Mastercard
    (r"3[47]", frozenset({15})),  # American Express
    (r"30[0-5]|3095|3[689]", frozenset({14, 16, 17, 18, 19})),  # Diners Club
    (r"6011|64[4-9]|65", frozenset({16, 17, 18, 19})),  # Discover, Troy, Verve, Elo
    (r"352[89]|35[3-8]", frozenset({16, 17, 18, 19})),  # JCB
    (r"62|81", frozenset({16, 17, 18, 19})),  # UnionPay
    (r"5018|5020|5038|5893|6304|6759|676[1-3]", frozenset(_DIGITS)),  # Maestro
    (r"220[0-5]", frozenset({16, 17, 18, 19})),  # Mir, Borica
    (r"60|82|50[4689]|5019|5895|636|627780|9792|8600|9860|9704", frozenset({16, 19})),  # RuPay, ...
)
_ISSUED = {
    size: re.compile("|".join(prefix for prefix, lengths in _ISSUERS if size in lengths))
    for size in _DIGITS
}
_DOUBLED = str.maketrans("0123456789", "\x00\x02\x04\x06\x08\x01\x03\x05\x07\x09")
_PLAIN = str.maketrans("0123456789", "\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09")


def contains_card_number(text: str) -> bool:
    """Whether a card number stands anywhere in the text."""
    return next(_spans(text), None) is not None


def find(text: str) -> list[Span]:
    """Where card numbers stand: start and end of each, in reading order, never overlapping."""
    return list(_spans(text))


def mask(text: str) -> str:
    """The text with every card number cut to its first six and last four digits."""
    parts, position = [], 0
    for start, end in _spans(text):
        digits = [character for character in text[start:end] if character.isdecimal()]
        hidden = "*" * (len(digits) - 10)
        parts += [text[position:start], *digits[:6], hidden, *digits[-4:]]
        position = end
    return "".join([*parts, text[position:]])


def may_contain_card_number(text: str) -> bool:
    """A cheap first look at a whole document: False means that no part of it can hold a card.

    Only for text in which each character stands for itself; escapes must have been ruled out.
    """
    return not text.isascii() or _CANDIDATE.search(text) is not None


def _spans(text: str) -> Iterator[Span]:
    plain = text if text.isascii() else _in_ascii(text)
    if _CANDIDATE.search(plain) is None:
        return
    blanked = _NOT_CARDS.sub(lambda match: "x" * len(match[0]), plain)
    for candidate in _CANDIDATE.finditer(blanked):
        groups = [match.span() for match in _GROUP.finditer(blanked, *candidate.span())]
        yield from _cards_among(blanked, groups)


def _in_ascii(text: str) -> str:
    """One character for one, so that positions stay true: digits, dashes and spaces made plain."""
    return "".join(map(_plain_character, text))


def _plain_character(character: str) -> str:
    if character.isascii():
        return character
    if character.isdecimal():
        return str(unicodedata.decimal(character))
    kind = unicodedata.category(character)
    # A soft hyphen or a zero-width space between digits is a separator nobody sees.
    return {"Zs": " ", "Pd": "-", "Cf": "-"}.get(kind, "x")


def _cards_among(text: str, groups: list[Span]) -> Iterator[Span]:
    first = 0
    while first < len(groups):
        last = _card_from(text, groups, first) if text[groups[first][0]] in _FIRST_DIGITS else None
        if last is not None:
            yield groups[first][0], groups[last][1]
            first = last
        first += 1


def _card_from(text: str, groups: list[Span], first: int) -> int | None:
    """The last group of the longest card that begins with this group.

    The longest, so that masking hides as much as there can be.
    """
    found, digits = None, ""
    for last in range(first, min(first + _DIGITS[-1], len(groups))):
        start, end = groups[last]
        if last > first and not _joined(text, groups[last - 1], groups[last]):
            break
        digits += text[start:end]
        if len(digits) > _DIGITS[-1]:
            break
        if (
            len(digits) >= _DIGITS[0]
            and _is_card(digits)
            and not _reads_otherwise(text, groups[first : last + 1], digits)
        ):
            found = last
    return found


def _joined(text: str, left: Span, right: Span) -> bool:
    """A dot joins short groups only: 123456789.1700000000 is an analytics client id."""
    return text[left[1]] != "." or max(left[1] - left[0], right[1] - right[0]) <= 8


def _is_card(digits: str) -> bool:
    return _ISSUED[len(digits)].match(digits) is not None and _passes_luhn(digits)


def _passes_luhn(digits: str) -> bool:
    plain = digits[-1::-2].translate(_PLAIN).encode()
    doubled = digits[-2::-2].translate(_DOUBLED).encode()
    return (sum(plain) + sum(doubled)) % 10 == 0


def _reads_otherwise(text: str, groups: list[Span], digits: str) -> bool:
    """Whether this is a phone number or a barcode rather than a card.

    A plus sign and up to fifteen digits is E.164. Thirteen digits are a card only as old Visa
    cards were written (bare or 4-3-3-3), and not when they make a correct EAN-13 or begin like
    a German or Austrian telephone number, the ones of that length.
    """
    start = groups[0][0]
    if len(digits) <= 15 and text[max(start - 1, 0)] == "+":
        return True
    if len(digits) != 13:
        return False
    sizes = [end - begin for begin, end in groups]
    written_so = sizes in ([13], [4, 3, 3, 3])
    return not written_so or digits.startswith(("43", "49")) or _is_barcode(digits)


def _is_barcode(digits: str) -> bool:
    odd, even = digits[-1::-2].translate(_PLAIN).encode(), digits[-2::-2].translate(_PLAIN).encode()
    return (sum(odd) + 3 * sum(even)) % 10 == 0
