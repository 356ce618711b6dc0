"""A reporter that fails is that reporter's fault: it is named, and all else goes on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree

import pytest

from scenario_runner.errors import UsageError
from scenario_runner.events import RunFinished, Verdict
from scenario_runner.execution.run import RunRequest, run_whole
from scenario_runner.exit_code import Exit
from scenario_runner.reporters import Reporters, open_reporter
from scenario_runner.reporters.file_reporter import FileReporter
from scenario_runner.reporters.junit import JUnit
from tests.reporters.streams import Kept, play, stream

if TYPE_CHECKING:
    from scenario_runner.events import Event
    from scenario_runner.reporters import Reporter

LAST = 10**6
"""The number of an event that never comes."""


class Failing:
    """Raises at the event of this number, or when it is closed."""

    def __init__(self, at: int, error: Exception) -> None:
        self._at = at
        self._error = error
        self.heard = 0
        self.closed = False

    def handle(self, event: Event) -> None:
        del event
        self.heard += 1
        if self.heard == self._at:
            raise self._error

    def close(self) -> None:
        self.closed = True
        if self._at == LAST:
            raise self._error


NUMBER = len(stream("failed"))


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (OSError(28, "No space left on device"), Exit.USAGE),
        (UsageError("the report can't be written to out: No space left"), Exit.USAGE),
        (ZeroDivisionError("a bug"), Exit.FAULT),
        (AssertionError(), Exit.FAULT),
    ],
    ids=lambda value: type(value).__name__,
)
@pytest.mark.parametrize("at", [1, 2, NUMBER // 2, NUMBER, LAST])
def test_the_others_are_whole(at: int, error: Exception, code: Exit, tmp_path: Path) -> None:
    alone, beside = tmp_path / "alone.xml", tmp_path / "beside.xml"
    play(stream("failed"), open_reporter("junit", str(alone)))
    failing = Failing(at, error)
    named: list[tuple[str, Reporter]] = [
        ("mine", failing),
        ("junit", open_reporter("junit", str(beside))),
    ]
    reporters = Reporters(named)
    play(stream("failed"), reporters)
    assert beside.read_bytes() == alone.read_bytes()
    (failure,) = reporters.failures
    assert (failure.name, failure.error, failure.exit_code) == ("mine", error, code)
    assert failing.heard == min(at, NUMBER)
    assert failing.closed is (at == LAST)


SCENARIO = """scenario: {name}
steps:
  - call: {{as: customer, extension: 341, from: "+78120000443"}}
  - park: {{call: customer, slot: 6}}
  - slots: {{call: customer, slot: 6}}
    expect: {{holds: customer}}
"""


@pytest.mark.parametrize("at", [1, 2, 5, 12, LAST])
def test_the_engine_never_sees_it(at: int, tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / f"{name}.scenario.yaml").write_text(SCENARIO.format(name=name))
    events: list[Event] = []

    class Keeping:
        def handle(self, event: Event) -> None:
            events.append(event)

        def close(self) -> None: ...

    reporters = Reporters([("mine", Failing(at, OSError("full"))), ("kept", Keeping())])
    code = run_whole(RunRequest(paths=(str(tmp_path),)), reporters.handle)
    reporters.close()
    assert code is Exit.PASSED
    assert isinstance(events[-1], RunFinished)
    assert dict(events[-1].counts) == {Verdict.PASSED: 2}
    assert [failure.name for failure in reporters.failures] == ["mine"]


class Full(Kept):
    """An output on a disk that is full after so many letters."""

    def __init__(self, room: int) -> None:
        super().__init__()
        self._room = room

    def write(self, text: str) -> None:
        self._room -= len(text)
        if self._room < 0:
            raise UsageError("the report can't be written: No space left on device")
        super().write(text)


def test_a_file_on_a_full_disk_is_discarded() -> None:
    output = Full(100)
    reporters = Reporters([("junit", FileReporter(JUnit(), output))])
    play(stream("failed"), reporters)
    assert [failure.exit_code for failure in reporters.failures] == [Exit.USAGE]
    assert output.discarded
    assert not output.closed


@pytest.mark.parametrize("name", ["junit", "html", "tap"])
def test_no_half_of_a_file_is_left_behind(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "report"
    file.write_text("old")

    def broken(*_: object) -> str:
        raise ZeroDivisionError

    for module in ("junit", "html.report", "tap"):
        monkeypatch.setattr(f"scenario_runner.reporters.{module}.headline", broken)
    reporters = Reporters([(name, open_reporter(name, str(file)))])
    play(stream("failed"), reporters)
    assert [failure.exit_code for failure in reporters.failures] == [Exit.FAULT]
    assert file.read_text() == "old"
    assert [one.name for one in tmp_path.iterdir()] == ["report"]


def test_the_junit_of_a_run_is_xml_beside_a_plug_in_with_a_bug(tmp_path: Path) -> None:
    file = tmp_path / "junit.xml"
    pair: list[tuple[str, Reporter]] = [
        ("junit", open_reporter("junit", str(file))),
        ("plug-in", Failing(3, KeyError("verdict"))),
    ]
    play(stream("passed"), Reporters(pair))
    assert len(list(ElementTree.parse(file).getroot().iter("testcase"))) == 2
