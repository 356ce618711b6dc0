"""Writes the JSON Schema of events and of the JSON report from the classes that they are made of.

    python -m scenario_runner.reporters.schema

writes `schemas/events.schema.json`; a test says when that file is stale.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from msgspec.json import schema_components

from scenario_runner.events import EVENTS
from scenario_runner.reporters.json import Report

FILE = Path(__file__).parents[2] / "schemas" / "events.schema.json"
_DESCRIPTION = (
    "One line of what 'scenario-runner run --events FILE' writes. '$defs/Report' describes the "
    "document of '--json FILE', which is made of the same parts. All times are whole microseconds."
)


def schema() -> dict[str, Any]:
    """Return the schema: an event, and under `$defs` all parts of events and of the report."""
    kinds = (*EVENTS.values(), Report)
    refs, parts = schema_components(kinds, ref_template="#/$defs/{name}")
    data = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "events.schema.json",
        "title": "an event of a run",
        "description": _DESCRIPTION,
        "oneOf": list(refs[: len(EVENTS)]),
        "$defs": {name: _closed(part) for name, part in parts.items()},
    }
    plain: dict[str, Any] = json.loads(json.dumps(data))
    return plain


def _closed(part: dict[str, Any]) -> dict[str, Any]:
    """Allow no key but those that are described, and describe the one that msgspec adds."""
    if "properties" not in part:
        return part
    if "event" in part["properties"]:
        part["properties"]["event"]["description"] = "The kind of event."
    return {**part, "additionalProperties": False}


def main() -> None:
    """Write the file."""
    FILE.write_text(json.dumps(schema(), indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
