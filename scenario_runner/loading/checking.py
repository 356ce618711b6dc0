"""Applies a schema to a document and tells in plain words what it does not accept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scenario_runner.loading.complaints import COMPLAINTS, Complaint
from scenario_runner.loading.nodes import Leaf, Listing, Mapping, node_at
from scenario_runner.loading.schema import violations

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scenario_runner.loading.nodes import Node
    from scenario_runner.loading.parsing import Document
    from scenario_runner.loading.problems import Problems
    from scenario_runner.references import Path

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


def _along(root: Node, path: Path) -> Iterator[Node]:
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


def _owner(root: Node, path: Path) -> Node:
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


def _in_steps(path: Path) -> bool:
    names = [step for step in path if isinstance(step, str)]
    return bool(names) and names[-1] in _STEP_LISTS


def _paths_to(root: Node, wanted: set[int]) -> Iterator[Path]:
    """The paths of the nodes with these ids."""
    if not wanted:
        return
    pending: list[tuple[Path, Node]] = [((), root)]
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
