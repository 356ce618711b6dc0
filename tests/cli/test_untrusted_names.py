"""Names in files are shown, and never obeyed by the terminal or a CI server."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.cli.invoking import Invoke, invoking

if TYPE_CHECKING:
    from pathlib import Path

SCENARIO = r"""scenario: "a\e[31m\n::error::pwned"
steps:
  - name: "x\e]0;t\a"
    call: {as: a, extension: 341, from: "+78120000443"}
  - calls: {call: a}
    expect: {state: up}
"""


@pytest.fixture
def run(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Invoke:
    monkeypatch.chdir(tmp_path)
    return invoking(capsys)


@pytest.mark.parametrize(
    "words", [("list", "."), ("doc", "."), ("run", "-v", "."), ("validate", ".")]
)
def test_no_name_moves_the_cursor_or_forms_a_command(
    words: tuple[str, ...], run: Invoke, tmp_path: Path
) -> None:
    (tmp_path / "a.scenario.yaml").write_text(SCENARIO, encoding="utf-8")
    ended = run(*words)
    assert ended.code == 0
    said = ended.out + ended.err
    assert all(letter.isprintable() or letter == "\n" for letter in said)
    if words[0] != "doc":  # a page of Markdown is written to a file, and no log of a CI server
        assert not any(line.startswith("::") for line in said.splitlines())


def test_no_name_of_a_target_moves_the_cursor(run: Invoke, tmp_path: Path) -> None:
    (tmp_path / "scenario-targets.yaml").write_text(
        'targets: {"a\\e[31m": {driver: mock}}\n', encoding="utf-8"
    )
    said = run("targets")
    assert said.code == 0
    assert "driver mock" in said.out
    assert "\x1b" not in said.out


def test_a_folder_for_ladders_that_is_a_file_is_said(run: Invoke, tmp_path: Path) -> None:
    (tmp_path / "a.scenario.yaml").write_text(SCENARIO, encoding="utf-8")
    assert run("run", "a.scenario.yaml", "--events", "e.jsonl").code == 0
    said = run("report", "e.jsonl", "--ladder", "svg", "--ladder-to", "e.jsonl")
    assert said.code == 3
    assert "the folder e.jsonl can't be made" in said.err
