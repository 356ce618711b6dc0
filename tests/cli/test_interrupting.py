from __future__ import annotations

import asyncio
import json
import signal
from pathlib import Path

import pytest
from click.testing import CliRunner

from scenario_runner.cli.run import command
from scenario_runner.cli.signals import interruptible
from scenario_runner.events import Event, StepStarted
from scenario_runner.execution.options import Stop
from scenario_runner.reporters.console import Console


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_lets_the_run_clean_up_and_the_second_does_not(
    number: signal.Signals, capsys: pytest.CaptureFixture[str]
) -> None:
    cleaned = []

    async def running(stop: Stop) -> None:
        with stop.heeded():
            signal.raise_signal(number)
            try:
                await asyncio.sleep(60)
            finally:
                cleaned.append("up")
                signal.raise_signal(number)
                cleaned.append("too late")

    before = signal.getsignal(number)
    stop = Stop()
    with pytest.raises(KeyboardInterrupt), interruptible(stop):
        asyncio.run(running(stop))
    assert cleaned == ["up"]
    assert capsys.readouterr().err == (
        "\ninterrupted: cleaning up, for a minute at most; Ctrl-C again leaves at once\n"
    )
    assert signal.getsignal(number) is before


def test_where_nothing_runs_there_is_nothing_to_clean_up(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(KeyboardInterrupt), interruptible(Stop()):
        signal.raise_signal(signal.SIGINT)
    assert capsys.readouterr().err == ""


def test_reports_are_whole_although_the_run_was_interrupted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "a.scenario.yaml"
    file.write_text(
        'scenario: a\nsteps:\n  - call: {as: c, extension: 341, from: "+7"}\n'
        "  - wait: 1s\n  - calls: {call: c}\n    expect: {state: up}\n"
        "cleanup:\n  - hangup: {call: c}\n"
    )
    handle = Console.handle

    def interrupting(self: Console, event: Event) -> None:
        handle(self, event)
        if isinstance(event, StepStarted) and event.step == "2":
            signal.raise_signal(signal.SIGTERM)

    monkeypatch.setattr(Console, "handle", interrupting)
    monkeypatch.chdir(tmp_path)
    words = ["--junit", "j.xml", "--json", "j.json", "--events", "e.jsonl", "--html", "p.html"]
    ran = CliRunner().invoke(command, [*words, str(file)], standalone_mode=False)
    assert ran.return_value == 130
    assert "the run was interrupted" in ran.output
    assert "✓ passed  cleanup › 1 hangup" in ran.output
    assert "the run was interrupted" in (tmp_path / "j.xml").read_text()
    assert json.loads((tmp_path / "j.json").read_text())
    last = (tmp_path / "e.jsonl").read_text().splitlines()[-1]
    assert json.loads(last)["event"] == "RunFinished"
    assert "</html>" in (tmp_path / "p.html").read_text()
    assert not list(tmp_path.glob(".*.x*"))


@pytest.mark.parametrize(
    "words",
    [
        ["--jobs", "0"],
        ["--jobs", "-3"],
        ["--repeat-run", "0"],
        ["--retry-failed", "-1"],
        ["--all-orders", "--max-orders", "0"],
    ],
    ids=" ".join,
)
def test_a_number_with_which_nothing_would_run_is_refused(words: list[str]) -> None:
    ran = CliRunner().invoke(command, [*words, "examples"])
    assert ran.exit_code == 2
    assert f"Invalid value for '{'-j' if words[0] == '--jobs' else words[-2]}" in ran.output
