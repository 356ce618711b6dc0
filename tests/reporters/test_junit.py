"""JUnit XML keeps to what the schema of Jenkins and surefire allows, and counts rightly."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest

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
         "flakyError", "system-out", "system-err"),
        {"name"},
        {"time", "classname", "group"},
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
    found = {
        case.get("name"): (case.get("classname"), [child.tag for child in case])
        for case in root.iter("testcase")
    }
    known = "examples/04_known.scenario.yaml"
    assert found["Bridge an empty slot"] == (f"{known}:1", ["skipped"])
    assert found["Mended meanwhile"] == (f"{known}:9", ["failure"])
    assert found["The PBX can't be reached"][1] == ["error"]
    assert found["Sometimes late"][1] == ["flakyFailure"]
    assert found["Only where numbers are random"][1] == ["skipped"]
    flaky = root.findall("testsuite/properties/property[@name='flaky']")
    assert [element.get("value") for element in flaky] == ["Sometimes late"]
    text = next(root.iter("failure")).text or ""
    assert text.startswith("examples/01_park.scenario.yaml:1:11\n")
    assert "examples/01_park.scenario.yaml:16:14" in text
