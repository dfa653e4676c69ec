"""What this house tells subscribers, as the document's `webhooks` (Standard Webhooks 1.0)."""

from typing import Any, Final

from checkout_project.openapi.components import PARAMETERS
from events.catalogue import CATALOGUE, PUBLIC
from events.contract import DATA
from foundation.edge.contract import Shape, example_of, integer, moment, record, reference, text

_HEADERS: Final = {
    "webhook-id": (
        "The event's id: the same over every delivery. Keep it, and do each once.",
        reference("evt"),
    ),
    "webhook-timestamp": ("Of this delivery, in seconds; refuse one that is old.", integer(0)),
    "webhook-signature": (
        "`v1,` and the base64 of HMAC-SHA256 over `id.timestamp.body`; several, by spaces, "
        "while the secret is rotated.",
        text("v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4="),
    ),
}
_ANSWERS: Final = {
    "2XX": {"description": "Taken. Anything else, a redirect too, is tried again for days."},
    "410": {"description": "Gone: the endpoint is not told any more."},
}


def webhooks() -> dict[str, Any]:
    """Each type of event that leaves the house, and the request that tells of it."""
    told = {name: meaning for name, meaning in CATALOGUE.items() if name in PUBLIC}
    return {name: {"post": _told(name, meaning)} for name, meaning in told.items()}


def _told(name: str, meaning: str) -> dict[str, Any]:
    shape = _body(name)
    return {
        "operationId": f"told_{name.replace('.', '_')}",
        "summary": meaning,
        "tags": ["events"],
        "security": [],
        "parameters": [*(_header(*each) for each in _HEADERS.items()), PARAMETERS["traceparent"]],
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {
                    "schema": shape,
                    "examples": {"example": {"value": example_of(shape)}},
                }
            },
        },
        "responses": dict(_ANSWERS),
    }


def _body(name: str) -> Shape:
    return record(type=text(name, const=name), timestamp=moment(), data=DATA)


def _header(name: str, told: tuple[str, Shape]) -> dict[str, Any]:
    description, shape = told
    return {
        "in": "header",
        "name": name,
        "required": True,
        "description": description,
        "schema": shape,
    }
