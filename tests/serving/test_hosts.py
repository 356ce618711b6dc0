"""Which hosts are this machine, and which requests no web page of another site may send."""

from __future__ import annotations

import pytest

from scenario_runner.http.hosts import foreign_page, is_this_machine
from scenario_runner.mock_pbx.server.app import MockOptions
from tests.serving.served import API, Client, client_of, serving


@pytest.mark.parametrize(
    "host",
    ["localhost", "LOCALHOST:8080", "127.0.0.1", "127.1.2.3:80", "::1", "[::1]", "[::1]:8080",
     "::ffff:127.0.0.1"],
)  # fmt: skip
def test_this_machine(host: str) -> None:
    assert is_this_machine(host)


@pytest.mark.parametrize(
    "host",
    ["127.pbx.example.com", "127.0.0.1.example.com", "localhost.example.com", "10.0.0.1", "0.0.0.0",
     "::", "[::2]:80", "127", "[::1", "", "127.0.0.1@pbx.example.com"],
)  # fmt: skip
def test_other_machines(host: str) -> None:
    assert not is_this_machine(host)


@pytest.mark.parametrize(
    ("host", "origin", "local", "foreign"),
    [
        ("127.0.0.1:8080", None, True, False),
        ("localhost:8080", None, True, False),
        ("[::1]:8080", None, True, False),
        (None, None, True, False),
        ("evil.example.com", None, True, True),
        ("127.evil.example.com:8080", None, True, True),
        ("pbx-mock:8080", None, False, False),
        ("127.0.0.1:8080", "http://127.0.0.1:8080", True, False),
        ("127.0.0.1:8080", "http://localhost:3000", True, False),
        ("127.0.0.1:8080", "https://evil.example.com", True, True),
        ("127.0.0.1:8080", "null", True, True),
        ("pbx-mock:8080", "http://pbx-mock:8080", False, False),
        ("pbx-mock:8080", "http://localhost:3000", False, True),
        ("pbx-mock:8080", "https://evil.example.com", False, True),
    ],
)
def test_pages_of_other_sites(
    host: str | None, origin: str | None, local: bool, foreign: bool
) -> None:
    named = (("Host", host), ("Origin", origin))
    headers = tuple((name, value) for name, value in named if value is not None)
    assert (foreign_page(headers, local=local) is not None) is foreign


@pytest.mark.parametrize("path", ["/mock/calls", f"{API}/client/@me/current_calls/"])
@pytest.mark.parametrize(
    "page", [{"Host": "evil.example.com"}, {"Origin": "https://evil.example.com"}]
)
def test_the_mock_trusts_no_web_page(path: str, page: dict[str, str]) -> None:
    with client_of() as client:
        got = client.ask("POST", path, {"extension": 341, "from": "+7"}, **page)
        assert got.status == 403
        assert "evil.example.com" in got.json["message"]
        assert client.ask("GET", "/mock/state").json["alive"] == 0


def test_a_mock_that_other_machines_reach_wants_a_token_for_its_own_resources() -> None:
    with serving(MockOptions(host="0.0.0.0", port=0)) as url:
        client = Client(url.replace("0.0.0.0", "127.0.0.1"))
        placing = {"extension": 341, "from": "+78120000443"}
        assert client.ask("POST", "/mock/calls", placing).status == 401
        for path in ("/mock/state", "/mock/state?client=crm", "/mock/clock", "/mock/faults"):
            got = client.ask("GET", path)
            assert got.status == 401
            assert "token" in got.json["message"]
        client.login()
        assert client.ask("POST", "/mock/calls", placing).status == 201
        client.connection.close()
