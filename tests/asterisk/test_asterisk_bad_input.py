"""What goes wrong with an Asterisk: one clear error each, `errored`, and nothing left behind."""

from __future__ import annotations

import asyncio
import threading
from importlib.util import find_spec
from typing import TYPE_CHECKING

import pytest
from msgspec import structs

from scenario_runner.clock import LoopClock
from scenario_runner.durations import SECOND
from scenario_runner.execution.check import probe
from scenario_runner.execution.cleanup import undo
from scenario_runner.language.target import Target
from scenario_runner.pbx.asterisk.connection import Asterisk
from scenario_runner.pbx.asterisk.settings import DRIVER, AsteriskSettings
from scenario_runner.pbx.commands import BridgeCall, ParkCall, PlaceCall, ShowCalls
from scenario_runner.pbx.drivers import Context
from scenario_runner.pbx.journal import Journal
from scenario_runner.pbx.protocol import Plan
from tests.ami.talking import Seen, at, called, reason

from .instance import Instance, discard, free_ports
from .ports import free_tcp_port
from .running_there import finished, run_text, target, told

if TYPE_CHECKING:
    from pathlib import Path

    from scenario_runner.pbx.protocol import CallIds, Session

pytestmark = pytest.mark.real

SCENARIO = """
scenario: park
steps:
  - call: {as: customer, extension: 341, from: "+78120000443"}
  - park: {call: customer, slot: 3}
"""


def changed(of: Target, **settings: object) -> Target:
    assert isinstance(of.settings, AsteriskSettings)
    return structs.replace(of, settings=structs.replace(of.settings, **settings))


def only_error(of: Target, folder: Path, text: str = SCENARIO) -> str:
    """Run a scenario that has to be errored, and return the one thing that is told."""
    events = run_text(of, folder, text)
    (end,) = finished(events)
    assert end.verdict == "errored"
    (message,) = told(events)
    return message


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"password": "wrong"}, "Asterisk does not let 'runner' in: Authentication failed"),
        ({"username": "nobody"}, "Asterisk does not let 'nobody' in"),
        ({"username": "deaf"}, "does not tell this manager user what becomes of calls"),
        ({"username": "filtered"}, "does not tell this manager user what becomes of calls"),
        ({"username": "dumb"}, "does not let this manager user use the action Originate"),
        ({"lot": "nosuch"}, "the parking lot 'nosuch', which Asterisk does not have"),
        ({"lot": "small"}, "the parking lot 'small' has 701-703"),
        ({"dial_extension": "ring"}, "no extension 'ring' in the context 'scenario-runner'"),
        ({"dial_context": "nowhere"}, "no extension 'dial' in the context 'nowhere'"),
        ({"retrieve_context": "desk"}, "no extension '1' in the context 'desk'"),
        ({"extension": "PJSIP/nosuch{number}"}, "the call did not come up: PJSIP/nosuch341"),
        ({"party": "Local/{number}@nowhere/n"}, "the call did not come up: Local/+78120000443@now"),
    ],
)
def test_settings_that_do_not_fit(
    asterisk: Instance, tmp_path: Path, settings: dict[str, object], message: str
) -> None:
    of = changed(target(asterisk, tmp_path, "asterisk"), headless=None, **settings)
    assert message in only_error(of, tmp_path)
    assert asterisk.console("core", "show", "channels", "count").startswith("0 active channels")


def test_a_lot_that_is_made_by_its_first_call_is_not_looked_for(
    asterisk: Instance, tmp_path: Path
) -> None:
    of = changed(target(asterisk, tmp_path, "asterisk"), lot="later", lot_dynamic=True)
    text = """
scenario: nobody is there yet
steps:
  - call: {as: customer, extension: 341, from: "+78120000443"}
  - slots: {call: customer, slot: 3}
    expect: {empty: true}
"""
    events = run_text(of, tmp_path, text)
    assert [end.verdict for end in finished(events)] == ["passed"], told(events)


