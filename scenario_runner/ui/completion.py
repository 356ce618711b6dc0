"""What can be written at a place of a scenario file, from its JSON Schema and its own names."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

from scenario_runner.language.schema import schema_text

if TYPE_CHECKING:
    from collections.abc import Iterator

_WORD: Final = re.compile(r"[\w$.-]*$")
_KEY_LINE: Final = re.compile(r"^(?P<lead>\s*(?:- )?)(?P<key>[\w-]+):(?P<value>.*)$")
_NAMES: Final = {
    "call": re.compile(r"\bas:\s*([A-Za-z_]\w*)"),
    "label": re.compile(r"^\s*(?:- )?id:\s*([\w-]+)", re.MULTILINE),
}
_CALL_TITLES: Final = ("the name of a call", "the name of a call, or a list of them")
_LABEL_KEYS: Final = frozenset({"since", "after"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """Something that can be written: what is shown, what is inserted, and what it means."""

    label: str
    insert: str
    kind: str
    detail: str = ""
    info: str = ""


@dataclass(frozen=True, slots=True)
class Completion:
    """The options at a place; they stand in for what the line holds from `start` (0-based)."""

    start: int
    options: tuple[Option, ...]


@dataclass(frozen=True, slots=True)
class _Place:
    """Where the cursor is: the keys that lead there, the map's own keys, the key of a value."""

    path: tuple[str, ...]
    siblings: frozenset[str]
    value_of: str | None


def complete(text: str, line: int, column: int) -> Completion:
    """Return what can be written at a line (from 1) and a column (from 0) of a file."""
    lines = text.split("\n")
    head = lines[line - 1][:column] if line <= len(lines) else ""
    word = _WORD.search(head)
    start = word.start() if word is not None else column
    if "#" in head and _in_comment(head):
        return Completion(start, ())
    first = _document_start(lines, line)
    place = _place(lines[first : line - 1], head)
    node = _Schema.of(lines[first:]).at(place.path)
    if place.value_of is None:
        options = _keys(node, place.siblings)
    else:
        options = _values(node, place.value_of, text)
    return Completion(start, tuple(options))


def _in_comment(head: str) -> bool:
    return re.search(r"(^|\s)#", re.sub(r"\"[^\"]*\"|'[^']*'", "", head)) is not None


def _document_start(lines: list[str], line: int) -> int:
    marks = [number for number, one in enumerate(lines[: line - 1]) if one.rstrip() == "---"]
    return marks[-1] + 1 if marks else 0


def _place(above: list[str], head: str) -> _Place:
    flow = _flow(head)
    if flow is None:
        return _block_place(above, head)
    lead, keys, inner = flow
    found = _block_place(above, lead)
    path = (*found.path, *([found.value_of] if found.value_of else []), *keys)
    siblings = frozenset(re.findall(r"(?:^|,)\s*([\w-]+)\s*:", inner))
    last = inner.rpartition(",")[2]
    key, colon, _ = last.partition(":")
    return _Place(path, siblings, key.strip() if colon else None)


def _flow(head: str) -> tuple[str, list[str], str] | None:
    """Take a line apart that is within `{ }`: what is before, the keys inside, the innermost map.

    None where the place is not within braces.
    """
    opened = _opened(head)
    if not opened:
        return None
    keys = [
        head[outer + 1 : inner].rpartition(",")[2].partition(":")[0].strip()
        for outer, inner in pairwise(opened)
        if head[inner] == "{"
    ]
    innermost = head[opened[-1] + 1 :]
    if head[opened[-1]] == "{":
        return head[: opened[0]], keys, innermost
    # In a list it is the key before the list that says what its items can be.
    before = head[: opened[-1]].rpartition("{")[2].rpartition(",")[2]
    name = before.partition(":")[0].strip().removeprefix("- ")
    return head[: opened[0]], keys, f"{name}:{innermost}"


def _opened(head: str) -> list[int]:
    """Return where the brackets are that are still open at the end of a line's beginning."""
    opened: list[int] = []
    bare = re.sub(r"\"[^\"]*(\"|$)|'[^']*('|$)", lambda found: "x" * len(found[0]), head)
    for index, letter in enumerate(bare):
        if letter in "{[":
            opened.append(index)
        elif letter in "}]" and opened:
            opened.pop()
    return opened


def _block_place(above: list[str], head: str) -> _Place:
    match = _KEY_LINE.match(head)
    lead = match["lead"] if match else re.match(r"\s*(?:- )?", head)[0]  # type: ignore[index]
    path, siblings = _parents(above, lead)
    return _Place(path, siblings, match["key"] if match else None)


@dataclass(slots=True)
class _Map:
    """A map of a file while it is read: how far it is indented, how one gets there, its keys."""

    indent: int
    path: tuple[str, ...]
    keys: list[str] = field(default_factory=list)


def _parents(above: list[str], lead: str) -> tuple[tuple[str, ...], frozenset[str]]:
    """Return the keys that lead to a line, and those beside it; `[]` stands for a list's item."""
    maps = [_Map(0, ())]
    for one in above:
        match = _KEY_LINE.match(one)
        if match is not None:
            _enter(maps, match["lead"])
            maps[-1].keys.append(match["key"])
    _enter(maps, lead)
    return maps[-1].path, frozenset(maps[-1].keys)


