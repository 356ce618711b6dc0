"""What every builder needs while it turns the nodes of one file into the typed model."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol

from scenario_runner.durations import parse_duration
from scenario_runner.language.values import Duration
from scenario_runner.loading.nodes import Leaf, Listing, Mapping, kind_of, words
from scenario_runner.references import (
    Fields,
    Items,
    Literal,
    Reference,
    bad_reference,
    parse_text,
    part_of,
    references,
)

if TYPE_CHECKING:
    from scenario_runner.errors import Note
    from scenario_runner.language.actions import Fragment
    from scenario_runner.loading.names import Names
    from scenario_runner.loading.nodes import Node, Problems
    from scenario_runner.references import Expression, Json
    from scenario_runner.source import Span


@dataclass(slots=True)
class Found:
    """What the steps read so far do, seen as a whole.

    `checks` counts what can turn out wrong; `slots` and `extensions` are the numbers named, the
    `written` ones those that an action names which changes something there; `parked` are the
    slots parked into, and `named` those that other steps name, without places.
    """

    checks: int = 0
    events: bool = False
    alone: bool = False
    slots: list[Expression] = field(default_factory=list)
    extensions: list[Expression] = field(default_factory=list)
    written_slots: list[Expression] = field(default_factory=list)
    written_extensions: list[Expression] = field(default_factory=list)
    parked: list[tuple[str, Span]] = field(default_factory=list)
    named: set[str] = field(default_factory=set)


class KnownFragment(Protocol):
    """A fragment as a `use` step sees it."""

    @property
    def fragment(self) -> Fragment:
        """The fragment itself."""
        ...

    @property
    def found(self) -> Found:
        """What its steps do."""
        ...

    @property
    def calls(self) -> frozenset[str]:
        """The exported names that are calls."""
        ...


class FragmentShelf(Protocol):
    """Finds and remembers fragments."""

    def fragment(self, file: Leaf, reading: Reading) -> KnownFragment | None:
        """The fragment in a file named by a `use` step; None where its problem is reported."""
        ...


@dataclass(slots=True)
class Reading:
    """The file being read: its problems, the names known so far, the nodes to leave alone.

    `faulty` are the ids of steps, parts of steps and top-level values that the schema did not
    accept: their problem is told already, so they are not looked into.
    """

    file: str
    problems: Problems
    names: Names
    shelf: FragmentShelf
    faulty: set[int] = field(default_factory=set)
    found: Found = field(default_factory=Found)

    def problem(
        self, code: str, message: str, span: Span, hint: str | None = None, *notes: Note
    ) -> None:
        """Report an error."""
        self.problems.add(code, message, span, hint, *notes)

    def sound(self, mapping: Mapping, key: str) -> Node | None:
        """The value of a key, or None where it is missing or has a problem already."""
        node = mapping.fields.get(key)
        return None if node is None or id(node) in self.faulty else node


def sound_part(node: Mapping, reading: Reading) -> Mapping:
    """Return a step, or what it expects, without the parts that have a problem already."""
    faulty = [key for key, value in node.fields.items() if id(value) in reading.faulty]
    expect = node.fields.get("expect")
    if not faulty and not isinstance(expect, Mapping):
        return node
    kept = {key: value for key, value in node.fields.items() if key not in faulty}
    if isinstance(expect, Mapping) and "expect" in kept:
        kept["expect"] = sound_part(expect, reading)
    for key in faulty:
        reading.names.suspect(words(node.fields[key]))
    return replace(node, fields=kept)


def spot(mapping: Mapping, key: str) -> Span:
    """Where to point for a key's value: the value itself, or the key of a block below it."""
    node = mapping.fields[key]
    return node.span if isinstance(node, Leaf) or node.flow else mapping.keys[key]


def text_of(node: Node | None) -> str:
    """The text of a single value as typed; empty where there is none."""
    return node.text if isinstance(node, Leaf) else ""


TRUTHS = {
    "yes": "true", "y": "true", "on": "true", "no": "false", "n": "false", "off": "false",
    "true": "true", "false": "false",
}  # fmt: skip


def expression(node: Node, reading: Reading) -> Expression:
    """Turn a node into an expression; every reference in it is looked up among the names."""
    made = _made(node, reading)
    if not isinstance(made, Literal):
        for reference in references(made):
            reading.names.read(reference)
    return made


def _made(node: Node, reading: Reading) -> Expression:
    match node:
        case Leaf(value=str() as text) if "$" in text:
            fault = bad_reference(text)
            if fault:
                reading.problem(
                    "bad-reference", f"{fault} is no reference",
                    part_of(node.span, text, text.find(fault), text.find(fault) + len(fault)),
                    "a reference is $name or ${name}; a plain dollar is written $$",
                )  # fmt: skip
            return parse_text(text, node.span)
        case Leaf():
            return Literal(node.value, node.span)
        case Listing():
            return Items(tuple(_made(item, reading) for item in node.items), node.span)
        case Mapping():
            fields = tuple((key, _made(value, reading)) for key, value in node.fields.items())
            return Fields(fields, node.span)


def literal(value: Json, span: Span) -> Expression:
    """Turn plain data, such as a value from the command line, into an expression."""
    match value:
        case dict():
            return Fields(tuple((key, literal(item, span)) for key, item in value.items()), span)
        case list():
            return Items(tuple(literal(item, span) for item in value), span)
        case _:
            return Literal(value, span)


def optional(node: Node | None, reading: Reading) -> Expression | None:
    """The expression of a node that may be missing."""
    return None if node is None else expression(node, reading)


def truth(node: Node, reading: Reading) -> Expression:
    """An expression that is true, false, or a reference."""
    made = expression(node, reading)
    if isinstance(made, Literal) and not isinstance(made.value, bool):
        word = str(made.value)
        reading.problem(
            "not-true-or-false", f"'{word}' is neither true nor false", node.span,
            f"write {TRUTHS.get(word.lower(), 'true or false')}, without quotes",
        )  # fmt: skip
    return made


def duration(node: Node, reading: Reading, *, shortest: int = 1) -> Duration:
    """Microseconds, or a reference; anything else is reported and read as zero."""
    made = expression(node, reading)
    match made:
        case Reference():
            return Duration(made, node.span)
        case Literal(str() as text):
            found = parse_duration(text)
            if found is None:
                reading.problem(
                    "bad-duration", f"'{text}' is no duration", node.span, duration_hint(text)
                )
            elif found < shortest:
                reading.problem(
                    "out-of-range", f"{text} is no time at all", node.span, "write 1s or more"
                )
            return Duration(found or 0, node.span)
        case _:
            reading.problem(
                "bad-duration", f"a duration is wanted here, this is {kind_of(node)}", node.span,
                "write it out (5s), or write one reference and nothing else ($pause)",
            )  # fmt: skip
            return Duration(0, node.span)


def duration_hint(text: str) -> str:
    """How to mend a text that was meant to be a duration."""
    number, letters = (
        text.rstrip("abcdefghijklmnopqrstuvwxyzµ ").strip(),
        text.lstrip("0123456789. "),
    )
    if not letters:
        return f"say {text}s"
    unit = letters[:3] if letters.startswith(("ms", "mil", "min")) else letters[:1]
    known = {"s": "s", "m": "m", "min": "m", "mil": "ms", "ms": "ms", "h": "h"}
    if number.replace(".", "", 1).isdigit() and unit in known:
        return f"say {number}{known[unit]}"
    return "durations look like 250ms, 5s, 3m, 3m10s or 1h"
