"""Stripe's books as CSV: the itemized balance report, and the sandbox's settlement report.

The two write amounts differently (major units with decimals, integer minor units), and a number
alone does not say which. So the header decides, and a header that is neither is refused.
https://docs.stripe.com/reports/report-types/balance
"""

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final
from zoneinfo import ZoneInfo

from reconciliation.readers.base import Faults, Line
from reconciliation.readers.cells import Row, category_of
from reconciliation.readers.rows import table

_UTC: Final = ZoneInfo("UTC")
_BOTH: Final = frozenset(
    {
        "balance_transaction_id", "reporting_category", "currency", "gross", "fee", "net",
        "source_id", "payment_intent_id",
    }
)  # fmt: skip


@dataclass(frozen=True)
class _Dialect:
    """Which columns it must have, which of them tells what, and how it writes amounts."""

    columns: frozenset[str]
    occurred_at: str
    available_on: str
    payment_reference: str
    payout_id: str
    amount: Callable[[Row, str, str], int]


def _minor(row: Row, name: str, _currency: str) -> int:
    return row.minor(name)


def _major(row: Row, name: str, currency: str) -> int:
    return row.major(name, currency=currency)


_SANDBOX: Final = _Dialect(
    columns=_BOTH | {"created", "available_on", "charge_id", "payment_reference", "payout_id"},
    occurred_at="created",
    available_on="available_on",
    payment_reference="payment_reference",
    payout_id="payout_id",
    amount=_minor,
)
_STRIPE: Final = _Dialect(
    columns=_BOTH | {"created_utc"},
    occurred_at="created_utc",
    available_on="available_on_utc",
    payment_reference="payment_metadata[payment]",
    payout_id="automatic_payout_id",
    amount=_major,
)


class StripeCsv:
    """Reads either; columns that it does not need are kept with the raw line."""

    name = "stripe_csv"

    def lines(self, stream: BinaryIO, faults: Faults) -> Iterator[Line]:
        """The lines in order; see `Reader`."""
        csv = table(stream, faults)
        dialect = _dialect(csv.header, faults)
        for row in csv.rows():
            line = _line(row, dialect)
            if row.problems:
                faults.add(row.number, "; ".join(row.problems))
            else:
                yield line


def _dialect(header: list[str], faults: Faults) -> _Dialect:
    found = set(header)
    if _STRIPE.columns <= found:
        return _STRIPE
    if _SANDBOX.columns == found:
        return _SANDBOX
    wanted = _STRIPE if "created_utc" in found else _SANDBOX
    missing = ", ".join(sorted(wanted.columns - found)) or "none"
    strange = ", ".join(sorted(map(repr, found - wanted.columns))) or "none"
    raise faults.ended(
        1, f"this header is unknown; columns missing: {missing}; not known: {strange}"
    )


def _line(row: Row, dialect: _Dialect) -> Line:
    currency = row.currency("currency")
    gross, fee, net = (dialect.amount(row, name, currency) for name in ("gross", "fee", "net"))
    row.check_sum(gross=gross, fee=fee, net=net)
    word = row.text("reporting_category", required=True)
    source, payout = row.text("source_id"), row.text(dialect.payout_id)
    return Line(
        number=row.number,
        external_id=row.text("balance_transaction_id", required=True),
        category=category_of(word),
        currency=currency,
        gross=gross,
        fee=fee,
        net=net,
        occurred_at=_moment(row, dialect.occurred_at),
        available_on=row.moment_or_none(dialect.available_on, zone=_UTC),
        processor_reference=row.text("payment_intent_id"),
        payment_reference=row.ours(dialect.payment_reference),
        source_id=source,
        payout_id=payout,
        raw=row.cells,
    )


def _moment(row: Row, name: str) -> dt.datetime:
    return row.moment(name, zone=_UTC)
