"""Nodes to conditions: when a step or scenario applies."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scenario_runner.loading.expressions import expression
from scenario_runner.loading.matchers import spanned
from scenario_runner.loading.nodes import Mapping
from scenario_runner.loading.reading import text_of
from scenario_runner.model.steps import Holding, TargetCan
from scenario_runner.model.vocabulary import Capability

if TYPE_CHECKING:
    from scenario_runner.loading.nodes import Node
    from scenario_runner.loading.reading import Reading
    from scenario_runner.model.steps import Condition


def condition(node: Node | None, reading: Reading) -> Condition | None:
    """The condition of a `when`, if there is one."""
    if not isinstance(node, Mapping):
        return None
    capability, that = node.fields.get("target_can"), node.fields.get("that")
    matcher = spanned(node, reading)
    if capability is not None:
        for key in node.fields:
            if key != "target_can":
                reading.problem(
                    "two-of-one", f"'{key}' can't stand beside 'target_can'", node.keys[key],
                    "remove one of them",
                )  # fmt: skip
        return TargetCan(Capability(text_of(capability)), capability.span)
    if that is None or matcher is None:
        reading.problem(
            "missing-key", "a condition needs 'that' and a matcher, or 'target_can'", node.span,
            "write {that: $mode, equals: full} or {target_can: random-bridge}",
        )  # fmt: skip
        return None
    return Holding(expression(that, reading), matcher)
