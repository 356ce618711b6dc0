"""Breaks the expectations of a scenario file, one at a time, to see whether the run notices."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ruamel.yaml import YAML
from ruamel.yaml.nodes import MappingNode, Node, SequenceNode

from scenario_runner.language.actions import ACTION_WORDS

NEVER = "never-so"


@dataclass(frozen=True)
class Broken:
    """A file with one expectation broken: the line it is on, and the line the run must point at.

    The two differ for what is expected to fail and now holds: then the step or scenario is told.
    """

    title: str
    text: str
    line: int


@dataclass(frozen=True)
class _Step:
    """What a change needs to know of the step around it."""

    action: str
    own_call: str
    known_calls: tuple[str, ...]
    counts_events: bool
    points_at: int | None


@dataclass(frozen=True)
class _Change:
    node: Node
    new: str
    until: Node | None = None


def broken(text: str) -> Iterator[Broken]:
    """Yield the file with each of its expectations broken."""
    for root in YAML(typ="safe", pure=True).compose_all(text):
        excused = _line(_entries(root)["scenario"]) if "xfail" in _entries(root) else None
        calls = sorted(_calls(root))
        for node in _mappings(root):
            for change, step in _changes_of_step(node, calls, excused):
                yield _made(text, change, step)


def _made(text: str, change: _Change, step: _Step) -> Broken:
    start = change.node.start_mark.index
    end = (change.until or change.node).end_mark.index
    line = _line(change.node)
    title = f"line {line}: {text[start:end]} -> {change.new}"
    return Broken(title, text[:start] + change.new + text[end:], step.points_at or line)


def _line(node: Node) -> int:
    return int(node.start_mark.line) + 1


def _entries(node: Node) -> dict[str, Node]:
    if not isinstance(node, MappingNode):
        return {}
    return {str(key.value): value for key, value in node.value}


def _keys(node: Node) -> dict[str, Node]:
    assert isinstance(node, MappingNode)
    return {str(key.value): key for key, _ in node.value}


def _mappings(node: Node) -> Iterator[MappingNode]:
    if isinstance(node, MappingNode):
        yield node
        for _, value in node.value:
            yield from _mappings(value)
    elif isinstance(node, SequenceNode):
        for item in node.value:
            yield from _mappings(item)


def _calls(root: Node) -> Iterator[tuple[int, str]]:
    """Where calls get their names: `as` of a call, and what a fragment hands out."""
    for node in _mappings(root):
        entries = _entries(node)
        if "call" in entries and "as" in _entries(entries["call"]):
            name = _entries(entries["call"])["as"]
            yield name.start_mark.index, str(name.value)
        for export in (
            _entries(_entries(entries["use"]).get("exports", node)).values()
            if ("use" in entries and "exports" in _entries(entries["use"]))
            else ()
        ):
            yield export.start_mark.index, str(export.value)


def _changes_of_step(
    node: MappingNode, calls: list[tuple[int, str]], excused: int | None
) -> Iterator[tuple[_Change, _Step]]:
    entries = _entries(node)
    action = next((key for key in entries if key in ACTION_WORDS), None)
    if action is None:
        return
    own = _entries(entries[action]).get("call")
    expected = _entries(entries["expect"]) if "expect" in entries else {}
    step = _Step(
        action=action,
        own_call=str(own.value) if own is not None else "",
        known_calls=tuple(name for at, name in calls if at < node.start_mark.index),
        counts_events="count" in expected,
        points_at=_line(_keys(node)[action]) if "xfail" in entries else excused,
    )
    for key, value in expected.items():
        for change in _changes(key, _keys(entries["expect"])[key], value, step):
            yield change, step
    for change in _changes_of_action(entries[action], step):
        yield change, step


def _changes_of_action(node: Node, step: _Step) -> Iterator[_Change]:
    entries = _entries(node)
    if step.action == "check":
        yield from _matcher_key(node)
    if step.action == "event":
        if not step.counts_events:
            kind = entries["type"]
            yield _Change(kind, "dial-out" if kind.value != "dial-out" else "dial-in")
        for condition in _entries(entries["where"]).values() if "where" in entries else ():
            yield from _matcher(condition)


def _changes(key: str, name: Node, value: Node, step: _Step) -> Iterator[_Change]:
    if key in _SPECIAL:
        yield _SPECIAL[key](name, value, step)
    elif step.action == "together" and isinstance(value, MappingNode):
        for count in _entries(value).values():
            yield from _matcher(count)
    elif key in ("body", "headers", "after"):
        for inner in _entries(value).values():
            yield from _matcher(inner)
    elif key == "refused" and step.action != "together":
        yield _Change(value, "malformed" if value.value != "malformed" else "slot-full")
    else:
        yield from _matcher(value)


def _other_call(name: Node, value: Node, step: _Step) -> _Change:
    others = [call for call in step.known_calls if call != value.value]
    return _Change(value, others[0]) if others else _Change(name, "empty: true", value)


def _opposite(name: Node, _: Node, __: _Step) -> _Change:
    return _Change(name, "excludes" if name.value == "includes" else "includes")


def _another_state(_: Node, value: Node, step: _Step) -> _Change:
    other, else_ = ("busy", "free") if step.action == "extension" else ("ended", "up")
    return _Change(value, else_ if value.value == other else other)


_SPECIAL: dict[str, Callable[[Node, Node, _Step], _Change]] = {
    "holds": _other_call,
    "with": lambda _, value, step: _Change(value, step.own_call),
    "empty": lambda _, value, __: _Change(value, "true" if value.value == "false" else "false"),
    "state": _another_state,
    "includes": _opposite,
    "excludes": _opposite,
    "faster_than": lambda _, value, __: _Change(value, "0ms"),
}


def _matcher(node: Node) -> Iterator[_Change]:
    if isinstance(node, MappingNode):
        yield from _matcher_key(node)
    else:
        yield _Change(node, _other_value(node))


def _other_value(node: Node) -> str:
    text = str(node.value)
    if text.startswith("$target.slot_count"):
        return "999"
    quoted = node.end_mark.index - node.start_mark.index > len(text)
    return str(int(text) + 1) if text.isdecimal() and not quoted else NEVER


_NEVER_TRUE = {
    "matches": NEVER,
    "contains": NEVER,
    "starts_with": NEVER,
    "one_of": f"[{NEVER}]",
    "type": "null",
    "not": "{any: true}",
    "at_most": "0",
    "near": "{value: 1ms, within: 1ms}",
    "between": "[1ms, 2ms]",
}


def _matcher_key(node: Node) -> Iterator[_Change]:
    for key, value in _entries(node).items():
        if key in _NEVER_TRUE:
            yield _Change(value, _NEVER_TRUE[key])
        elif key == "at_least":
            yield _Change(value, "1000000000" if str(value.value).isdecimal() else "1000h")
        elif key in ("equals", "length"):
            yield from _matcher(value)
        elif key == "any":
            yield _Change(_keys(node)[key], f"equals: {NEVER}", value)
