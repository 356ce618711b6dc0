"""JUnit XML keeps to what the schema of Jenkins and surefire allows, and counts rightly."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest
from msgspec.structs import replace

from scenario_runner.events import ScenarioFinished
from scenario_runner.reporters.file_reporter import FileReporter
from scenario_runner.reporters.junit import JUnit
from tests.reporters.streams import CASES, Kept, play, stream

if TYPE_CHECKING:
    from scenario_runner.events import Event

# What each element may hold: its children, the attributes it must have, and those it may have.
_RESULT = ((), {"message"}, {"type"})
_RERUN = (("stackTrace", "system-out", "system-err"), {"type"}, {"message"})
ALLOWED: dict[str, tuple[tuple[str, ...], set[str], set[str]]] = {
    "testsuites": (("testsuite",), set(), {"name", "time", "tests", "failures", "errors"}),
    "testsuite": (
        ("testsuite", "properties", "testcase", "system-out", "system-err"),
        {"name", "tests", "failures", "errors"},
        {"group", "time", "skipped", "timestamp", "hostname", "id", "package", "file"},
    ),
    "properties": (("property",), set(), set()),
    "property": ((), {"name", "value"}, set()),
    "testcase": (
        ("skipped", "error", "failure", "rerunFailure", "rerunError", "flakyFailure",
         "flakyError", "properties", "system-out", "system-err"),
        {"name"},
        {"time", "classname", "group", "file", "line"},
    ),
    "skipped": _RESULT,
    "error": _RESULT,
    "failure": _RESULT,
    "rerunFailure": _RERUN,
    "rerunError": _RERUN,
    "flakyFailure": _RERUN,
    "flakyError": _RERUN,
}  # fmt: skip
_TIME = re.compile(r"(([0-9]{0,3},)*[0-9]{3}|[0-9]{0,3})*(\.[0-9]*)?")


def _written(events: list[Event]) -> ET.Element:
    output = Kept()
    play(events, FileReporter(JUnit(), output))
    return ET.fromstring(output.text)


@pytest.mark.parametrize("case", CASES)
def test_only_what_the_schema_allows(case: str) -> None:
    root = _written(stream(case))
    assert root.tag == "testsuites"
    for element in root.iter():
        children, needed, optional = ALLOWED[element.tag]
        assert {child.tag for child in element} <= set(children)
        assert needed <= set(element.attrib) <= needed | optional
        assert _TIME.fullmatch(element.get("time", ""))


@pytest.mark.parametrize("case", CASES)
def test_counts_are_those_of_the_cases(case: str) -> None:
    root = _written(stream(case))
    for group in [root, *root.findall("testsuite")]:
        assert group.get("tests") == str(len(list(group.iter("testcase"))))
        assert group.get("failures") == str(len(list(group.iter("failure"))))
        assert group.get("errors") == str(len(list(group.iter("error"))))


def test_verdicts_and_places() -> None:
    root = _written(stream("failed"))
    found = {case.get("name"): case for case in root.iter("testcase")}
    tags = {name: [child.tag for child in case] for name, case in found.items()}
    assert tags["Bridge an empty slot"] == ["properties", "skipped"]
    assert tags["Mended meanwhile"][-1] == "failure"
    assert tags["The PBX can't be reached"][-1] == "error"
    assert tags["Sometimes late"][-1] == "flakyFailure"
    assert tags["Only where numbers are random"][-1] == "skipped"
    flaky = root.findall("testsuite/properties/property[@name='flaky']")
    assert [element.get("value") for element in flaky] == ["Sometimes late"]
    text = next(root.iter("failure")).text or ""
    assert text.startswith("examples/01_park.scenario.yaml:1:11\n")
    assert "examples/01_park.scenario.yaml:16:14" in text


def test_the_history_of_a_case_outlives_a_line_above_it() -> None:
    (case,) = (
        case
        for case in _written(stream("failed")).iter("testcase")
        if case.get("name") == "Mended meanwhile"
    )
    known = "examples/04_known.scenario.yaml"
    assert (case.get("classname"), case.get("file"), case.get("line")) == (known, known, "9")


def test_tags_and_the_target_are_properties() -> None:
    root = _written(stream("failed"))
    case = next(root.iter("testcase"))
    assert [tag.get("value") for tag in case.findall("properties/property[@name='tag']")] == [
        "smoke"
    ]
    (target, *_) = root.findall("testsuite/properties/property[@name='target']")
    assert target.get("value") == "mock (in this process)"


def test_times_are_real_seconds() -> None:
    events = [
        replace(event, took=180_000_000, real=1_250_000)
        if isinstance(event, ScenarioFinished)
        else event
        for event in stream("passed")
    ]
    root = _written(events)
    assert {case.get("time") for case in root.iter("testcase")} == {"1.250000"}
    assert root.get("time") == "2.500000"


def test_an_invalid_file_is_an_error_with_its_place() -> None:
    root = _written(stream("invalid"))
    (case, *_) = (case for case in root.iter("testcase") if case.get("name") == "invalid file")
    assert case.get("file") == "examples/01_bad.scenario.yaml"
    (error,) = case.findall("error")
    assert "unknown key 'prak' in a step" in error.get("message", "")
    assert ">   3 |" not in (error.text or "")
    assert "examples/01_bad.scenario.yaml:4:11: bare-number" in (error.text or "")
    assert root.get("errors") == "2"
