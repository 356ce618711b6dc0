"""Survivors that are known and accepted, each with a reason, in a YAML file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from scenario_runner.errors import InvalidFiles, UsageError, suggestion
from scenario_runner.loading.files import read_text
from scenario_runner.loading.nodes import Leaf, Mapping, Problems, Unreadable
from scenario_runner.loading.yaml import parse
from scenario_runner.mock_pbx.mutants import BY_ID

if TYPE_CHECKING:
    from scenario_runner.loading.nodes import Node


def read_accepted(path: str) -> dict[str, str]:
    """Read `mutant: reason` from a file; raises UsageError, and InvalidFiles with places."""
    if not Path(path).is_file():
        raise UsageError(f"there is no file '{path}'", hint="it maps mutants to reasons")
    problems = Problems()
    try:
        documents = parse(read_text(Path(path), path), path, problems)
    except Unreadable as error:
        raise InvalidFiles((error.problem,)) from None
    accepted: dict[str, str] = {}
    for document in documents:
        accepted |= _reasons(document.root, problems)
    if problems.errors:
        raise InvalidFiles(problems.in_order())
    return accepted


def _reasons(root: Node, problems: Problems) -> dict[str, str]:
    if not isinstance(root, Mapping):
        hint = "write a mutant's id, a colon, and why it is accepted"
        problems.add("wrong-type", "expected a map of mutants to reasons", root.span, hint)
        return {}
    for mutant, span in root.keys.items():
        if mutant not in BY_ID:
            message = f"there is no mutant '{mutant}'"
            problems.add("unknown-word", message, span, suggestion(mutant, BY_ID))
    return {mutant: _reason(node, problems) for mutant, node in root.fields.items()}


def _reason(node: Node, problems: Problems) -> str:
    if isinstance(node, Leaf) and isinstance(node.value, str) and node.value.strip():
        return node.value
    if node.spoilt:
        return ""  # the reading of the file has reported it
    message = "expected text that says why this mutant is accepted"
    problems.add("wrong-type", message, node.span, "a reason, or the link to a ticket")
    return ""