def _enter(maps: list[_Map], lead: str) -> None:
    """Leave the maps that a line with this lead ends, and enter the one that it is in."""
    indent, item = len(lead), "-" in lead
    while len(maps) > 1 and (maps[-1].indent > indent or (item and maps[-1].indent == indent)):
        maps.pop()
    parent = maps[-1]
    if parent.indent == indent and not item:
        return
    steps = (*parent.keys[-1:], *(["[]"] if item else []))
    maps.append(_Map(indent, (*parent.path, *steps)))


class _Schema:
    """A schema with its references followed."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._whole = _read(name)

    @classmethod
    def of(cls, lines: list[str]) -> _Schema:
        """Return the schema of a document: that of fragments, or of scenarios."""
        return cls(
            "fragment" if any(line.startswith("fragment:") for line in lines) else "scenario"
        )

    def at(self, path: tuple[str, ...]) -> list[dict[str, Any]]:
        """Return the schemas of what stands at the end of these keys."""
        found = list(self._parts(self._whole))
        for key in path:
            found = [
                part for node in found for inner in _inner(node, key) for part in self._parts(inner)
            ]
        return found

    def _parts(self, node: dict[str, Any], depth: int = 0) -> Iterator[dict[str, Any]]:
        """Yield a schema and all that it refers to or is made of."""
        if depth > _DEEPEST:
            return
        yield node
        if "$ref" in node:
            yield from self._parts(self._referred(node["$ref"]), depth + 1)
        for word in ("allOf", "anyOf", "oneOf"):
            for part in node.get(word, ()):
                yield from self._parts(part, depth + 1)

    def _referred(self, ref: str) -> dict[str, Any]:
        file, _, path = ref.partition("#")
        node: Any = _read(file.removesuffix(".schema.json")) if file else self._whole
        for key in path.strip("/").split("/"):
            node = node.get(key, {}) if key else node
        return node if isinstance(node, dict) else {}


_DEEPEST: Final = 12


@cache
def _read(name: str) -> dict[str, Any]:
    whole: dict[str, Any] = json.loads(schema_text(name))
    return whole


def _inner(node: dict[str, Any], key: str) -> Iterator[dict[str, Any]]:
    if key == "[]":
        items = node.get("items")
        if isinstance(items, dict):
            yield items
        return
    known = node.get("properties", {})
    if key in known:
        yield known[key]
    elif isinstance(node.get("additionalProperties"), dict):
        yield node["additionalProperties"]


def _keys(nodes: list[dict[str, Any]], siblings: frozenset[str]) -> Iterator[Option]:
    seen = set(siblings)
    for node in nodes:
        for key, inner in node.get("properties", {}).items():
            if key not in seen and isinstance(inner, dict):
                seen.add(key)
                detail, info = _told(inner)
                yield Option(
                    label=key, insert=f"{key}: ", kind="property", detail=detail, info=info
                )


def _told(node: dict[str, Any]) -> tuple[str, str]:
    return str(node.get("title", "")), str(node.get("description", ""))


def _values(nodes: list[dict[str, Any]], key: str, text: str) -> Iterator[Option]:
    schema = _Schema("scenario")
    inner = [
        part
        for node in nodes
        for one in _inner(node, key)
        for part in schema._parts(one)  # noqa: SLF001
    ]
    inner += [part for one in inner if "items" in one for part in schema._parts(one["items"])]  # noqa: SLF001
    own = list(_own_names(inner, key, text))
    yield from own
    seen = {option.label for option in own}
    for node in inner:
        detail, info = _told(node)
        for value in _said(node, examples=not own):
            if value not in seen:
                seen.add(value)
                yield Option(label=value, insert=value, kind="enum", detail=detail, info=info)
    for name in _variables(text):
        yield Option(label=f"${name}", insert=f"${name}", kind="variable", detail="a variable")


def _said(node: dict[str, Any], *, examples: bool) -> Iterator[str]:
    for value in (*node.get("enum", ()), *([node["const"]] if "const" in node else ())):
        yield value if isinstance(value, str) else json.dumps(value)
    if "boolean" in (node.get("type"), *node.get("type", ())):
        yield from ("true", "false")
    for example in node.get("examples", ()) if examples else ():
        if isinstance(example, str | int) and not isinstance(example, bool):
            yield str(example)


def _own_names(nodes: list[dict[str, Any]], key: str, text: str) -> Iterator[Option]:
    """Offer the names that the file itself has: calls, labels, variables."""
    if any(node.get("title") in _CALL_TITLES for node in nodes):
        for name in dict.fromkeys(_NAMES["call"].findall(text)):
            yield Option(label=name, insert=name, kind="variable", detail="a call of this file")
    if key in _LABEL_KEYS:
        for name in dict.fromkeys(_NAMES["label"].findall(text)):
            yield Option(label=name, insert=name, kind="variable", detail="a step of this file")


def _variables(text: str) -> list[str]:
    match = re.search(r"^vars:\n((?:[ ]+.*\n|\n)+)", text, re.MULTILINE)
    return re.findall(r"^ +([A-Za-z_]\w*):", match[1], re.MULTILINE) if match else []
