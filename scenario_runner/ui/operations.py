"""The operations that an OpenAPI description has, as forms, and the requests that they come to."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias
from urllib.parse import quote, urlencode

from scenario_runner.exchange import Request
from scenario_runner.mock_pbx.server.app import description

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from scenario_runner.references import Json

Where: TypeAlias = Literal["path", "query", "body"]
_METHODS: Final = ("get", "put", "post", "delete")
_NOT_HERE: Final = frozenset({"describe", "showClock", "advanceClock"})
"""Those of a served mock that the page answers in another way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FormField:
    """One thing to fill in: a parameter of the path or the query, or a field of the body."""

    name: str
    where: Where
    required: bool = False
    choices: tuple[str, ...] = ()
    type: str = "string"
    says: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One request that the PBX knows; `form` says that its body is a form in place of JSON."""

    id: str
    method: str
    path: str
    says: str
    group: str
    fields: tuple[FormField, ...]
    form: bool = False

    def request(self, values: Mapping[str, str]) -> Request:
        """Return the request with these values; what is empty is left out."""
        path = self.path
        query: dict[str, str] = {}
        body: dict[str, Json] = {}
        for field in self.fields:
            text = values.get(field.name, "")
            if field.where == "path":
                path = path.replace(f"{{{field.name}}}", quote(text, safe="@"))
            elif text and field.where == "query":
                query[field.name] = text
            elif text:
                body[field.name] = _typed(text, field)
        if query:
            path = f"{path}?{urlencode(query)}"
        return self.raw(path, self._encoded(body))

    def raw(self, path: str, body: bytes) -> Request:
        """Return a request with a body as it was typed."""
        kind = "application/x-www-form-urlencoded" if self.form else "application/json"
        headers = (("Content-Type", kind),) if body else ()
        return Request(method=self.method, path=path, headers=headers, body=body)

    def _encoded(self, body: dict[str, Json]) -> bytes:
        if not any(field.where == "body" for field in self.fields):
            return b""
        if self.form:
            return urlencode({name: str(value) for name, value in body.items()}).encode()
        return json.dumps(body, ensure_ascii=False).encode()


@cache
def operations() -> tuple[Operation, ...]:
    """Return the operations of the mock's own description, in its order."""
    return tuple(operations_of(json.loads(description())))


def operations_of(described: dict[str, Any]) -> Iterator[Operation]:
    """Yield the operations of an OpenAPI description."""
    for path, item in described["paths"].items():
        for method in _METHODS:
            operation = item.get(method)
            if operation is not None and operation["operationId"] not in _NOT_HERE:
                yield _operation(described, path, method, operation)


def _operation(
    described: dict[str, Any], path: str, method: str, operation: dict[str, Any]
) -> Operation:
    parameters = [_resolved(described, one) for one in operation.get("parameters", ())]
    content = operation.get("requestBody", {}).get("content", {})
    kind = next(iter(content), "")
    body = _resolved(described, content[kind]["schema"]) if kind else {}
    fields = [_parameter(one) for one in parameters]
    return Operation(
        id=operation["operationId"],
        method=method.upper(),
        path=path,
        says=operation.get("summary", ""),
        group="/mock" if path.startswith("/mock") else "API" if "/api/" in path else "OAuth",
        fields=(*fields, *_body_fields(described, body)),
        form=kind.startswith("application/x-www-form"),
    )


def _resolved(described: dict[str, Any], node: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in node:
        found: Any = described
        for key in node["$ref"].removeprefix("#/").split("/"):
            found = found[key]
        node = found
    return node


def _parameter(one: dict[str, Any]) -> FormField:
    where: Where = "path" if one["in"] == "path" else "query"
    schema = one.get("schema", {})
    return FormField(
        name=one["name"],
        where=where,
        required=one.get("required", False),
        choices=tuple(map(str, schema.get("enum", ()))),
        says=one.get("description", ""),
    )


def _body_fields(described: dict[str, Any], schema: dict[str, Any]) -> Iterator[FormField]:
    required = schema.get("required", ())
    for name, node in schema.get("properties", {}).items():
        inner = _resolved(described, node)
        kinds = [part.get("type") for part in inner.get("anyOf", ())]
        yield FormField(
            name=name,
            where="body",
            required=name in required,
            choices=tuple(map(str, inner.get("enum", ()))),
            type=str(inner.get("type") or ("any" if "integer" in kinds else "string")),
            says=inner.get("description", ""),
        )


def _typed(text: str, field: FormField) -> Json:
    """Read what was typed into a field of a JSON body, by the type that the description gives it.

    What is not of that type is sent as text: the form is there to try wrong things, too.
    """
    if field.type == "array":
        return [part.strip() for part in text.split(",")]
    wanted = {"integer": int, "number": int | float, "boolean": bool, "any": int}.get(field.type)
    if wanted is None:
        return text
    try:
        value: Json = json.loads(text)
    except ValueError:
        return text
    return value if isinstance(value, wanted) else text