@pytest.mark.parametrize("username", ["deaf", "filtered", "dumb", "closed"])
def test_a_check_finds_out_what_a_user_may_not(
    asterisk: Instance, tmp_path: Path, username: str
) -> None:
    of = changed(target(asterisk, tmp_path, "asterisk"), username=username)
    reachable, *wrong = asyncio.run(probe(of, Context()))
    assert reachable.good
    assert [one.good for one in wrong] == [False]
    assert "this manager user" in wrong[0].message
    assert (wrong[0].hint or "").startswith("manager.conf: read = call")


def test_a_wrong_port(asterisk: Instance, tmp_path: Path) -> None:
    of = changed(target(asterisk, tmp_path, "asterisk"), port=free_tcp_port())
    assert "Connection refused" in only_error(of, tmp_path)


needs_tls = pytest.mark.skipif(find_spec("trustme") is None, reason="needs trustme")


def reached_by(asterisk: Instance, folder: Path, **settings: object) -> Target:
    """Return the target by its TLS port, with these settings."""
    return changed(target(asterisk, folder, "asterisk"), port=asterisk.ports.tls, **settings)


@needs_tls
def test_over_tls(asterisk: Instance, tmp_path: Path) -> None:
    of = reached_by(asterisk, tmp_path, tls=True, ca_file=asterisk.authority)
    events = run_text(of, tmp_path, SCENARIO)
    assert [end.verdict for end in finished(events)] == ["passed"], told(events)


@needs_tls
@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"tls": True}, "the certificate of 127.0.0.1:"),
        ({"tls": True, "host": "localhost"}, "is not accepted: Hostname mismatch"),
        ({}, "of 127.0.0.1 speaks TLS"),
    ],
)
def test_tls_that_does_not_fit(
    asterisk: Instance, tmp_path: Path, settings: dict[str, object], message: str
) -> None:
    if "host" in settings:
        settings = settings | {"ca_file": asterisk.authority}
    assert message in only_error(reached_by(asterisk, tmp_path, **settings), tmp_path)


def test_tls_at_a_port_without_it(asterisk: Instance, tmp_path: Path) -> None:
    of = changed(target(asterisk, tmp_path, "asterisk"), tls=True)
    assert "no TLS connection to 127.0.0.1:" in only_error(of, tmp_path)


@needs_tls
def test_a_certificate_that_is_not_verified_is_said(asterisk: Instance, tmp_path: Path) -> None:
    of = reached_by(asterisk, tmp_path, tls=True)
    warning, reachable, *_ = asyncio.run(probe(of, Context(insecure=True)))
    assert warning.message.startswith("CERTIFICATES ARE NOT VERIFIED")
    assert reachable.message == "it is reachable and takes the credentials"


FULL = """
scenario: full
steps:
  - repeat:
      each: [1, 2, 3]
      as: slot
      steps:
        - call: {as: customer, extension: 341, from: "+78120000443"}
        - park: {call: customer, slot: $slot}
  - call: {as: more, extension: 342, from: "+78120000444"}
  - repeat:
      each: [1, 2, 3]
      as: taken
      steps:
        - park: {call: more, slot: $taken}
          expect: {refused: slot-full}
  - calls: {call: more}
    expect: {state: up}
"""


def test_a_full_lot_refuses_and_hangs_nobody_up(asterisk: Instance, tmp_path: Path) -> None:
    events = run_text(target(asterisk, tmp_path, "small"), tmp_path, FULL)
    assert [end.verdict for end in finished(events)] == ["passed"], told(events)


@pytest.mark.parametrize(
    "extension",
    [
        "Local/{number}@desk/n&Local/{number}@desk-rings/n",
        "Local/{number}@desk-rings/n&Local/{number}@desk/n",
        "Local/{number}-{number}@desk/n",
    ],
)
def test_several_phones_and_numbers_within_numbers(
    asterisk: Instance, tmp_path: Path, extension: str
) -> None:
    of = changed(target(asterisk, tmp_path, "asterisk"), headless=None, extension=extension)
    events = run_text(of, tmp_path, SCENARIO)
    assert [end.verdict for end in finished(events)] == ["passed"], told(events)


RETURNS = """
scenario: a call returns to somebody else
steps:
  - call: {{as: customer, extension: 341, from: "+78120000443"}}
  - park: {{call: customer, slot: 3}}
  - event: {{type: dial-in, call: customer, extension: {extension}}}
    within: 3s
"""


