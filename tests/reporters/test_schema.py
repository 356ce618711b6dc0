"""The schema of events and of the JSON report agrees with what is written and with the classes."""

from __future__ import annotations

import json
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from scenario_runner.events import (
    EVENTS,
    Attempt,
    Event,
    Failure,
    Held,
    SourceRead,
    from_json,
    to_json,
    to_line,
)
from scenario_runner.source import Span
from tests.reporters.streams import CASES, GOLDEN, stream

FILE = Path(__file__).parents[2] / "schemas" / "events.schema.json"
SCHEMA: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))


def test_schema_is_one() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    assert [part["$ref"] for part in SCHEMA["oneOf"]] == [f"#/$defs/{name}" for name in EVENTS]


@pytest.mark.parametrize("case", CASES)
def test_golden_streams_are_valid(case: str) -> None:
    validator = Draft202012Validator(SCHEMA)
    for event in stream(case):
        validator.validate(to_json(event))


@pytest.mark.parametrize("case", CASES)
def test_json_reports_are_valid(case: str) -> None:
    report = json.loads((GOLDEN / case / "report.json").read_bytes())
    Draft202012Validator({"$ref": "#/$defs/report", "$defs": SCHEMA["$defs"]}).validate(report)


@pytest.mark.parametrize("kind", [*get_args(Event), Attempt, Failure, Held])
def test_schema_and_classes_agree(kind: type) -> None:
    described = SCHEMA["$defs"][kind.__name__]
    own = {field.name: field for field in fields(kind)}
    event = {"event"} if kind.__name__ in EVENTS else set()
    assert set(described["properties"]) == set(own) | event
    needed = {name for name, field in own.items() if field.default is MISSING}
    assert set(described["required"]) == needed | event


def test_schema_and_span_agree() -> None:
    assert list(SCHEMA["$defs"]["Span"]["properties"]) == list(Span._fields)


def test_golden_streams_show_every_kind_of_event() -> None:
    seen = {type(event).__name__ for case in CASES for event in stream(case)}
    assert seen == set(EVENTS)


def _described(part: object) -> list[object]:
    found: list[object] = []
    if isinstance(part, dict):
        for property_ in part.get("properties", {}).values():
            found += [] if "description" in property_ else [property_]
        for inner in part.values():
            found += _described(inner)
    return found


def test_every_key_has_a_description() -> None:
    assert _described(SCHEMA) == []


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        ({"event": "Unheard"}, "'Unheard' is no event"),
        ({"event": "SourceRead", "file": "a"}, "lacks text"),
        ({"event": "SourceRead", "file": "a", "text": 5}, "5 stands where text belongs"),
        ({"event": "SourceRead", "file": None, "text": ""}, "None stands where text"),
    ],
)
def test_broken_events_are_refused(broken: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        from_json(broken)


@given(file=st.text(), text=st.text())
def test_any_text_comes_back(file: str, text: str) -> None:
    event = SourceRead(file=file, text=text)
    assert from_json(json.loads(to_line(event))) == event
    assert "\n" not in to_line(event)
