from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator

from scenario_runner.language.vocabulary import Capability, EventType, Party, Reason
from scenario_runner.loading import expectations, steps
from scenario_runner.loading.schema import FOLDERS, schema_names, schema_text
from scenario_runner.loading.schema_errors import COMPLAINTS

if TYPE_CHECKING:
    from collections.abc import Iterator

OURS = ("scenario", "fragment")
SCENARIO: dict[str, Any] = json.loads(schema_text("scenario"))
DEFS = SCENARIO["$defs"]
STEP = DEFS["step"]["properties"]
SAYING = ("title", "description", "examples", "$ref", "$defs", "$schema", "$id")
CONTAINING = ("properties", "items", "propertyNames")


@pytest.mark.parametrize("name", OURS)
def test_is_a_schema(name: str) -> None:
    Draft202012Validator.check_schema(json.loads(schema_text(name)))


def subschemas(schema: dict[str, Any], path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    yield path, schema
    for group in ("properties", "$defs"):
        for key, inner in schema.get(group, {}).items():
            yield from subschemas(inner, f"{path}/{group}/{key}")
    for key in ("items", "additionalProperties"):
        if isinstance(schema.get(key), dict):
            yield from subschemas(schema[key], f"{path}/{key}")


@pytest.mark.parametrize("name", OURS)
def test_every_key_is_described_and_every_map_is_closed(name: str) -> None:
    for path, schema in subschemas(json.loads(schema_text(name)), name):
        assert "description" in schema or set(schema) <= {"$ref", "type"}, path
        if "properties" in schema:
            assert schema.get("additionalProperties") is False, path


@pytest.mark.parametrize("name", OURS)
def test_every_constraint_has_words_of_its_own(name: str) -> None:
    for path, schema in subschemas(json.loads(schema_text(name)), name):
        used = set(schema) - {*SAYING, *CONTAINING}
        assert used <= COMPLAINTS.keys(), path


def test_the_packaged_copy_is_the_same() -> None:
    packaged, checkout = FOLDERS
    for file in packaged.glob("*.json") if packaged.is_dir() else ():
        assert file.read_bytes() == (checkout / file.name).read_bytes()
    assert set(OURS) <= set(schema_names())


def test_an_unknown_schema() -> None:
    with pytest.raises(FileNotFoundError):
        schema_text("scenery")


def test_actions_agree_with_the_schema() -> None:
    described = {
        key for key, inner in STEP.items() if inner.get("description", "").startswith("Action:")
    }
    assert described == set(steps.ACTIONS)


def test_matchers_agree_with_the_schema() -> None:
    assert set(DEFS["matcher"]["properties"]) == set(expectations.MATCHERS)
    assert set(STEP["check"]["properties"]) == {"that", *expectations.MATCHERS}
    assert set(DEFS["condition"]["properties"]) == {"that", "target_can", *expectations.MATCHERS}


def test_expectations_agree_with_the_schema() -> None:
    assert set(DEFS["expect"]["properties"]) == set(expectations.CLAUSES)
    assert set(expectations.WHERE) == set(expectations.CLAUSES)


def test_words_agree_with_the_schema() -> None:
    event, hangup = STEP["event"]["properties"], STEP["hangup"]["properties"]
    assert event["type"]["enum"] == [kind.value for kind in EventType]
    assert hangup["by"]["enum"] == [party.value for party in Party]
    assert DEFS["condition"]["properties"]["target_can"]["enum"] == [c.value for c in Capability]
    examples = DEFS["expect"]["properties"]["refused"]["examples"]
    assert examples == ["any", *(reason.value for reason in Reason)]
    assert set(steps.METHODS) | set(steps.BODIES) | {"headers"} == set(
        STEP["request"]["properties"]
    )
