"""Values with `$name` in them: parsed once when a file is loaded, resolved when a step runs.

Nothing is ever evaluated: a reference is a name and a path of keys and indexes, and resolving it
looks things up in plain data.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TypeAlias, assert_never

from msgspec import Struct, structs

from scenario_runner.source import Span

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable, Iterator


Scalar: TypeAlias = str | int | float | bool | None
if TYPE_CHECKING:
    Json: TypeAlias = Scalar | list["Json"] | dict[str, "Json"]
else:
    # A type checker understands a recursive type; what evaluates annotations does not.
    Json = object
Path: TypeAlias = tuple[str | int, ...]


class Literal(Struct, frozen=True):
    """A value that is what it looks like."""

    value: Scalar
    span: Span


class Reference(Struct, frozen=True):
    """`$name.path.to[0].value`; resolving keeps the value's type."""

    name: str
    path: Path
    span: Span

    def __str__(self) -> str:
        return "$" + self.name + path_text(self.path, first=False)


class Text(Struct, frozen=True):
    """Text with references inside it; resolving gives text."""

    parts: tuple[str | Reference, ...]
    span: Span


class Items(Struct, frozen=True):
    """A list of expressions."""

    items: tuple[Expression, ...]
    span: Span


class Fields(Struct, frozen=True):
    """A map from names to expressions, in the order written."""

    fields: tuple[tuple[str, Expression], ...]
    span: Span


Expression: TypeAlias = Literal | Reference | Text | Items | Fields

# Indexes have at most nine digits: longer ones would only be a way to make Python count for long.
_NAME = r"[A-Za-z_][A-Za-z0-9_]*"
_STEPS = rf"(?:\.(?:{_NAME}|[0-9]{{1,9}})|\[[0-9]{{1,9}}\])*"
_REFERENCE = re.compile(
    rf"\$(?:(?P<dollar>\$)|\{{(?P<braced>{_NAME}{_STEPS})\}}|(?P<bare>{_NAME}{_STEPS}))"
)
_UNCLOSED = re.compile(rf"\$\{{(?={_NAME})[^}}\s]*\}}?")
_PART = re.compile(rf"\.?({_NAME})|\.([0-9]+)|\[([0-9]+)\]")
NAME = re.compile(_NAME)


def parse_path(text: str) -> Path:
    """Split `call_list[0].uuid` (or `call_list.0.uuid`) into its keys and indexes."""
    return tuple(
        found[1] if found[1] is not None else int(found[2] or found[3])
        for found in _PART.finditer(text)
    )


def path_text(path: Path, *, first: bool = True) -> str:
    """Write a path the way people type it; `first=False` leads with a dot."""
    out = ""
    for step in path:
        out += f"[{step}]" if isinstance(step, int) else f".{step}"
    return out.removeprefix(".") if first else out


def parse_text(text: str, span: Span) -> Literal | Reference | Text:
    """Turn text from a file into an expression; `span` is where the text stands.

    A text that is nothing but one reference becomes a Reference, so that its value keeps its type.
    """
    if "$" not in text:
        return Literal(text, span)
    parts = list(_parts(text, span))
    match parts:
        case [Reference() as only]:
            return only
        case _ if all(isinstance(part, str) for part in parts):
            return Literal("".join(str(part) for part in parts), span)
        case _:
            return Text(tuple(parts), span)


def _parts(text: str, span: Span) -> Iterator[str | Reference]:
    done = 0
    for found in _REFERENCE.finditer(text):
        if found.start() > done:
            yield text[done : found.start()]
        done = found.end()
        if found["dollar"]:
            yield "$"
            continue
        path = parse_path(found["braced"] or found["bare"])
        yield Reference(str(path[0]), path[1:], part_of(span, text, found.start(), found.end()))
    if done < len(text):
        yield text[done:]


def part_of(span: Span, text: str, start: int, end: int) -> Span:
    """Narrow the span of a one-line text, bare or in quotes, to the letters `start` to `end`.

    A text of several lines, or with escapes, keeps its whole span.
    """
    spare = span.end_column - span.column - len(text)
    if span.line != span.end_line or spare not in (0, 2):
        return span
    first = span.column + spare // 2
    return structs.replace(span, column=first + start, end_column=first + end)


