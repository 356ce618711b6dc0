"""CONTRIBUTING adds an action: here it is done in a copy, and each change left out in turn."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.docs.pages import ROOT

PAGE = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
COPIED: tuple[str, ...] = (
    "scenario_runner",
    "schemas",
    "tests",
    "docs",
    "examples",
    "benchmarks",
    ".ci",
)
COPIED += ("CHANGELOG.md", "CONTRIBUTING.md", "README.md", "LICENSE", "noxfile.py")
COPIED += ("pyproject.toml", ".pre-commit-config.yaml")


class Change(NamedTuple):
    """One change: in which file, as a diff or as commands, and what a check says without it."""

    file: str
    diff: str
    commands: list[str]
    check: str
    error: str


def changes() -> list[Change]:
    walk = PAGE.partition("<!-- walk-through: add an action -->")[2]
    walk = walk.partition("<!-- end of walk-through -->")[0]
    found: list[Change] = []
    for text in re.split(r"^\d\. ", walk, flags=re.MULTILINE)[1:]:
        [(language, block)] = re.findall(r"```(\w+)\n(.*?)^ *```$", text, re.DOTALL | re.MULTILINE)
        [(check, error)] = re.findall(r"Without it, `(.+?)` says\s+`(.+?)`\.$", text, re.MULTILINE)
        block = textwrap.dedent(block)
        named = re.search(r"`([\w/-]+\.(?:scenario\.yaml|py))`", text.partition("```")[0])
        file = named[1] if named else found[-1].file if found else ""
        diff, commands = (block, []) if language == "diff" else ("", block.splitlines())
        found.append(Change(file, diff, commands, check, error))
    return found


CHANGES = changes()


class Copy:
    """A copy of the project, in which the changes are made."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in COPIED:
            if (ROOT / name).is_dir():
                shutil.copytree(ROOT / name, folder / name)
            else:
                shutil.copy2(ROOT / name, folder / name)

    def make(self, wanted: list[Change]) -> None:
        """Make these changes and no others; what is written by commands comes last."""
        for name in ("scenario_runner", "schemas", "docs", "examples"):
            shutil.rmtree(self.folder / name)
            shutil.copytree(ROOT / name, self.folder / name)
        for change in wanted:
            if change.diff:
                self._edit(self.folder / change.file, change.diff)
        for change in wanted:
            for command in change.commands:
                self.run(command)

    def _edit(self, file: Path, diff: str) -> None:
        lines = diff.rstrip("\n").split("\n")
        before = "\n".join(line[1:] for line in lines if not line.startswith("+"))
        after = "\n".join(line[1:] for line in lines if not line.startswith("-"))
        text = file.read_text(encoding="utf-8")
        assert text.count(before) == 1, f"{file.name} has not once:\n{before}"
        file.write_text(text.replace(before, after), encoding="utf-8")

    def run(self, command: str) -> tuple[int, str]:
        """Run a tool as the page says it, here."""
        tool, *words = command.removeprefix("python -m ").split()
        words += ["-n", "0", "-p", "no:cacheprovider"] if tool == "pytest" else []
        environment = {key: value for key, value in os.environ.items() if key != "PYTEST_ADDOPTS"}
        done = subprocess.run(
            [sys.executable, "-m", tool, *words],
            cwd=self.folder,
            env={**environment, "PYTHONPATH": str(self.folder)},
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout + done.stderr


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Copy:
    return Copy(tmp_path_factory.mktemp("copy"))


def test_the_walk_through_is_read_as_it_is_written() -> None:
    assert len(CHANGES) == 8
    assert len({change.file for change in CHANGES}) == 3
    assert [change.file for change in CHANGES if not (ROOT / change.file).is_file()] == []


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_what_the_walk_through_adds_passes_every_check_and_runs(copy: Copy) -> None:
    copy.make(CHANGES)
    for check in (
        "mypy scenario_runner",
        "ruff check scenario_runner",
        "ruff format --check scenario_runner",
        "pytest tests/language tests/examples tests/docs/test_agreement.py",
        f"scenario_runner run {CHANGES[-1].file}",
        f"scenario_runner doc {CHANGES[-1].file}",
    ):
        code, said = copy.run(check)
        assert code == 0, f"{check}:\n{said}"
    assert "Extension 341 has no call" in said
    busy = copy.folder / "busy.scenario.yaml"
    busy.write_text(
        'scenario: busy\nsteps:\n  - call: {as: c, extension: 341, from: "+7812"}\n'
        "  - idle: {extension: 341}\n"
    )
    code, said = copy.run("scenario_runner run busy.scenario.yaml")
    assert code == 1
    assert "idle: expected no call, got 1 calls: c" in said
    assert "busy.scenario.yaml:4:5" in said


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("number", range(1, len(CHANGES) + 1))
def test_each_change_that_is_forgotten_is_named_by_a_check(copy: Copy, number: int) -> None:
    forgotten = CHANGES[number - 1]
    copy.make([change for change in CHANGES if change is not forgotten])
    code, said = copy.run(forgotten.check)
    assert code != 0
    assert forgotten.error in said
