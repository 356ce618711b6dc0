"""Reads the shipped JSON Schemas and applies them; the only user of jsonschema."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scenario_runner.loading.nodes import Leaf, Listing, Mapping, node_at
from scenario_runner.loading.schema_errors import COMPLAINTS, Complaint

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import ValidationError

    from scenario_runner.loading.nodes import Node, Problems
    from scenario_runner.loading.yaml import Document
    from scenario_runner.references import Json
    from scenario_runner.references import Path as DataPath


_PACKAGE = Path(__file__).resolve().parent.parent
FOLDERS = (_PACKAGE / "schemas", _PACKAGE.parent / "schemas")


def schema_text(name: str) -> str:
    """Return the text of `NAME.schema.json`: the packaged copy, else the checkout's.

    Raises FileNotFoundError for a name that is none; see `schema_names`.
    """
    for folder in FOLDERS:
        file = folder / f"{name}.schema.json"
        if file.is_file():
            return file.read_text(encoding="utf-8")
    raise FileNotFoundError(f"there is no schema '{name}'")


def schema_names() -> tuple[str, ...]:
    """The names of all shipped schemas, sorted."""
    found = (file for folder in FOLDERS for file in folder.glob("*.schema.json"))
    return tuple(sorted({file.name.removesuffix(".schema.json") for file in found}))


def violations(name: str, data: Json) -> Iterable[ValidationError]:
    """Everything in `data` that the schema does not allow."""
    return _validator(name).iter_errors(data)


@cache
def _validator(name: str) -> Draft202012Validator:
    from jsonschema import Draft202012Validator  # takes a while: only when a file is loaded

    return Draft202012Validator(_Inliner().schema(name))


class _Inliner:
    """Replaces every `$ref` by what it refers to, so that no look-up is left for validation.

    Schemas that contain themselves (a step within `repeat`) become dicts that do.
    """

    def __init__(self) -> None:
        self._read: dict[str, dict[str, Any]] = {}
        self._known: dict[tuple[str, str], dict[str, Any]] = {}
        self._refers: list[tuple[dict[str, Any], dict[str, Any]]] = []

    def schema(self, name: str) -> dict[str, Any]:
        """Return the schema without any `$ref` and without its definitions."""
        whole = self._whole(name)
        kept = {key: part for key, part in whole.items() if key not in _NAMING}
        copied = self._copy(name, kept, {})
        while self._refers:
            part, target = self._refers.pop()
            self._fill(part, target)
        return copied

    def _whole(self, name: str) -> dict[str, Any]:
        if name not in self._read:
            self._read[name] = json.loads(schema_text(name))
        return self._read[name]

    def _copy(self, name: str, part: dict[str, Any], into: dict[str, Any]) -> dict[str, Any]:
        for key, value in part.items():
            if key == "$ref":
                self._refers.append((into, self._definition(name, value)))
            else:
                into[key] = self._value(name, key, value)
        return into

    def _value(self, name: str, key: str, value: Any) -> Any:  # noqa: ANN401 -- any JSON
        if key == "properties":
            return {inner: self._copy(name, part, {}) for inner, part in value.items()}
        if key in _SUBSCHEMAS and isinstance(value, dict):
            return self._copy(name, value, {})
        if key == "allOf":
            return [self._copy(name, part, {}) for part in value]
        return value

    def _definition(self, name: str, ref: str) -> dict[str, Any]:
        file, _, word = ref.partition("#/$defs/")
        home = file.removesuffix(".schema.json") or name
        if (home, word) not in self._known:
            self._known[home, word] = {}
            self._copy(home, self._whole(home)["$defs"][word], self._known[home, word])
        return self._known[home, word]

    def _fill(self, part: dict[str, Any], target: dict[str, Any]) -> None:
        """Put into `part` what it refers to, after what `target` itself refers to is there."""
        for other in [one for one in self._refers if one[0] is target]:
            self._refers.remove(other)
            self._fill(*other)
        for key, value in target.items():
            part.setdefault(key, value)


_NAMING = ("$schema", "$id", "$defs")
_SUBSCHEMAS = ("items", "additionalProperties", "propertyNames", "if", "then")


_STEP_LISTS = ("steps", "cleanup", "together")


def check(schema: str, document: Document, problems: Problems) -> set[int]:
    """Report what the schema does not accept; return the ids of the values to leave alone."""
    root = document.root
    faulty = {id(_owner(root, path)) for path in _paths_to(root, document.spoilt)}
    complaints = []
    for error in violations(schema, root.data):
        path = tuple(error.absolute_path)
        if not any(id(node) in document.spoilt for node in _along(root, path)):
            complaints.append(Complaint(error, root, path, document.spoilt))
            faulty.update(id(node) for node in _left_alone(complaints[-1], root))
    faulty.discard(id(root))
    misspelt = {(one.path, meant) for one in complaints for meant in one.meant()}
    for one in complaints:
        if not (one.keyword == "required" and (one.path, one.missing()) in misspelt):
            COMPLAINTS[one.keyword](one, problems)
    return faulty


def _along(root: Node, path: DataPath) -> Iterator[Node]:
    """The nodes from the root to the end of the path."""
    yield root
    for end in range(1, len(path) + 1):
        yield node_at(root, path[:end])


def _left_alone(complaint: Complaint, root: Node) -> list[Node]:
    """What a complaint spoils: in a step or its `expect` the unknown keys, else the owner."""
    node, last = complaint.node, complaint.path[-1:]
    holds_parts = last == ("expect",) or (bool(last) and isinstance(last[0], int))
    if holds_parts and isinstance(node, Mapping) and complaint.unknown():
        return [node.fields[key] for key in complaint.unknown()]
    return [_owner(root, complaint.path)]


def _owner(root: Node, path: DataPath) -> Node:
    """What is left alone for a problem at `path`: the value of a step's key, or of `expect`'s.

    Outside of steps it is the top-level value.
    """
    owner = node_at(root, path[:1])  # the root itself only where the problem is its own
    for end in range(1, len(path)):
        inside = node_at(root, path[: end + 1])
        if isinstance(path[end], int) and _in_steps(path[:end]) and not isinstance(inside, Listing):
            deeper = 3 if path[end + 1 : end + 2] == ("expect",) else 2
            owner = node_at(root, path[: end + deeper])
    return owner


def _in_steps(path: DataPath) -> bool:
    names = [step for step in path if isinstance(step, str)]
    return bool(names) and names[-1] in _STEP_LISTS


def _paths_to(root: Node, wanted: set[int]) -> Iterator[DataPath]:
    """The paths of the nodes with these ids."""
    if not wanted:
        return
    pending: list[tuple[DataPath, Node]] = [((), root)]
    while pending:
        path, node = pending.pop()
        if id(node) in wanted:
            yield path
        match node:
            case Mapping():
                pending.extend(((*path, key), inner) for key, inner in node.fields.items())
            case Listing():
                pending.extend(((*path, index), one) for index, one in enumerate(node.items))
            case Leaf():
                continue
