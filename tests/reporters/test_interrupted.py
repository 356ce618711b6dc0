"""Nothing is green when a run breaks off, wherever that happens; and every report is complete."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import pytest

from scenario_runner.reporters import open_reporter
from tests.reporters.streams import play, stream

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def _json(text: str) -> Any:
    return json.loads(text)


RED: dict[str, Callable[[str], bool]] = {
    "console": lambda text: "! errored ·" in text,
    "ctrf": lambda text: _json(text)["results"]["summary"]["failed"] > 0,
    "github": lambda text: "::error title=scenario-runner::the run was interrupted" in text,
    "gitlab": lambda text: any(issue["severity"] == "critical" for issue in _json(text)),
    "json": lambda text: _json(text)["interrupted"] is True,
    "junit": lambda text: int(ET.fromstring(text).get("errors", "0")) > 0,
    "markdown": lambda text: text.startswith("## ! Scenarios: errored"),
    "tap": lambda text: "Bail out!" in text,
}


@pytest.mark.parametrize("name", RED)
@pytest.mark.parametrize("case", ["passed", "failed"])
def test_cut_off_anywhere(case: str, name: str, tmp_path: Path) -> None:
    events = stream(case)
    for end in range(len(events)):
        file = tmp_path / f"{end}"
        play(events[:end], open_reporter(name, str(file)))
        assert RED[name](file.read_text(encoding="utf-8")), f"cut off after {end} events"


@pytest.mark.parametrize("name", ["json", "ctrf"])
def test_a_scenario_cut_off_is_errored(name: str, tmp_path: Path) -> None:
    file = tmp_path / "report"
    play(stream("interrupted"), open_reporter(name, str(file)))
    report = _json(file.read_text(encoding="utf-8"))
    if name == "json":
        verdicts = [scenario["verdict"] for scenario in report["scenarios"]]
        steps = [step["finished"]["verdict"] for step in report["scenarios"][1]["steps"]]
        assert (verdicts, report["not_run"]) == (["passed", "errored"], 2)
        assert steps[-1] == "failed"
    else:
        statuses = [test["status"] for test in report["results"]["tests"]]
        assert statuses == ["passed", "failed", "failed"]


def test_a_step_cut_off_is_errored(tmp_path: Path) -> None:
    file = tmp_path / "report"
    events = stream("interrupted")[:-2]
    play(events, open_reporter("json", str(file)))
    last = _json(file.read_text(encoding="utf-8"))["scenarios"][1]["steps"][-1]["finished"]
    assert last["verdict"] == "errored"
    assert last["failures"][0]["message"] == "the run ended before the step did"


def test_console_says_what_was_not_run(tmp_path: Path) -> None:
    file = tmp_path / "report"
    play(stream("interrupted"), open_reporter("console", str(file)))
    text = file.read_text(encoding="utf-8")
    assert re.search(r"interrupted, 2 of 4 scenarios were not run", text)
