from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from scenario_runner.language.schema import schema_text
from scenario_runner.language.vocabulary import Reason
from scenario_runner.loading.targets import SETTINGS

SCHEMA: dict[str, Any] = json.loads(schema_text("targets"))


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
    assert chosen == {driver: driver for driver in SETTINGS}
    for driver in SETTINGS:
        assert SCHEMA["$defs"][driver]["additionalProperties"] is False


def test_every_reason_can_be_taught() -> None:
    taught = SCHEMA["$defs"]["reasons"]["properties"]
    assert set(taught) == {reason.value for reason in Reason} - {"other"}
