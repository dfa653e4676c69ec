"""One row of a report, and its cells read exactly or not at all."""

import datetime as dt
import re
from collections.abc import Collection
from typing import Final
from zoneinfo import ZoneInfo

from foundation.edge.strict_fields import CONTROL_CHARACTERS
from foundation.money import EXPONENTS
from reconciliation.models import SettlementLine
from reconciliation.readers.base import BIGINT_MAX

CATEGORIES: Final = frozenset(SettlementLine.Category.values)
# Money that was charged, and days later goes back to the bank it never really came from.
# https://docs.stripe.com/reports/reporting-categories
_SAME_AS: Final = {"charge_failure": "partial_capture_reversal"}
REFERENCE_MAX: Final = 64
_INTEGER: Final = re.compile(r"[+-]?\d{1,19}", re.ASCII)
_DECIMAL: Final = re.compile(r"([+-]?)(\d{1,19})(?:\.(\d{1,9}))?", re.ASCII)
_BEGINNING: Final = dt.datetime.min.replace(tzinfo=dt.UTC)


class Row:
    """Reading a cell notes what is wrong with it and goes on."""

    def __init__(self, number: int, cells: dict[str, str]) -> None:
        self.number, self.cells = number, cells
        self.problems: list[str] = []

    def text(self, name: str | None, *, longest: int = 255, required: bool = False) -> str:
        """A cell as it is; "" for a column that there is not."""
        cell = self.cells.get(name, "") if name else ""
        if required and not cell:
            self.refuse(name, "is empty")
        elif len(cell) > longest or CONTROL_CHARACTERS.search(cell):
            self.refuse(name, f"is longer than {longest} characters or has control characters")
        return cell

    def ours(self, name: str | None) -> str:
        """A reference of ours; what is too long to be one belongs to somebody else's payment."""
        cell = self.cells.get(name, "") if name else ""
        return "" if len(cell) > REFERENCE_MAX else self.text(name)

    def currency(self, name: str) -> str:
        """An ISO 4217 code, in capitals."""
        return self.known_currency(self.cells[name].upper(), name)

    def known_currency(self, code: str, name: str) -> str:
        """The code, if it is one of the house's currencies."""
        if code not in EXPONENTS:
            self.refuse(name, "is not an ISO 4217 currency")
        return code

    def minor(self, name: str) -> int:
        """A whole number of minor units."""
        cell = self.cells[name]
        if not _INTEGER.fullmatch(cell):
            self.refuse(name, "is not a whole number of minor units")
            return 0
        return self._within(int(cell), name)

    def major(self, name: str, *, currency: str) -> int:
        """Decimals in major units, exactly: more of them than the currency has are refused."""
        return self.decimals(self.cells[name], name, currency=currency)

    def decimals(self, text: str, name: str, *, currency: str) -> int:
        """The same of a text whose decimal mark is a point already."""
        match = _DECIMAL.fullmatch(text)
        if match is None:
            self.refuse(name, "is not a decimal number")
            return 0
        places = EXPONENTS.get(currency, 9)
        fraction = (match[3] or "").rstrip("0")
        if len(fraction) > places:
            self.refuse(name, f"has more decimals than the {places} of {currency}")
            return 0
        amount = int(match[2] + fraction.ljust(places, "0"))
        return self._within(-amount if match[1] == "-" else amount, name)

    def moment(self, name: str, *, zone: ZoneInfo | None = None, form: str = "") -> dt.datetime:
        """A moment in UTC: RFC 3339, or of the strptime `form`; `zone` when it tells none."""
        try:
            found = _parsed(self.cells[name], form)
            if found.tzinfo is None:
                found = _in_zone(found, zone)
            return found.astimezone(dt.UTC)
        except (ValueError, OverflowError) as wrong:
            self.refuse(name, f"is no moment: {wrong}")
            return _BEGINNING

    def moment_or_none(
        self, name: str | None, *, zone: ZoneInfo | None = None, form: str = ""
    ) -> dt.datetime | None:
        """The same, or None when the cell is empty."""
        if name is None or not self.cells.get(name):
            return None
        return self.moment(name, zone=zone, form=form)

    def refuse(self, name: str | None, why: str) -> None:
        """Note that this cell is wrong."""
        self.problems.append(f"{name} {why}")

    def check_sum(self, *, gross: int, fee: int, net: int) -> None:
        """Note a line that does not add up, or whose parts no row can hold."""
        if max(abs(gross), abs(fee), abs(net)) > BIGINT_MAX:
            self.problems.append("an amount is beyond 64 bits")
        if not self.problems and net != gross - fee:
            self.problems.append(f"net is {net}, but gross {gross} less fee {fee} is {gross - fee}")

    def _within(self, amount: int, name: str) -> int:
        if abs(amount) > BIGINT_MAX:
            self.refuse(name, "is beyond 64 bits")
            return 0
        return amount


def category_of(word: str, known: Collection[str] = CATEGORIES) -> str:
    """Ours for the processor's word; one that we give no meaning to is `other`."""
    word = _SAME_AS.get(word, word)
    return word if word in known else SettlementLine.Category.OTHER.value


def _parsed(cell: str, form: str) -> dt.datetime:
    return dt.datetime.strptime(cell, form) if form else dt.datetime.fromisoformat(cell)  # noqa: DTZ007 - see below


def _in_zone(local: dt.datetime, zone: ZoneInfo | None) -> dt.datetime:
    """The hour that a day has twice is its first one; the one that a day has not is refused."""
    if zone is None:
        raise ValueError("it tells no time zone")
    there = local.replace(tzinfo=zone)
    if there.astimezone(dt.UTC).astimezone(zone).replace(tzinfo=None) != local:
        raise ValueError(f"there is no such hour in {zone.key}")
    return there
