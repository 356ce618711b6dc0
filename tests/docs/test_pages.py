"""Everything that README and docs show is run: scenarios, commands, and the output below them."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path
from typing import Any

import click
import pytest

from scenario_runner import SyncPbx
from scenario_runner.cli import scenario_runner
from scenario_runner.cli.exit_codes import exit_code_of
from tests.docs.pages import PAGES, ROOT, Block, blocks, commands

BLOCKS = [block for page in PAGES for block in blocks(page)]
SCENARIOS = [block for block in BLOCKS if block.language == "yaml" and block.is_scenario]
SESSIONS = [block for block in BLOCKS if any("scenario-runner" in c.line for c in commands(block))]
PROGRAMS = [block for block in BLOCKS if block.language == "python"]
OURS = re.compile(r"(\w+=\S+ )*scenario-runner ")
PARSED = ("load", "mock", "ui")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a copy of the examples, which commands are run in."""
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    shutil.copytree(ROOT / "schemas", tmp_path / "schemas")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("PBX_SECRET", "open-sesame")
    return tmp_path


def write_files(page: Path, folder: Path) -> None:
    """Write the page's YAML blocks into the folder, under their names."""
    for block in blocks(page):
        if block.language == "yaml" and ("file" in block.notes or block.is_scenario):
            file = folder / block.file
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(block.content, encoding="utf-8")


def run(line: str, monkeypatch: pytest.MonkeyPatch) -> int:
    """Run a command line in this process; NAME=VALUE before it is set for it.

    A command that serves until it is stopped, or that needs a PBX, is only parsed.
    """
    words = shlex.split(line, comments=True)
    while "=" in words[0]:
        name, _, value = words.pop(0).partition("=")
        monkeypatch.setenv(name, value)
    assert words.pop(0) == "scenario-runner"
    if words[0] in PARSED or "--cluster" in words:
        command = scenario_runner.get_command(click.Context(scenario_runner), words[0])
        assert command is not None
        command.make_context(words[0], words[1:])
        return 0
    return exit_code_of(
        lambda: scenario_runner.main(words, prog_name="scenario-runner", standalone_mode=False)
    )


@pytest.mark.parametrize("block", SCENARIOS, ids=str)
def test_a_scenario_of_a_page_runs(
    block: Block, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_files(block.page, folder)
    code = run(f"scenario-runner run {block.file}", monkeypatch)
    assert code == block.exit_code, "".join(capsys.readouterr())


@pytest.mark.parametrize("block", SESSIONS, ids=str)
def test_a_command_of_a_page_does_what_is_shown(
    block: Block, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_files(block.page, folder)
    for command in commands(block):
        if not OURS.match(command.line):
            continue
        code = run(command.line, monkeypatch)
        out, err = capsys.readouterr()
        assert code == block.exit_code, out + err
        if command.output and command.line.split()[1] not in PARSED:
            assert_shown(command.output, out + err)


@pytest.mark.parametrize("block", PROGRAMS, ids=str)
@pytest.mark.usefixtures("folder")
def test_a_program_of_a_page_runs(
    block: Block, scenario_pbx: SyncPbx, capsys: pytest.CaptureFixture[str]
) -> None:
    """A program either prints verdicts or asserts by itself; the tests in it are called."""
    names: dict[str, Any] = {}
    exec(compile(block.text, str(block), "exec"), names)
    for name, value in list(names.items()):
        if name.startswith("test_"):
            value(scenario_pbx)
    printed = capsys.readouterr().out
    assert "assert " in block.text or "passed examples/01-" in printed


def assert_shown(shown: str, actual: str) -> None:
    """Compare output with what a page shows; a line `...` stands for any lines."""
    parts = re.split(r"^ *\.\.\.\n", shown + "\n", flags=re.MULTILINE)
    pattern = "(?:.*\n)*".join(re.escape(_comparable(part)) for part in parts)
    assert re.fullmatch(pattern, _comparable(actual.strip("\n") + "\n")), actual


def _comparable(text: str) -> str:
    """Take out what may differ: the time that the machine took, and the ids of calls."""
    text = re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "UUID", text)
    return re.sub(r"(?: · |\n)[\d.]+ m?s$", " · TIME", text, flags=re.MULTILINE)


def test_yaml_of_pages_is_tested() -> None:
    """A block that is neither a scenario nor steps nor a file would be tested by nothing."""
    loose = [b for b in BLOCKS if b.language == "yaml" and not b.is_scenario and not b.notes]
    assert [str(block) for block in loose] == []
    assert SCENARIOS
    assert SESSIONS


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_of_a_page_lead_somewhere(page: Path) -> None:
    for link in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
        assert link.startswith("http") or (page.parent / link).exists(), link


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_anchors_of_a_page_are_there(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for target, anchor in re.findall(r"\]\(([^)#]*)#([^)]+)\)", text):
        other = page.parent / target if target else page
        titles = re.findall(r"^#+ (.+)$", other.read_text(encoding="utf-8"), re.MULTILINE)
        assert anchor in {re.sub(r"[^\w -]", "", t.lower()).replace(" ", "-") for t in titles}
