"""`explore`: finds what a PBX answers wrongly, and writes it as a scenario that fails again."""

from __future__ import annotations

import importlib.util
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from scenario_runner.cli import scenario_runner
from scenario_runner.cli.exit_codes import exit_code_of
from scenario_runner.errors import InvalidFiles, UsageError
from scenario_runner.events import Failure, Verdict
from scenario_runner.execution.options import RunOptions
from scenario_runner.execution.targets import MOCK
from scenario_runner.execution.virtual import profile_of
from scenario_runner.exploring.foretelling import Lot
from scenario_runner.exploring.plans import BridgeAny, OnCall, OnSlot, Place, Plan, Race, Wait
from scenario_runner.exploring.run import Bounds, Exploration
from scenario_runner.exploring.search import Search
from scenario_runner.exploring.writing import written
from scenario_runner.loading.documents import LoadOptions, load
from scenario_runner.masking import Mask
from scenario_runner.mock_pbx.mutants import BY_ID

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from scenario_runner.language.scenario import Scenario

LOT = Lot.of(profile_of(MOCK))
IN, OUT = Place(0, "in", answered=True), Place(1, "out", answered=True)


def exploration(folder: Path, mutant: str = "", examples: int = 100) -> Exploration:
    return Exploration(
        target=MOCK,
        options=RunOptions(),
        mask=Mask(),
        folder=folder,
        bounds=Bounds(steps=4, examples=examples),
        mutant=BY_ID.get(mutant),
    )


def steps_of(*plan: object) -> list[str]:
    text = written(plan, LOT).text  # type: ignore[arg-type]
    return [line.strip() for line in text.splitlines()[3:]]


def test_nothing_is_wrong_with_the_mock(tmp_path: Path) -> None:
    explored = exploration(tmp_path, examples=40).run()
    assert (explored.finding, explored.known, list(tmp_path.iterdir())) == (None, (), [])
    assert explored.tried >= 20


@pytest.mark.parametrize(
    ("mutant", "rule"),
    [
        ("park.occupies.next-slot", "park."),
        ("bridge.slot.does-nothing", "bridge."),
    ],
)
def test_a_broken_rule_becomes_a_scenario(mutant: str, rule: str, tmp_path: Path) -> None:
    explored = exploration(tmp_path, mutant).run()
    found = explored.finding
    assert found is not None
    assert found.repeat == f"scenario-runner run --all-orders {found.file}"
    (loaded,) = load([found.file], LoadOptions())
    assert [problem for problem in loaded.problems if not problem.warning] == []
    text = Path(found.file).read_text(encoding="utf-8")
    assert f"# Fails with: {found.message}"[:80] in text
    assert all(f"# {line}"[:60] in text for line in found.rules)
    assert len(text.splitlines()) < 30
    assert exploration(tmp_path).failure(loaded.scenarios) is None
    assert exploration(tmp_path, mutant).failure(loaded.scenarios) is not None
    assert any(line.startswith(rule) for line in found.rules)


def test_what_was_found_is_tried_first(tmp_path: Path) -> None:
    mutant = "park.occupies.not-parked"
    found = exploration(tmp_path, mutant).run().finding
    assert found is not None
    again = exploration(tmp_path, mutant).run()
    assert [known.file for known in again.known] == [f"{found.file}:{found.line}"]
    assert (again.tried, again.finding) == (0, None)
    fixed = exploration(tmp_path, examples=5).run()
    assert (fixed.known, fixed.tried > 0) == ((), True)


def test_a_spoilt_finding_is_invalid(tmp_path: Path) -> None:
    (tmp_path / "old.scenario.yaml").write_text("scenario: old\nsteps: [prak]\n", encoding="utf-8")
    with pytest.raises(InvalidFiles):
        exploration(tmp_path).run()


def two_calls_and_a_park(plan: Plan) -> bool:
    return sum(isinstance(move, Place) for move in plan) > 1 and OnSlot("park", 0, 0) in plan


def looked_for(is_wrong: Callable[[Plan], bool], in_time: Callable[[bool], bool]) -> Plan | None:
    return Search(is_wrong, in_time).run(12, 2000, seed=0)


