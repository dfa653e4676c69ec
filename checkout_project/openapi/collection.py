"""A collection for Bruno (https://www.usebruno.com), one file an operation, from the document."""

import json
from collections import Counter
from typing import Any, Final

from checkout_project.openapi.document import Document
from checkout_project.openapi.reference import operations

_ENVIRONMENT: Final = """vars {
  base: http://127.0.0.1:8000
}
vars:secret [
  key
]
"""


def collection(document: Document) -> dict[str, str]:
    """File in the collection's folder → its text."""
    about = {"version": "1", "name": document["info"]["title"], "type": "collection"}
    files = {
        "bruno.json": json.dumps(about, indent=2) + "\n",
        "environments/local.bru": _ENVIRONMENT,
    }
    numbers: Counter[str] = Counter()
    for method, path, operation in operations(document):
        folder = operation["tags"][0]
        numbers[folder] += 1
        name = f"{folder}/{operation['operationId']}.bru"
        files[name] = _request(numbers[folder], method, path, operation)
    return files


def _request(number: int, method: str, path: str, operation: Document) -> str:
    meta = {"name": operation["operationId"], "type": "http", "seq": str(number)}
    blocks = [_block("meta", meta), _block(method.lower(), _call(path, operation))]
    in_path = {one["name"]: _example(one["schema"]) for one in _given(operation, "path")}
    if in_path:
        blocks.append(_block("params:path", in_path))
    if headers := _headers(operation):
        blocks.append(_block("headers", headers))
    if operation["security"]:
        blocks.append(_block("auth:bearer", {"token": "{{key}}"}))
    for media_type, content in _content(operation).items():
        blocks.append(_body(media_type, content["examples"]["works"]["value"]))
    return "\n".join(blocks)


def _call(path: str, operation: Document) -> dict[str, str]:
    kinds = {"application/json": "json", "text/csv": "text"}
    body = next((kinds[each] for each in _content(operation)), "none")
    url = "{{base}}" + path.replace("{", ":").replace("}", "")
    needed = [one for one in _given(operation, "query") if one["required"]]
    query = "&".join(f"{one['name']}={_example(one['schema'])}" for one in needed)
    return {
        "url": f"{url}?{query}" if query else url,
        "body": body,
        "auth": "bearer" if operation["security"] else "none",
    }


def _headers(operation: Document) -> dict[str, str]:
    found = {one["name"]: _example(one["schema"]) for one in _given(operation, "header")}
    keys = [one for one in operation.get("parameters", []) if "Idempotency-Key" in str(one)]
    return {**found, **({"Idempotency-Key": "{{$guid}}"} if keys else {})}


def _given(operation: Document, place: str) -> list[Document]:
    return [one for one in operation.get("parameters", []) if one.get("in") == place]


def _content(operation: Document) -> dict[str, Any]:
    found: dict[str, Any] = operation.get("requestBody", {}).get("content", {})
    return found


def _example(schema: Document) -> str:
    return str(schema["examples"][0])


def _block(name: str, members: dict[str, str]) -> str:
    lines = "\n".join(f"  {key}: {value}" for key, value in members.items())
    return f"{name} {{\n{lines}\n}}\n"


def _body(media_type: str, example: Any) -> str:
    if media_type == "text/csv":
        text, kind = str(example).rstrip("\n"), "text"
    else:
        text, kind = json.dumps(example, indent=2), "json"
    inner = "\n".join(f"  {line}" for line in text.splitlines())
    return f"body:{kind} {{\n{inner}\n}}\n"
