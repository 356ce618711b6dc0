"""The schema of targets files is that of the drivers' settings, and says what every key means."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from scenario_runner.language.vocabulary import Reason
from scenario_runner.pbx.drivers import driver_names, targets_schema

FILE = Path(__file__).parents[2] / "schemas" / "targets.schema.json"
SCHEMA: dict[str, Any] = json.loads(targets_schema())


def properties(part: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every key that a targets file may have, with its schema."""
    if isinstance(part, list):
        for item in part:
            yield from properties(item, path)
    elif isinstance(part, dict):
        for key, inner in part.get("properties", {}).items():
            if "const" not in inner:
                yield f"{path}.{key}", inner
        for key, inner in part.items():
            yield from properties(inner, f"{path}.{key}")


KEYS = dict(properties(SCHEMA))


def test_the_file_is_not_stale(golden: Callable[[Path, str], None]) -> None:
    """Run `python -m scenario_runner.pbx.drivers` where this fails."""
    golden(FILE, targets_schema())


def test_is_a_schema() -> None:
    Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("key", KEYS)
def test_every_key_is_described(key: str) -> None:
    part = KEYS[key]
    if "$ref" in part and "description" not in part:
        name = part["$ref"].removeprefix("#/$defs/")
        part = SCHEMA["$defs"][name]
    assert len(part["description"]) > 10
    assert "title" in part or "$ref" in part


def test_every_driver_has_its_settings() -> None:
    chosen = {
        one["if"]["properties"]["driver"]["const"]: one["then"]["$ref"].rpartition("/")[2]
        for one in SCHEMA["$defs"]["target"]["allOf"]
    }
    assert chosen == {driver: driver for driver in driver_names()}
    for driver in driver_names():
        assert SCHEMA["$defs"][driver]["additionalProperties"] is False


def test_every_reason_can_be_taught() -> None:
    taught = SCHEMA["$defs"]["reasons"]["properties"]
    assert set(taught) == {reason.value for reason in Reason} - {"other"}