def bad_reference(text: str) -> str | None:
    """Return the first `${name` in `text` that is not closed or holds more than a path."""
    for found in _UNCLOSED.finditer(_REFERENCE.sub(lambda good: " " * len(good[0]), text)):
        return found[0]
    return None


def references(expression: Expression) -> Iterator[Reference]:
    """Every reference inside an expression, in the order written."""
    match expression:
        case Literal():
            return
        case Reference():
            yield expression
        case Text(parts):
            yield from (part for part in parts if isinstance(part, Reference))
        case Items(items):
            for item in items:
                yield from references(item)
        case Fields(fields):
            for _, value in fields:
                yield from references(value)
        case _:
            assert_never(expression)


class NotThere(LookupError):
    """A path leads nowhere; the message says which step of it and what is there instead."""


def follow(value: Json, path: Path) -> Json:
    """Walk `path` into `value`; raise NotThere with the step that fails and what is there."""
    for step in path:
        match value, step:
            case dict(), _ if str(step) in value:
                value = value[str(step)]
            case str(), _:
                raise NotThere(f"text has no '{step}'")
            case list(), int() if step < len(value):
                value = value[step]
            case list(), _:
                raise NotThere(f"a list of {len(value)} has no '{step}'")
            case dict(), _:
                known = ", ".join(value) or "nothing"
                raise NotThere(f"there is no '{step}' (there is: {known})")
            case _:
                raise NotThere(f"{as_text(value)} has no '{step}'")
    return value


Lookup: TypeAlias = "Callable[[Reference], Json]"
LARGEST = 2_000_000
"""How many letters and values an expression may come to with its references written out."""
DEEPEST = 100
"""How deep lists and maps may stand in each other; a file may not be deeper either."""


class TooLarge(ValueError):
    """References to references make a value that no memory holds; the message says the bound."""


def resolve(expression: Expression, lookup: Lookup) -> Json:
    """Replace every reference by what `lookup` finds for it; raises what `lookup` raises.

    Raises TooLarge for a value beyond LARGEST or DEEPEST.
    """
    value = _resolved(expression, lookup)
    if isinstance(expression, (Items, Fields)):
        _require_bounds(value)
    return value


def _resolved(expression: Expression, lookup: Lookup) -> Json:
    match expression:
        case Literal(value):
            return value
        case Reference():
            return lookup(expression)
        case Text(parts):
            return _joined(part if isinstance(part, str) else lookup(part) for part in parts)
        case Items(items):
            return [_resolved(item, lookup) for item in items]
        case Fields(fields):
            return {name: _resolved(value, lookup) for name, value in fields}
        case _:
            assert_never(expression)


def _joined(parts: Iterable[Json]) -> str:
    texts, size = [], 0
    for part in parts:
        texts.append(as_text(part))
        size += len(texts[-1])
        if size > LARGEST:
            raise TooLarge(f"has more than {LARGEST:,} letters with its references written out")
    return "".join(texts)


def _require_bounds(value: Json) -> None:
    """Raise TooLarge; lists that are held several times count each time."""
    pending, size = [(value, 1)], 0
    while pending:
        one, depth = pending.pop()
        size += 1 + (len(one) if isinstance(one, str) else 0)
        if size > LARGEST:
            raise TooLarge(f"has more than {LARGEST:,} values with its references written out")
        if depth > DEEPEST:
            raise TooLarge(f"is nested deeper than {DEEPEST} levels")
        if isinstance(one, (list, dict)):
            inner = one.values() if isinstance(one, dict) else one
            pending.extend((item, depth + 1) for item in inner)


def in_order(
    name: str, needs: Callable[[str], Iterable[str]], done: Container[str]
) -> Iterator[str]:
    """Yield what a name needs and is not done, each before what needs it, and the name last.

    The caller does each and adds it to `done`. Circles are cut; a chain may be of any length.
    """
    begun: set[str] = set()
    pending = [name]
    while pending:
        one = pending[-1]
        if one in begun or one in done:
            pending.pop()
            if one not in done:
                yield one
        else:
            begun.add(one)
            pending += [other for other in needs(one) if other not in begun]


def as_text(value: Json) -> str:
    """Write a value the way it would be typed into a scenario file."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case str():
            return value
        case int() | float():
            return str(value)
        case dict():
            return "{" + ", ".join(f"{key}: {as_text(item)}" for key, item in value.items()) + "}"
        case _:
            return "[" + ", ".join(as_text(item) for item in value) + "]"
