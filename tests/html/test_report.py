"""The HTML report as a file: complete, small, in one piece, and nothing breaks out of it."""

from __future__ import annotations

import re
import tracemalloc
from base64 import b64encode
from hashlib import sha256
from html.parser import HTMLParser
from itertools import chain
from typing import TYPE_CHECKING

import pytest
from msgspec import convert
from msgspec.structs import replace

from scenario_runner.errors import UsageError
from scenario_runner.events import (
    CallChanged,
    Exchange,
    PbxReported,
    RunFinished,
    ScenarioFinished,
    StepStarted,
    Verdict,
    Warned,
)
from scenario_runner.exit_code import Exit
from scenario_runner.reporters import open_reporter
from scenario_runner.reporters.html.page import script
from scenario_runner.reporters.html.report import to_file
from scenario_runner.reporters.ladder import Drawing, build_ladder, draw
from scenario_runner.reporters.results import ResultCollector
from tests.html.reading import Page
from tests.html.writing import run_of, scenario, written
from tests.ladder.telling import RUN, at_line, finished, started
from tests.reporters.streams import CASES, stream

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from scenario_runner.events import Event

KIB = 1024


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "report.html"


@pytest.mark.parametrize("case", CASES)
def test_every_message_of_every_scenario_is_in_the_page(case: str, path: Path) -> None:
    events = stream(case)
    written(path, iter(events))
    page = Page(path)
    found = [page.record(row[-1]) for row in page.rows]
    steps = [step for record in found for step in record.get("steps", [])]
    assert [step["id"] for step in steps] == [e.step for e in events if isinstance(e, StepStarted)]
    wire = [one for step in steps for one in step.get("wire", [])]
    wire += [one for record in found for one in record.get("around", [])]
    happened = [e for e in events if isinstance(e, (Exchange, CallChanged, PbxReported))]
    assert len(wire) == len(happened)
    sent = [one["sent"] for one in wire if isinstance(one, dict)]
    assert sorted(sent) == sorted(e.sent.rstrip() for e in events if isinstance(e, Exchange))


@pytest.mark.parametrize("case", CASES)
def test_the_ladder_of_the_page_is_the_one_of_the_file(case: str, path: Path) -> None:
    written(path, iter(stream(case)))
    gathered = ResultCollector()
    results = [gathered.handle(event) for event in stream(case)]
    drawn = {
        (result.finished.scenario, result.started.attempt): draw(build_ladder(result.inside))
        for result in results
        if result is not None
    }
    page = Page(path)
    for row in page.rows:
        if (row[0], row[-2]) in drawn:
            assert convert(page.record(row[-1])["ladder"], Drawing) == drawn[row[0], row[-2]]


def test_an_invalid_file_is_a_row_with_its_problems(path: Path) -> None:
    written(path, iter(stream("invalid")))
    page = Page(path)
    first, *_ = rows = [row for row in page.rows if row[2] == "invalid"]
    assert [row[1] for row in rows] == [
        "examples/01_bad.scenario.yaml",
        "examples/03_twice.scenario.yaml",
    ]
    assert "unknown-key: unknown key 'prak' in a step (and 1 more problem)" in first
    problems = page.record(first[-1])["invalid"]
    assert [problem["at"].rpartition(":")[2] for problem in problems] == ["3", "4"]
    assert "invalid" in page.shell


def test_what_tells_the_rows_of_a_matrix_apart_is_not_in_their_names(path: Path) -> None:
    row = (("slot", "6"), ("agent", "342"))
    begin = replace(started("Park [slot=6, agent=342] (run 2)"), row=row)
    written(path, chain([RUN], [begin], [finished(Verdict.PASSED)]))
    (shown,) = Page(path).rows
    assert shown[1] == "Park (run 2)"
    assert shown[6] == [["slot", "6"], ["agent", "342"]]


def test_rows_say_what_the_list_shows(path: Path) -> None:
    written(path, run_of(Verdict.PASSED, Verdict.FAILED))
    passed, bad = Page(path).rows
    assert passed[1:5] == ["Park a caller in slot 0", "passed", 190_000_000, "3m 10s"]
    assert passed[5] == ["parking", "slow"]
    assert passed[7:11] == ["cases/park-0.scenario.yaml", 1, "", 1]
    assert bad[2] == "failed"
    assert "slot 6 holds nobody" in bad[9]


def test_the_texts_of_files_are_there_once(path: Path) -> None:
    written(path, chain(run_of(Verdict.PASSED, Verdict.FAILED), run_of(Verdict.PASSED)))
    page = Page(path)
    files = dict(page.facts["files"])
    assert list(files) == [
        "cases/park-0.scenario.yaml",
        "cases/park-1.scenario.yaml",
    ]
    place = files["cases/park-1.scenario.yaml"]
    assert page.record(place).startswith("scenario: Park a caller")


