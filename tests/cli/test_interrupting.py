from __future__ import annotations

import asyncio
import signal

import pytest

from scenario_runner.cli.interrupting import interruptible
from scenario_runner.cli.run import command
from scenario_runner.execution.stopping import Stop


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
    from click.testing import CliRunner

    ran = CliRunner().invoke(command, [*words, "examples"])
    assert ran.exit_code == 2
    assert f"Invalid value for '{'-j' if words[0] == '--jobs' else words[-2]}" in ran.output
