"""Settlement reports as a processor would write them, for tests to spoil."""

import io

from reconciliation.ingestion import Intake, ingest
from reconciliation.readers.base import Faults, MalformedReport
from reconciliation.readers.stripe_csv import StripeCsv

COLUMNS = (
    "balance_transaction_id,created,available_on,reporting_category,currency,gross,fee,net,"
    "source_id,charge_id,payment_intent_id,payment_reference,payout_id"
)
_STRIPES = (
    "balance_transaction_id,created_utc,available_on_utc,currency,gross,fee,net,"
    "reporting_category,source_id,payment_intent_id,payment_metadata[payment],description"
)


def row(number=1, **changes):
    """One line of the sandbox's report."""
    cells = {
        "balance_transaction_id": f"txn_{number}", "created": "2026-03-10T09:00:00Z",
        "available_on": "2026-03-12T09:00:00Z", "reporting_category": "charge",
        "currency": "usd", "gross": "2000", "fee": "88", "net": "1912", "source_id": "ch_1",
        "charge_id": "ch_1", "payment_intent_id": "pi_1", "payment_reference": "",
        "payout_id": "",
    }  # fmt: skip
    return ",".join((cells | changes).values())


def report(*rows, header=COLUMNS, end="\n"):
    """A whole file."""
    return ("\n".join([header, *rows]) + end).encode()


def stripes_own(*rows):
    """A file of Stripe's itemized report: amounts in major units."""
    return report(*rows, header=_STRIPES)


def read(content, reader=None):
    """All lines, or `MalformedReport`."""
    faults = Faults()
    lines = list((reader or StripeCsv()).lines(io.BytesIO(content), faults))
    faults.refuse_any()
    return lines


def faults_of(content, reader=None):
    """(line, reason) of each fault; none when it can be read."""
    try:
        read(content, reader)
    except MalformedReport as refused:
        return [(fault.line, fault.reason) for fault in refused.faults]
    return []


def bring(content, *, account="stripe", window=None, reader=None, tell=lambda _: None):
    """Into the books; without a window it tells whole days."""
    intake = Intake(
        account=account, origin="command", name="day.csv", by="test", window=window,
        tells_whole_days=window is None,
    )  # fmt: skip
    return ingest(io.BytesIO(content), reader=reader or StripeCsv(), intake=intake, tell=tell)
