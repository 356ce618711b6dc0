"""`run --last-failed`: what failed is run again as it failed, and remembered until that passes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from scenario_runner.cli import scenario_runner
from scenario_runner.cli.exit_codes import exit_code_of

RACE = """scenario: race
vars: {slot: 6}
steps:
  - call: {as: customer, extension: 341, from: "+78120000443"}
  - call: {as: a, extension: 342, to: "+74950000200"}
  - call: {as: b, extension: 343, to: "+74950000300"}
  - park: {call: customer, slot: 6}
  - check: {that: $slot, equals: 6}
  - together:
      - bridge: {call: a, slot: 6}
      - bridge: {call: b, slot: 6}
    expect: {succeeded: 1, refused: {slot-empty: 1}}
  - calls: {call: a}
    expect: {state: bridged}
"""
FILE = Path(".scenario-runner/last-failed.json")


def run(*words: str) -> int:
    line = ["run", *words, "-q"]
    return exit_code_of(
        lambda: scenario_runner.main(line, "scenario-runner", standalone_mode=False)
    )


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("race.scenario.yaml").write_text(RACE)
    return tmp_path


def seeds(code: int) -> list[int]:
    """Return the seeds with which the race ends so."""
    return [seed for seed in range(12) if run("--no-cache", "--seed", str(seed)) == code]


def failed() -> list[str]:
    return list(json.loads(FILE.read_text())["failed"])


@pytest.fixture
def failing() -> int:
    """Return a seed with which the race fails, although it passes with 0."""
    assert run("--no-cache") in (0, 1)
    return next(seed for seed in seeds(1) if seed)


def test_a_failure_is_run_again_with_its_seed(failing: int, tmp_path: Path) -> None:
    assert run("--seed", str(failing)) == 1
    assert run("--last-failed") == 1
    assert run(str(tmp_path), "--last-failed") == 1  # named in another way, it is the same run
    assert failed() == ["race.scenario.yaml::race"]


def test_passing_with_another_seed_strikes_no_failure_off(failing: int) -> None:
    passing = seeds(0)[0]
    assert run("--seed", str(failing)) == 1
    assert run("--seed", str(passing)) == 0
    assert run("--last-failed", "--seed", str(passing)) == 0
    assert run("--last-failed") == 1


def test_a_failure_that_is_fixed_is_struck_off(failing: int) -> None:
    assert run("--seed", str(failing)) == 1
    Path("race.scenario.yaml").write_text(RACE.replace("state: bridged", "state: {any: true}"))
    assert run("--last-failed") == 0
    assert run("--last-failed") == 3


def test_a_failure_is_run_again_in_its_order() -> None:
    orders = {order: run("--no-cache", "--order", order) for order in ("0", "1")}
    (failing,) = (order for order, code in orders.items() if code == 1)
    assert run("--all-orders") == 1
    assert run("--last-failed") == 1
    assert run() == run("--no-cache")  # the seed's own order is another run
    assert failed()
    assert run("--order", failing) == 1
    assert run("--last-failed") == 1


def test_a_failure_is_run_again_with_its_variables() -> None:
    passing = str(seeds(0)[0])
    assert run("--seed", passing, "--var", "slot=7") == 1
    assert run("--seed", passing) == 0
    assert run("--last-failed") == 1
    assert run("--last-failed", "--var", "slot=7") == 1
    Path("vars.yaml").write_text("slot: 6\n")
    assert run("--last-failed", "--var-file", "vars.yaml") == 0
    assert run("--last-failed") == 1


def test_failures_with_different_variables_are_asked_about(
    capsys: pytest.CaptureFixture[str],
) -> None:
    Path("other.scenario.yaml").write_text(RACE.replace("scenario: race", "scenario: other"))
    assert run("race.scenario.yaml", "--var", "slot=7") == 1
    assert run("other.scenario.yaml", "--var", "slot=8") == 1
    capsys.readouterr()
    assert run("--last-failed") == 3
    said = capsys.readouterr().err
    assert "different variables: --var slot=7, or --var slot=8" in said
    assert run("--last-failed", "--var", "slot=7") == 1
    assert "1 scenario: 1 failed" in capsys.readouterr().out


def test_a_flaky_one_is_run_again_as_it_failed(failing: int) -> None:
    assert run("--seed", str(failing), "--retry-failed", "9", "--allow-flaky") == 0
    assert run("--last-failed") == 1


def test_what_an_older_version_wrote_is_read() -> None:
    FILE.parent.mkdir()
    FILE.write_text('{"failed": ["race.scenario.yaml::race"]}')
    assert run("--last-failed") == run("--no-cache")


@pytest.mark.parametrize(
    "text", [b"[" * 100_000, b'{"failed": 3}', b"\xff", b"", b'{"failed": {"a": {"seed": "x"}}}']
)
def test_what_can_not_be_read_is_nothing(text: bytes) -> None:
    FILE.parent.mkdir()
    FILE.write_bytes(text)
    assert run("--last-failed") == 3
    assert run() in (0, 1)
