"""The forms follow from the API's description, and so do the requests."""

from __future__ import annotations

import json

import pytest

from scenario_runner.mock_pbx import MockPbx
from scenario_runner.mock_pbx.server.app import description
from scenario_runner.ui.operations import Operation, operations


def named(name: str) -> Operation:
    return next(one for one in operations() if one.id == name)


def test_every_operation_of_the_description_has_a_form() -> None:
    described = json.loads(description())
    told = {
        operation["operationId"]
        for item in described["paths"].values()
        for operation in item.values()
        if isinstance(operation, dict) and "operationId" in operation
    }
    assert told - {one.id for one in operations()} == {"describe", "showClock", "advanceClock"}


def test_a_form_has_the_fields_of_path_and_body() -> None:
    fields = {field.name: field for field in named("valetPark").fields}
    assert list(fields) == ["extension_id", "call_api_id", "action", "slot"]
    assert fields["action"].choices == ("park", "bridge", "slots")
    assert fields["action"].required
    assert fields["slot"].where == "body"


def test_values_are_of_the_type_that_the_description_says() -> None:
    values = {"extension_id": "34414", "call_api_id": "1-a/b", "action": "park", "slot": "6"}
    request = named("valetPark").request(values)
    assert request.method == "PUT"
    assert request.path == "/api/ver1.0/extension/34414/valet_park/1-a%2Fb"
    assert json.loads(request.body) == {"action": "park", "slot": 6}
    assert json.loads(named("valetPark").request(values | {"slot": "six"}).body)["slot"] == "six"


@pytest.mark.parametrize(
    ("name", "values", "body"),
    [
        ("placeCall", {"extension": "341"}, {"extension": 341}),
        ("placeCall", {"answered": "false"}, {"answered": False}),
        ("callBack", {"src_num": "341, 342"}, {"src_num": ["341", "342"]}),
        ("addFault", {"fault": "500", "probability": "0.5"}, {"fault": "500", "probability": 0.5}),
        ("addFault", {"fault": "500", "times": "often"}, {"fault": "500", "times": "often"}),
    ],
)  # fmt: skip
def test_bodies(name: str, values: dict[str, str], body: object) -> None:
    assert json.loads(named(name).request(values).body) == body


def test_a_token_is_asked_for_with_a_form() -> None:
    values = {"grant_type": "client_credentials", "client_id": "a b", "client_secret": "c"}
    request = named("getToken").request(values)
    assert request.headers == (("Content-Type", "application/x-www-form-urlencoded"),)
    assert request.body == b"grant_type=client_credentials&client_id=a+b&client_secret=c"
    assert MockPbx().handle(request, 0).response.status == 200


def test_what_only_asks_has_no_body() -> None:
    request = named("listClientCalls").request({"client_id": "@me"})
    assert (request.path, request.body) == ("/api/ver1.0/client/@me/current_calls/", b"")
    assert named("showState").request({"client": "crm"}).path == "/mock/state?client=crm"
