"""From our operations to those of OpenAPI: what drf-spectacular asks about each view's method."""

import re
from collections.abc import Iterable
from http import HTTPStatus
from typing import Any, Final

from drf_spectacular.extensions import OpenApiSerializerExtension, OpenApiSerializerFieldExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ComponentRegistry

from checkout_project.openapi.components import header, parameter
from checkout_project.openapi.links import links
from checkout_project.openapi.operations import OPERATIONS, Problem, problems_of
from foundation.edge import problems
from foundation.edge.contract import JSON, Answer, Operation, Query, Shape, example_of, reference
from foundation.edge.contract_fields import shape_of
from foundation.edge.strict_fields import StrictSerializer

_EVERYWHERE: Final = ("Request-Id",)
_LIMITED: Final = ("RateLimit", "RateLimit-Policy")
_BEARER: Final = "ApiKey"
Spec = dict[str, Any]


class ContractSchema(AutoSchema):
    """One operation of the document, from the `Operation` of this view and method."""

    def get_operation(
        self, path: str, path_regex: str, path_prefix: str, method: str, registry: ComponentRegistry
    ) -> Spec:
        """Raises `LookupError` for a view and method that no `contract` speaks of."""
        self.registry, self.path, self.path_regex = registry, path, path_regex
        self.path_prefix, self.method = path_prefix, method
        stated = OPERATIONS.get((type(self.view), method))
        if stated is None:
            name = type(self.view).__name__
            raise LookupError(f"{method} {path} ({name}) is in no module `contract`")
        spec: Spec = {"operationId": stated.id, "summary": stated.summary}
        if stated.description:
            spec["description"] = stated.description
        spec["tags"] = [_tag(path)]
        spec["parameters"] = self._all_parameters(stated)
        if stated.body is not None:
            spec["requestBody"] = self._body(stated)
        spec["security"] = self._security()
        spec["responses"] = self._responses(stated)
        return spec

    def _security(self) -> list[Spec]:
        if not self.view.authentication_classes:
            return []
        scopes: dict[str, str] = getattr(self.view, "scopes", {})
        return [{_BEARER: [scopes[self.method]]}]

    def _all_parameters(self, stated: Operation) -> list[Spec]:
        named = ["Request-Id", "traceparent"]
        if stated.is_idempotent:
            named.insert(0, "Idempotency-Key")
        if stated.is_paged:
            named += ["limit", "cursor"]
        if stated.reads_one and self.method == "GET":
            named.append("If-None-Match")
        if stated.changes_one:
            named.append("If-Match")
        own = [_in_query(query) for query in stated.query]
        extra = [_in_header(*each) for each in (stated.headers or {}).items()]
        in_path = [_in_path(name, stated.prefix) for name in re.findall(r"{(\w+)}", self.path)]
        return [*in_path, *own, *extra, *map(parameter, named)]

    def _body(self, stated: Operation) -> Spec:
        shape, is_required = self._body_shape(stated.body)
        media = {"schema": shape, "examples": {"works": {"value": stated.example}}}
        return {"content": {stated.media_type: media}, "required": is_required}

    def _body_shape(self, body: Any) -> tuple[Shape, bool]:
        if isinstance(body, dict):
            return body, True
        fields = body().fields
        if not fields:
            return {"type": "object", "additionalProperties": False}, False
        found = self.resolve_serializer(body, "request")
        return found.ref, any(field.required for field in fields.values())

    def _responses(self, stated: Operation) -> Spec:
        is_limited = bool(self.view.authentication_classes)
        usual = (*_EVERYWHERE, *(_LIMITED if is_limited else ()))
        tags = ("ETag",) if stated.reads_one else ()
        replayed = ("Idempotent-Replayed",) if stated.is_idempotent else ()
        found = {
            str(status): _answer(answer, (*usual, *answer.headers, *tags, *replayed))
            for status, answer in stated.answers.items()
        }
        if stated.reads_one and self.method == "GET":
            unchanged = Answer("The caller has it already; there is no body.")
            found["304"] = _answer(unchanged, (*usual, "ETag"))
        refused = problems_of(self.view, stated, path=self.path)
        for status in sorted({problem.status for problem in refused}):
            kinds = [problem for problem in refused if problem.status == status]
            more = replayed if status in (402, 409, 422) else ()
            found[str(status)] = _refusal(status, kinds, (*usual, *more))
        return dict(sorted(found.items()))


