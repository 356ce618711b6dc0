"""Coverage: which rules are met, by which step, how tables are added up, shown and refused."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from scenario_runner.cli import scenario_runner
from scenario_runner.cli.exit_codes import exit_code_of
from scenario_runner.coverage.document import json_text, read_coverage, read_killed
from scenario_runner.coverage.output import markdown, text
from scenario_runner.coverage.run import measure
from scenario_runner.coverage.table import Coverage, Killed, Seen, added_up
from scenario_runner.errors import UsageError
from scenario_runner.execution.options import RunOptions
from scenario_runner.execution.run import RunRequest, gather_valid
from scenario_runner.execution.shards import Shard
from scenario_runner.mock_pbx import RULES

HERE = Path(__file__).parent
SUITE = "suite.scenario.yaml"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copy(HERE / SUITE, tmp_path)
    monkeypatch.chdir(tmp_path)


def measured(*paths: str, shard: str = "1/1") -> Coverage:
    options = RunOptions(allow_skips=True)
    request = RunRequest(paths=paths, shard=Shard.parse(shard), options=options)
    return measure(request, gather_valid(request), lambda _: None).coverage


def command(*words: str) -> int:
    return exit_code_of(lambda: scenario_runner.main(["coverage", *words], standalone_mode=False))


def steps(coverage: Coverage, rule: str) -> list[tuple[str, str]]:
    return [(one.scenario.partition("::")[2], one.step) for one in coverage.rules[rule]]


def test_a_rule_is_met_by_the_steps_that_it_decided_something_for() -> None:
    coverage = measured(SUITE)
    assert steps(coverage, "park.occupies") == [
        ("A caller is parked and picked up", "2"),
        ("A parked call comes back", "2"),
    ]
    assert coverage.rules["bridge.slot"] == (
        Seen(scenario=f"{SUITE}::A caller is parked and picked up", step="5", file=SUITE, line=12),
    )


def test_steps_of_the_same_moment_are_told_apart() -> None:
    coverage = measured(SUITE)
    assert steps(coverage, "park.range") == [
        ("A caller is parked and picked up", "4 › branch 2 › 1")
    ]
    assert ("A caller is parked and picked up", "4 › branch 1 › 1") in steps(
        coverage, "slots.reports"
    )


def test_what_a_timer_does_belongs_to_the_step_that_waits() -> None:
    assert steps(measured(SUITE), "park.returns") == [("A parked call comes back", "4")]


def test_what_the_runner_does_by_itself_does_not_count() -> None:
    """The bridged pair is hung up by the runner at the end, and the parked call's slot is freed."""
    assert measured(SUITE).rules["hangup.bridged"] == ()


def test_the_question_behind_a_with_does_not_count() -> None:
    """The runner asks the slot after the bridge, and finds it empty."""
    line = "  - bridge: {call: colleague, slot: 6}\n"
    expecting = f"{line}    expect: {{with: customer}}\n"
    text = Path(SUITE).read_text(encoding="utf-8").replace(line, expecting)
    Path(SUITE).write_text(text, encoding="utf-8")
    assert measured(SUITE).rules["slots.empty"] == ()


def test_reasons_states_and_events_are_met_too() -> None:
    coverage = measured(SUITE)
    assert [word for word, seen in coverage.reasons.items() if seen] == ["slot-unknown"]
    assert [word for word, seen in coverage.states.items() if seen] == ["up", "parked", "bridged"]
    assert [word for word, seen in coverage.events.items() if seen] == [
        "dial-in",
        "answer",
        "hangup",
    ]


def test_shards_add_up_to_the_whole() -> None:
    shutil.copy(SUITE, "again.scenario.yaml")
    whole = measured(".")
    both = added_up([measured(".", shard="1/2"), measured(".", shard="2/2")])
    assert both.scenarios == whole.scenarios == 4
    assert {rule: set(seen) for rule, seen in both.rules.items()} == {
        rule: set(seen) for rule, seen in whole.rules.items()
    }


def test_targets_add_up() -> None:
    one = measured(SUITE)
    assert added_up([one, one]).targets == one.targets
    assert added_up([one, one]).rules == one.rules


