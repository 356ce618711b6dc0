"""Files of reports: whole or not at all, clear errors, standard output, the registry."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from scenario_runner.errors import UsageError
from scenario_runner.reporters import GROUP, open_reporter, reporter_names
from scenario_runner.reporters.output import Replaced
from tests.reporters.streams import play, stream

if TYPE_CHECKING:
    from pathlib import Path

NAMES = sorted(reporter_names())


@pytest.mark.parametrize("name", NAMES)
def test_unwritable_place_is_told(name: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"can't be written to .*/none/report: No such file"):
        open_reporter(name, str(tmp_path / "none" / "report"))


@pytest.mark.parametrize("name", NAMES)
def test_folder_is_no_report(name: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"can't be written to .*[Ii]s a (folder|directory)|it is"):
        open_reporter(name, str(tmp_path))


@pytest.mark.parametrize("name", NAMES)
def test_standard_output(name: str, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    play(stream("failed"), open_reporter(name, "-"))
    printed = capsys.readouterr().out
    play(stream("failed"), open_reporter(name, str(tmp_path / "report")))
    assert printed == (tmp_path / "report").read_bytes().decode()


def test_old_report_stays_until_the_new_one_is_whole(tmp_path: Path) -> None:
    file = tmp_path / "report.xml"
    file.write_text("old")
    reporter = open_reporter("junit", str(file))
    for event in stream("passed"):
        reporter.handle(event)
        assert file.read_text() == "old"
    reporter.close()
    assert file.read_text().startswith("<?xml")
    assert [file.name for file in tmp_path.iterdir()] == ["report.xml"]


def test_new_report_has_the_rights_of_any_new_file(tmp_path: Path) -> None:
    (tmp_path / "other").touch()
    play(stream("passed"), open_reporter("junit", str(tmp_path / "report")))
    assert (tmp_path / "report").stat().st_mode == (tmp_path / "other").stat().st_mode


def test_place_that_vanishes_is_told_and_nothing_is_left(tmp_path: Path) -> None:
    output = Replaced(str(tmp_path / "report"))
    (tmp_path / "report").mkdir()
    with pytest.raises(UsageError, match="can't be written"):
        output.close()
    assert [file.name for file in tmp_path.iterdir()] == ["report"]


def test_events_are_seen_while_the_run_goes_on(tmp_path: Path) -> None:
    file = tmp_path / "events"
    reporter = open_reporter("events", str(file))
    for event in stream("passed")[:-1]:
        reporter.handle(event)
    assert file.read_text().count("ScenarioFinished") == 2
    reporter.close()


def test_summary_is_added_to_the_end(tmp_path: Path) -> None:
    file = tmp_path / "summary.md"
    file.write_text("before\n")
    play(stream("passed"), open_reporter("summary", str(file)))
    assert file.read_text(encoding="utf-8").startswith("before\n## ✓ Scenarios: passed")


def test_unknown_reporter_is_told_with_the_nearest_name() -> None:
    with pytest.raises(UsageError, match="no reporter 'junti'") as caught:
        open_reporter("junti", "-")
    assert caught.value.hint == "did you mean 'junit'?"


def _adds(folder: Path, monkeypatch: pytest.MonkeyPatch, target: str) -> None:
    """Install a package that adds a reporter."""
    info = folder / "addition-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: addition\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[{GROUP}]\nmine = {target}\n")
    monkeypatch.syspath_prepend(str(folder))


def test_packages_add_reporters(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    _adds(tmp_path, monkeypatch, "scenario_runner.reporters.jsonl:to_file")
    assert "mine" in reporter_names()
    open_reporter("mine", str(tmp_path / "x")).close()


def test_reporter_that_can_not_be_loaded_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    _adds(tmp_path, monkeypatch, "not_there:at_all")
    with pytest.raises(UsageError, match="'mine' can't be loaded"):
        open_reporter("mine", "-")
