"""The outcome as JSON in the mutation testing report schema, which existing dashboards show.

The files in it are those that declare the rules; each mutant stands at the rule that it breaks.
"""

from __future__ import annotations

import ast
import json
from importlib import resources
from itertools import groupby
from typing import TYPE_CHECKING, Any

from scenario_runner.mock_pbx.mutants import BY_ID
from scenario_runner.mutation.trial import Status
from scenario_runner.version import __version__

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scenario_runner.execution.run import Gathered
    from scenario_runner.language.scenario import Scenario
    from scenario_runner.mutation.run import Mutated
    from scenario_runner.mutation.trial import Outcome

_HIGH, _LOW = 90, 70
"""From which percentage on a dashboard shows the score as good, and below which as bad."""


def json_text(mutated: Mutated, gathered: Gathered) -> str:
    """Return the report as text."""
    return json.dumps(document(mutated, gathered), ensure_ascii=False, indent=2) + "\n"


def document(mutated: Mutated, gathered: Gathered) -> dict[str, Any]:
    """Return the report as plain values."""
    sources = {source.file: source.text for source in gathered.sources}
    return {
        "schemaVersion": "2",
        "thresholds": {"high": _HIGH, "low": _LOW},
        "framework": {"name": "scenario-runner", "version": __version__},
        "files": dict(_files(mutated)),
        "testFiles": dict(_test_files(mutated.scenarios, sources)),
    }


def _files(mutated: Mutated) -> Iterator[tuple[str, dict[str, Any]]]:
    def file(one: Outcome) -> str:
        return BY_ID[one.mutant].rule.place.file

    for name, inside in groupby(sorted(mutated.outcomes, key=file), key=file):
        source = _source(name)
        ends = _ends(source)
        mutants = [_mutant(one, ends) for one in inside]
        yield name, {"language": "python", "source": source, "mutants": mutants}


def _source(file: str) -> str:
    package, _, path = file.partition("/")
    return resources.files(package).joinpath(path).read_text(encoding="utf-8")


def _ends(source: str) -> dict[int, tuple[int, int]]:
    """Return by the line on which a declaration begins its last line and the column after it."""
    nodes = (node for node in ast.parse(source).body)
    return {
        node.lineno: (node.end_lineno or node.lineno, 1 + (node.end_col_offset or 0))
        for node in nodes
    }


def _mutant(one: Outcome, ends: dict[int, tuple[int, int]]) -> dict[str, Any]:
    mutant = BY_ID[one.mutant]
    line = mutant.rule.place.line
    end_line, end_column = ends[line]
    shown: dict[str, Any] = {
        "id": one.mutant,
        "mutatorName": mutant.kind.value,
        "description": f"no scenario would notice if {mutant.unnoticed}",
        "replacement": f"{mutant.unnoticed[:1].upper()}{mutant.unnoticed[1:]}.",
        "location": {
            "start": {"line": line, "column": 1},
            "end": {"line": end_line, "column": end_column},
        },
        "status": one.status.schema,
        "coveredBy": list(one.met_by),
        "testsCompleted": one.ran,
        "duration": one.took // 1000,
    }
    why = one.reason
    if one.noticed is not None:
        why = one.noticed.sentence
    if one.status is Status.KILLED and one.noticed is not None:
        shown["killedBy"] = [one.noticed.scenario]
    return shown | ({"statusReason": why} if why else {})


def _test_files(
    scenarios: tuple[Scenario, ...], sources: dict[str, str]
) -> Iterator[tuple[str, dict[str, Any]]]:
    for file, inside in groupby(scenarios, key=lambda one: one.file):
        tests = [
            {
                "id": one.id,
                "name": one.name,
                "location": {"start": {"line": one.span.line, "column": one.span.column}},
            }
            for one in inside
        ]
        yield file, {"source": sources.get(file, ""), "tests": tests}