def test_the_tables(golden: Callable[[Path, str], None]) -> None:
    coverage = measured(SUITE)
    killed = {"park.occupies": Killed(4, 5), "bridge.slot": Killed(0, 3)}
    golden(HERE / "golden/met.txt", text(coverage, None))
    golden(HERE / "golden/checked.txt", text(coverage, killed))
    golden(HERE / "golden/checked.md", markdown(coverage, killed))
    golden(HERE / "golden/checked.json", json_text(coverage, killed))


def test_the_json_is_read_back(tmp_path: Path) -> None:
    coverage = measured(SUITE)
    file = tmp_path / "coverage.json"
    file.write_text(json_text(coverage, {}), encoding="utf-8")
    assert read_coverage(str(file)) == coverage


def test_met_is_not_checked(tmp_path: Path) -> None:
    """A mutant that errored or was left out says nothing about what is checked."""
    statuses = ("Killed", "Survived", "RuntimeError", "Ignored")
    names = ("next-slot", "not-parked", "hung-up", "told-slot")
    mutants = [
        {"id": f"park.occupies.{name}", "status": status, "location": {}}
        for name, status in zip(names, statuses, strict=True)
    ]
    file = tmp_path / "mutants.json"
    file.write_text(json.dumps({"files": {"rules.py": {"mutants": mutants}}}), encoding="utf-8")
    found = read_killed(str(file))
    assert set(found) == {"park.occupies"}
    assert found["park.occupies"] == Killed(1, 2)


@pytest.mark.parametrize(("least", "code"), [("0", 0), ("30", 0), ("31", 1), ("100", 1)])
def test_min_decides_the_exit_code(least: str, code: int) -> None:
    assert 30 * len(RULES) <= 100 * measured(SUITE).met < 31 * len(RULES)
    assert command(SUITE, "--min", least) == code


def test_the_command_writes_and_adds_up(capsys: pytest.CaptureFixture[str]) -> None:
    assert command(SUITE, "--json", "one.json", "--markdown", "one.md") == 0
    first = capsys.readouterr().out
    assert command("--add", "one.json") == 0
    assert capsys.readouterr().out == first
    assert Path("one.md").read_text(encoding="utf-8").startswith("**12 of 39 rules met")
    assert command("--add", "one.json", "--add", "one.json", "--json", "-") == 0
    told = capsys.readouterr()
    assert json.loads(told.out)["scenarios"] == 4
    assert "12 of 39 rules met (30 %)" in told.err


def test_a_suite_that_is_not_green_is_counted_and_told(capsys: pytest.CaptureFixture[str]) -> None:
    red = Path(SUITE).read_text(encoding="utf-8").replace("holds: customer", "empty: true")
    Path("red.scenario.yaml").write_text(red, encoding="utf-8")
    assert command("red.scenario.yaml") == 1
    assert "1 scenario did not pass" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        ((), 3, "name scenarios, or tables to add up"),
        ((SUITE, "--min", "101"), 3, "101 is not in the range 0<=x<=100"),
        ((SUITE, "--add", "none.json"), 3, "none.json can't be read: No such file"),
        ((SUITE, "--add", SUITE), 3, "is not a coverage table of this version"),
        ((SUITE, "--add", "empty.json"), 3, "is not a coverage table of this version"),
        ((SUITE, "--mutation", SUITE), 3, "is not a mutation testing report"),
        ((SUITE, "--json", SUITE), 3, "is read, and can't be written"),
        ((SUITE, "--target", "pbx"), 3, "coverage counts the rules of the built-in mock"),
        ((SUITE, "--shard", "3/2"), 3, "shard"),
        (("nowhere",), 3, "nowhere"),
    ],
)
def test_what_makes_no_sense_is_refused(
    words: tuple[str, ...], code: int, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("empty.json").write_text("{}", encoding="utf-8")
    Path("scenario-targets.yaml").write_text(
        "targets:\n  mock: {driver: mock}\n  pbx: {driver: freeswitch, password: $env.HOME}\n",
        encoding="utf-8",
    )
    assert command(*words) == code
    assert told in capsys.readouterr().err


def test_a_table_of_another_version_is_refused(tmp_path: Path) -> None:
    document = json.loads(json_text(measured(SUITE), None))
    document["rules"] = document["rules"][1:]
    file = tmp_path / "old.json"
    file.write_text(json.dumps(document), encoding="utf-8")
    with pytest.raises(UsageError, match="not a coverage table of this version"):
        read_coverage(str(file))
