"""Writes a comparison as a JSON document, for programs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from scenario_runner.comparing.difference import Compared, Comparison, Difference, Grade

if TYPE_CHECKING:
    from scenario_runner.references import Json


def document(comparison: Comparison) -> str:
    """Return the comparison as JSON; `tolerance` is in microseconds."""
    data: dict[str, Json] = {
        "a": comparison.a,
        "b": comparison.b,
        "tolerance": comparison.tolerance,
        "exit_code": comparison.exit_code,
        "steps": comparison.steps,
        **{grade.value: comparison.count(grade) for grade in Grade},
        "scenarios": [_scenario(one) for one in comparison.scenarios],
    }
    return json.dumps(data, ensure_ascii=False, indent=2) + "\n"


def _scenario(one: Compared) -> dict[str, Json]:
    return {
        "scenario": one.scenario,
        "name": one.name,
        "verdict": {"a": one.a, "b": one.b},
        "errored": list(one.errored),
        "steps": one.steps,
        "unreached": one.unreached,
        "supplied": [
            {"side": word.side, "step": word.step, "note": word.note} for word in one.supplied
        ],
        "differences": [_difference(difference) for difference in one.differences],
    }


def _difference(difference: Difference) -> dict[str, Json]:
    return {
        "step": difference.step,
        "title": difference.title,
        "what": difference.what.value,
        "grade": difference.grade.value,
        "a": difference.a,
        "b": difference.b,
        "why": difference.why,
    }
