"""Events read back: one run made of several, and clear errors for what is broken."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from scenario_runner.errors import UsageError
from scenario_runner.events import Event, RunFinished, RunStarted, ScenarioFinished, to_line
from scenario_runner.reporters.file_reporter import Filed
from scenario_runner.reporters.junit import JUnit
from scenario_runner.reporters.merge import read_events
from tests.reporters.streams import CASES, GOLDEN, Kept, play, stream

if TYPE_CHECKING:
    from pathlib import Path


def _golden(case: str) -> str:
    return str(GOLDEN / case / "events.jsonl")


def _file(path: Path, events: list[Event]) -> str:
    path.write_text("".join(to_line(event) + "\n" for event in events), encoding="utf-8")
    return str(path)


def _ends(events: list[Event]) -> tuple[RunStarted, RunFinished]:
    begin, end = events[0], events[-1]
    assert isinstance(begin, RunStarted)
    assert isinstance(end, RunFinished)
    return begin, end


@pytest.mark.parametrize("case", [case for case in CASES if case != "interrupted"])
def test_one_run_stays_what_it_is(case: str) -> None:
    original, again = stream(case), list(read_events([_golden(case)]))
    assert again[:-1] == original[:-1]
    _, first = _ends(original)
    _, second = _ends(again)
    assert dict(second.counts) == dict(first.counts)
    assert replace(second, counts=()) == replace(first, counts=())


def test_shards_are_summed_and_the_gravest_code_stays() -> None:
    events = list(read_events([_golden("together"), _golden("failed")]))
    begin, end = _ends(events)
    assert begin.total == 8
    assert dict(end.counts)["passed"] == 1
    assert dict(end.counts)["failed"] == 2
    assert (end.exit_code, end.interrupted) == (4, False)
    assert sum(isinstance(event, RunStarted) for event in events) == 1


def test_a_scenario_run_again_is_a_later_attempt() -> None:
    """The first scenario fails in one file and passes in the next: flaky, never passed."""
    events = list(read_events([_golden("failed"), _golden("passed")]))
    begin, end = _ends(events)
    assert begin.total == 8
    assert dict(end.counts)["flaky"] == 2
    assert dict(end.counts)["passed"] == 1
    output = Kept()
    play(events, Filed(JUnit(), output))
    assert 'tests="8"' in output.text
    assert output.text.count("<flakyFailure") == 2
    assert "not run" not in output.text


def test_another_target_is_no_retry(tmp_path: Path) -> None:
    first, *rest = stream("passed")
    assert isinstance(first, RunStarted)
    other = _file(tmp_path / "b", [replace(first, target="staging"), *rest])
    begin, end = _ends(list(read_events([_golden("passed"), other])))
    assert (begin.target, begin.total) == ("mock, staging", 4)
    assert end.counts == (("passed", 4),)


def test_a_run_cut_off_is_interrupted() -> None:
    events = list(read_events([_golden("interrupted"), _golden("together")]))
    begin, end = _ends(events)
    assert (begin.total, end.exit_code, end.interrupted) == (5, 130, True)
    assert dict(end.counts) == {"passed": 2, "errored": 1}
    finished = [event for event in events if isinstance(event, ScenarioFinished)]
    assert [event.reason for event in finished] == ["", "interrupted", ""]


def test_a_last_line_cut_off_is_forgiven(tmp_path: Path) -> None:
    text = (GOLDEN / "passed" / "events.jsonl").read_bytes()
    file = tmp_path / "events"
    file.write_bytes(text[:-20])
    _, end = _ends(list(read_events([str(file)])))
    assert end.interrupted


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{broken", r"/events:2: this is no line of JSON: Expecting property name"),
        ("[1]", r"/events:2: this is no event"),
        ('{"event": "Unheard"}', r"/events:2: this is no event: 'Unheard' is no event of this"),
        ('{"event": "SourceRead", "file": "a"}', r"/events:2: .*SourceRead lacks text"),
        ('{"event": "SourceRead", "file": 3, "text": ""}', r"/events:2: .*3 stands where text"),
        ('{"event": "Warned", "code": "", "message": "", "span": {"x": 1}}', "/events:2: "),
        ("[" * 100_000, r"/events:2: this is no line of JSON"),
        ("\xff", r"/events:2: this is no line of JSON"),
    ],
)
def test_broken_lines_are_told_with_their_place(tmp_path: Path, line: str, said: str) -> None:
    file = tmp_path / "events"
    begin = to_line(stream("passed")[0])
    file.write_bytes(f"{begin}\n{line}\n".encode("latin-1"))
    with pytest.raises(UsageError, match=said):
        list(read_events([str(file)]))


def test_no_run_at_all(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"there is no run in .*/empty") as caught:
        list(read_events([_file(tmp_path / "empty", [])]))
    assert caught.value.hint == "name a file that was written with --events"


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="none can't be read: No such file"):
        list(read_events([str(tmp_path / "none")]))
