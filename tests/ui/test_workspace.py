"""Files are read, checked, saved and watched; never outside of the path, never blindly."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from scenario_runner.errors import InvalidFiles, UsageError
from scenario_runner.ui.workspace import Conflict, Saved, Workspace
from tests.ui.test_watching import FRAGMENT, GOOD, USES

A = "a.scenario.yaml"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in").mkdir()
    (tmp_path / "in/parts").mkdir()
    (tmp_path / "in/parts/one.yaml").write_text(FRAGMENT)
    (tmp_path / "in" / A).write_text(GOOD.format(name="A"))
    (tmp_path / "in/c.scenario.yaml").write_text(USES)
    (tmp_path / "secret.yaml").write_text("password: x\n")
    return tmp_path


@pytest.mark.usefixtures("folder")
def test_files_and_scenarios_are_listed() -> None:
    space = Workspace("in")
    assert space.files == (f"in/{A}", "in/c.scenario.yaml")
    assert [one.name for one in space.scenarios] == ["A", "Uses a fragment"]
    assert space.scenario(f"in/{A}::A") is not None


@pytest.mark.usefixtures("folder")
def test_a_path_that_is_not_there_is_an_error() -> None:
    with pytest.raises(UsageError, match="no file or directory 'nowhere'"):
        Workspace("nowhere")


@pytest.mark.parametrize(
    "name",
    ["secret.yaml", "in/../secret.yaml", "/etc/passwd", "in/link.scenario.yaml", "in/../in2/x"],
)
def test_nothing_outside_of_the_path_is_read_or_written(folder: Path, name: str) -> None:
    (folder / "in/link.scenario.yaml").symlink_to(folder / "secret.yaml")
    space = Workspace("in")
    with pytest.raises(UsageError, match="is not below in"):
        space.read(name)
    document = space.read(f"in/{A}")
    with pytest.raises(UsageError, match="is not below in"):
        space.save(type(document)(name, "", b""), "pwned")
    with pytest.raises(UsageError, match="is not below in"):
        space.create("../pwned", "x")
    assert (folder / "secret.yaml").read_text() == "password: x\n"


def test_one_file_is_only_that_file(folder: Path) -> None:
    space = Workspace(f"in/{A}")
    assert space.read(f"in/{A}").text.startswith("scenario: A")
    with pytest.raises(UsageError):
        space.read("in/c.scenario.yaml")
    with pytest.raises(UsageError):
        space.create("new", "scenario: x\n")
    assert not (folder / "in/new.scenario.yaml").exists()


def test_saving_writes_and_checks(folder: Path) -> None:
    space = Workspace("in")
    document = space.read(f"in/{A}")
    done = space.save(document, GOOD.format(name="B"))
    assert isinstance(done, Saved)
    assert space.scenarios[0].name == "B"
    assert (folder / "in" / A).read_text() == GOOD.format(name="B")
    assert list((folder / "in").glob(".*")) == []


def test_line_ends_and_rights_stay(folder: Path) -> None:
    file = folder / "in" / A
    file.write_bytes(GOOD.format(name="A").replace("\n", "\r\n").encode())
    file.chmod(0o640)
    space = Workspace("in")
    document = space.read(f"in/{A}")
    space.save(document, document.text.replace("\r\n", "\n").replace("A", "B"))
    assert b"scenario: B\r\nsteps:\r\n" in file.read_bytes()
    assert file.stat().st_mode & 0o777 == 0o640


def test_what_another_program_wrote_is_never_overwritten_unasked(folder: Path) -> None:
    space = Workspace("in")
    document = space.read(f"in/{A}")
    (folder / "in" / A).write_text("theirs: x\n")
    done = space.save(document, "mine: x\n")
    assert isinstance(done, Conflict)
    assert done.theirs.text == "theirs: x\n"
    assert (folder / "in" / A).read_text() == "theirs: x\n"
    assert isinstance(space.save(replace(document, data=done.theirs.data), "mine: x\n"), Saved)
    assert (folder / "in" / A).read_text() == "mine: x\n"


def test_what_another_program_wrote_may_be_no_text(folder: Path) -> None:
    space = Workspace("in")
    document = space.read(f"in/{A}")
    (folder / "in" / A).write_bytes(b"\xff")
    done = space.save(document, "mine: x\n")
    assert isinstance(done, Conflict)
    assert (done.theirs.text, done.theirs.data) == ("", b"\xff")


def test_the_same_text_written_twice_is_no_conflict(folder: Path) -> None:
    space = Workspace("in")
    document = space.read(f"in/{A}")
    (folder / "in" / A).write_text("same: x\n")
    assert isinstance(space.save(document, "same: x\n"), Saved)


def test_a_file_that_is_gone_is_written_again(folder: Path) -> None:
    space = Workspace("in")
    document = space.read(f"in/{A}")
    (folder / "in" / A).unlink()
    assert isinstance(space.save(document, document.text), Saved)


def test_what_can_t_be_written_says_so(folder: Path) -> None:
    space = Workspace("in")
    document = space.read(f"in/{A}")
    (folder / "in" / A).unlink()
    (folder / "in" / A).mkdir()
    with pytest.raises(UsageError, match=f"can't write in/{A}"):
        space.save(document, "x")
    assert list((folder / "in").glob(".*")) == []


@pytest.mark.usefixtures("folder")
def test_new_files_get_the_ending_and_never_another_s_place() -> None:
    space = Workspace("in")
    made = space.create("deep/new", GOOD.format(name="New"))
    assert made.file == str(Path("in/deep/new.scenario.yaml"))
    assert made.file in space.files
    with pytest.raises(UsageError, match="there is a file"):
        space.create("deep/new.scenario.yaml", "")


def test_changes_on_the_disk_are_taken_over(folder: Path) -> None:
    space = Workspace("in")
    assert space.refresh() == ()
    (folder / "in/parts/one.yaml").write_text(FRAGMENT.replace("341", "342"))
    assert space.refresh() == ("in/c.scenario.yaml",)
    (folder / "in" / A).unlink()
    assert space.refresh() == (f"in/{A}",)
    assert space.files == ("in/c.scenario.yaml",)
    (folder / "in" / A).write_text("scenario: broken\nsteps:\n  - pork: 1\n")
    assert space.refresh() == (f"in/{A}",)
    problems = space.loaded[f"in/{A}"].problems
    assert "unknown-key" in [problem.code for problem in problems]


@pytest.mark.usefixtures("folder")
def test_text_is_checked_as_if_it_stood_in_the_file() -> None:
    space = Workspace("in")
    assert space.check("in/c.scenario.yaml", USES).problems == ()
    broken = space.check("in/c.scenario.yaml", USES.replace("one.yaml", "two.yaml"))
    assert broken.problems[0].span.file == "in/c.scenario.yaml"


def test_what_is_no_text_says_so(folder: Path) -> None:
    (folder / "in" / A).write_bytes(b"\xff\xfe")
    with pytest.raises(InvalidFiles):
        Workspace("in").read(f"in/{A}")