def test_the_smallest_plan_is_found() -> None:
    found = looked_for(two_calls_and_a_park, lambda _: True)
    assert found is not None
    assert (len(found), two_calls_and_a_park(found)) == (3, True)


def test_the_same_seed_tries_the_same() -> None:
    def first_tried() -> list[Plan]:
        tried: list[Plan] = []

        def note(plan: Plan) -> bool:
            tried.append(plan)
            return False

        assert looked_for(note, lambda _: len(tried) < 20) is None
        return tried

    assert first_tried() == first_tried()


def test_time_ends_the_search_and_keeps_what_was_found() -> None:
    asked = count()
    assert looked_for(two_calls_and_a_park, lambda found: not found and next(asked) < 5000)
    assert looked_for(two_calls_and_a_park, lambda _: False) is None


def test_a_race_expects_what_every_order_gives() -> None:
    race = Race(OnSlot("bridge", 1, 0), OnSlot("bridge", 2, 0))
    assert steps_of(IN, OnSlot("park", 0, 0), OUT, OUT, race)[-6:] == [
        "- together:",
        "- bridge: {call: call2, slot: 1}",
        "expect: {refused: {one_of: [none, slot-empty]}}",
        "- bridge: {call: call3, slot: 1}",
        "expect: {refused: {one_of: [none, slot-empty]}}",
        "expect: {succeeded: 1, refused: {slot-empty: 1}}",
    ]


def test_any_parked_call_may_come() -> None:
    lines = steps_of(IN, OnSlot("park", 0, 0), IN, OnSlot("park", 1, 1), OUT, BridgeAny(2))
    assert lines[-1] == "expect: {with: {one_of: [call1, call2]}}"


def test_a_parked_call_comes_back_in_time() -> None:
    early = steps_of(IN, OnSlot("park", 0, 0), Wait(3), OnCall("show", 0))
    late = steps_of(IN, OnSlot("park", 0, 0), Wait(4), OnCall("show", 0))
    assert (early[-1], late[-1]) == ("expect: {state: parked}", "expect: {state: ringing}")


def test_what_has_no_call_is_left_out() -> None:
    assert steps_of(OnCall("show", 3), BridgeAny(0)) == []


def ran(*words: str) -> int:
    return exit_code_of(lambda: scenario_runner.main(["explore", *words], standalone_mode=False))


def test_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert ran("--examples", "3", "--steps", "5") == 0
    assert capsys.readouterr().out.endswith("nothing is wrong\n")
    Path("findings").mkdir()
    Path("findings/old.scenario.yaml").write_text(
        'scenario: old\nsteps:\n  - call: {as: a, extension: 341, from: "+7812"}\n'
        "    expect: {state: parked}\n",
        encoding="utf-8",
    )
    assert ran() == 1
    assert capsys.readouterr().out.startswith("fails still  findings/old.scenario.yaml:4\n")


def test_another_target_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("scenario-targets.yaml").write_text(
        "targets:\n  pbx: {driver: freeswitch, password: $env.HOME}\n", encoding="utf-8"
    )
    assert ran("--target", "pbx") == 3
    assert "explore knows the rules of the built-in mock" in capsys.readouterr().err


def test_a_time_that_is_none(capsys: pytest.CaptureFixture[str]) -> None:
    assert ran("--time", "soon") == 3
    assert "'soon' is no time to search, such as 30s or 5m" in capsys.readouterr().err


def test_without_hypothesis(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    assert ran() == 3
    assert "pip install '.[explore]'" in capsys.readouterr().err


class Dead(Exploration):
    """An exploration of a PBX that answers nothing."""

    def failure(self, scenarios: Iterable[Scenario]) -> tuple[Verdict, Failure] | None:
        span = next(iter(scenarios)).span
        return Verdict.ERRORED, Failure(key="error", message="no answer within 30s", span=span)


def test_a_target_that_takes_no_calls(tmp_path: Path) -> None:
    dead = Dead(target=MOCK, options=RunOptions(), mask=Mask(), folder=tmp_path)
    with pytest.raises(UsageError, match="no call can be placed on mock: no answer within 30s"):
        dead.run()


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(UsageError, match="can't be written"):
        exploration(tmp_path / "file", "park.occupies.not-parked").run()