def test_warnings_are_kept(path: Path) -> None:
    warned = Warned(code="unused", message="$slot is never used", span=at_line(4))
    written(path, iter([RUN, warned]))
    assert Page(path).facts["warnings"] == [["park.scenario.yaml:4", warned.message, ""]]


def test_an_interrupted_run_is_written_with_what_was_running(path: Path) -> None:
    events = [e for e in scenario(1) if not isinstance(e, ScenarioFinished)]
    written(path, iter([RUN, *events[:8]]))
    page = Page(path)
    (row,) = page.rows
    assert row[2] == "errored"
    assert page.record(row[-1])["reason"] == "interrupted"
    assert page.facts["interrupted"] is True
    assert page.facts["missing"] == RUN.total - 1
    assert page.facts["took"] == ""


def test_each_attempt_is_a_row(path: Path) -> None:
    events = chain(scenario(1, Verdict.FAILED), scenario(1, Verdict.FLAKY, attempt=2))
    written(path, chain([RUN], events, [RunFinished(counts=(), exit_code=Exit.PASSED, took=1)]))
    assert [row[2] for row in Page(path).rows] == ["failed", "flaky"]


def test_an_empty_run_is_a_page_too(path: Path) -> None:
    written(path, iter([]))
    page = Page(path)
    assert page.rows == []
    assert page.facts["interrupted"] is True
    assert "Scenarios: none" in page.text


def test_the_page_appears_whole_or_not_at_all(path: Path) -> None:
    path.write_text("old")
    report = to_file(str(path))
    for event in run_of(Verdict.PASSED):
        report.handle(event)
    assert path.read_text() == "old"
    report.close()
    assert path.read_text().startswith("<!doctype html>")
    assert [file.name for file in path.parent.iterdir()] == ["report.html"]


def test_a_place_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="can't be written"):
        to_file(str(tmp_path / "nowhere" / "report.html"))


def test_it_is_found_by_name(path: Path) -> None:
    report = open_reporter("html", str(path))
    report.close()
    assert path.exists()


class Tags(HTMLParser):
    """Collects the elements, and the attributes that could load something."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.loading: list[tuple[str, str | None]] = []
        self.policy = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.loading += [(name, value) for name, value in attrs if name in ("src", "href")]
        named = dict(attrs)
        if named.get("http-equiv") == "Content-Security-Policy":
            self.policy = named["content"] or ""


def parsed(path: Path) -> Tags:
    tags = Tags()
    tags.feed(path.read_text(encoding="utf-8"))
    return tags


def test_nothing_is_loaded_and_the_policy_forbids_it(path: Path) -> None:
    written(path, run_of(Verdict.PASSED))
    tags = parsed(path)
    assert tags.loading == [("href", "data:,")]
    digest = b64encode(sha256(script().encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in tags.policy
    assert tags.policy.startswith("default-src 'none';")
    assert "unsafe" not in tags.policy


def test_markup_from_outside_adds_no_element(tmp_path: Path) -> None:
    plain, hostile = tmp_path / "plain.html", tmp_path / "hostile.html"
    written(plain, iter(stream("passed")))
    written(hostile, iter(stream("hostile")))
    assert parsed(hostile).tags == parsed(plain).tags
    shell = Page(hostile).shell
    assert "<b>" not in shell.replace("<b>Scenario report</b>", "")
    assert "\u2028" not in shell


@pytest.mark.parametrize(
    "word", ["innerHTML", "outerHTML", "insertAdjacent", "document.write", "eval(", "Function("]
)
def test_the_script_makes_no_elements_out_of_text(word: str) -> None:
    assert word not in script()


def test_the_script_names_no_address() -> None:
    assert set(re.findall(r"https?://[\w./]+", script())) == {"http://www.w3.org/2000/svg"}


def test_a_passed_scenario_is_small(path: Path) -> None:
    written(path, run_of())
    empty = path.stat().st_size
    written(path, run_of(*[Verdict.PASSED] * 300))
    assert (path.stat().st_size - empty) / 300 <= 3 * KIB
    assert empty + (path.stat().st_size - empty) / 300 * 10_000 <= 10 * KIB * KIB


def test_memory_does_not_grow_with_the_run(path: Path) -> None:
    report = to_file(str(path))
    tracemalloc.start()
    try:
        sizes: list[int] = []
        for batch in (range(200), range(200, 800)):
            for event in _all(batch):
                report.handle(event)
            sizes.append(tracemalloc.get_traced_memory()[0])
        assert (sizes[1] - sizes[0]) / 600 <= 2 * KIB
    finally:
        tracemalloc.stop()
        report.close()


def _all(numbers: range) -> Iterator[Event]:
    for number in numbers:
        yield from scenario(number)
