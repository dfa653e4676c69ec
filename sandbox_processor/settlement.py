"""The processor's settlement report of a day: one line per balance transaction, integer minor
units.

`POST /_sandbox/faults {"operation": "settlement", "fault": ...}` makes it differ from the books:
`missing` leaves out the first charge of the day, `extra` adds one nobody made, `off_by_one` and
`other_currency` change the last charge. The same report fetched again differs in the same way.
"""

import csv
import io
from datetime import UTC, datetime, timedelta

import orjson

from sandbox_processor.journal import Journal
from sandbox_processor.wire import Doc, Refused

COLUMNS = (
    "balance_transaction_id",
    "created",
    "available_on",
    "reporting_category",
    "currency",
    "gross",
    "fee",
    "net",
    "source_id",
    "charge_id",
    "payment_intent_id",
    "payment_reference",
    "payout_id",
)


def report(journal: Journal, *, query: Doc, faults: set[str]) -> bytes:
    """The CSV of one UTC day."""
    try:
        day = datetime.strptime(query.get("date", ""), "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        raise Refused("Give the day as ?date=YYYY-MM-DD.", param="date") from None
    span = (day.timestamp(), (day + timedelta(days=1)).timestamp())
    rows = journal.read(
        "SELECT doc, parent FROM objects WHERE kind = 'balance_transaction' "
        "AND created >= ? AND created < ? ORDER BY seq",
        span,
    )
    lines = [_line(journal, line=orjson.loads(doc), payout=parent) for doc, parent in rows]
    _distort(lines, faults=faults, day=day)
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(lines)
    return text.getvalue().encode()


def _line(journal: Journal, *, line: Doc, payout: str) -> Doc:
    source = journal.load(line["source"]) or {}
    charge = source if source.get("object") == "charge" else journal.load(source.get("charge", ""))
    charge = charge or {}
    return {
        "balance_transaction_id": line["id"],
        "created": _moment(line["created"]),
        "available_on": _moment(line["available_on"]),
        "reporting_category": line["reporting_category"],
        "currency": line["currency"],
        "gross": line["amount"],
        "fee": line["fee"],
        "net": line["net"],
        "source_id": line["source"],
        "charge_id": charge.get("id", ""),
        "payment_intent_id": charge.get("payment_intent", ""),
        "payment_reference": charge.get("metadata", {}).get("payment", ""),
        "payout_id": payout,
    }


def _moment(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, tz=UTC).isoformat().replace("+00:00", "Z")


def _distort(lines: list[Doc], *, faults: set[str], day: datetime) -> None:
    charges = [line for line in lines if line["reporting_category"] == "charge"]
    if "off_by_one" in faults and charges:
        charges[-1]["gross"] += 1
        charges[-1]["net"] += 1
    if "other_currency" in faults and charges:
        charges[-1]["currency"] = "eur" if charges[-1]["currency"] != "eur" else "usd"
    if "missing" in faults and charges:
        lines.remove(charges[0])
    if "extra" in faults:
        number = f"{day:%Y%m%d}"
        lines.append(
            {
                "balance_transaction_id": f"txn_nobody{number}",
                "created": _moment(int(day.timestamp())),
                "available_on": _moment(int(day.timestamp())),
                "reporting_category": "charge",
                "currency": "usd",
                "gross": 1234,
                "fee": 66,
                "net": 1168,
                "source_id": f"ch_nobody{number}",
                "charge_id": f"ch_nobody{number}",
                "payment_intent_id": f"pi_nobody{number}",
                "payment_reference": "",
                "payout_id": "",
            }
        )
