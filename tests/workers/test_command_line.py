"""`--workers` on the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from scenario_runner.cli import scenario_runner
from scenario_runner.cli.exit_codes import exit_code_of
from scenario_runner.execution.workers import WORTH, available_cores, workers_for

EXAMPLE = str(Path(__file__).parents[2] / "examples/01-park-and-pick-up.scenario.yaml")
REAL = """
targets:
  real: {driver: asterisk, host: 127.0.0.1, port: 9, username: u, password: p, extensions: 341-342}
"""


def run(*words: str) -> int:
    return exit_code_of(lambda: scenario_runner.main(["run", *words], standalone_mode=False))


@pytest.mark.parametrize("number", ["0", "-1", "1.5", "many", "", "257"])
def test_what_is_no_number_of_workers(number: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(EXAMPLE, "--workers", number) == 3
    assert "is neither 'auto' nor a number from 1 to 256" in capsys.readouterr().err


def test_one_step_after_the_other_needs_one_process(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(EXAMPLE, "--workers", "2", "--step") == 3
    assert "leave out --workers" in capsys.readouterr().err


def test_a_real_pbx_is_not_shared_by_processes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    targets = tmp_path / "targets.yaml"
    targets.write_text(REAL)
    assert run(EXAMPLE, "--targets", str(targets), "--target", "real", "--workers", "auto") == 3
    assert "--workers is for the built-in mock" in capsys.readouterr().err


def test_auto_starts_no_process_for_a_few_scenarios() -> None:
    assert workers_for(1) == workers_for(WORTH) == 1
    assert workers_for(1_000_000) == available_cores()


def test_a_run_with_workers(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(EXAMPLE, "--workers", "2", "--no-cache") == 0
    assert "1 passed" in capsys.readouterr().out
