"""Money is an integer of minor units and a currency: nothing here ever meets a float.

Amounts are added, split and rounded exactly. Rates are whole parts per million (one basis point is
100 of them), so a rate of 8.875 % is 88_750 and needs no decimals either.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

PPM = 1_000_000

_NO_DECIMALS = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF"
_TWO_DECIMALS = """
    AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF
    CNY COP CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL
    HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT
    MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB
    SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH
    USD UYU UZS VED VES WST XCD XCG YER ZAR ZMW ZWG
"""
_THREE_DECIMALS = "BHD IQD JOD KWD LYD OMR TND"

# ISO 4217, the currencies people pay with. Funds codes, metals and units of account (CLF, XAU, XDR)
# are left out on purpose: nobody checks out in them.
EXPONENTS: dict[str, int] = {
    **dict.fromkeys(_NO_DECIMALS.split(), 0),
    **dict.fromkeys(_TWO_DECIMALS.split(), 2),
    **dict.fromkeys(_THREE_DECIMALS.split(), 3),
}

_DECIMAL_TEXT = re.compile(r"(\d{1,18})(?:\.(\d{1,6}))?", re.ASCII)


class UnknownCurrency(ValueError):
    """The code is not an active ISO 4217 currency."""


class CurrencyMismatch(ValueError):
    """Two currencies met in one sum."""


def exponent(currency: str) -> int:
    """How many decimals the currency has: 0 for JPY, 2 for USD, 3 for KWD."""
    try:
        return EXPONENTS[currency]
    except KeyError:
        raise UnknownCurrency("not an active ISO 4217 currency code") from None


@dataclass(frozen=True, slots=True, order=False)
class Money:
    """An amount in minor units of one currency."""

    amount: int
    currency: str

    def __post_init__(self) -> None:
        """Refuse what is not an integer (True is not one either) or not a currency."""
        if type(self.amount) is not int:
            raise TypeError("an amount is an integer of minor units")
        exponent(self.currency)

    @classmethod
    def parse(cls, text: str, currency: str) -> Self:
        """Read major units written in decimals ("19.99"), exactly or not at all."""
        return cls(minor_units(text, currency), currency)

    def __add__(self, other: "Money") -> "Money":
        """The sum, within one currency."""
        return Money(self.amount + self._same(other).amount, self.currency)

    def __sub__(self, other: "Money") -> "Money":
        """The difference, within one currency."""
        return Money(self.amount - self._same(other).amount, self.currency)

    def __mul__(self, times: int) -> "Money":
        """So many of it: a line's price times its quantity."""
        return Money(self.amount * times, self.currency)

    def __lt__(self, other: "Money") -> bool:
        """Smaller, within one currency."""
        return self.amount < self._same(other).amount

    def __le__(self, other: "Money") -> bool:
        """Smaller or equal, within one currency."""
        return self.amount <= self._same(other).amount

    def __str__(self) -> str:
        """For people: "1,234.50 USD"."""
        return f"{major_units(self.amount, self.currency, group=',')} {self.currency}"

    def as_json(self) -> dict[str, int | str]:
        """The shape in which the API speaks of money."""
        return {"amount": self.amount, "currency": self.currency}

    def _same(self, other: "Money") -> "Money":
        if other.currency != self.currency:
            raise CurrencyMismatch(f"{self.currency} and {other.currency} cannot be counted as one")
        return other


def minor_units(text: str, currency: str) -> int:
    """Turn "19.99" into 1999 for USD; refuse signs, exponents and decimals the currency lacks."""
    decimals = exponent(currency)
    match = _DECIMAL_TEXT.fullmatch(text)
    if match is None:
        raise ValueError("not a plain decimal number such as 19.99")
    whole, fraction = match[1], (match[2] or "").rstrip("0")
    if len(fraction) > decimals:
        raise ValueError(f"{currency} has {decimals} decimals")
    return int(whole + fraction.ljust(decimals, "0"))


def major_units(amount: int, currency: str, *, group: str = "") -> str:
    """Write minor units as decimals: 1999 USD is "19.99", 500 JPY is "500"."""
    decimals = exponent(currency)
    sign, digits = "-" if amount < 0 else "", str(abs(amount)).rjust(decimals + 1, "0")
    whole, fraction = digits[: len(digits) - decimals], digits[len(digits) - decimals :]
    grouped = f"{int(whole):,}".replace(",", group)
    return f"{sign}{grouped}.{fraction}" if decimals else f"{sign}{grouped}"


def round_half_up(numerator: int, denominator: int) -> int:
    """Round the fraction to the nearest integer; a half goes away from zero.

    Away from zero rather than upward, so that a refund's rounding mirrors the sale's.
    """
    if denominator <= 0:
        raise ValueError("the denominator must be positive")
    magnitude = (2 * abs(numerator) + denominator) // (2 * denominator)
    return -magnitude if numerator < 0 else magnitude


def at_rate(amount: int, *, ppm: int) -> int:
    """The share of an amount at a rate in parts per million, rounded half up."""
    return round_half_up(amount * ppm, PPM)


def within_rate(amount: int, *, ppm: int) -> int:
    """The share already inside an amount that includes it (VAT in a listed price), half up."""
    return round_half_up(amount * ppm, PPM + ppm)


def allocate(total: int, weights: Sequence[int]) -> list[int]:
    """Split a total in proportion to the weights, by largest remainder: the parts add up exactly.

    No part is more than one unit off its exact share, and a heavier weight never gets less. Of
    equal remainders the earlier part takes the odd unit, so the same split always comes out alike.
    """
    whole = sum(weights)
    if any(weight < 0 for weight in weights) or (whole == 0 and total != 0):
        raise ValueError("weights are not negative, and something must carry the total")
    if whole == 0:
        return [0] * len(weights)
    shares = [divmod(abs(total) * weight, whole) for weight in weights]
    parts = [quotient for quotient, _ in shares]
    by_remainder = sorted(range(len(parts)), key=lambda index: -shares[index][1])
    for index in by_remainder[: abs(total) - sum(parts)]:
        parts[index] += 1
    return [-part for part in parts] if total < 0 else parts
