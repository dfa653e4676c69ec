"""Every setting of the project, and every environment variable it reads. Sections in order:

environment · security · apps · database · cache and broker · Celery · processors ·
limits (every time-out, lease, batch and retry, units in the name) · risk · logging.
Those of attribution, mail, reconciliation, staff, webhooks and of how the API is served stand in
files of their own.
"""

import datetime as dt
from typing import Any

from django.core.exceptions import ImproperlyConfigured

from checkout_project import beat, embedded, queues
from checkout_project.attributing import *  # noqa: F403 - names of settings, and nothing else
from checkout_project.case_kinds import CASE_KINDS as CASE_KINDS
from checkout_project.environment import BASE_DIR as BASE_DIR
from checkout_project.environment import DATA_DIR, env
from checkout_project.event_routes import *  # noqa: F403 - the same
from checkout_project.mailing import *  # noqa: F403 - the same
from checkout_project.reconciling import *  # noqa: F403 - the same
from checkout_project.serving import *  # noqa: F403 - the same
from checkout_project.staffing import *  # noqa: F403 - the same
from checkout_project.telling import *  # noqa: F403 - the same

# --- environment -----------------------------------------------------------------------
_EMBEDDED = embedded.addresses(DATA_DIR)

# --- security --------------------------------------------------------------------------
DEBUG = env.bool("DEBUG", default=True)
_DEVELOPMENT_KEY = "only-for-development-and-refused-when-debug-is-off"
SECRET_KEY = env.str("SECRET_KEY", default=_DEVELOPMENT_KEY)
if not DEBUG and SECRET_KEY == _DEVELOPMENT_KEY:
    raise ImproperlyConfigured("DEBUG is off: set SECRET_KEY (see .env.example)")
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["127.0.0.1", "localhost", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
# Networks whose X-Forwarded-For is believed; none unless you have a proxy in front.
TRUSTED_PROXIES = env.list("TRUSTED_PROXIES", default=[])
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = not DEBUG
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Strict"
SECURE_HSTS_SECONDS = 0 if DEBUG else 31_536_000
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = not DEBUG
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
API_BODY_BYTES_MAX = 64 * 1024
DATA_UPLOAD_MAX_MEMORY_SIZE = 256 * 1024
METRICS_TOKEN = env.str("METRICS_TOKEN", default="")  # unset: only this machine sees /metrics
API_KEY_CACHE_SECONDS = env.float("API_KEY_CACHE_SECONDS", default=2.0)

# --- apps ------------------------------------------------------------------------------
INSTALLED_APPS = [
    "checkout_project",
    "orders",
    "payments",
    "attribution",
    "reconciliation",
    "events",
    "foundation",
    "unfold",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "rest_framework",
    "drf_spectacular_sidecar",  # the files of the page at /v1/docs, and nothing else
]
MIDDLEWARE = [
    "checkout_project.request_ids.RequestIdMiddleware",
    "corsheaders.middleware.CorsMiddleware",
    "checkout_project.rate_headers.RateLimitMiddleware",
    "checkout_project.page_policy.PagePolicyMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "checkout_project.urls"
WSGI_APPLICATION = "checkout_project.wsgi.application"
APPEND_SLASH = False
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
STATIC_URL = "/static/"
STATIC_ROOT = env.str("STATIC_ROOT", default=None)  # unset: served from the packages
WHITENOISE_USE_FINDERS = True
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"
USE_TZ, USE_I18N = True, False

# --- database --------------------------------------------------------------------------
DATABASE_LOCK_MILLISECONDS = env.int("DATABASE_LOCK_MILLISECONDS", default=2_000)
DATABASE_STATEMENT_MILLISECONDS = env.int("DATABASE_STATEMENT_MILLISECONDS", default=15_000)
DATABASE_IDLE_IN_TRANSACTION_MILLISECONDS = 5_000
_guard_rails = (
    f"-c lock_timeout={DATABASE_LOCK_MILLISECONDS} "
    f"-c statement_timeout={DATABASE_STATEMENT_MILLISECONDS} "
    f"-c idle_in_transaction_session_timeout={DATABASE_IDLE_IN_TRANSACTION_MILLISECONDS}"
)
_PREPARED = env.bool("DATABASE_PREPARED_STATEMENTS", default=True)
# Who sessions are, once connected: a role that can not change what is append-only. `migrate`
# makes it and runs as the login itself. Unset: sessions are the login.
DATABASE_ROLE = env.str("DATABASE_ROLE", default="")
if DATABASE_ROLE and not (DATABASE_ROLE.isascii() and DATABASE_ROLE.isidentifier()):
    raise ImproperlyConfigured("DATABASE_ROLE is a plain name: letters, digits and underscores")
_database: dict[str, Any] = env.db_url("DATABASE_URL", default=_EMBEDDED.database_url)
DATABASES = {
    "default": {
        **_database,
        "ENGINE": "foundation.postgres",
        "ATOMIC_REQUESTS": False,  # the saga owns its commits; a system check holds this
        "CONN_MAX_AGE": env.int("DATABASE_CONNECTION_SECONDS", default=300),
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {
            **_database.get("OPTIONS", {}),
            "connect_timeout": 3,
            # Statements are planned once a connection. Behind PgBouncer in transaction mode
            # (before its 1.21), set DATABASE_PREPARED_STATEMENTS=false.
            **({"server_side_binding": True, "prepare_threshold": 2} if _PREPARED else {}),
            "options": _guard_rails,
            "role": DATABASE_ROLE,
        },
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- cache and broker ------------------------------------------------------------------
# Nothing that matters is cached; the API never talks to the broker in a request.
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
CELERY_BROKER_URL = env.str("CELERY_BROKER_URL", default=_EMBEDDED.broker_url)

# --- Celery ----------------------------------------------------------------------------
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_ACKS_ON_FAILURE = True
CELERY_TASK_ACKS_ON_TIMEOUT = True
CELERY_TASK_SOFT_TIME_LIMIT = 90  # a sweep's budget and one more look-up
CELERY_TASK_TIME_LIMIT = 120
CELERY_TASK_DEFAULT_QUEUE = "orders"
CELERY_TASK_ROUTES = queues.TASK_ROUTES
CELERY_TASK_CREATE_MISSING_QUEUES = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_MAX_TASKS_PER_CHILD = 5_000
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_PROC_ALIVE_TIMEOUT = 10.0  # a child that starts slowly on a busy machine is not dead
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = True
CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT = 20
CELERY_WORKER_ENABLE_SOFT_SHUTDOWN_ON_IDLE = True
WORKER_DEAF_SECONDS = env.float("WORKER_DEAF_SECONDS", default=60.0)  # longer than its reconnecting
CELERY_BROKER_CONNECTION_TIMEOUT = 4
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_BROKER_POOL_LIMIT = 4
CELERY_TASK_PUBLISH_RETRY = False  # only the relay publishes, and it tries again from the row
CELERY_TIMEZONE = "UTC"
vars().update(queues.transport(CELERY_BROKER_URL))

# --- processors ------------------------------------------------------------------------
PROCESSORS = {"stripe": "payments.processors.stripe.StripeProcessor"}
STRIPE_API_BASE = env.str("STRIPE_API_BASE", default="http://127.0.0.1:8111")
STRIPE_SECRET_KEY = env.str("STRIPE_SECRET_KEY", default="sk_test_sandbox")
STRIPE_WEBHOOK_SECRET = env.str("STRIPE_WEBHOOK_SECRET", default="whsec_sandbox")
# Several captures of one hold, where card and account can (Stripe: IC+ pricing).
STRIPE_REQUEST_MULTICAPTURE = env.bool("STRIPE_REQUEST_MULTICAPTURE", default=True)
STRIPE_CONNECT_SECONDS = env.float("STRIPE_CONNECT_SECONDS", default=1.0)
STRIPE_READ_SECONDS = env.float("STRIPE_READ_SECONDS", default=10.0)
STRIPE_POOL_SIZE = 32
STRIPE_LIST_PAGES_MAX = env.int("STRIPE_LIST_PAGES_MAX", default=3)
# After so many authorizations in a row that could not be sent, one is tried each so many seconds.
BREAKER_FAILURES = env.int("BREAKER_FAILURES", default=5)
BREAKER_SECONDS = env.float("BREAKER_SECONDS", default=5.0)
PROCESSOR_EVENT_BYTES_MAX = DATA_UPLOAD_MAX_MEMORY_SIZE
# How long "not found" may mean "not found yet" (Stripe: search within a minute of the write).
PROCESSOR_LOOKUP_LAG_SECONDS = env.float("PROCESSOR_LOOKUP_LAG_SECONDS", default=60.0)

# --- limits ----------------------------------------------------------------------------
# A lease outlives every call its holder may be waiting for; a system check compares them.
CLOCK_SKEW_SECONDS = env.float("CLOCK_SKEW_SECONDS", default=5.0)  # of any two hosts
CHECKOUT_LEASE_SECONDS = env.float("CHECKOUT_LEASE_SECONDS", default=60.0)
PAYMENT_LEASE_SECONDS = env.float("PAYMENT_LEASE_SECONDS", default=75.0)
FORWARD_SECONDS = env.float("FORWARD_SECONDS", default=15 * 60.0)
ACTION_SECONDS = env.float("ACTION_SECONDS", default=15 * 60.0)
ACTION_POLL_SECONDS = 60.0
REVIEW_SECONDS = env.float("REVIEW_SECONDS", default=24 * 3600.0)
# A request may lie on the way for minutes: what was abandoned is looked at once more.
SECOND_LOOK_SECONDS = env.float("SECOND_LOOK_SECONDS", default=30 * 60.0)
# When a clearing account of the ledger should have emptied itself. Extended authorizations
# live up to 30 days (https://docs.stripe.com/payments/extended-authorization).
LEDGER_HOLD_DAYS_MAX = env.int("LEDGER_HOLD_DAYS_MAX", default=32)
LEDGER_RECEIVABLE_DAYS_MAX = env.int("LEDGER_RECEIVABLE_DAYS_MAX", default=14)
# When a hold that runs out is told of, and when whoever needs it must act.
EXPIRY_WARN_SECONDS = env.float("EXPIRY_WARN_SECONDS", default=24 * 3600.0)
EXPIRY_ACT_SECONDS = env.float("EXPIRY_ACT_SECONDS", default=6 * 3600.0)
ATTENTION_AFTER_TRIES = env.int("ATTENTION_AFTER_TRIES", default=12)
RESOLVE_FIRST_SECONDS = env.float("RESOLVE_FIRST_SECONDS", default=5.0)
# Runners that may die on one saga, and times one order's next step may be started again,
# before it is parked with a case.
CRASHES_MAX = 8
STALLS_MAX = env.int("STALLS_MAX", default=12)
STALLED_AFTER_SECONDS = env.float("STALLED_AFTER_SECONDS", default=60.0)
# When an order's money is taken: on_order (after the delay), on_fulfillment, or manual.
SETTLEMENT_POLICY = env.str("SETTLEMENT_POLICY", default="on_order")
if SETTLEMENT_POLICY not in ("on_order", "on_fulfillment", "manual"):
    raise ImproperlyConfigured(f"SETTLEMENT_POLICY is {SETTLEMENT_POLICY!r}: no such policy")
SETTLEMENT_DELAY_SECONDS = env.float("SETTLEMENT_DELAY_SECONDS", default=0.0)
# What to do with a hold that nothing was captured of when it runs out: ask for a new one first?
EXPIRY_REAUTHORIZE = env.bool("EXPIRY_REAUTHORIZE", default=True)
IDEMPOTENCY_KEEP = dt.timedelta(days=env.int("IDEMPOTENCY_KEEP_DAYS", default=7))
PERIODIC_RUNS_KEEP = dt.timedelta(days=7)
CASES_LOOKED_AT = 1_000  # of each kind, in one sweep
REAP_BATCH = 10_000
SWEEP_BATCH = 50
SWEEP_BUDGET_SECONDS = 30.0  # below the soft time limit of a task
INVARIANT_WINDOW_DAYS = env.float("INVARIANT_WINDOW_DAYS", default=7.0)
SWEEP_SECONDS = env.float("SWEEP_SECONDS", default=30.0)
RELAY_BATCH = 200
RELAY_LEASE_SECONDS = env.float("RELAY_LEASE_SECONDS", default=30.0)
RELAY_POLL_SECONDS = 1.0
RELAY_TRIES_MAX = 10
RELAY_RETRY_SECONDS_MAX = env.float("RELAY_RETRY_SECONDS_MAX", default=15.0)
OUTBOX_NUDGE = True
PROCESSOR_EVENT_LEASE_SECONDS = env.float("PROCESSOR_EVENT_LEASE_SECONDS", default=90.0)
PROCESSOR_EVENT_FIRST_SECONDS = env.float("PROCESSOR_EVENT_FIRST_SECONDS", default=5.0)
PROCESSOR_EVENT_RETRY_SECONDS_MAX = 3600.0
PROCESSOR_EVENT_TRIES_MAX = 10
PROCESSOR_EVENT_GIVE_UP_HOURS = env.float("PROCESSOR_EVENT_GIVE_UP_HOURS", default=48.0)
# The list is read again from this long before where it was read to: events may show up late.
PROCESSOR_EVENT_OVERLAP_SECONDS = env.float("PROCESSOR_EVENT_OVERLAP_SECONDS", default=3600.0)
PROCESSOR_EVENT_KEPT = dt.timedelta(days=30)  # by Stripe: https://docs.stripe.com/api/events
RATE_TABLES_SECONDS = env.float("RATE_TABLES_SECONDS", default=5.0)

CELERY_BEAT_SCHEDULE = beat.timetable(SWEEP_SECONDS)

# --- providers -------------------------------------------------------------------------
# Who judges fraud and who says the tax (orders/providers.py), and how long each may take.
FRAUD_PROVIDER = env.str("FRAUD_PROVIDER", default="orders.fraud.HomeRules")
FRAUD_SECONDS = env.float("FRAUD_SECONDS", default=2.0)
TAX_PROVIDER = env.str("TAX_PROVIDER", default="orders.tax.HomeRates")
TAX_SECONDS = env.float("TAX_SECONDS", default=3.0)

# --- risk ------------------------------------------------------------------------------
# (review at, reject at) within the window; amounts in minor units, by currency.
RISK_WINDOW_SECONDS = 3600
RISK_LIMITS = {
    "customer": tuple(env.list("RISK_CUSTOMER", cast=int, default=[10, 30])),
    "email": tuple(env.list("RISK_EMAIL", cast=int, default=[10, 30])),
    "ip": tuple(env.list("RISK_IP", cast=int, default=[30, 100])),
    "card": tuple(env.list("RISK_CARD", cast=int, default=[20, 60])),
    # who tries out cards: refused before the processor is asked, and not told why
    "customer_declines": tuple(env.list("RISK_CUSTOMER_DECLINES", cast=int, default=[8, 8])),
    "email_declines": tuple(env.list("RISK_EMAIL_DECLINES", cast=int, default=[8, 8])),
    "ip_declines": tuple(env.list("RISK_IP_DECLINES", cast=int, default=[20, 20])),
    "card_declines": tuple(env.list("RISK_CARD_DECLINES", cast=int, default=[8, 8])),
}
RISK_AMOUNT_LIMITS = {
    "USD": (200_000, 2_000_000),
    "EUR": (200_000, 2_000_000),
    "GBP": (200_000, 2_000_000),
    "JPY": (300_000, 3_000_000),
    "KWD": (600_000, 6_000_000),
    "*": (2_000, 20_000),  # any other currency, in major units
}

# --- logging ---------------------------------------------------------------------------
LOG_LEVEL = env.str("LOG_LEVEL", default="INFO")
LOGGING_CONFIG = "checkout_project.log_config.configure"
LOGGING = {"level": LOG_LEVEL}
