"""How the processor's books are compared with ours. Names are settings (see docs/operations.md)."""

from typing import Any, Final

from checkout_project.environment import env

# Whose books: the name is that of the processor's adapter. A day is a day in this time zone.
# `column_map`: how the files of a processor without an API are read (see docs/operations.md).
RECONCILIATION_ACCOUNTS: Final[dict[str, dict[str, Any]]] = {
    "stripe": {"time_zone": env.str("STRIPE_TIME_ZONE", default="UTC")},
}
# How long a difference is a matter of time: until what the processor did is known here, and until
# what we know was done is in its books (T+2 at the card networks).
RECONCILIATION_TOLD_SECONDS: Final = env.float("RECONCILIATION_TOLD_SECONDS", default=900.0)
RECONCILIATION_SETTLED_SECONDS: Final = env.float(
    "RECONCILIATION_SETTLED_SECONDS", default=2 * 86_400.0
)
# From this amount on (minor units) whoever took a break can not write it off alone.
RECONCILIATION_WRITE_OFF_ALONE: Final = env.int("RECONCILIATION_WRITE_OFF_ALONE", default=10_000)
# What is mended without a person, of all accounts together.
RECONCILIATION_REPAIRS_PER_DAY: Final = env.int("RECONCILIATION_REPAIRS_PER_DAY", default=50)
# A day is compared this long after its end: the processor's books may be late.
RECONCILIATION_LAG_SECONDS: Final = env.float("RECONCILIATION_LAG_SECONDS", default=4 * 3600.0)
# What a settlement report may be: bytes of an upload, lines of any, and how long storing takes.
SETTLEMENT_BYTES_MAX: Final = env.int("SETTLEMENT_BYTES_MAX", default=256 * 1024 * 1024)
SETTLEMENT_LINES_MAX: Final = 2_000_000
SETTLEMENT_SECONDS_MAX: Final = env.int("SETTLEMENT_SECONDS_MAX", default=900)
# Longer than any other: the statements of a run look at a whole day at once.
RECONCILIATION_STATEMENT_SECONDS: Final = env.int("RECONCILIATION_STATEMENT_SECONDS", default=600)
# What is told of, once when it begins (`reconciliation.threshold_crossed`): money at risk in
# ten-thousandths of thirty days' volume, breaks nobody settled for so many days, and so many days
# without a report.
RECONCILIATION_ALERT_BASIS_POINTS: Final = env.float(
    "RECONCILIATION_ALERT_BASIS_POINTS", default=10.0
)
RECONCILIATION_ALERT_BREAK_DAYS: Final = env.int("RECONCILIATION_ALERT_BREAK_DAYS", default=7)
RECONCILIATION_ALERT_REPORT_DAYS: Final = env.int("RECONCILIATION_ALERT_REPORT_DAYS", default=1)
