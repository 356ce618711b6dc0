"""A YAML document as a tree: what each node says, as plain data too, and where it stands."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeAlias

from scenario_runner.errors import Problem

if TYPE_CHECKING:
    from collections.abc import Collection

    from scenario_runner.errors import Note
    from scenario_runner.loading.messages import Message
    from scenario_runner.references import Json, Path, Scalar
    from scenario_runner.source import Span


class Unreadable(Exception):
    """A file can't be understood from here on; carries the one problem that says why."""

    def __init__(self, message: Message, span: Span) -> None:
        super().__init__(message.text)
        self.problem = Problem(
            code=message.code, message=message.text, span=span, hint=message.hint
        )


@dataclass(slots=True)
class Problems:
    """The problems of one file, in the order found; `strict` makes warnings errors."""

    strict: bool = False
    found: list[Problem] = field(default_factory=list)

    def add(
        self, code: str, message: str, span: Span, hint: str | None = None, *notes: Note
    ) -> None:
        """Add an error that is not in the catalogue of messages."""
        self.found.append(Problem(code=code, message=message, span=span, hint=hint, notes=notes))

    def report(self, message: Message, span: Span, *notes: Note) -> None:
        """Add a problem: an error, or a warning where the run is not strict."""
        self.found.append(
            Problem(
                code=message.code,
                message=message.text,
                span=span,
                hint=message.hint,
                notes=notes,
                warning=message.warning and not self.strict,
            )
        )

    def take(self, others: Problems, note: Note) -> None:
        """Add the problems of another file, with a note of the place that led there."""
        for one in others.found:
            self.found.append(
                Problem(
                    code=one.code,
                    message=one.message,
                    span=one.span,
                    hint=one.hint,
                    notes=(*one.notes, note),
                    warning=one.warning,
                )
            )

    @property
    def errors(self) -> int:
        """How many of the problems keep the file from running."""
        return sum(not problem.warning for problem in self.found)

    def in_order(self) -> tuple[Problem, ...]:
        """All problems, each once, by their place."""
        return tuple(sorted(dict.fromkeys(self.found), key=_place))


def _place(problem: Problem) -> tuple[str, int, int, str]:
    return problem.span.file, problem.span.line, problem.span.column, problem.code


@dataclass(slots=True, eq=False)
class Leaf:
    """A single value; `text` is as typed, `value` what the language reads in it.

    A node is `spoilt` where YAML itself was used wrongly, which is reported already.
    """

    text: str
    value: Scalar
    plain: bool
    span: Span
    spoilt: bool = False

    @property
    def data(self) -> Json:
        """The value as plain data."""
        return self.value


@dataclass(slots=True, eq=False)
class Listing:
    """A list of nodes."""

    span: Span
    flow: bool
    items: list[Node] = field(default_factory=list)
    data: list[Json] = field(default_factory=list)
    spoilt: bool = False


@dataclass(slots=True, eq=False)
class Mapping:
    """A map of nodes; `keys` tells where each key stands."""

    span: Span
    flow: bool
    keys: dict[str, Span] = field(default_factory=dict)
    fields: dict[str, Node] = field(default_factory=dict)
    data: dict[str, Json] = field(default_factory=dict)
    spoilt: bool = False

    def without(self, keys: Collection[str]) -> Mapping:
        """Return the map without some of its keys."""
        fields = {key: node for key, node in self.fields.items() if key not in keys}
        return replace(self, fields=fields)


Node: TypeAlias = Leaf | Listing | Mapping

_WHOLE = re.compile(r"-?(?:0|[1-9][0-9]*)")
_DECIMAL = re.compile(r"-?(?:0|[1-9][0-9]*)\.[0-9]+")
_WORDS: dict[str, Scalar] = {"true": True, "false": False, "null": None}
_LONGEST_NUMBER = 300


def plain_value(text: str) -> Scalar:
    """Read an unquoted scalar: whole and decimal numbers, true, false, null, else text."""
    if text in _WORDS:
        return _WORDS[text]
    if text[-1:].isdigit() and len(text) <= _LONGEST_NUMBER:
        if _WHOLE.fullmatch(text) and text != "-0":
            return int(text)
        if _DECIMAL.fullmatch(text):
            return float(text)
    return text


def node_at(root: Node, path: Path) -> Node:
    """The node that a path of keys and indexes leads to."""
    for step in path:
        match root:
            case Mapping():
                root = root.fields[str(step)]
            case Listing() if isinstance(step, int):
                root = root.items[step]
            case _:
                break
    return root


def place(root: Node, path: Path) -> Span:
    """Where to point for the value at `path`: at a block map or list, its key; else the value."""
    node = node_at(root, path)
    if isinstance(node, Leaf) or node.flow or not path:
        return node.span
    parent = node_at(root, path[:-1])
    return parent.keys[str(path[-1])] if isinstance(parent, Mapping) else node.span


def kind_of(node: Node) -> str:
    """Name what a node is, with its article: a list, a map, text, a number."""
    match node:
        case Mapping():
            return "a map"
        case Listing():
            return "a list"
        case Leaf(value=bool()):
            return "true or false"
        case Leaf(value=str()):
            return "text"
        case Leaf(value=None):
            return "null"
        case Leaf():
            return "a number"


def as_map(node: Node) -> Mapping:
    """The node, which the schema has made sure is a map."""
    return node if isinstance(node, Mapping) else Mapping(node.span, flow=False)


def items(node: Node | None) -> list[Node]:
    """The nodes of a list; none where it is something else."""
    return node.items if isinstance(node, Listing) else []


def text_of(node: Node | None) -> str:
    """The text of a single value as typed; empty where there is none."""
    return node.text if isinstance(node, Leaf) else ""


_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def words(node: Node) -> set[str]:
    """Every word below a node that could be a name."""
    found: set[str] = set()
    pending = [node]
    while pending:
        one = pending.pop()
        match one:
            case Leaf():
                found.update(_WORD.findall(one.text))
            case Listing():
                pending.extend(one.items)
            case Mapping():
                for key in one.keys:
                    found.update(_WORD.findall(key))
                pending.extend(one.fields.values())
    return found
