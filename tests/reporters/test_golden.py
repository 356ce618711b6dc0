"""Every report of every golden stream is what it was."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from scenario_runner.reporters import open_reporter
from scenario_runner.reporters.console import Console, Plain
from scenario_runner.reporters.console_sections import Detail
from tests.reporters.streams import CASES, GOLDEN, Kept, play, stream

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

FILES = {
    "console": "console.txt",
    "ctrf": "ctrf.json",
    "github": "github.txt",
    "gitlab": "gitlab.json",
    "json": "report.json",
    "junit": "junit.xml",
    "markdown": "summary.md",
    "tap": "report.tap",
}


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("case", CASES)
def test_report(case: str, name: str, tmp_path: Path, golden: Callable[[Path, str], None]) -> None:
    file = tmp_path / FILES[name]
    play(stream(case), open_reporter(name, str(file)))
    golden(GOLDEN / case / FILES[name], file.read_bytes().decode())


@pytest.mark.parametrize(
    ("width", "detail", "file"),
    [
        (40, Detail.STEPS, "console.40.txt"),
        (80, Detail.QUIET, "console.quiet.txt"),
        (80, Detail.EXCHANGES, "console.verbose.txt"),
    ],
)
@pytest.mark.parametrize("case", CASES)
def test_console(
    case: str, width: int, detail: Detail, file: str, golden: Callable[[Path, str], None]
) -> None:
    output = Kept()
    play(stream(case), Console(Plain(output, width), detail))
    golden(GOLDEN / case / file, output.text)


@pytest.mark.parametrize("case", CASES)
def test_events_come_out_as_they_went_in(case: str, tmp_path: Path) -> None:
    file = tmp_path / "events.jsonl"
    play(stream(case), open_reporter("events", str(file)))
    assert file.read_bytes() == (GOLDEN / case / "events.jsonl").read_bytes()
