"""The curl line repeats exactly the request, and carries no secret."""

from __future__ import annotations

import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scenario_runner.events import Exchange
from scenario_runner.reporters.failures import curl_line


def _exchange(sent: str, protocol: str = "http") -> Exchange:
    return Exchange(
        scenario="s",
        step="1",
        protocol=protocol,
        sent=sent,
        received="",
        outcome="ok",
        at=0,
        took=0,
    )


def test_request_with_body_and_token() -> None:
    sent = (
        "PUT /api/x\nContent-Type: application/json\nAuthorization: Bearer ***\n\n"
        '{"action": "park"}'
    )
    assert curl_line(_exchange(sent), "http://pbx/") == (
        "curl -X PUT http://pbx/api/x \\\n"
        "  -H 'Content-Type: application/json' \\\n"
        '  -H "Authorization: Bearer $TOKEN" \\\n'
        '  --data-raw \'{"action": "park"}\''
    )


@pytest.mark.parametrize(
    ("exchange", "base"),
    [
        (_exchange("Action: Park", "ami"), "http://pbx"),
        (_exchange("GET /x"), ""),
        (_exchange(""), "http://pbx"),
    ],
)
def test_what_curl_can_not_repeat(exchange: Exchange, base: str) -> None:
    assert curl_line(exchange, base) == ""


def test_other_secrets_are_told_from_the_token() -> None:
    sent = "POST /oauth/token?a=[1]\n\nclient_secret=***&x=$HOME`id`"
    line = curl_line(_exchange(sent), "http://pbx")
    assert line.startswith("curl -g -X POST 'http://pbx/oauth/token?a=[1]'")
    assert line.endswith('--data-raw "client_secret=$SECRET&x=\\$HOME\\`id\\`"')


_TEXT = st.text(st.characters(min_codepoint=32, max_codepoint=126))


@given(path=_TEXT.map(lambda text: "/" + text), value=_TEXT, body=_TEXT)
def test_a_shell_reads_what_was_sent(path: str, value: str, body: str) -> None:
    if "***" in path + value + body:
        return
    line = curl_line(_exchange(f"PUT {path}\nX-A: {value}\n\n{body}"), "http://pbx")
    words = shlex.split(line.replace(" \\\n", " "))
    assert words[words.index("PUT") + 1] == f"http://pbx{path}"
    assert words[words.index("-H") + 1] == f"X-A: {value}"
    assert not body or words[-1] == body
