"""The project's settings, with what tests need quick and quiet."""

from checkout_project.settings import *  # noqa: F403
from checkout_project.settings import DATABASES

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
OUTBOX_NUDGE = False  # no thread with a connection of its own; tests relay by hand
SECRET_KEY = "only-for-tests"
RATE_TABLES_SECONDS = 0.0
DATABASE_ROLE = DATABASES["default"]["OPTIONS"]["role"] = ""  # tests make and empty tables
DATABASES["default"]["ENGINE"] = "tests.postgres"  # may empty append-only tables between tests
