"""What a column map says, checked to its last word before a line is read."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from foundation.errors import DomainError
from foundation.money import EXPONENTS
from reconciliation.readers.cells import CATEGORIES

_REQUIRED: Final = frozenset({"external_id", "occurred_at", "gross"})
_COLUMNS: Final = _REQUIRED | {
    "available_on", "category", "currency", "fee", "net", "payment_reference", "payout_id",
    "processor_reference", "source_id",
}  # fmt: skip
_KEYS: Final = frozenset(
    {
        "columns", "delimiter", "decimal_mark", "thousands_mark", "date_format", "time_zone",
        "gross_sign", "fee_sign", "currency", "category", "categories",
    }
)  # fmt: skip
_SIGNS: Final = {"as_is": 1, "reversed": -1}


class BadColumnMap(DomainError):
    """422: the map of the columns contradicts itself, or is not complete."""

    code, status, title = "bad_column_map", 422, "The column map is not valid"


@dataclass(frozen=True, kw_only=True)
class ColumnMap:
    """Which column tells what, and how the file writes it. A sign of -1 turns amounts around."""

    columns: Mapping[str, str]
    delimiter: str = ","
    decimal_mark: str = "."
    thousands_mark: str = ""
    date_format: str = ""
    time_zone: ZoneInfo | None = None
    gross_sign: int = 1
    fee_sign: int = 1
    currency: str = ""
    category: str = ""
    categories: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> "ColumnMap":
        """Read what was written as JSON. Raises `BadColumnMap`."""
        _only(given, _KEYS, "the map")
        columns = _texts(given, "columns")
        _only(columns, _COLUMNS, "columns")
        if missing := _REQUIRED - columns.keys():
            raise BadColumnMap(f"columns must name {', '.join(sorted(missing))}.")
        zone = _text(given, "time_zone", "")
        found = cls(
            columns=columns,
            delimiter=_text(given, "delimiter", ","),
            decimal_mark=_text(given, "decimal_mark", "."),
            thousands_mark=_text(given, "thousands_mark", ""),
            date_format=_text(given, "date_format", ""),
            time_zone=_zone(zone) if zone else None,
            gross_sign=_sign(given, "gross_sign"),
            fee_sign=_sign(given, "fee_sign"),
            currency=_text(given, "currency", ""),
            category=_text(given, "category", ""),
            categories=_texts(given, "categories"),
        )
        found.refuse_contradictions()
        return found

    def refuse_contradictions(self) -> None:
        """Raises `BadColumnMap` for what would make a reading a guess."""
        if len(self.delimiter) != 1 or self.delimiter in '"\r\n':
            raise BadColumnMap("delimiter is one character.")
        if self.decimal_mark not in (".", ","):
            raise BadColumnMap("decimal_mark is a point or a comma.")
        if self.thousands_mark == self.decimal_mark or len(self.thousands_mark) > 1:
            raise BadColumnMap("thousands_mark is another character than decimal_mark.")
        if bool(self.currency) == ("currency" in self.columns):
            raise BadColumnMap("Give either currency or a column of it.")
        if self.currency and self.currency not in EXPONENTS:
            raise BadColumnMap("currency is not an ISO 4217 currency.")
        if bool(self.category) == ("category" in self.columns):
            raise BadColumnMap("Give either category or a column of it.")
        if unknown := {self.category or "charge", *self.categories.values()} - CATEGORIES:
            raise BadColumnMap(f"There is no category {', '.join(sorted(unknown))}.")


def _only(given: Mapping[str, Any], known: frozenset[str], where: str) -> None:
    if strange := given.keys() - known:
        raise BadColumnMap(f"{where} has members that are not known: {', '.join(sorted(strange))}.")


def _text(given: Mapping[str, Any], name: str, default: str) -> str:
    value = given.get(name, default)
    if not isinstance(value, str):
        raise BadColumnMap(f"{name} is a text.")
    return value


def _texts(given: Mapping[str, Any], name: str) -> dict[str, str]:
    value = given.get(name, {})
    if not isinstance(value, dict) or not all(isinstance(each, str) for each in value.values()):
        raise BadColumnMap(f"{name} is an object of texts.")
    return value


def _sign(given: Mapping[str, Any], name: str) -> int:
    word = _text(given, name, "as_is")
    if word not in _SIGNS:
        raise BadColumnMap(f"{name} is as_is or reversed.")
    return _SIGNS[word]


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise BadColumnMap("time_zone is not the name of a time zone.") from error
