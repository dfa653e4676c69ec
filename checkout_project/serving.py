"""How the API is served: what it speaks, through whom, and how often it may be asked. Names are
settings (see docs/operations.md)."""

import ipaddress
from typing import Any, Final

from django.core.exceptions import ImproperlyConfigured

from checkout_project.environment import env

# --- REST ------------------------------------------------------------------------------
PROBLEM_BASE_URL = env.str("PROBLEM_BASE_URL", default="https://checkout.example")
REST_FRAMEWORK: Final[dict[str, Any]] = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["foundation.edge.authentication.ApiKeyAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["foundation.edge.authentication.HasScope"],
    "DEFAULT_PARSER_CLASSES": ["foundation.edge.strict_json.StrictJSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["foundation.edge.http.JSONBytes"],
    "DEFAULT_METADATA_CLASS": "foundation.edge.http.Methods",
    "DEFAULT_SCHEMA_CLASS": "checkout_project.openapi.schema.ContractSchema",  # read by no request
    "EXCEPTION_HANDLER": "checkout_project.problem_details.as_problem",
    "UNAUTHENTICATED_USER": None,
    "URL_FORMAT_OVERRIDE": None,
}
SPECTACULAR_SETTINGS: Final[dict[str, Any]] = {
    "OAS_VERSION": "3.1.0",
    "SCHEMA_PATH_PREFIX": "/v1",
    "POSTPROCESSING_HOOKS": [],
}


# --- through whom ----------------------------------------------------------------------
# Networks whose X-Forwarded-For is believed; none unless you have a proxy in front.
TRUSTED_PROXIES: Final[list[str]] = env.list("TRUSTED_PROXIES", default=[])
for _network in TRUSTED_PROXIES:
    try:
        ipaddress.ip_network(_network)
    except ValueError as wrong:
        raise ImproperlyConfigured(f"TRUSTED_PROXIES: {wrong}") from wrong


# --- how often -------------------------------------------------------------------------
def _rate(name: str, text: str) -> tuple[int, float] | None:
    """`"18000/60"`: requests in seconds; `"off"`: as often as anybody likes."""
    if text == "off":
        return None
    quota, _, seconds = text.partition("/")
    if not (quota.isdecimal() and seconds.isdecimal() and int(quota) and int(seconds)):
        raise ImproperlyConfigured(f"{name} is {text!r}: so many in so many seconds, or off")
    return int(quota), float(seconds)


# In one process of the web server each (ADR 37): requests with one key, and requests of one
# address without a valid key.
RATE_LIMIT_KEY = _rate("RATE_LIMIT_KEY", env.str("RATE_LIMIT_KEY", default="18000/60"))
RATE_LIMIT_FAILURES = _rate("RATE_LIMIT_FAILURES", env.str("RATE_LIMIT_FAILURES", default="120/60"))

# --- from browsers ---------------------------------------------------------------------
# Sites whose pages may ask: none, for a key is a secret of a backend. Name one (an internal tool,
# say) as `https://host`, and it may ask below /v1/ with the headers of this API.
CORS_ALLOWED_ORIGINS: Final[list[str]] = env.list("CORS_ALLOWED_ORIGINS", default=[])
CORS_URLS_REGEX: Final = r"^/v1/"
CORS_ALLOW_HEADERS: Final = (
    "accept", "authorization", "content-type", "idempotency-key", "if-match", "if-none-match",
    "request-id", "traceparent",
)  # fmt: skip
CORS_EXPOSE_HEADERS: Final = (
    "etag", "idempotent-replayed", "location", "ratelimit", "ratelimit-policy", "request-id",
    "retry-after",
)  # fmt: skip

# TLS ends at the proxy. An API that redirects lets keys be sent in clear first, every time, and
# nobody notices: a proxy that speaks HTTP at all refuses (OWASP ASVS 5.0, 4.1.2).
SILENCED_SYSTEM_CHECKS = ["security.W008"]
