"""How events are told outside the house. Names are settings (see docs/operations.md)."""

import datetime as dt
import ipaddress
from typing import Final

from checkout_project.environment import env

# Where events may be sent. Plain HTTP and private networks are for development and tests: whoever
# may register an address could else reach what stands behind our firewall.
WEBHOOK_HTTP_ALLOWED: Final = env.bool("WEBHOOK_HTTP_ALLOWED", default=False)
WEBHOOK_PORTS: Final[list[int]] = env.list("WEBHOOK_PORTS", cast=int, default=[443, 8443])
WEBHOOK_NETWORKS_ALLOWED: Final[list[str]] = [
    str(ipaddress.ip_network(text)) for text in env.list("WEBHOOK_NETWORKS_ALLOWED", default=[])
]
# Authorities that are trusted in place of the system's, as a file of certificates (PEM).
WEBHOOK_CA_FILE: Final = env.str("WEBHOOK_CA_FILE", default="")
WEBHOOK_ENDPOINTS_MAX: Final = env.int("WEBHOOK_ENDPOINTS_MAX", default=20)  # of one client

# One request: its time in all, and that of connecting to one address.
WEBHOOK_SECONDS: Final = env.float("WEBHOOK_SECONDS", default=15.0)
WEBHOOK_CONNECT_SECONDS: Final = env.float("WEBHOOK_CONNECT_SECONDS", default=5.0)
WEBHOOK_LEASE_SECONDS: Final = env.float("WEBHOOK_LEASE_SECONDS", default=60.0)
# Seconds before each try after one that failed (Standard Webhooks 1.0 proposes these).
WEBHOOK_SCHEDULE: Final[list[float]] = env.list(
    "WEBHOOK_SCHEDULE",
    cast=float,
    default=[5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400],
)
WEBHOOK_PAUSE_SECONDS_MAX: Final = 86_400.0  # what `Retry-After` may ask for
# How long an endpoint that has too much to do (429, 502, 503, 504) is left alone at least.
WEBHOOK_BUSY_SECONDS: Final = env.float("WEBHOOK_BUSY_SECONDS", default=30.0)
# An endpoint that answers nothing well for this long is disabled.
WEBHOOK_DISABLE_AFTER_SECONDS: Final = env.float(
    "WEBHOOK_DISABLE_AFTER_SECONDS", default=5 * 86_400.0
)
WEBHOOK_OVERLAP_SECONDS: Final = env.float("WEBHOOK_OVERLAP_SECONDS", default=86_400.0)

# Requests under way at once in one deliverer; and to one endpoint, or for one client, in all: or
# a client whose addresses all keep silent takes every thread there is.
WEBHOOK_THREADS: Final = env.int("WEBHOOK_THREADS", default=8)
WEBHOOK_PER_ENDPOINT: Final = env.int("WEBHOOK_PER_ENDPOINT", default=2)
WEBHOOK_PER_CLIENT: Final = env.int(
    "WEBHOOK_PER_CLIENT", default=max(WEBHOOK_PER_ENDPOINT, WEBHOOK_THREADS // 2)
)
WEBHOOK_POLL_SECONDS: Final = 1.0
# What is overdue by this much is sent by a sweep: the deliverer is away, or has too much to do.
WEBHOOK_LATE_SECONDS: Final = env.float("WEBHOOK_LATE_SECONDS", default=60.0)
FEED_BATCH: Final = 500
WEBHOOK_REPLAY_MAX: Final = 10_000  # events of one replay
WEBHOOK_KEEP: Final = dt.timedelta(days=env.int("WEBHOOK_KEEP_DAYS", default=30))
