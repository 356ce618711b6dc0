"""The description of the served mock: what is served, documented, and in the code agree."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from scenario_runner.mock_pbx.api import RESOURCES
from scenario_runner.mock_pbx.faults import ACTIONS, EVENTS, KINDS
from scenario_runner.mock_pbx.server.app import description
from tests.serving.served import client_of

DOCUMENT = json.loads(description())
OPERATIONS = [
    (method.upper(), path) for path, methods in DOCUMENT["paths"].items() for method in methods
]
DOCS = Path(__file__).parents[2] / "docs"


def test_the_copy_in_the_documentation_is_the_one_that_is_served() -> None:
    assert (DOCS / "openapi.json").read_bytes() == description()
    with client_of() as client:
        assert client.ask("GET", "/openapi.json").body == description()


def test_every_resource_of_the_api_is_described() -> None:
    in_code = set()
    for (root, name, of_one), resource in RESOURCES.items():
        item = {"event": "{event_id}"}.get(name, "{call_api_id}") if of_one else ""
        path = f"/api/ver1.0/{root}/{{{root}_id}}/{name}/{item}"
        in_code |= {(method, path) for method in resource.handlers}
    assert in_code == {one for one in OPERATIONS if one[1].startswith("/api/")}


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_everything_described_is_served(method: str, path: str) -> None:
    with client_of() as client:
        call = client.call()
        filled = path.replace("{uuid}", call["uuid"])
        filled = filled.replace("{extension_id}", "34414").replace("{client_id}", "@me")
        filled = filled.replace("{number}", "341")
        filled = filled.replace("{call_api_id}", call["call_api_id"]).replace("{event_id}", "9")
        got = client.ask(method, filled, {})
        assert got.status not in (405, 500)
        if got.status == 404:
            assert "{event_id}" in path


@pytest.mark.parametrize("path", sorted({path for _, path in OPERATIONS}))
def test_methods_that_are_not_described_are_not_served(path: str) -> None:
    with client_of() as client:
        filled = re.sub(r"\{.*?\}", "34414", path)
        known = {method for method, described in OPERATIONS if described == path}
        for method in {"GET", "PUT", "POST", "DELETE", "PATCH"} - known:
            assert client.ask(method, filled).status == 405


def test_every_fault_is_described() -> None:
    fault = DOCUMENT["components"]["schemas"]["Fault"]["properties"]
    assert fault["fault"]["enum"] == list(KINDS)
    assert set(fault["on"]["enum"]) == {*ACTIONS, *EVENTS}


def test_every_fault_and_control_is_documented() -> None:
    page = (DOCS / "mock-server.md").read_text(encoding="utf-8")
    words = [*KINDS, *ACTIONS, *EVENTS]
    assert [word for word in words if f"`{word}`" not in page] == []
    controls = [f"{method} {path}" for method, path in OPERATIONS if path.startswith("/mock/")]
    assert [control for control in controls if f"`{control}`" not in page] == []
