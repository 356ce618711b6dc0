"""What every builder needs while it turns the nodes of one file into the typed model."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol

from scenario_runner.loading.nodes import Leaf, Mapping, words

if TYPE_CHECKING:
    from scenario_runner.errors import Note
    from scenario_runner.loading.names import Names
    from scenario_runner.loading.nodes import Node
    from scenario_runner.loading.problems import Problems
    from scenario_runner.model.steps import Fragment
    from scenario_runner.references import Expression
    from scenario_runner.source import Span


@dataclass(slots=True)
class Found:
    """What the steps read so far do, seen as a whole.

    `checks` counts what can turn out wrong; `slots` and `extensions` are the numbers named;
    `parked` are the slots parked into, and `named` those that other steps name, without places.
    """

    checks: int = 0
    events: bool = False
    alone: bool = False
    slots: list[Expression] = field(default_factory=list)
    extensions: list[Expression] = field(default_factory=list)
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
