"""Writes the measured table of docs/fidelity.md from a recorded comparison with an Asterisk.

`python -m tests.comparing.fidelity TARGETS_FILE` measures anew, against the target `asterisk` of
that file, and records it; the page is then written by `pytest tests/comparing --rewrite-golden`.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

from scenario_runner.comparing.output import document
from scenario_runner.comparing.run import compare, sides
from scenario_runner.execution.run import RunRequest
from scenario_runner.execution.targets import TargetChoice
from scenario_runner.loading.documents import LoadOptions, load
from scenario_runner.masking import Mask
from scenario_runner.mock_pbx import RULES

from .facts import ABOUT_HTTP, FREESWITCH

HERE = Path(__file__).parent
SCENARIOS = HERE / "rules.scenario.yaml"
RECORDED = HERE / "recorded" / "asterisk.json"

Recorded = dict[str, Any]
"""A comparison as its JSON document says it."""


def measured(targets: str, mock: str = "mock") -> str:
    """Compare the mock with the target `asterisk` of a targets file; return the document."""
    before = Path.cwd()
    os.chdir(HERE)
    try:
        both = sides(mock, "asterisk", TargetChoice(file=targets), Mask())
        return document(compare(RunRequest(paths=(SCENARIOS.name,)), both, 500_000))
    finally:
        os.chdir(before)


def what_it_says(recorded: Recorded) -> dict[str, dict[str, str]]:
    """Return for each rule how the mock's `vendor` profile and Asterisk compare, and whose word."""
    (loaded,) = load([str(SCENARIOS)], LoadOptions())
    tags = {scenario.name: scenario.tags for scenario in loaded.scenarios}
    said: dict[str, dict[str, str]] = {}
    for scenario in recorded["scenarios"]:
        for rule in tags[scenario["name"]]:
            row = said.setdefault(rule, {"same": "the same", "word": "Asterisk"})
            _add(row, scenario)
    return said


def _add(row: dict[str, str], scenario: Recorded) -> None:
    for difference in scenario["differences"]:
        if difference["what"] == "time":
            row["same"] = f"the same; {difference['why']}"
        else:
            row["same"] = f"{difference['b']} where the mock has {difference['a']}"
    if any("by the driver" in word["note"] for word in scenario["supplied"]):
        row["word"] = "the driver"


def table(recorded: Recorded) -> str:
    """Return the table, one row for each rule of the mock."""
    said = what_it_says(recorded)
    rows = [
        "| rule | Asterisk through its driver | who decides | FreeSWITCH by itself |",
        "|---|---|---|---|",
    ]
    for rule in RULES:
        row = said.get(rule.id, {"same": "–", "word": "–"})
        if rule.id in ABOUT_HTTP:
            row = {"same": "no HTTP there", "word": "–"}
        facts = FREESWITCH.get(rule.id, "–" if rule.id not in ABOUT_HTTP else "no HTTP there")
        rows.append(f"| `{rule.id}` | {row['same']} | {row['word']} | {facts} |")
    return "\n".join(rows) + "\n"


def record(targets: str) -> None:
    """Measure, and keep the result."""
    RECORDED.parent.mkdir(exist_ok=True)
    RECORDED.write_text(measured(str(Path(targets).resolve())), encoding="utf-8")


def recorded() -> Recorded:
    """Return what was measured last."""
    data: Recorded = json.loads(RECORDED.read_text(encoding="utf-8"))
    return data


if __name__ == "__main__":
    record(sys.argv[1])
