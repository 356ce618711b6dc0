"""How calls come about and end over the event socket."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from scenario_runner.clock import LoopClock
from scenario_runner.errors import NotPossible, PbxError, TimedOut
from scenario_runner.language.vocabulary import Capability
from scenario_runner.pbx.commands import AnswerCall, BridgeCall, ParkCall, PlaceCall, ShowCalls
from scenario_runner.pbx.protocol import Plan, Refused
from scenario_runner.pbx.tracked.session import TrackedSession

from .playing import Player
from .switch import Token, event, reply, response
from .talking import SOON, WITHIN, Seen, at, called, connection, reason, session, target

if TYPE_CHECKING:
    pass

LOT = "main"


@pytest.mark.parametrize(
    ("busy", "end"), [("null/+78120000443", "null/+7812"), ("null/341", "null/341")]
)
def test_an_end_that_does_not_come_up(busy: str, end: str) -> None:
    player = Player()
    player.switch.busy = busy

    async def play() -> None:
        async with player, session(target(player.port), Seen()) as on:
            with pytest.raises(PbxError, match=r"did not come up: .*USER_BUSY") as caught:
                await called(on)
            assert end in caught.value.message
            assert "it is busy" in caught.value.message
            assert await on.close() == ()

    asyncio.run(play())


@pytest.mark.parametrize(("left", "end"), [(0, "null/+78120000443"), (1, "null/341")])
def test_a_limit_of_sessions_is_a_refusal(left: int, end: str) -> None:
    """Where nothing was made, the runner tries once more: FreeSWITCH counts by the second."""
    player, seen = Player(), Seen()
    player.switch.sessions = left

    async def play() -> None:
        async with player, session(target(player.port), seen) as on:
            outcome = await on.do(
                PlaceCall(extension="341", flow="in", party="+78120000443"), WITHIN
            )
            assert isinstance(outcome, Refused)
            assert outcome.reason == "no-capacity"
            assert f"FreeSWITCH made no channel for {end}" in outcome.message
            assert "`sessions-per-second`" in outcome.message
            assert await on.close() == ()

    asyncio.run(play())
    assert len(player.commands("bgapi")) == (2 if left == 0 else 1)
    assert (1 in seen.slept) == (left == 0)


def test_a_call_that_was_refused_for_the_limit_is_placed_a_second_later() -> None:
    player = Player()

    def refused(command: str) -> bytes:
        result, job = "-ERR DESTINATION_OUT_OF_ORDER\n", command.rpartition(" ")[2]
        return event("BACKGROUND_JOB", result, Job_UUID=job) + reply("+OK")

    player.answers["bgapi"] = [refused, player.usual]

    async def play() -> None:
        async with player, session(target(player.port), Seen()) as on:
            await called(on)

    asyncio.run(play())
    assert len(player.commands("bgapi")) == 2


def test_a_gateway_that_says_the_same_is_no_limit() -> None:
    player = Player()

    def out_of_order(command: str) -> bytes:
        job = command.rpartition(" ")[2]
        first = command.partition("origination_uuid=")[2].partition(",")[0]
        cause = "DESTINATION_OUT_OF_ORDER"
        said = player.switch.created(first, "sofia/x") + player.switch.gone(first, cause)
        return reply("+OK") + said + event("BACKGROUND_JOB", f"-ERR {cause}\n", Job_UUID=job)

    player.answers["bgapi"] = [out_of_order]

    async def play() -> None:
        async with player, session(target(player.port), Seen()) as on:
            with pytest.raises(PbxError, match=r"did not come up: .*DESTINATION_OUT_OF_ORDER"):
                await called(on)

    asyncio.run(play())


def test_calls_are_placed_no_faster_than_freeswitch_makes_sessions() -> None:
    """Two thirds of 30 sessions a second, two for each call: ten calls a second, evenly."""
    player, seen = Player(), Seen()
    player.switch.per_second = 30

    async def play() -> None:
        async with player, session(target(player.port), seen) as on:
            await asyncio.gather(*(called(on, party=f"+7812000044{n}") for n in range(6)))

    asyncio.run(play())
    assert [round(seconds, 1) for seconds in sorted(seen.slept)] == [0.1, 0.2, 0.3, 0.4, 0.5]


def test_a_first_end_that_rings_too_long_is_named() -> None:
    def rings(command: str) -> bytes:
        first = command.partition("origination_uuid=")[2].partition(",")[0]
        return reply("+OK") + player.switch.created(first, "user/7812")

    player = Player(answers={"bgapi": [rings]})

    async def play() -> None:
        async with player, session(target(player.port), Seen()) as on:
            request = PlaceCall(extension="341", flow="in", party="+78120000443")
            with pytest.raises(PbxError) as caught:
                await on.do(request, SOON)
            message = "the call did not come up: null/+78120000443: it did not answer within 50ms"
            assert caught.value.message == message
            assert await on.close() == ()

    asyncio.run(play())


def test_phones_are_not_answered_by_the_runner() -> None:
    async def play() -> None:
        of = target(0, extension="user/{number}")
        async with connection(of, Seen()) as on:
            assert Capability.ANSWER not in on.traits.capabilities
        async with Player() as player, connection(target(player.port), Seen()) as on:
            assert {Capability.ANSWER, Capability.RANDOM_BRIDGE} <= on.traits.capabilities
            assert Capability.RAW_REQUESTS not in on.traits.capabilities
        of = target(player.port, extension="user/{number}")
        async with player, session(of, Seen()) as opened:
            ids = await called(opened)
            with pytest.raises(NotPossible, match="can't answer a telephone"):
                await opened.do(AnswerCall(call=at(ids)), WITHIN)

    asyncio.run(play())


def incoming(caller: str, dialled: str) -> bytes:
    """Let somebody call somebody."""
    return (
        event("CHANNEL_CREATE", Unique_ID="a", Call_Direction="inbound")
        + event(
            "CHANNEL_CREATE", Unique_ID="b", Call_Direction="outbound", Other_Leg_Unique_ID="a",
            Caller_Caller_ID_Number=caller, Caller_Destination_Number=dialled,
        )
        + event("CHANNEL_ANSWER", Unique_ID="b")
        + event("CHANNEL_BRIDGE", Unique_ID="a", Bridge_A_Unique_ID="a", Bridge_B_Unique_ID="b")
    )  # fmt: skip


@pytest.mark.parametrize(
    ("caller", "dialled", "flow", "uuid"),
    [("+78120000443", "341", "in", "a"), ("341", "+78120000443", "out", "b")],
)
def test_people_bring_a_call_up(caller: str, dialled: str, flow: str, uuid: str) -> None:
    player, seen = Player(), Seen()

    async def play() -> None:
        async with player, session(target(player.port, calls="wait"), seen) as on:
            player.switch.live |= {"a": "user/1", "b": "user/2"}
            await player.say(incoming("8", "9"))
            waiting = asyncio.ensure_future(called(on, flow=flow))
            await asyncio.wait_for(seen.asked.wait(), 10)
            await player.say(incoming(caller, dialled))
            assert (await waiting).uuid == uuid

    asyncio.run(play())
    assert seen.announced[0].startswith("Please call ")


def test_a_call_that_people_brought_up_before_the_step_is_found() -> None:
    player = Player()

    async def play() -> None:
        async with player, session(target(player.port, calls="wait"), Seen()) as on:
            player.switch.live |= {"a": "user/1", "b": "user/2"}
            await player.say(incoming("+78120000443", "341"))
            assert reason(await on.do(ShowCalls(extension="341"), WITHIN)) == "done"
            assert (await called(on, party="any")).uuid == "a"

    asyncio.run(play())


def test_nobody_brings_a_call_up() -> None:
    async def play() -> None:
        async with Player() as player, session(target(player.port, calls="wait"), Seen()) as on:
            wanted = PlaceCall(extension="341", flow="in", party="any", window=SOON)
            with pytest.raises(TimedOut, match="call at 341 from any: no call within"):
                await on.do(wanted, WITHIN)

    asyncio.run(play())


def test_everything_is_hung_up_in_the_end() -> None:
    player = Player()

    async def play() -> None:
        async with player, session(target(player.port), Seen(), slots=("6",)) as on:
            await on.do(ParkCall(call=at(await called(on)), slot=6), WITHIN)
            agent = await called(on, "342")
            await on.do(ParkCall(call=at(await called(on)), slot=7), WITHIN)
            await on.do(BridgeCall(call=at(agent), slot=7), WITHIN)
            await called(on, "343", answered=False)
            assert await on.close() == ()
            assert not player.switch.live

    asyncio.run(play())


def test_what_is_left_behind_is_told() -> None:
    player = Player()
    player.switch.live["stranger"] = "user/9"
    player.switch.lots[LOT] = {"7": Token("stranger")}

    async def play() -> None:
        async with (
            player,
            session(target(player.port, lot=LOT), Seen(), slots=("6", "7")) as on,
        ):
            left = await on.close()
            assert [(one.what, one.uuid) for one in left] == [("slot 7 is occupied", "stranger")]

    asyncio.run(play())


def test_a_channel_that_does_not_end_is_left_behind() -> None:
    player = Player(answers={"api uuid_kill": [response("+OK\n")]})

    async def play() -> None:
        async with player, connection(target(player.port), Seen()) as on:
            clock = LoopClock(asyncio.get_running_loop())
            async with on.session(Plan(scenario="by hand"), Seen(), clock) as opened:
                assert isinstance(opened, TrackedSession)
                ids = await called(opened)
                left = await opened._closing.close(SOON)
                assert ids.uuid in {one.uuid for one in left}
                assert {one.what for one in left} == {
                    "the channel null/341 does not end",
                    "the channel null/+78120000443 does not end",
                }

    asyncio.run(play())


@pytest.mark.parametrize(
    ("number", "told"), [("any", "from anybody can't be placed"), ("1}x;y", "is not a number that")]
)
def test_numbers_that_can_not_be_dialled(number: str, told: str) -> None:
    player = Player()

    async def play() -> None:
        async with player, session(target(player.port), Seen()) as on:
            with pytest.raises(NotPossible, match=told):
                await called(on, party=number)

    asyncio.run(play())
    assert not player.commands("bgapi")
