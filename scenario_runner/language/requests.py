"""The raw request: what a scenario sends to the PBX's API without an action of its own."""

# Annotations are evaluated here: the kinds in them are read where a schema or a reader is made.
import json
from collections.abc import Iterator
from typing import Annotated, Literal, TypeAlias

from msgspec import Struct

from scenario_runner.language.facts import ActionBase, Alternatives, Facts, Part, Requirement
from scenario_runner.language.kinds import PATH, TEXT, VALUE, mapping
from scenario_runner.language.prose import Prose, listing
from scenario_runner.language.vocabulary import Capability
from scenario_runner.references import Expression, as_text

FORM = mapping(
    name="values by field",
    noun="a map of fields",
    additionalProperties=TEXT("A field's value.", type=["string", "number", "boolean"]),
)
HEADERS = mapping(
    name="values by field",
    noun="a map of headers",
    additionalProperties=TEXT(
        "The header's value, or null to send none.",
        noun="text or null",
        type=["string", "number", "null"],
    ),
)


class JsonBody(Struct, frozen=True):
    """A request body sent as JSON."""

    value: Expression


class TextBody(Struct, frozen=True):
    """A request body sent as typed."""

    text: Expression


class FormBody(Struct, frozen=True):
    """A request body sent as a form; each value is written as text."""

    fields: tuple[tuple[str, Expression], ...]


Body: TypeAlias = JsonBody | TextBody | FormBody
Method: TypeAlias = Literal["GET", "PUT", "POST", "DELETE"]


class RawRequest(ActionBase, frozen=True, kw_only=True):
    """A raw request to the PBX's API, for what has no action of its own and for malformed ones.

    - json: The body, sent as JSON.
    - text: The body, sent as typed.
    - form: The body, sent as a form.
    - headers: Headers to send; null keeps one from being sent. The runner's token is sent unless
      'Authorization' stands here.
    """

    word = "request"
    facts = Facts(
        parts=(Part.ANSWER, Part.MOMENT),
        proves=True,
        polls=True,
        requires=Requirement(Capability.RAW_REQUESTS, "it sends raw requests"),
    )
    alternatives = (
        Alternatives(("get", "put", "post", "delete")),
        Alternatives(("json", "text", "form"), "a request has one body"),
    )
    get: Annotated[Expression | None, PATH] = None
    put: Annotated[Expression | None, PATH] = None
    post: Annotated[Expression | None, PATH] = None
    delete: Annotated[Expression | None, PATH] = None
    json: Annotated[Expression | None, VALUE] = None
    text: Annotated[Expression | None, VALUE(noun="text", type=["string", "number"])] = None
    form: Annotated[tuple[tuple[str, Expression], ...] | None, FORM] = None
    headers: Annotated[tuple[tuple[str, Expression], ...], HEADERS] = ()

    @property
    def method(self) -> Method:
        """The verb of HTTP."""
        if self.get is not None:
            return "GET"
        if self.put is not None:
            return "PUT"
        return "DELETE" if self.post is None else "POST"

    @property
    def path(self) -> Expression:
        """The path below the API's root."""
        path = self.get or self.put or self.post or self.delete
        assert path is not None
        return path

    @property
    def body(self) -> Body | None:
        """What is sent with it."""
        if self.json is not None:
            return JsonBody(self.json)
        if self.text is not None:
            return TextBody(self.text)
        return None if self.form is None else FormBody(self.form)

    def only_reads(self) -> bool:
        return self.put is None and self.post is None and self.delete is None

    def looks_into(self) -> tuple[Expression, ...] | None:
        return None  # the slot may stand anywhere in it

    def said(self, prose: Prose) -> str:
        parts = (self._said_body(prose), *self._said_headers(prose))
        sent = tuple(part for part in parts if part)
        request = f"The request `{self.method} {prose.text(self.path)}` is sent"
        return f"{request} with {listing(sent)}" if sent else request

    def _said_body(self, prose: Prose) -> str:
        match self.body:
            case JsonBody(value):
                return f"the JSON `{json.dumps(prose.value(value), ensure_ascii=False)}`"
            case TextBody(text):
                return f"the text `{prose.text(text)}`"
            case FormBody(fields):
                form = "&".join(f"{name}={prose.text(value)}" for name, value in fields)
                return f"the form `{form}`"
            case None:
                return ""

    def _said_headers(self, prose: Prose) -> Iterator[str]:
        for name, value in self.headers:
            text = prose.value(value)
            yield f"no header {name}" if text is None else f"the header `{name}: {as_text(text)}`"
