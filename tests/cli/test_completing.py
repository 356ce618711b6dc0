"""What a shell completes: asked through click as zsh and fish do, and through bash itself."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.shell_completion import CompletionItem, ShellComplete

from scenario_runner.cli import scenario_runner
from scenario_runner.cli.completing import Bash

SCENARIO = """
scenario: Park a caller
tags: [smoke, parking]
matrix:
  - {slot: 6, name: first}
  - {slot: 20}
steps:
  - call: {as: customer, extension: 341, from: "+7812"}
  - slots: {call: customer, slot: $slot}
    expect: {empty: true}
---
scenario: Pick up
tags: [slow]
steps:
  - call: {as: customer, extension: 341, from: "+7812"}
  - calls: {call: customer}
    expect: {state: up}
"""
TARGETS = "default: mock\ntargets:\n  mock: {driver: mock}\n  staging: {driver: mock}\n"
NAMES = ["Park a caller", "Park a caller [first]", "Park a caller [slot=20]"]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.scenario.yaml").write_text(SCENARIO)
    (tmp_path / "scenario-targets.yaml").write_text(TARGETS)
    return tmp_path


def completed(*words: str) -> list[str]:
    *args, incomplete = words
    shell = ShellComplete(scenario_runner, {}, "scenario-runner", "_SCENARIO_RUNNER_COMPLETE")
    return [
        item.value if item.type == "plain" else f"<{item.type}>"
        for item in shell.get_completions(args, incomplete)
    ]


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["val"], ["validate"]),
        (["run", ""], ["<file>"]),
        (["run", "a.sc"], ["<file>"]),
        (["run", "a.scenario.yaml", "--junit", ""], ["<file>"]),
        (["validate", "a"], ["<file>"]),
        (["run", ".", "--target", "s"], ["staging"]),
        (["run", "--target", ""], ["mock", "staging"]),
        (["compare", "st"], ["staging"]),
        (["run", ".", "--tag", "s"], ["slow", "smoke"]),
        (["list", "--skip-tag", "pa"], ["parking"]),
        (["explain", "missing-d"], ["missing-dollar"]),
        (["schema", "t"], ["targets"]),
        (["completion", "f"], ["fish"]),
        (["run", "a.scenario.yaml::Pi"], ["a.scenario.yaml::Pick up"]),
        (["run", "a.scenario.yaml::Park"], [f"a.scenario.yaml::{name}" for name in NAMES]),
        (["run", "gone.yaml::P"], []),
        (["run", "--targets", "gone.yaml", "--target", "s"], []),
        (["run", "--var", "x"], []),
    ],
)
def test_a_shell_completes(words: list[str], found: list[str]) -> None:
    assert list(dict.fromkeys(completed(*words))) == found


@pytest.mark.parametrize(
    ("line", "args", "incomplete", "answer"),
    [
        ("scenario-runner run ", ["run"], "", "a.yaml::Park"),
        ("scenario-runner run a.yaml::Pa", ["run"], "a.yaml::Pa", "Park"),
        ("scenario-runner run a.yaml::", ["run"], "a.yaml::", "Park"),
        ("scenario-runner run 'a.yaml::Park a", ["run"], "a.yaml::Park a", "a.yaml::Park"),
        ("scenario-runner run a.yaml --tag s", ["run", "a.yaml", "--tag"], "s", "a.yaml::Park"),
    ],
)
def test_bash_is_answered_from_the_last_colon(
    monkeypatch: pytest.MonkeyPatch, line: str, args: list[str], incomplete: str, answer: str
) -> None:
    monkeypatch.setenv("COMP_WORDS", line)
    monkeypatch.setenv("COMP_WORDBREAKS", " \t\n\"'><=;|&(:")
    bash = Bash(scenario_runner, {}, "scenario-runner", "_SCENARIO_RUNNER_COMPLETE")
    assert bash.get_completion_args() == (args, incomplete)
    assert bash.format_completion(CompletionItem("a.yaml::Park")) == f"plain,{answer}"


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash")
def test_bash_itself_completes_names_of_scenarios(folder: Path) -> None:
    line = "scenario-runner run a.scenario.yaml::Pi"
    script = f"""
        eval "$(scenario-runner completion bash)"
        compopt() {{ :; }}
        COMP_LINE='{line}' COMP_POINT={len(line)}
        _scenario_runner_completion scenario-runner
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    ran = subprocess.run(
        ["bash", "--norc", "-c", script],
        cwd=folder, env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert ran.stdout == "Pick up\n", ran.stderr
