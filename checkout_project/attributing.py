"""Visits, journeys, and what analytics is told and counts. Names are settings (see
docs/operations.md)."""

import datetime as dt

from checkout_project.environment import DATA_DIR, env

TOUCHPOINTS_KEEP = dt.timedelta(days=env.int("TOUCHPOINTS_KEEP_DAYS", default=400))
JOURNEY_LOOKBACK = dt.timedelta(days=env.int("JOURNEY_LOOKBACK_DAYS", default=90))
CONVERSIONS_BODY_BYTES_MAX = 1024 * 1024  # a thousand rows
# Whose days a report's days are, and those of exports without an offset.
REPORT_TIME_ZONE = env.str("REPORT_TIME_ZONE", default="UTC")
CONVERSION_VALUE = env.str("CONVERSION_VALUE", default="total")  # or "net" of tax and shipping
GAP_RESTATED_DAYS = env.int("GAP_RESTATED_DAYS", default=3)
ANALYTICS_PORT = env.str("ANALYTICS_PORT", default="")  # unset: analytics is told of nothing
ANALYTICS_FILE = env.str("ANALYTICS_FILE", default=str(DATA_DIR / "purchases.jsonl"))
GA4_URL = env.str("GA4_URL", default="https://www.google-analytics.com")
GA4_MEASUREMENT_ID = env.str("GA4_MEASUREMENT_ID", default="")
GA4_API_SECRET = env.str("GA4_API_SECRET", default="")
# What is told of, once when it begins (`attribution.gap_alerted`), of a day with so many orders:
# a gap so much above that of the days before it, and sales without an order, as a share of orders.
GAP_ALERT_RISE = env.float("GAP_ALERT_RISE", default=0.1)
GAP_ALERT_TRAILING_DAYS = env.int("GAP_ALERT_TRAILING_DAYS", default=7)
GAP_ALERT_OVER_REPORT = env.float("GAP_ALERT_OVER_REPORT", default=0.05)
GAP_ALERT_ORDERS_MIN = env.int("GAP_ALERT_ORDERS_MIN", default=20)
# What a file of conversions may be that is brought in the admin; larger ones come by command.
CONVERSIONS_FILE_BYTES_MAX = env.int("CONVERSIONS_FILE_BYTES_MAX", default=32 * 1024 * 1024)
