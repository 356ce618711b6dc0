"""The targets file that a mock prints when it starts is one that scenarios run with."""

from __future__ import annotations

import textwrap
from dataclasses import replace
from pathlib import Path

import pytest

from scenario_runner.cli import scenario_runner
from scenario_runner.cli.exit_codes import exit_code_of
from scenario_runner.cli.mock import targets_snippet
from scenario_runner.mock_pbx.profile import PROFILES, Client
from scenario_runner.mock_pbx.server.app import MockOptions
from tests.serving.served import serving

SCENARIO = """
scenario: Park a caller
steps:
  - call: {as: customer, extension: 341, from: "+78120000443"}
  - park: {call: customer, slot: 6}
  - slots: {call: customer, slot: 6}
    expect: {holds: customer}
"""
OWN = replace(
    PROFILES["vendor"],
    clients=(Client(client_id="crm", client_secret="s3cret-of-mine"),),
    extensions=(341, 342),
)


@pytest.mark.parametrize("profile", [PROFILES["vendor"], OWN], ids=["anybody", "one client"])
def test_scenarios_run_with_what_a_mock_prints(
    profile: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MOCK_SECRET", "s3cret-of-mine")
    options = MockOptions(port=0, profile=profile)  # type: ignore[arg-type]
    Path("a.scenario.yaml").write_text(SCENARIO)
    with serving(options) as url:
        text = targets_snippet(url, options)
        assert "s3cret-of-mine" not in text
        _, _, file = text.partition("\n\n")
        Path("scenario-targets.yaml").write_text(textwrap.dedent(file))
        for words in (["targets", "--check"], ["run", "."]):
            assert called(words) == 0, words


def called(words: list[str]) -> int:
    return exit_code_of(lambda: scenario_runner.main(words, standalone_mode=False))