def test_a_call_that_returns_to_another_phone_is_not_at_its_old_extension(
    asterisk: Instance, tmp_path: Path
) -> None:
    of = target(asterisk, tmp_path, "elsewhere")
    events = run_text(of, tmp_path, RETURNS.format(extension="Local/102@other-desk"))
    assert [end.verdict for end in finished(events)] == ["passed"], told(events)
    events = run_text(of, tmp_path, RETURNS.format(extension="341"))
    assert [end.verdict for end in finished(events)] == ["failed"], told(events)


def test_an_asterisk_that_dies_in_the_middle_of_a_run(asterisk: Instance, tmp_path: Path) -> None:
    own = Instance(asterisk.unpacked, tmp_path / "own", free_ports())
    own.start()
    of = changed(target(own, tmp_path, "asterisk"), reconnect=0)
    text = SCENARIO + "  - event: {type: dial-in, call: customer}\n    within: 2s\n" * 1
    text += "  - slots: {call: customer, slot: 3}\n    expect: {empty: true}\n"
    killer = threading.Timer(1.0, own.kill)
    killer.start()
    try:
        events = run_text(of, tmp_path, text)
    finally:
        killer.join()
        discard(own)
    (end,) = finished(events)
    assert end.verdict == "errored"
    assert any("no connection to 127.0.0.1" in message for message in told(events)), told(events)


def test_calls_survive_a_lost_connection_and_are_found_again(
    asterisk: Instance, tmp_path: Path
) -> None:
    of = target(asterisk, tmp_path, "asterisk")
    assert isinstance(of.settings, AsteriskSettings)

    async def play() -> None:
        connection = Asterisk(of, of.settings, Context())  # type: ignore[arg-type]
        clock = LoopClock(asyncio.get_running_loop())
        async with connection.session(Plan(scenario="x"), Seen(), clock) as on:
            ids = await called(on)
            await connection.close()
            listed = await on.do(ShowCalls(extension="341"), SECOND)
            assert [call.uuid for call in listed.listed] == [ids.uuid]  # type: ignore[union-attr]
            assert await on.close() == ()
        await connection.close()

    asyncio.run(play())
    assert asterisk.console("core", "show", "channels", "count").startswith("0 active channels")


def test_what_a_killed_run_left_is_hung_up_by_its_journal(
    asterisk: Instance, tmp_path: Path
) -> None:
    of = target(asterisk, tmp_path, "asterisk")
    assert isinstance(of.settings, AsteriskSettings)

    async def killed(journal: Journal) -> None:
        async with (
            DRIVER.opened(of, Context()) as connection,
            connection.session(
                Plan(scenario="x"), Seen(), LoopClock(asyncio.get_running_loop())
            ) as on,
        ):
            for number, flow in enumerate(("in", "out", "in", "in"), 341):
                request = PlaceCall(extension=str(number), flow="in", party="+78120000443")
                placing = journal.calling(request)
                journal.called(placing, await called(on, str(number), flow=flow))
            parked, agent = (call for call in await calls(on) if call.extension in ("343", "344"))
            assert reason(await on.do(ParkCall(call=at(parked), slot=3), SECOND)) == "done"
            assert reason(await on.do(BridgeCall(call=at(agent), slot=3), SECOND)) == "done"
            parked = next(call for call in await calls(on) if call.extension == "341")
            assert reason(await on.do(ParkCall(call=at(parked), slot=4), SECOND)) == "done"

    async def calls(on: Session) -> list[CallIds]:
        ids = [on.ids(call.uuid) for call in (await on.holding()).calls]
        return [one for one in ids if one is not None]

    journal = Journal(tmp_path / "journal", of.name, of.host)
    asyncio.run(killed(journal))
    journal._open.close()  # type: ignore[union-attr]
    assert not asterisk.console("core", "show", "channels", "count").startswith("0 active")
    undone = asyncio.run(undo(of, Context(), tmp_path / "journal"))
    assert len(undone) == 4
    assert [one.message for one in undone if not one.good] == []
    assert asterisk.console("core", "show", "channels", "count").startswith("0 active channels")
    assert not list((tmp_path / "journal").iterdir())