def _tag(path: str) -> str:
    return path.removeprefix("/v1/").partition("/")[0].partition(".")[0]


def _answer(answer: Answer, headers: Iterable[str]) -> Spec:
    spec: Spec = {"description": answer.means, "headers": {name: header(name) for name in headers}}
    if answer.shape is not None:
        example = {"value": example_of(answer.shape)}
        spec["content"] = {JSON: {"schema": answer.shape, "examples": {"example": example}}}
        if leads := links(answer.shape, OPERATIONS.values()):
            spec["links"] = leads
    return spec


def _refusal(status: int, kinds: list[Problem], headers: Iterable[str]) -> Spec:
    more = {401: ("WWW-Authenticate",), 429: ("Retry-After",), 503: ("Retry-After",)}
    names = (*headers, *more.get(status, ()))
    codes = [kind.code for kind in kinds]
    schema = {
        "allOf": [
            {"$ref": "#/components/schemas/Problem"},
            {"properties": {"code": {"enum": codes}}},
        ]
    }
    examples = {code: {"$ref": f"#/components/examples/{code}"} for code in codes}
    told = ", ".join(f"`{code}`" for code in codes)
    return {
        "description": f"{HTTPStatus(status).phrase}: {told}.",
        "headers": {name: header(name) for name in names},
        "content": {problems.CONTENT_TYPE: {"schema": schema, "examples": examples}},
    }


def _in_query(query: Query) -> Spec:
    return {
        "in": "query",
        "name": query.name,
        "description": query.description,
        "required": query.required,
        "schema": query.shape,
    }


def _in_header(name: str, example: str) -> Spec:
    return {
        "in": "header",
        "name": name,
        "required": True,
        "schema": {"type": "string", "example": example},
    }


def _in_path(name: str, prefix: str) -> Spec:
    examples = {"sku": "MUG-BLUE", "code": "payment_declined"}
    shape = reference(prefix) if prefix else {"type": "string", "example": examples[name]}
    return {"in": "path", "name": name, "required": True, "schema": shape}


class StrictFieldShape(OpenApiSerializerFieldExtension):
    """Fields of our own."""

    target_class = "foundation.edge.strict_fields.AnyField"
    match_subclasses = True

    def map_serializer_field(self, auto_schema: Any, direction: Any) -> Spec:  # noqa: ARG002 - spectacular's signature
        """As the field's class was described."""
        return dict(shape_of(self.target))


class StrictListShape(OpenApiSerializerFieldExtension):
    """Lists have their bounds in attributes of their own."""

    target_class = "foundation.edge.strict_fields.StrictList"
    match_subclasses = True

    def map_serializer_field(self, auto_schema: Any, direction: Any) -> Spec:
        """As spectacular maps a list, with both bounds."""
        mapped = auto_schema._map_serializer_field(self.target, direction, bypass_extensions=True)  # noqa: SLF001 - spectacular's documented way
        return {**mapped, "minItems": self.target.shortest, "maxItems": self.target.longest}


class StrictSerializerShape(OpenApiSerializerExtension):
    """A strict serializer takes no member that it does not know."""

    target_class = StrictSerializer
    match_subclasses = True

    def map_serializer(self, auto_schema: Any, direction: Any) -> Spec:
        """As spectacular maps a serializer, and closed."""
        mapped = auto_schema._map_serializer(self.target, direction, bypass_extensions=True)  # noqa: SLF001 - the same
        mapped.pop("description", None)  # it is written for us
        return {**mapped, "additionalProperties": False}
