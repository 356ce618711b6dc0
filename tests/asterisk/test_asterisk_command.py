"""`python -m tests.asterisk`: an Asterisk for newcomers, with one command."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from scenario_runner.loading.targets import read_targets
from scenario_runner.masking import Mask
from scenario_runner.pbx import drivers

from . import __main__ as command
from .running_there import finished, run_text

if TYPE_CHECKING:
    from pathlib import Path

    from .instance import Instance

pytestmark = pytest.mark.real

SCENARIO = """
scenario: smoke
steps:
  - call: {as: customer, extension: 341, from: "+78120000443"}
  - park: {call: customer, slot: 6}
  - slots: {call: customer, slot: 6}
    expect: {holds: customer}
"""


def test_one_command_gives_an_asterisk_and_another_ends_it(
    asterisk: Instance,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert asterisk.process is not None  # so that there are packages
    run = tmp_path / "run"
    monkeypatch.setattr(command, "RUN", run)
    monkeypatch.setattr(command, "PID", run / "asterisk.pid")
    monkeypatch.setattr(command, "TARGETS", run / "scenario-targets.yaml")
    assert command.main(["start"]) == 0
    try:
        shown = capsys.readouterr().out
        assert f"--targets {run / 'scenario-targets.yaml'}" in shown
        pid = command._pid()
        assert command.main(["start"]) == 0
        assert "it runs already" in capsys.readouterr().err
        assert command._pid() == pid
        file = read_targets(str(run / "scenario-targets.yaml"), drivers)
        assert file.default == "asterisk"
        events = run_text(file.target("asterisk", {}, Mask()), tmp_path, SCENARIO)
        assert [end.verdict for end in finished(events)] == ["passed"]
    finally:
        assert command.main(["stop"]) == 0
    assert command._pid() is None
    assert not run.exists()


@pytest.mark.parametrize("words", [[], ["begin"], ["start", "now"]])
def test_other_words_are_told_how(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(words) == 3
    assert "start | stop" in capsys.readouterr().err
