"""What many operations of the document share: headers, parameters, and the shape of a problem."""

from typing import Any, Final

from foundation.edge import lookup
from foundation.edge.contract import Shape, boolean, choice, integer, nullable, record, text
from foundation.edge.problems import problem
from foundation.errors import DomainError

Spec = dict[str, Any]
_KEY: Final = "6f1d0c1e-5c8e-4f0a-9d53-1b8c8f1f2a77"


def _header(name: str, description: str, shape: Shape, *, required: bool = False) -> Spec:
    return {
        "in": "header",
        "name": name,
        "description": description,
        "required": required,
        "schema": shape,
    }


PARAMETERS: Final[dict[str, Spec]] = {
    "Idempotency-Key": _header(
        "Idempotency-Key",
        "Made when the shopper presses Pay, and kept over every retry: quoted or bare, 16 to 255 "
        "printable ASCII characters. One key, one effect.",
        text(_KEY, pattern="^[A-Za-z0-9_-]{16,255}$"),
        required=True,
    ),
    "If-Match": _header(
        "If-Match",
        "The `ETag` of what the path's id names, as it was read: 412 when it was changed since; "
        "then nothing is done or stored with the key.",
        text('"5f0c5f0c5f0c5f0c5f0c5f0c5f0c5f0c"', pattern='^(\\*|"[0-9a-f]{32}")$'),
    ),
    "If-None-Match": _header(
        "If-None-Match",
        "The `ETag` that the caller has: 304 when nothing changed.",
        text('"5f0c5f0c5f0c5f0c5f0c5f0c5f0c5f0c"', pattern='^(\\*|"[0-9a-f]{32}")$'),
    ),
    "Request-Id": _header(
        "Request-Id",
        "Echoed, and in our log lines, when it is 8 to 64 of these characters; else we make one.",
        text("web-7f3a91c2", pattern="^[A-Za-z0-9._-]{8,64}$"),
    ),
    "traceparent": _header(
        "traceparent",
        "W3C Trace Context: its ids are in our log lines, and it goes with what follows, to "
        "the webhooks that tell of it. A malformed one is ignored.",
        text(
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            pattern="^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$",
        ),
    ),
    "limit": {
        "in": "query",
        "name": "limit",
        "description": "How many to show.",
        "required": False,
        "schema": {
            "type": "integer",
            "minimum": 1,
            "maximum": lookup.LIMIT_MAX,
            "default": lookup.LIMIT_DEFAULT,
        },
    },
    "cursor": {
        "in": "query",
        "name": "cursor",
        "description": "The `next_cursor` of the page before.",
        "required": False,
        "schema": {"type": "string", "pattern": "^[a-z]+_[a-z]{28}$"},
    },
}

HEADERS: Final[dict[str, Spec]] = {
    "Request-Id": {"description": "Yours, or ours.", "schema": text("web-7f3a91c2")},
    "RateLimit": {
        "description": "What is left: `r` requests now, all of them again in `t` seconds.",
        "schema": text('"key";r=17999;t=1'),
    },
    "RateLimit-Policy": {
        "description": "What is granted: `q` requests in `w` seconds.",
        "schema": text('"key";q=18000;w=60'),
    },
    "Retry-After": {"description": "Seconds to wait.", "schema": integer(2)},
    "Location": {"description": "Where it is.", "schema": text("/v1/orders/ord_...")},
    "ETag": {
        "description": "Names these very bytes: for `If-None-Match` and `If-Match`.",
        "schema": text('"5f0c5f0c5f0c5f0c5f0c5f0c5f0c5f0c"'),
    },
    "Idempotent-Replayed": {
        "description": "`true` when this answer was stored with the key before.",
        "schema": choice("true"),
    },
    "WWW-Authenticate": {"description": "What to send.", "schema": choice("Bearer")},
}

PROBLEM: Final[Shape] = {
    **record(
        ("errors", "charge_state"),
        type=text("https://checkout.example/v1/problems/payment_declined", format="uri"),
        title=text("The payment was declined"),
        status=integer(402),
        detail=text("The card was declined."),
        instance=text("/v1/checkouts"),
        code=text("payment_declined"),
        request_id=text("web-7f3a91c2"),
        retryable=boolean(example=True),
        retry_with=choice("new_key", "same_key", "none"),
        errors={
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "pointer": text("/lines/0/quantity"),
                    "code": text("too_small"),
                    "detail": text("At least 1 is expected."),
                },
            },
        },
        charge_state=nullable(choice("not_charged", "authorized", "unknown")),
    ),
    "additionalProperties": True,
    "description": "RFC 9457, with members of ours; some codes have more.",
}
SECURITY: Final[Spec] = {
    "ApiKey": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "sk_test_... or sk_live_...",
        "description": "A key of a client; each operation names the scope that it needs.",
    }
}


def parameter(name: str) -> Spec:
    """The reference to a parameter that many operations have."""
    return {"$ref": f"#/components/parameters/{name}"}


def header(name: str) -> Spec:
    """The reference to a header that many answers have."""
    return {"$ref": f"#/components/headers/{name}"}


def problem_example(kind: type[DomainError]) -> Spec:
    """How a refusal of this kind looks."""
    plain = kind.__new__(kind)  # some are made of a payment, which there is none of here
    DomainError.__init__(plain)
    body = problem(plain, instance="/v1/...", request_id="web-7f3a91c2")
    return body | {"type": f"https://checkout.example/v1/problems/{kind.code}"}
