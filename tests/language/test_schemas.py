"""The schemas in `schemas/` are those of the declarations, and say of every key what it means."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from scenario_runner.language.scenario import SCENARIO
from scenario_runner.language.schema import (
    DERIVED,
    FOLDERS,
    flat,
    schema_names,
    schema_text,
    write,
    written,
)

SCHEMAS = Path(__file__).parents[2] / "schemas"


@pytest.mark.parametrize("name", DERIVED)
def test_the_file_is_not_stale(name: str, golden: Callable[[Path, str], None]) -> None:
    """Run `python -m scenario_runner.language.schema` where this fails."""
    golden(SCHEMAS / f"{name}.schema.json", written(name, DERIVED[name]))


def test_the_command_writes_the_files(tmp_path: Path) -> None:
    write(tmp_path)
    for name in DERIVED:
        text = (tmp_path / f"{name}.schema.json").read_text(encoding="utf-8")
        assert text == schema_text(name)


@pytest.mark.parametrize("name", DERIVED)
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


@pytest.mark.parametrize("name", DERIVED)
def test_every_key_is_described_and_every_map_is_closed(name: str) -> None:
    for path, schema in subschemas(json.loads(schema_text(name)), name):
        assert "description" in schema or set(schema) <= {"$ref", "type"}, path
        if "properties" in schema and path != "scenario/properties/matrix/items":
            assert schema.get("additionalProperties") is False, path


def test_no_reference_is_left_where_files_are_checked() -> None:
    seen: set[int] = set()
    pending: list[Any] = [flat(SCENARIO)]
    while pending:
        part = pending.pop()
        if id(part) in seen or not isinstance(part, (dict, list)):
            continue
        seen.add(id(part))
        assert "$ref" not in part
        pending.extend(part.values() if isinstance(part, dict) else part)
    steps = flat(SCENARIO)["properties"]["steps"]
    assert steps["items"]["properties"]["repeat"]["properties"]["steps"]["items"] is steps["items"]


def test_the_packaged_copy_is_the_same() -> None:
    packaged, checkout = FOLDERS
    for file in packaged.glob("*.json") if packaged.is_dir() else ():
        assert file.read_bytes() == (checkout / file.name).read_bytes()
    assert set(DERIVED) <= set(schema_names())


def test_an_unknown_schema() -> None:
    with pytest.raises(FileNotFoundError):
        schema_text("scenery")
