"""Tenants: each client has a PBX of its own; the mock's own resources know which is meant."""

from __future__ import annotations

import pytest

from scenario_runner.mock_pbx import Client as Allowed
from scenario_runner.mock_pbx import Profile
from scenario_runner.mock_pbx.faults import fault_from_text
from scenario_runner.mock_pbx.server import tenants
from scenario_runner.mock_pbx.server.app import MockOptions
from tests.serving.served import API, Client, client_of, serving

VIRTUAL = MockOptions(port=0, virtual_time=True)


def test_two_clients_never_meet() -> None:
    with serving() as url:
        one, two = Client(url), Client(url)
        one.login("one")
        two.login("two")
        call, other = one.call(), two.call()
        assert call["uuid"] != other["uuid"]
        assert one.valet(call, "park").status == 200
        assert two.in_slot(other) is None
        assert two.valet(call, "slots").status == 404
        assert one.ask("GET", "/mock/state").json["alive"] == 1
        one.connection.close()
        two.connection.close()


def test_the_first_client_finds_what_was_prepared_before_it_came() -> None:
    with serving() as url:
        client = Client(url)
        call = client.call()
        client.login()
        assert client.in_slot(call) is None
        client.connection.close()


def test_with_several_clients_it_must_be_clear_whose_pbx_is_meant() -> None:
    with serving() as url:
        nobody, one, two = Client(url), Client(url), Client(url)
        one.login("one")
        two.login("two")
        two.call()
        unclear = nobody.ask("GET", "/mock/state")
        assert unclear.status == 409
        assert unclear.json["message"] == (
            "say whose PBX is meant with ?client=ID or a token; there are: one, two"
        )
        assert nobody.ask("GET", "/mock/state?client=two").json["alive"] == 1
        unknown = nobody.ask("GET", "/mock/state?client=three")
        assert (unknown.status, unknown.json["message"]) == (
            409, "no client three has asked for a token here",
        )  # fmt: skip
        for each in (nobody, one, two):
            each.connection.close()


def test_only_named_clients_get_a_token() -> None:
    profile = Profile(clients=(Allowed(client_id="crm", client_secret="s3cret"),))
    with serving(MockOptions(port=0, profile=profile)) as url:
        client = Client(url)
        assert client.login("crm", "wrong").status == 401
        assert client.login("other", "s3cret").status == 401
        assert client.login("crm", "s3cret").status == 200
        client.connection.close()


def test_there_are_only_so_many_worlds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tenants, "MOST_WORLDS", 2)
    with serving() as url:
        client = Client(url)
        assert [client.login(name).status for name in ("a", "b", "c", "a")] == [200, 200, 503, 200]
        client.connection.close()


def test_old_tokens_are_forgotten_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tenants, "_KEPT_TOKENS", 2)
    with serving() as url:
        clients = [Client(url) for _ in range(4)]
        for number, client in enumerate(clients):
            client.login(str(number))
        path = f"{API}/client/@me/current_calls/"
        assert [client.ask("GET", path).status for client in clients] == [200, 401, 200, 200]
        for client in clients:
            client.connection.close()


def test_a_request_without_a_token_is_refused() -> None:
    with serving() as url:
        client = Client(url, token="made-up")
        assert client.ask("GET", f"{API}/client/@me/current_calls/").status == 401
        client.connection.close()


def test_reset_empties_the_pbx_and_keeps_the_token() -> None:
    fault = fault_from_text("500,on=bridge")
    with client_of(MockOptions(port=0, faults=(fault,))) as client:
        call = client.call()
        client.valet(call, "park")
        client.ask("POST", "/mock/faults", {"fault": "429"})
        assert client.ask("POST", "/mock/reset").status == 204
        state = client.ask("GET", "/mock/state").json
        assert (state["placed"], state["slots"], state["calls"]) == (0, [], [])
        assert client.call() == call
        assert len(client.ask("GET", "/mock/faults").json["faults"]) == 1
        assert client.in_slot(call) is None


def test_virtual_time_goes_through_every_timer() -> None:
    with client_of(VIRTUAL) as client:
        call = client.call()
        client.valet(call, "park")
        assert client.ask("GET", "/mock/clock").json == {
            "now": 0, "text": "0s", "next_timer_in": "3m", "time": "virtual",
        }  # fmt: skip
        client.ask("POST", "/mock/clock/advance", {"by": "2m59s"})
        assert client.in_slot(call) == call["uuid"]
        moved = client.ask("POST", "/mock/clock/advance", {"by": "1s"}).json
        assert (moved["text"], moved["next_timer_in"]) == ("3m", "30s")
        assert client.in_slot(call) is None
        assert client.ask("GET", "/mock/state").json["calls"][0]["state"] == "ringing"
        client.ask("POST", "/mock/clock/advance", {"by": "1h"})
        assert client.ask("GET", "/mock/state").json["ended"] == 1


def test_real_time_goes_by_and_can_be_moved_ahead() -> None:
    with client_of() as client:
        call = client.call()
        client.valet(call, "park")
        assert client.ask("GET", "/mock/clock").json["time"] == "real"
        client.ask("POST", "/mock/clock/advance", {"by": "3m"})
        assert client.in_slot(call) is None


@pytest.mark.parametrize("by", [None, 3, "", "soon", "3", "10001h"])
def test_an_advance_by_nothing_sensible(by: object) -> None:
    with client_of(VIRTUAL) as client:
        refused = client.ask("POST", "/mock/clock/advance", {"by": by})
        assert refused.status == 400
        assert '{"by": "3m"}' in refused.json["message"]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/mock/clock/advance", 405),
        ("POST", "/mock/clock", 405),
        ("GET", "/mock/reset", 405),
        ("PUT", "/mock/faults", 405),
        ("POST", "/openapi.json", 405),
        ("GET", "/mock/nothing", 404),
        ("GET", "/", 404),
    ],
)
def test_what_is_not_there(method: str, path: str, status: int) -> None:
    with client_of() as client:
        assert client.ask(method, path).status == status
