"""Nothing of a killed run is left on a real Asterisk, and nobody else's call is touched."""

from __future__ import annotations

import asyncio
from random import Random
from typing import TYPE_CHECKING

import pytest

from scenario_runner.durations import SECOND
from scenario_runner.execution.cleanup import undo
from scenario_runner.execution.targets import open_target
from scenario_runner.pbx.asterisk.ami import Ami
from scenario_runner.pbx.commands import CallAddress, ParkCall, PlaceCall
from scenario_runner.pbx.drivers import Context
from scenario_runner.pbx.journal import left_behind
from scenario_runner.pbx.protocol import Done, Plan
from scenario_runner.pbx.tracked.wire import Endpoint
from tests.ami.talking import Seen
from tests.http.meeting import quick
from tests.tracked.killed import killed_at_once

from .instance import SECRET, USER
from .running_there import target
from .targets import file_text

if TYPE_CHECKING:
    from pathlib import Path

    from scenario_runner.pbx.commands import Command
    from scenario_runner.pbx.protocol import Connection, Session

    from .instance import Instance

pytestmark = pytest.mark.real

WITHIN = 10 * SECOND


def channels(instance: Instance) -> list[str]:
    """Return the names of the channels that are there."""
    lines = instance.console("core", "show", "channels", "concise").splitlines()
    return sorted(line.partition("!")[0] for line in lines if "!" in line)


def test_nothing_is_left_of_twenty_runs_killed_at_any_moment(
    asterisk: Instance, tmp_path: Path
) -> None:
    file = tmp_path / "scenario-targets.yaml"
    file.write_text(file_text(asterisk))
    killed = killed_at_once(file, "patient", 20, Random(11))
    assert len(asyncio.run(asyncio.wait_for(killed, 60))) > 20
    assert channels(asterisk) == []


async def abandoned(connection: Connection, *commands: Command) -> None:
    """Do something as a run does that is killed then: its session is not closed."""
    from scenario_runner.clock import LoopClock

    clock = LoopClock(asyncio.get_running_loop())
    async with connection.session(Plan(scenario="x"), Seen(), clock) as session:
        await all_of(session, commands)


async def all_of(session: Session, commands: tuple[Command, ...]) -> None:
    placed = None
    for command in commands:
        if isinstance(command, ParkCall):
            assert placed is not None
            address = CallAddress(call_api_id=placed.call_api_id, extension=placed.extension)
            command = ParkCall(call=address, slot=command.slot)  # noqa: PLW2901
        outcome = await session.do(command, WITHIN)
        assert isinstance(outcome, Done)
        placed = outcome.ids or placed


@pytest.mark.parametrize("flow", ["in", "out"])
def test_a_call_that_rings_is_found_again(asterisk: Instance, tmp_path: Path, flow: str) -> None:
    of = target(asterisk, tmp_path, "patient")
    call = PlaceCall(extension="341", flow=flow, party="+78120000443", answered=False)  # type: ignore[arg-type]

    async def whole() -> None:
        async with open_target(of, Context(), tmp_path / "journal") as connection:
            await abandoned(connection, call)
        assert channels(asterisk) != []
        (told,) = await undo(of, Context(sleep=quick), tmp_path / "journal")
        assert (told.good, told.message) == (True, "the call at 341 with +78120000443 was hung up")

    asyncio.run(asyncio.wait_for(whole(), 30))
    assert channels(asterisk) == []
    assert left_behind(tmp_path / "journal") == ()


async def somebody_takes(instance: Instance, uuid: str) -> None:
    """Let somebody else be joined with a call, whose Linkedid he has from then."""
    client = await Ami.connect(Endpoint("127.0.0.1", instance.ports.ami), ignore, ignore, WITHIN)
    await client.send("Login", (("Username", USER), ("Secret", SECRET)), WITHIN)
    where = (("Context", "stranger"), ("Exten", "waits"), ("Priority", "1"))
    who = (("Channel", "Local/777@outside/n"), ("ChannelId", "stranger"))
    for action, fields in (
        ("Originate", (*who, *where)),
        ("Bridge", (("Channel1", uuid), ("Channel2", "stranger"))),
    ):
        reply = await client.send(action, fields, WITHIN)
        assert not reply.refused, reply.words
    client.close()


def ignore(_: object) -> None:
    """Whatever it is."""


@pytest.mark.parametrize("flow", ["in", "out"])
def test_whoever_took_a_parked_call_stays(asterisk: Instance, tmp_path: Path, flow: str) -> None:
    of = target(asterisk, tmp_path, "patient")
    call = PlaceCall(extension="341", flow=flow, party="+78120000443")  # type: ignore[arg-type]
    park = ParkCall(call=CallAddress(call_api_id="", extension=""), slot=6)

    async def whole() -> None:
        async with open_target(of, Context(), tmp_path / "journal") as connection:
            await abandoned(connection, call, park)
        (left,) = left_behind(tmp_path / "journal")
        assert left.calls[0].ids is not None
        await somebody_takes(asterisk, left.calls[0].ids.uuid)
        strangers = [name for name in channels(asterisk) if name.startswith("Local/777@")]
        assert len(strangers) == 2
        (told,) = await undo(of, Context(sleep=quick), tmp_path / "journal")
        assert (told.good, told.message) == (True, "the call at 341 with +78120000443 was hung up")
        assert channels(asterisk) == strangers

    try:
        asyncio.run(asyncio.wait_for(whole(), 30))
    finally:
        asterisk.console("channel", "request", "hangup", "all")
