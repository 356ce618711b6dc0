"""The OpenAPI description of what the served mock answers."""

from __future__ import annotations

from functools import cache
from importlib.resources import files


@cache
def description() -> bytes:
    """Return the description as JSON (OpenAPI 3.1)."""
    return files("scenario_runner.mock_pbx.serving").joinpath("openapi.json").read_bytes()
