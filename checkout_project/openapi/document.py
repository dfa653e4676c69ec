"""The document of the API as a whole, and as the bytes that are committed."""

import json
from typing import Any, Final

from drf_spectacular.generators import SchemaGenerator
from rest_framework.views import APIView

from checkout_project.openapi.components import (
    HEADERS,
    PARAMETERS,
    PROBLEM,
    SECURITY,
    problem_example,
)
from checkout_project.openapi.told import webhooks
from checkout_project.problem_pages import kinds
from foundation.edge.contract import SHAPES, Shape

Document = dict[str, Any]
VERSION: Final = "1"
_TITLE: Final = "Checkout API"
_DESCRIPTION: Final = """A shopper presses Pay once, and one thing happens once.

Every POST that moves money or stock needs an `Idempotency-Key`: send the same request with the
same key until the answer is final. A refusal is `application/problem+json`; `retry_with` says
whether the same key, a new one, or nothing helps, and `type` leads to what it means. Money is
integer minor units and an ISO 4217 currency; times are RFC 3339 in UTC; lists are read by cursor
and survive inserts.
Prose, examples and states: docs/api.md."""
_TAGS: Final = {
    "checkouts": "Buying, and coming back to it.",
    "orders": "What was bought: reading, undoing, shipping.",
    "fulfillments": "Shipments.",
    "inventory-items": "What lies on the shelf.",
    "payments": "One hold and all that follows from it: captures, voids, refunds.",
    "refunds": "Money that is given back.",
    "disputes": "Charges that a bank was asked to take back.",
    "ledger": "Where the money is.",
    "touchpoints": "Visits, as the shop's backend tells of them.",
    "conversions": "Sales, as analytics counted them.",
    "reports": "Analytics against money.",
    "settlements": "The processor's books.",
    "reconciliation-runs": "Comparing the processor's books with ours.",
    "reconciliation-breaks": "What differs.",
    "reconciliation-matches": "What a person says belongs together.",
    "processor-events": "What the processor tells us.",
    "webhook-endpoints": "Who is told, and where.",
    "events": "What happened, to be read in its order.",
    "deliveries": "What was told to whom, and each try at it.",
    "problems": "What each refusal means.",
    "openapi": "This document.",
    "operations": "For whoever runs it.",
}


class Generator(SchemaGenerator):
    """With the path's parts named as clients know them."""

    def coerce_path(self, path: str, method: str, view: APIView) -> str:  # noqa: ARG002 - spectacular's signature
        """The id of a path is its id."""
        return path.replace("{reference}", "{id}")


def build() -> Document:
    """The document: what spectacular found in the paths, and what all of them share."""
    found = Generator().get_schema(public=True)
    schemas = {**found["components"]["schemas"], **SHAPES, "Problem": PROBLEM}
    paths = {**found["paths"], **_outside()}
    used = {_tag(operation) for path in paths.values() for operation in path.values()}
    document: Document = {
        "openapi": "3.1.0",
        "info": {
            "title": _TITLE,
            "version": VERSION,
            "description": _DESCRIPTION,
            "license": {"name": "See the repository", "url": "https://checkout.example/"},
        },
        "servers": [{"url": "/", "description": "Where this document came from."}],
        "tags": [{"name": tag, "description": _TAGS[tag]} for tag in _TAGS if tag in used],
        "paths": dict(sorted(paths.items())),
        "webhooks": webhooks(),
        "components": {
            "schemas": dict(sorted(schemas.items())),
            "parameters": PARAMETERS,
            "headers": HEADERS,
            "examples": {code: {"value": problem_example(kind)} for code, kind in kinds().items()},
            "securitySchemes": SECURITY,
        },
    }
    plain: Document = _plain(document)
    return plain


def written(document: Document) -> str:
    """As it is committed."""
    return json.dumps(document, ensure_ascii=False, indent=1) + "\n"


def _tag(operation: Document) -> str:
    return str(operation["tags"][0])


def _outside() -> Document:
    """What is asked without /v1/ and without a key."""
    status: Shape = {"type": "object", "properties": {"status": {"type": "string"}}}
    plain = {"application/json": {"schema": status}}

    def asked(name: str, summary: str, answers: Document) -> Document:
        return {
            "get": {
                "operationId": name,
                "summary": summary,
                "tags": ["operations"],
                "security": [],
                "responses": answers,
            }
        }

    problem = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {
        "/livez": asked("livez", "Does the process live", {"200": _said("It does.", plain)}),
        "/readyz": asked(
            "readyz",
            "Can it do its work",
            {"200": _said("It can.", plain), "503": _said("PostgreSQL does not answer.", plain)},
        ),
        "/metrics": asked(
            "metrics",
            "Read every gauge",
            {
                "200": _said("Prometheus text.", {"text/plain": {"schema": {"type": "string"}}}),
                "401": _said("Neither this machine nor METRICS_TOKEN.", problem),
                "503": _said("PostgreSQL does not answer.", problem),
            },
        ),
    }


def _said(means: str, content: Document) -> Document:
    return {"description": means, "content": content}


def _plain(value: Any) -> Any:
    """The same, of lists, dicts and scalars only; a shape's `example` is its `examples` in 3.1."""
    if isinstance(value, dict):
        plain = {str(name): _plain(inner) for name, inner in value.items()}
        if "example" in plain and not plain.keys().isdisjoint(("type", "enum", "$ref")):
            plain["examples"] = [plain.pop("example")]
        return plain
    if isinstance(value, (list, tuple)):
        return [_plain(inner) for inner in value]
    return value if value is None or isinstance(value, (bool, int, float)) else str(value)
