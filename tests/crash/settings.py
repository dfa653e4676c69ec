"""The settings of a crash run: the production leases, because time is moved and not waited for."""

import datetime as dt

from tests.settings import *  # noqa: F403

LOG_LEVEL = "CRITICAL"  # what breaks here is broken on purpose
LOGGING = {"level": LOG_LEVEL}
EMAIL_BACKEND = "tests.crash.mail.Backend"
IDEMPOTENCY_KEEP = dt.timedelta(days=30)  # a drain moves the clock by days; the reaper by more
ATTENTION_AFTER_TRIES = 4  # what does not heal becomes a case within the rounds of a drain
STRIPE_READ_SECONDS = 5.0  # never the reason by itself; see `outcomes` for those that time out
# Read once a process, as in production; a busy machine must not make it read them again between
# what a trial arranges and what it does: its points would not be those that were discovered.
RATE_TABLES_SECONDS = API_KEY_CACHE_SECONDS = 600.0
ALLOWED_HOSTS = ["testserver"]
