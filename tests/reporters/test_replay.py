"""Events read back: one run made of several, and clear errors for what is broken."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from scenario_runner.errors import UsageError
from scenario_runner.events import Event, RunFinished, RunStarted, ScenarioFinished, Verdict, encode
from scenario_runner.reporters import open_reporter
from scenario_runner.reporters.file_reporter import FileReporter
from scenario_runner.reporters.junit import JUnit
from scenario_runner.reporters.merge import read_events
from tests.reporters.streams import CASES, GOLDEN, Kept, play, stream

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def _golden(case: str) -> str:
    return str(GOLDEN / case / "events.jsonl")


def _file(path: Path, events: list[Event]) -> str:
    path.write_text("".join(encode(event).decode() + "\n" for event in events), encoding="utf-8")
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
    assert dict(end.counts)[Verdict.PASSED] == 1
    assert dict(end.counts)[Verdict.FAILED] == 2
    assert (end.exit_code, end.interrupted) == (4, False)
    assert sum(isinstance(event, RunStarted) for event in events) == 1


def _later(tmp_path: Path, case: str, **changes: Verdict) -> str:
    """Write a later run of the same scenarios; `changes` replaces the verdict of all of them."""
    events = [
        replace(event, **changes) if isinstance(event, ScenarioFinished) else event
        for event in stream(case)
    ]
    return _file(tmp_path / "later.jsonl", events)


_COUNTED: dict[str, Callable[[str], tuple[int, int]]] = {
    "console": lambda text: (text.count("2 scenarios: 2 passed"), text.count("flaky")),
    "ctrf": lambda text: (json.loads(text)["results"]["summary"]["tests"], text.count("true")),
    "json": lambda text: (len(json.loads(text)["scenarios"]), text.count('"flaky"')),
    "junit": lambda text: (text.count("<testcase "), text.count("flaky")),
    "markdown": lambda text: (text.count("2 scenarios: 2 passed"), text.count("flaky")),
    "tap": lambda text: (text.count("\nok "), text.count("flaky")),
}


@pytest.mark.parametrize("name", _COUNTED)
def test_what_passed_twice_is_passed_and_counted_once(name: str, tmp_path: Path) -> None:
    events = list(read_events([_golden("passed"), _later(tmp_path, "passed")]))
    play(events, open_reporter(name, str(tmp_path / "report")))
    text = (tmp_path / "report").read_text(encoding="utf-8")
    once = 1 if name in ("console", "markdown") else 2
    assert _COUNTED[name](text) == (once, 0)
    _, end = _ends(events)
    assert dict(end.counts) == {Verdict.PASSED: 2}


@pytest.mark.parametrize(
    ("first", "second", "final"),
    [
        (Verdict.PASSED, Verdict.PASSED, Verdict.PASSED),
        (Verdict.PASSED, Verdict.FAILED, Verdict.FAILED),
        (Verdict.FAILED, Verdict.PASSED, Verdict.FLAKY),
        (Verdict.ERRORED, Verdict.PASSED, Verdict.FLAKY),
        (Verdict.SKIPPED, Verdict.PASSED, Verdict.PASSED),
        (Verdict.FAILED, Verdict.FAILED, Verdict.FAILED),
        (Verdict.XFAILED, Verdict.XFAILED, Verdict.XFAILED),
    ],
)
def test_the_verdict_of_two_runs(
    first: Verdict, second: Verdict, final: Verdict, tmp_path: Path
) -> None:
    files = []
    for number, verdict in enumerate((first, second)):
        (tmp_path / f"{number}").mkdir()
        files.append(_later(tmp_path / f"{number}", "passed", verdict=verdict))
    events = list(read_events(files))
    ends = [event for event in events if isinstance(event, ScenarioFinished)]
    assert [end.final for end in ends] == [False, False, True, True]
    assert {end.verdict for end in ends if end.final} == {final}
    assert dict(_ends(events)[1].counts) == {final: 2}


def test_a_file_given_twice_is_refused(tmp_path: Path) -> None:
    link = tmp_path / "link.jsonl"
    link.symlink_to(_golden("passed"))
    for again in (_golden("passed"), str(link)):
        with pytest.raises(UsageError, match="is named twice"):
            list(read_events([_golden("passed"), again]))


def test_a_scenario_run_again_is_a_later_attempt() -> None:
    """The first scenario fails in one file and passes in the next: flaky, never passed."""
    events = list(read_events([_golden("failed"), _golden("passed")]))
    begin, end = _ends(events)
    assert begin.total == 8
    assert dict(end.counts)[Verdict.FLAKY] == 2
    assert dict(end.counts)[Verdict.PASSED] == 1
    output = Kept()
    play(events, FileReporter(JUnit(), output))
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
        (
            "{broken",
            r"/events:2: this is not a line of JSON: object keys must be strings",
        ),
        ("[1]", r"/events:2: this is not an event"),
        ('{"event": "Unheard"}', r"/events:2: this is not an event: unknown event 'Unheard'"),
        (
            '{"event": "SourceRead", "file": "a"}',
            r"/events:2: .*SourceRead: Object missing required field `text`",
        ),
        (
            '{"event": "SourceRead", "file": 3, "text": ""}',
            r"/events:2: .*SourceRead: Expected `str`, got `int` - at `\$.file`",
        ),
        ('{"event": "Warned", "code": "", "message": "", "span": {"x": 1}}', "/events:2: "),
        ("[" * 100_000, r"/events:2: this is not a line of JSON"),
        ("\xff", r"/events:2: this is not a line of JSON"),
    ],
)
def test_broken_lines_are_told_with_their_place(tmp_path: Path, line: str, said: str) -> None:
    file = tmp_path / "events"
    begin = encode(stream("passed")[0]).decode()
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
