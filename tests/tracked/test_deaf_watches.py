"""A watch for events that was deaf for a while decides nothing that it did not hear."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.asterisk.running_there import finished, run_text, told
from tests.freeswitch.conftest import served
from tests.freeswitch.playing import PASSWORD, Player
from tests.freeswitch.test_esl_scenarios import target

SCENARIO = """\
scenario: The connection is lost after the call was parked
steps:
  - call: {{extension: "341", from: "+78120000443", as: customer}}
  - park: {{call: customer, slot: 6}}
    id: parked
  - event: {{type: {event}, call: customer, since: parked}}
    within: 300ms
{expect}"""


@pytest.mark.parametrize(
    ("event", "expect", "verdict"),
    [
        ("answer", "    expect: {count: 0}\n", "errored"),
        ("hangup", "    expect: {count: 1}\n", "errored"),
        ("answer", "", "errored"),
        ("hangup", "", "passed"),
    ],
    ids=["none may come", "one is counted", "one that does not come", "one that came before"],
)
def test_what_was_not_heard_is_not_known(
    event: str, expect: str, verdict: str, tmp_path: Path
) -> None:
    player = Player()

    def parks_and_is_gone(command: str) -> bytes:
        asyncio.get_running_loop().call_later(0.05, player.hang_up_on_client)
        return player.usual(command)

    player.answers["api uuid_transfer"] = [parks_and_is_gone]
    with served(player):
        settings = f"host: 127.0.0.1\n    port: {player.port}\n    password: {PASSWORD}"
        of = target(settings, tmp_path)
        events = run_text(of, tmp_path, SCENARIO.format(event=event, expect=expect))
    (end,) = finished(events)
    assert end.verdict == verdict, told(events)
    if verdict == "errored":
        (said,) = told(events)
        assert "is not known: the connection that brings events was lost from" in said
