"""The schema of events and of the JSON report agrees with what is written and with the classes."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from scenario_runner.events import EVENTS, SourceRead, decode, encode, from_json, to_json
from scenario_runner.reporters.schema import FILE, schema
from tests.reporters.streams import CASES, GOLDEN, stream

SCHEMA: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))


def test_the_file_is_written_from_the_classes() -> None:
    assert schema() == SCHEMA, "stale: run python -m scenario_runner.reporters.schema"


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
    Draft202012Validator({"$ref": "#/$defs/Report", "$defs": SCHEMA["$defs"]}).validate(report)


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
        ({"event": "Unheard"}, "unknown event 'Unheard'; known are: RunStarted"),
        ({"event": "SourceRed"}, "unknown event 'SourceRed'; did you mean 'SourceRead'?"),
        ({"event": "SourceRead", "file": "a"}, "SourceRead: .* missing required field `text`"),
        ({"event": "SourceRead", "file": "a", "text": 5}, r"Expected `str`, got `int` - at .*text"),
        ({"event": "SourceRead", "file": None, "text": ""}, "Expected `str`, got `null`"),
        ({"event": 5}, "unknown event 5"),
        ({}, "unknown event None"),
    ],
)
def test_broken_events_are_refused(broken: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        from_json(broken)
    with pytest.raises(ValueError, match=said):
        decode(json.dumps(broken))


@given(file=st.text(), text=st.text())
def test_any_text_comes_back(file: str, text: str) -> None:
    event = SourceRead(file=file, text=text)
    assert decode(encode(event)) == event
    assert from_json(to_json(event)) == event
    assert b"\n" not in encode(event)


def test_a_lone_surrogate_is_replaced() -> None:
    event = SourceRead(file="\udc80.yaml", text="caf\u00e9 \ud800")
    assert decode(encode(event)) == SourceRead(file="?.yaml", text="caf\u00e9 ?")
