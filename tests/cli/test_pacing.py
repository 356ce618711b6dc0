"""`run --step`: a pause before each step, with what will be sent."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from scenario_runner.cli import scenario_runner
from scenario_runner.cli.exit_codes import exit_code_of

SCENARIO = """scenario: paced
vars: {token: $secret.PARTY}
steps:
  - name: Somebody calls
    call: {as: customer, extension: 341, from: $token}
  - wait: 5s
  - park: {call: customer, slot: 6}
  - slots: {call: customer, slot: 6}
    expect: {holds: customer}
cleanup:
  - name: The end
    hangup: {call: customer}
"""


def paced(typed: str, monkeypatch: pytest.MonkeyPatch, folder: Path) -> int:
    monkeypatch.chdir(folder)
    monkeypatch.setenv("PARTY", "+78120000443")
    (folder / "paced.scenario.yaml").write_text(SCENARIO)
    monkeypatch.setattr("sys.stdin", io.StringIO(typed))
    words = ["run", "paced.scenario.yaml", "--step", "-q"]
    return exit_code_of(
        lambda: scenario_runner.main(words, "scenario-runner", standalone_mode=False)
    )


def test_each_step_waits_and_shows_what_it_sends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert paced("\n" * 9, monkeypatch, tmp_path) == 0
    out = capsys.readouterr().out
    assert out.count("[Enter]") == 5
    first, second, third = (out.index(f"step {n}:") for n in "123")
    asked = [place for place in range(len(out)) if out.startswith("[Enter]", place)]
    assert first < asked[0] < second < asked[1] < third < asked[2]
    assert "   5 |     call: {as: customer" in out
    assert out.index('> {"action": "park", "slot": 6}') < asked[2]
    assert "+78120000443" not in out


@pytest.mark.parametrize(("typed", "asked"), [("c\n", 1), ("\nc\n", 2), ("", 1), ("\n", 2)])
def test_c_or_the_end_of_the_input_goes_on(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    typed: str,
    asked: int,
) -> None:
    assert paced(typed, monkeypatch, tmp_path) == 0
    assert capsys.readouterr().out.count("[Enter]") == asked


def test_q_ends_the_run_after_its_cleanup(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert paced("\n\nq\n", monkeypatch, tmp_path) == 130
    out = capsys.readouterr().out
    assert "step cleanup.1: The end" in out
    assert "step 4" not in out
