"""A plain Django project: Django's default middleware, DRF, the idempotency package, our tables."""

from typing import Any

import environ

env = environ.Env()

SECRET_KEY = env.str("SECRET_KEY")
DEBUG = False
ALLOWED_HOSTS = ["127.0.0.1"]
INSTALLED_APPS = [
    "orders",
    "payments",
    "attribution",
    "events",
    "foundation",
    "drf_idempotency",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "rest_framework",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    # Its decorator can not render the answer of an APIView; its middleware can.
    "drf_idempotency.middleware.IdempotencyMiddleware",
]
ROOT_URLCONF = "benchmarks.plain_view.urls"
USE_TZ = True
USE_I18N = False
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
_database: dict[str, Any] = env.db_url("PLAIN_DATABASE_URL")
DATABASE_ROLE = ""  # the foundation's `migrate` asks for it: here the login does everything itself
DATABASES = {"default": {**_database, "CONN_MAX_AGE": 300}}
REST_FRAMEWORK: dict[str, Any] = {
    "DEFAULT_AUTHENTICATION_CLASSES": [],
    "DEFAULT_PERMISSION_CLASSES": [],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "UNAUTHENTICATED_USER": None,
}
IDEMPOTENCY = {"BACKEND": "drf_idempotency.backends.database.DatabaseBackend", "REQUIRE_KEY": True}
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"out": {"class": "logging.StreamHandler"}},
    "root": {"handlers": ["out"], "level": "WARNING"},
}
