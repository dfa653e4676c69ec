"""`docs/api-reference.md`: each operation of the document, as a page for people."""

from collections.abc import Iterator
from typing import Any, Final

from checkout_project.openapi.document import Document

_HEAD: Final = """# API reference

Made from `docs/openapi.json` by `make openapi`; what is written by hand stands in [api.md](api.md).
Each refusal is explained at `/v1/problems/{code}`.
"""


def page(document: Document) -> str:
    """The whole page."""
    parts = [_HEAD, *_index(document)]
    for tag in document["tags"]:
        parts.append(f"\n## {tag['name']}\n\n{tag['description']}\n")
        parts += [
            _section(method, path, operation)
            for method, path, operation in operations(document)
            if operation["tags"] == [tag["name"]]
        ]
    parts += ["\n## Events out\n\n", *_events(document)]
    return "".join(parts)


def operations(document: Document) -> Iterator[tuple[str, str, Document]]:
    """Method, path, operation; in the order of the paths."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


def _index(document: Document) -> Iterator[str]:
    yield "\n| Operation | Scope | Answers | Refusals |\n|---|---|---|---|\n"
    for method, path, operation in operations(document):
        statuses = list(operation["responses"])
        good = " ".join(status for status in statuses if status < "400")
        bad = " ".join(status for status in statuses if status >= "400")
        link = f"[{method} {path}](#{operation['operationId']})"
        yield f"| {link} | {_scope(operation)} | {good} | {bad} |\n"


def _scope(operation: Document) -> str:
    named = [scope for needed in operation["security"] for scope in needed.get("ApiKey", [])]
    return ", ".join(f"`{scope}`" for scope in named) or "none"


def _section(method: str, path: str, operation: Document) -> str:
    lines = [f"\n### {operation['operationId']}\n\n`{method} {path}`: {operation['summary']}."]
    if "description" in operation:
        lines.append(f" {operation['description']}")
    lines.append("\n")
    lines += _parameters(operation)
    lines += _body(operation)
    lines.append("\n| Status | |\n|---|---|\n")
    lines += [
        f"| {status} | {answer['description']} |\n"
        for status, answer in operation["responses"].items()
    ]
    return "".join(lines)


def _parameters(operation: Document) -> Iterator[str]:
    given = [one for one in operation.get("parameters", []) if one.get("in") == "query"]
    for one in given:
        must = "required" if one["required"] else "optional"
        yield f"\n- `?{one['name']}` ({must}): {one['description']}{_choices(one['schema'])}"
    named = [
        one["$ref"].rpartition("/")[2] for one in operation.get("parameters", []) if "$ref" in one
    ]
    told = [name for name in named if name not in ("Request-Id", "traceparent")]
    if told:
        yield f"\n- also: {', '.join(f'`{name}`' for name in told)}"
    if given or told:
        yield "\n"


def _choices(schema: Document) -> str:
    known = schema.get("enum")
    return f"; one of {', '.join(f'`{value}`' for value in known)}" if known else ""


def _body(operation: Document) -> Iterator[str]:
    for media_type, content in operation.get("requestBody", {}).get("content", {}).items():
        name = content["schema"].get("$ref", "").rpartition("/")[2]
        yield f"\nBody: `{media_type}`" + (f", `{name}`" if name else "") + ".\n"


def _events(document: Document) -> Iterator[str]:
    yield "| Type | Means |\n|---|---|\n"
    told: dict[str, Any] = document["webhooks"]
    for name, methods in told.items():
        yield f"| `{name}` | {methods['post']['summary']} |\n"
