"""Hundreds of generated requests against the served mock: never a 5xx, always as described."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

pytest.importorskip("schemathesis", reason="schemathesis is not installed (extra dev-full)")

import schemathesis
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from scenario_runner.mock_pbx.server.app import MockOptions, description
from tests.serving.served import API, Client, serving

if TYPE_CHECKING:
    from collections.abc import Iterator

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
SCHEMA = schemathesis.openapi.from_dict(json.loads(description()))
OPERATIONS = [
    (path, method) for path, methods in SCHEMA.raw_schema["paths"].items() for method in methods
]
REAL = {"extension_id": "34414", "client_id": "@me"}


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    with serving(MockOptions(port=0, virtual_time=True)) as url:
        client = Client(url)
        client.login()
        yield client
        client.connection.close()


@pytest.mark.parametrize(("path", "method"), OPERATIONS)
def test_what_is_served_is_what_is_described(path: str, method: str, client: Client) -> None:
    @settings(
        max_examples=10,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=SCHEMA[path][method].as_strategy(), real=st.booleans())
    def holds(case: Any, real: bool) -> None:
        client.ask("POST", "/mock/reset")
        call = client.call()
        if real:
            # Made-up names alone would only ever meet 404.
            names = REAL | {"call_api_id": call["call_api_id"], "uuid": call["uuid"]}
            case.path_parameters.update(
                {name: names[name] for name in case.path_parameters if name in names}
            )
        headers = {"Authorization": f"Bearer {client.token}"}
        case.call_and_validate(base_url=client.url, headers=headers, checks=CHECKS, timeout=10)

    holds()
    # Moving the clock has made tokens expire.
    client.login()
    client.ask("POST", "/mock/reset")
    assert client.ask("GET", f"{API}/client/@me/current_calls/").json == {"call_list": []}
