"""A package that adds to the runner by entry points, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

import scenario_runner
from scenario_runner.loading.targets import read_targets
from scenario_runner.masking import Mask
from scenario_runner.pbx import drivers
from scenario_runner.reporters import open_reporter, reporter_names

PLUGIN = Path(__file__).parent / "plugin"
RACE = Path(__file__).parents[2] / "examples" / "24-two-agents-one-call.scenario.yaml"


def test_an_added_reporter_is_found_and_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "verdicts" not in reporter_names()
    monkeypatch.syspath_prepend(PLUGIN)
    assert "verdicts" in reporter_names()
    reporter = open_reporter("verdicts", str(tmp_path / "out.txt"))
    for event in scenario_runner.run(scenario_runner.load(RACE)):
        reporter.handle(event)
    reporter.close()
    text = (tmp_path / "out.txt").read_text()
    assert text == f"passed {RACE}::Two agents grab one parked call, and exactly one gets it\n"


TARGETS = """
default: cupboard
targets:
  cupboard:
    driver: shelf
    greeting: good morning
    protected: true
    lifts: 2s
    key: $secret.SHELF_KEY
    door: {code: written in the file}
    slots: 1-9
    extensions: {"341": x, "342": y}
"""
SCENARIO = """
scenario: On a shelf
steps:
  - call: {as: customer, extension: 341, from: "+78120000443"}
  - call: {as: colleague, extension: 342, to: "+74950000200"}
  - park: {call: customer, slot: 6}
  - slots: {call: colleague, slot: 6}
    expect: {holds: customer}
  - park: {call: colleague, slot: 6}
    expect: {refused: slot-full}
  - bridge: {call: colleague, slot: 6}
    expect: {with: customer}
"""


def test_an_added_driver_runs_scenarios(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(PLUGIN)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SHELF_KEY", "under the mat")
    Path("scenario-targets.yaml").write_text(TARGETS)
    Path("one.scenario.yaml").write_text(SCENARIO)
    scenarios = scenario_runner.load(".")
    with pytest.raises(scenario_runner.TargetError, match="protected"):
        scenario_runner.run(scenarios, target="cupboard")
    allowed = ["the cellar"]
    events = list(scenario_runner.run(scenarios, target="cupboard", allow_protected=allowed))
    failures = [e.failures for e in events if isinstance(e, scenario_runner.StepFinished)]
    assert not any(failures), failures
    assert [e.verdict for e in events if isinstance(e, scenario_runner.ScenarioFinished)] == [
        "passed"
    ]
    exchanges = [event for event in events if isinstance(event, scenario_runner.Exchange)]
    assert {(event.protocol, event.received) for event in exchanges} == {("shelf", "good morning")}


WRONG = """
targets:
  cupboard:
    driver: shelf
    greting: good morning
    height: 12
    lifts: 2
    protected: "no"
"""
UNFIT = """
targets:
  cupboard: {driver: shelf, height: 2, lifts: 10 seconds, slots: 1-9, extensions: many}
"""


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            WRONG,
            [
                (5, "unknown key 'greting' in a target of the driver shelf"),
                (6, "'height' is 9 or less, not 12"),
                (7, "2 has no unit"),
                (8, "'protected' must be true or false, not text"),
            ],
        ),
        (
            UNFIT,
            [
                (3, "three slots fit on a board"),
                (3, "'10 seconds' is not a duration"),
                (3, "'many' is not a range of extensions"),
            ],
        ),
    ],
    ids=["keys and types", "values and what does not fit"],
)
def test_an_added_drivers_settings_are_checked_like_our_own(
    text: str, told: list[tuple[int, str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(PLUGIN)
    monkeypatch.chdir(tmp_path)
    Path("scenario-targets.yaml").write_text(text)
    Path("one.scenario.yaml").write_text(SCENARIO)
    with pytest.raises(scenario_runner.InvalidFiles) as error:
        scenario_runner.run(scenario_runner.load("."), target="cupboard")
    problems = error.value.problems
    assert [(problem.span.line, problem.message) for problem in problems] == told


def test_an_added_drivers_secrets_are_hidden_like_our_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(PLUGIN)
    file = tmp_path / "scenario-targets.yaml"
    file.write_text(TARGETS)
    mask = Mask()
    environment = {"SHELF_KEY": "under the mat"}
    target = read_targets(str(file), drivers).target("cupboard", environment, mask)
    assert "under the mat" not in repr(target)
    assert "written in the file" not in repr(target)
    assert mask.text("under the mat, written in the file") == "***, ***"


def test_a_target_that_is_not_there_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(scenario_runner.TargetError, match="no target 'nowhere'"):
        scenario_runner.run(scenario_runner.load(RACE), target="nowhere")
