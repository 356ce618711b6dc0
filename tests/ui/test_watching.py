"""Files are seen to change, and what a change touches is run again."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from scenario_runner.cli import scenario_runner
from scenario_runner.cli.exit_codes import exit_code_of
from scenario_runner.cli.watch import watch
from scenario_runner.execution.file_watch import FileWatch, users_of
from scenario_runner.execution.run import RunRequest
from scenario_runner.execution.selection import Selection

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

GOOD = """scenario: {name}
steps:
  - call: {{as: customer, extension: 341, from: "+7"}}
  - slots: {{call: customer, slot: 6}}
    expect: {{empty: true}}
"""
USES = """scenario: Uses a fragment
steps:
  - use: {file: parts/one.yaml, exports: {customer: customer}}
  - slots: {call: customer, slot: 6}
    expect: {empty: true}
"""
FRAGMENT = """fragment: A customer
exports: [customer]
steps:
  - call: {as: customer, extension: 341, from: "+7"}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts/one.yaml").write_text(FRAGMENT)
    (tmp_path / "a.scenario.yaml").write_text(GOOD.format(name="A"))
    (tmp_path / "b.scenario.yaml").write_text(GOOD.format(name="B"))
    (tmp_path / "c.scenario.yaml").write_text(USES)
    return tmp_path


def touch(file: Path) -> None:
    """Change when a file was changed, whatever the file system's clock can tell apart."""
    told = file.stat()
    os.utime(file, ns=(told.st_atime_ns, told.st_mtime_ns + 1))


def test_changed_new_and_lost_files_are_seen_once(folder: Path) -> None:
    files = FileWatch(["."])
    assert files.count == 3
    assert files.changed() == frozenset()
    touch(folder / "a.scenario.yaml")
    (folder / "b.scenario.yaml").unlink()
    (folder / "d.scenario.yaml").write_text(GOOD.format(name="D"))
    assert files.changed() == {"a.scenario.yaml", "b.scenario.yaml", "d.scenario.yaml"}
    assert files.changed() == frozenset()


def test_a_path_that_is_gone_for_a_moment_is_no_fault(folder: Path) -> None:
    files = FileWatch(["a.scenario.yaml"])
    (folder / "a.scenario.yaml").rename(folder / "x")
    assert files.changed() == {"a.scenario.yaml"}
    (folder / "x").rename(folder / "a.scenario.yaml")
    assert files.changed() == {"a.scenario.yaml"}


def test_a_fragment_touches_those_that_use_it() -> None:
    sources = {"a": frozenset({"a"}), "c": frozenset({"c", "parts/one.yaml"})}
    assert users_of(frozenset({"parts/one.yaml"}), sources) == ("c",)
    assert users_of(frozenset({"a"}), sources) == ("a",)
    assert users_of(frozenset({"new", "a"}), sources) == ("a", "new")


class Editing:
    """Stands for the pause between two looks: does one edit after the other, then Ctrl-C."""

    def __init__(self, *edits: Callable[[], object]) -> None:
        self._edits = list(edits)

    def __call__(self) -> None:
        if not self._edits:
            raise KeyboardInterrupt
        self._edits.pop(0)()


def watched(paths: tuple[str, ...], *edits: Callable[[], object]) -> tuple[int, list[list[str]]]:
    """Watch while files are edited; return the exit code and the paths of each run."""
    ran: list[list[str]] = []

    def run(request: RunRequest) -> int:
        ran.append(sorted(request.paths))
        return len(ran)

    return watch(RunRequest(paths=paths), run, Editing(*edits)), ran


def test_only_what_a_change_touches_is_run_again(folder: Path) -> None:
    code, ran = watched(
        (".",),
        lambda: None,
        lambda: touch(folder / "a.scenario.yaml"),
        lambda: touch(folder / "parts/one.yaml"),
        lambda: (folder / "d.scenario.yaml").write_text(GOOD.format(name="D")),
    )
    assert ran == [["."], ["a.scenario.yaml"], ["c.scenario.yaml"], ["d.scenario.yaml"]]
    assert code == 4, "the last run's"


def test_a_file_that_becomes_invalid_is_run_and_waited_for(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = folder / "a.scenario.yaml"
    code, ran = watched(
        (".",),
        lambda: file.write_text("scenario: A\nsteps:\n  - pork: 1\n"),
        lambda: file.write_text(GOOD.format(name="A again")),
    )
    assert ran == [["."], ["a.scenario.yaml"], ["a.scenario.yaml"]]
    assert code == 3
    assert "watching 4 files; Ctrl-C ends" in capsys.readouterr().err


def test_one_scenario_of_a_file_stays_one(folder: Path) -> None:
    _, ran = watched(("a.scenario.yaml::A",), lambda: touch(folder / "a.scenario.yaml"))
    assert ran == [["a.scenario.yaml::A"], ["a.scenario.yaml::A"]]


def test_a_folder_that_becomes_empty_is_waited_for(folder: Path) -> None:
    (folder / "own").mkdir()
    file = folder / "own/a.scenario.yaml"
    file.write_text(GOOD.format(name="A"))
    code, ran = watched(
        ("own",),
        file.unlink,
        lambda: file.write_text(GOOD.format(name="A again")),
    )
    assert ran == [["own"], ["own/a.scenario.yaml"]]
    assert code == 2


def test_that_nothing_is_chosen_is_said_and_waited_for(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    selection = Selection(tags=("smoke",))
    request = RunRequest(paths=("a.scenario.yaml",), selection=selection)
    code = watch(request, lambda _: 0, Editing(lambda: touch(folder / "a.scenario.yaml")))
    assert code == 3
    assert capsys.readouterr().err.count("watching 1 file; Ctrl-C ends") == 2


def test_watching_and_stepping_exclude_each_other(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["run", "--watch", "--step", "."]
    code = exit_code_of(lambda: scenario_runner.main(words, standalone_mode=False))
    assert code == 3
    assert "leave one of both out" in capsys.readouterr().err
