"""`run --step`: a pause before each step, with what will be sent."""

from __future__ import annotations

import io
import json
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
    words = ["run", "paced.scenario.yaml", "--step", "-q", "--events", "events.jsonl"]
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


def test_it_shows_the_steps_own_request_and_what_it_expects(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    paced("\n" * 9, monkeypatch, tmp_path)
    out = capsys.readouterr().out
    assert "grant_type" not in out
    assert "access_token" not in out
    first = out[: out.index("[Enter]")]
    assert "> POST /mock/calls" in first
    asked = [place for place in range(len(out)) if out.startswith("[Enter]", place)]
    assert out.index("   9 |     expect: {holds: customer}") < asked[3]
    assert "expect" not in out[: asked[2]]


@pytest.mark.parametrize("typed", ["no!", "?", "h", "help", "qu", "cc", "y"])
def test_what_is_no_key_gets_help_and_sends_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], typed: str
) -> None:
    assert paced(f"{typed}\n", monkeypatch, tmp_path) == 130
    assert capsys.readouterr().out.count("q (quit) ends the run") == 2
    assert "POST /mock/calls" not in (tmp_path / "events.jsonl").read_text()


@pytest.mark.parametrize("typed", ["q\n", "quit\n", "Q\n", ""])
@pytest.mark.parametrize("before", [0, 1, 2, 3])
def test_the_step_at_which_one_quits_is_skipped_and_not_sent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, typed: str, before: int
) -> None:
    assert paced("\n" * before + typed, monkeypatch, tmp_path) == 130
    events = [json.loads(line) for line in (tmp_path / "events.jsonl").read_text().splitlines()]
    steps = [e for e in events if e["event"] == "StepFinished"]
    verdicts = [step["verdict"] for step in steps if step["step"].isdigit()]
    assert verdicts == ["passed"] * before + ["skipped"] * (4 - before)
    assert len([e for e in events if e["event"] == "Exchange" and e["step"] == "3"]) == (
        before == 3
    )


@pytest.mark.parametrize(("typed", "asked"), [("c\n", 1), ("\nc\n", 2), ("\ncontinue\n", 2)])
def test_c_goes_on(
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
    assert out.count("\n  skipped\n") == 2
