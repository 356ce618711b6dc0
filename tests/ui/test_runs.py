"""A run can be looked at from its events alone, and gone on from by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from scenario_runner.api import load, run
from scenario_runner.durations import MINUTE, SECOND
from scenario_runner.execution.targets import MOCK
from scenario_runner.ui.gestures import LookIntoSlot, PickUp
from scenario_runner.ui.picture import Picture
from scenario_runner.ui.replay import world_at
from scenario_runner.ui.runs import RunLog, ScenarioRun

EXAMPLES = Path(__file__).parents[2] / "examples"
ALL = load(EXAMPLES)


def logged(*scenarios: object, seed: int = 0) -> RunLog:
    log = RunLog()
    for event in run(scenarios, seed=seed, environment={"PBX_PHONE": "+7", "PBX_SECRET": "open"}):  # type: ignore[arg-type]
        log.take(event)
    return log


def example(number: str, name: str = "") -> ScenarioRun:
    chosen = [s for s in ALL if Path(s.file).name.startswith(number) and name in s.name]
    return logged(chosen[0]).scenarios[0]


def test_every_step_has_a_moment() -> None:
    seen = example("01").timeline
    assert [moment.title for moment in seen.moments] == [
        "The beginning",
        "A customer reaches extension 341",
        "341 parks the customer",
        "A colleague is on another call",
        "The slot holds the customer",
        "The colleague takes the call",
        "The slot is free again",
        "The scenario has passed",
    ]
    parked = seen.moments[2].picture.in_slot("6")
    assert parked is not None
    assert (parked.name, parked.until) == ("customer", 3 * MINUTE)
    after = seen.moments[-2].picture
    assert after.parked() == ()
    assert {call.name: call.partner for call in after.calls} == {
        "customer": "colleague",
        "colleague": "customer",
    }
    assert seen.moments[-1].picture == Picture()


def test_a_call_that_returns_has_a_moment_though_nobody_tells() -> None:
    moments = example("07").timeline.moments
    returned = next(moment for moment in moments if moment.at == 180 * SECOND)
    assert returned.title == "The customer returns to 341"
    call = returned.picture.call("customer")
    assert call is not None
    assert (call.doing, call.extension) == ("ringing", "341")


def test_a_failed_step_is_found(tmp_path: Path) -> None:
    file = tmp_path / "wrong.scenario.yaml"
    text = (EXAMPLES / "01-park-and-pick-up.scenario.yaml").read_text()
    file.write_text(text.replace("{holds: customer}", "{holds: colleague}"))
    seen = logged(*load(file)).scenarios[0]
    assert seen.verdict == "failed"
    assert seen.failed_at is not None
    failed = seen.timeline.moments[seen.failed_at]
    assert failed.title == "The slot holds the customer"
    (step, failure), *_ = seen.failures
    assert (step, failure.key, failure.span.line) == ("4", "holds", 23)
    span = seen.span_of("4")
    assert span is not None
    assert span.line == 22


@pytest.mark.parametrize("scenario", ALL, ids=lambda scenario: scenario.id.rpartition("/")[2])
def test_a_run_is_repeated_exactly_up_to_each_moment(scenario: object) -> None:
    """What is gone on from is what the run's own events tell of that moment."""
    seen = logged(scenario, seed=3).scenarios[0]
    moments = seen.timeline.moments
    for index in range(len(moments) - 1):
        line = world_at(seen, index, scenario, MOCK, {"PBX_PHONE": "+7", "PBX_SECRET": "open"})  # type: ignore[arg-type]
        there = {(c.name, c.doing, c.slot) for c in line.now.picture.calls}
        told = {(c.name, c.doing, c.slot) for c in moments[index].picture.calls}
        assert told == there, moments[index].title
        assert line.wait(SECOND).now.at == line.now.at + SECOND


RAW = """\
scenario: A call is parked by a request as it is
steps:
  - call: {as: customer, extension: 341, from: "+78120000443"}
  - request:
      put: /extension/$customer.extension_id/valet_park/$customer.call_api_id
      json: {action: park, slot: "07"}
    expect: {status: 200}
"""


def test_a_raw_request_is_followed(tmp_path: Path) -> None:
    file = tmp_path / "raw.scenario.yaml"
    file.write_text(RAW)
    seen = logged(*load(file)).scenarios[0]
    parked = seen.timeline.moments[2].picture.in_slot("7")
    assert parked is not None
    assert (parked.name, parked.until) == ("customer", 3 * MINUTE)


def test_a_transferred_call_is_seen_at_its_new_extension() -> None:
    seen = example("transfer.moves", "answered at once")
    call = seen.timeline.moments[2].picture.call("customer")
    assert call is not None
    assert (call.doing, call.extension) == ("up", "345")


def test_a_run_goes_on_by_hand() -> None:
    seen = example("07")
    index = next(n for n, m in enumerate(seen.timeline.moments) if m.at == 180 * SECOND)
    scenario = next(s for s in ALL if s.id == seen.id)
    line = world_at(seen, index, scenario, MOCK, {})
    line = line.do(PickUp(call="customer")).do(LookIntoSlot(call="customer", slot=6))
    assert line.now.answer is not None
    assert line.now.answer.saw == "slot 6 is empty"
    call = line.now.picture.call("customer")
    assert call is not None
    assert call.doing == "up"
