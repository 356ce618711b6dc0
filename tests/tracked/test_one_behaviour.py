"""What must be the same on every PBX that is tracked by its events, played by both."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest
from msgspec import structs

from scenario_runner.clock import LoopClock
from scenario_runner.durations import SECOND
from scenario_runner.errors import PbxError, TargetError, TimedOut
from scenario_runner.execution.check import probe
from scenario_runner.language.vocabulary import CallState
from scenario_runner.pbx.asterisk.connection import Asterisk
from scenario_runner.pbx.asterisk.settings import AsteriskSettings
from scenario_runner.pbx.commands import (
    AnswerCall,
    AskExtension,
    CallAddress,
    PlaceCall,
    ShowCalls,
)
from scenario_runner.pbx.drivers import Context, find_driver
from scenario_runner.pbx.freeswitch.connection import FreeSwitch
from scenario_runner.pbx.freeswitch.settings import FreeSwitchSettings
from scenario_runner.pbx.protocol import CallIds, Done, Plan, Session
from scenario_runner.pbx.tracked.calls import Call
from scenario_runner.pbx.tracked.session import extension_state
from tests.ami import playing as ami
from tests.ami import talking as ami_talking
from tests.freeswitch import playing as esl
from tests.freeswitch import switch as esl_switch
from tests.freeswitch import talking as esl_talking

WITHIN = 10 * SECOND
PBXS = ("asterisk", "freeswitch")


async def briefly(seconds: float) -> None:
    """Sleep for less than is asked for."""
    await asyncio.sleep(min(seconds, 0.05))


async def check_of(pbx: str) -> list[tuple[bool, str]]:
    """Check a played PBX."""
    player: ami.Player | esl.Player = ami.Player() if pbx == "asterisk" else esl.Player()
    async with player:
        talking = ami_talking if pbx == "asterisk" else esl_talking
        of = structs.replace(talking.target(player.port), extensions=(("341", ""),))
        found = await probe(of, Context())
    return [(one.good, one.message) for one in found]


@pytest.mark.parametrize("pbx", PBXS)
def test_a_check_says_nothing_of_extensions_that_nobody_asked_about(pbx: str) -> None:
    found = asyncio.run(check_of(pbx))
    assert found[0] == (True, "it is reachable and takes the credentials")
    ((good, message),) = found[1:]
    assert good
    assert message.endswith(" named, of which nothing is known until they are dialled")


@dataclass
class Played:
    """A PBX that plays its part: its driver's session, and what others do.

    Somebody outside calls extension 341, which answers; a channel is hung up.
    """

    on: Session
    announced: list[str]
    calls_in: Callable[[str], Awaitable[None]]
    hangs_up: Callable[[str], Awaitable[None]]
    cuts: Callable[[], None]
    seen: esl_talking.Seen
    restarts: Callable[[float], Awaitable[None]]


async def restarted(player: ami.Player | esl.Player, seconds: float) -> None:
    """End all connections, and take new ones only after so many seconds."""
    await player.__aexit__()
    asyncio.get_running_loop().call_later(
        seconds, lambda: told_later.append(asyncio.ensure_future(player.__aenter__()))
    )
    await asyncio.sleep(0)


told_later: list[asyncio.Future[object]] = []


@asynccontextmanager
async def played(pbx: str, *, by_people: bool = False) -> AsyncIterator[Played]:
    """Play one of the PBXs."""
    opening = _asterisk if pbx == "asterisk" else _freeswitch
    async with opening("wait" if by_people else "originate") as one:
        yield one


@asynccontextmanager
async def _asterisk(calls: str) -> AsyncIterator[Played]:
    def ringing(action: ami.Fields) -> str:
        whole = ami.came_up(action)
        return whole[: whole.index("Event: DialEnd")].rstrip("\n")

    def incoming(party: str) -> str:
        fields = {"ChannelId": party, "Channel": "PJSIP/trunk", "Variable": "X=Local/341@desk/n"}
        came = ami.came_up(fields).split("\n\n", 1)[1]
        return came.replace("Event: DialBegin\n", f"Event: DialBegin\nCallerIDNum: {party}\n")

    def channels(_: ami.Fields) -> str:
        began = [action["ChannelId"] for action in player.actions("Originate")]
        items = [
            f"Event: CoreShowChannel\nActionID: {{id}}\nUniqueid: {uid}{end}\nChannel: c"
            for uid in began
            for end in ("", "-341")
        ]
        start = "Response: Success\nActionID: {id}\nEventList: start"
        over = "Event: CoreShowChannelsComplete\nActionID: {id}\nEventList: Complete"
        return "\n\n".join([start, *items, over])

    player = ami.Player(answers={"CoreShowChannels": [channels]})
    if calls == "originate":
        player.answers["Originate"] = [ringing]
    async with player:
        target = ami_talking.target(player.port, calls=calls)
        assert isinstance(target.settings, AsteriskSettings)
        told: list[str] = []
        connection = Asterisk(target, target.settings, Context(announce=told.append, sleep=briefly))
        seen = esl_talking.Seen()
        async with _session(connection, seen) as on:
            yield Played(
                on,
                told,
                lambda party: player.say(incoming(party)),
                lambda uid: player.say(ami.HUNG_UP % uid),
                player.hang_up_on_client,
                seen,
                lambda seconds: restarted(player, seconds),
            )


@asynccontextmanager
async def _freeswitch(calls: str) -> AsyncIterator[Played]:
    def incoming(party: str) -> bytes:
        legs = {"Unique_ID": "b", "Other_Leg_Unique_ID": party}
        player.switch.live |= {party: "user/1", "b": "user/2"}
        return b"".join(
            [
                esl_switch.event(
                    "CHANNEL_CREATE", Call_Direction="outbound", Caller_Caller_ID_Number=party,
                    Caller_Destination_Number="341", **legs,
                ),
                esl_switch.event("CHANNEL_ANSWER", Unique_ID="b"),
                esl_switch.event(
                    "CHANNEL_BRIDGE", Unique_ID=party, Bridge_A_Unique_ID=party,
                    Bridge_B_Unique_ID="b",
                ),
            ]
        )  # fmt: skip

    answers: dict[str, list[esl.Answer]] = {
        "api uuid_outgoing_answer": [esl_switch.response("+OK\n")]
    }
    player = esl.Player(answers=answers)
    async with player:
        target = esl_talking.target(player.port, calls=calls)
        assert isinstance(target.settings, FreeSwitchSettings)
        told: list[str] = []
        connection = FreeSwitch(
            target, target.settings, Context(announce=told.append, sleep=briefly)
        )
        seen = esl_talking.Seen()
        async with _session(connection, seen) as on:
            yield Played(
                on,
                told,
                lambda party: player.say(incoming(party)),
                lambda uid: player.say(player.switch.gone(uid, "ORIGINATOR_CANCEL")),
                player.hang_up_on_client,
                seen,
                lambda seconds: restarted(player, seconds),
            )


@asynccontextmanager
async def _session(
    connection: Asterisk | FreeSwitch, seen: esl_talking.Seen
) -> AsyncIterator[Session]:
    clock = LoopClock(asyncio.get_running_loop())
    plan = Plan(scenario="by hand", events=True)
    try:
        async with connection.session(plan, seen, clock) as on:
            yield on
    finally:
        await connection.close()


async def ringing(on: Session) -> CallIds:
    placed = await on.do(
        PlaceCall(extension="341", flow="in", party="+78120000443", answered=False), WITHIN
    )
    assert isinstance(placed, Done)
    assert placed.ids is not None
    return placed.ids


@pytest.mark.parametrize("pbx", PBXS)
def test_a_caller_who_hangs_up_while_he_is_answered_is_told_at_once(pbx: str) -> None:
    async def play() -> None:
        async with played(pbx) as one:
            ids = await ringing(one.on)
            address = CallAddress(call_api_id=ids.call_api_id, extension=ids.extension)
            answering = asyncio.ensure_future(one.on.do(AnswerCall(call=address), WITHIN))
            await asyncio.sleep(0.02)
            await one.hangs_up(ids.uuid)
            with pytest.raises(PbxError, match="did not come up: the extension 341") as caught:
                await asyncio.wait_for(answering, 2)
            assert not isinstance(caught.value, TimedOut)

    asyncio.run(play())


@pytest.mark.parametrize("pbx", PBXS)
def test_a_lost_connection_is_made_anew_at_once_and_told(pbx: str) -> None:
    async def play() -> None:
        async with played(pbx) as one:
            one.cuts()
            await asyncio.wait_for(one.seen.heard_again.wait(), 5)
            ((since, until),) = one.seen.gaps
            assert since <= until

    asyncio.run(play())


@pytest.mark.parametrize("pbx", PBXS)
def test_a_pbx_that_restarts_is_waited_for(pbx: str) -> None:
    async def play() -> None:
        async with played(pbx) as one:
            await one.restarts(0.2)
            await asyncio.wait_for(one.seen.cut.wait(), 5)
            listed = await one.on.do(ShowCalls(extension="341"), WITHIN)
            assert isinstance(listed, Done)

    asyncio.run(play())


@pytest.mark.parametrize("pbx", PBXS)
@pytest.mark.parametrize(
    ("wanted", "calls", "found"),
    [
        ("+7 (812) 000-04-43", "78120000443", True),
        ("78120000443", "+78120000443", True),
        ("any", "4321", True),
        ("+78120000443", "8120000443", False),
    ],
)
def test_a_person_who_dials_is_known_by_the_number(
    pbx: str, wanted: str, calls: str, *, found: bool
) -> None:
    request = PlaceCall(extension="341", flow="in", party=wanted, window=SECOND // 5)

    async def play() -> list[str]:
        async with played(pbx, by_people=True) as one:
            waiting = asyncio.ensure_future(one.on.do(request, WITHIN))
            await asyncio.sleep(0.02)
            await one.calls_in(calls)
            if found:
                assert isinstance(await waiting, Done)
            else:
                with pytest.raises(TimedOut, match="no call within 200ms"):
                    await waiting
            return one.announced

    announced = asyncio.run(play())
    whom = "any telephone" if wanted == "any" else wanted
    asked = f"Please call extension 341 from {whom} and answer it (within 200ms)"
    there = [f"The call is there: {calls} at 341"] if found else []
    assert announced == [asked, *there]


@pytest.mark.parametrize("pbx", PBXS)
def test_the_time_that_is_left_is_counted_down(pbx: str) -> None:
    class Clock:
        """Runs through three minutes in the time that the test takes."""

        def __init__(self) -> None:
            self.time = 0

        def now(self) -> int:
            self.time += 4 * SECOND
            return self.time

    async def play() -> list[str]:
        async with played(pbx, by_people=True) as one:
            one.on._client.clock = Clock()  # type: ignore[attr-defined]
            request = PlaceCall(extension="341", flow="in", party="any", window=12 * SECOND)
            with pytest.raises(TimedOut, match="no call within 12s"):
                await one.on.do(request, WITHIN)
            return one.announced

    told = asyncio.run(play())
    assert told[1:] == ["still waiting: 10s left", "still waiting: 5s left"]


@pytest.mark.parametrize("pbx", PBXS)
@pytest.mark.parametrize("timeout", [SECOND // 2, SECOND * 3 // 2])
def test_the_time_out_of_parking_is_counted_in_whole_seconds(pbx: str, timeout: int) -> None:
    of = ami_talking.target(0) if pbx == "asterisk" else esl_talking.target(0)
    with pytest.raises(TargetError, match=r"park_timeout: .* counts whole seconds"):
        find_driver(pbx).opened(structs.replace(of, park_timeout=timeout), Context())


@pytest.mark.parametrize("pbx", PBXS)
def test_no_secret_stands_in_a_repr(pbx: str) -> None:
    of = ami_talking.target(0) if pbx == "asterisk" else esl_talking.target(0)
    assert isinstance(of.settings, (AsteriskSettings, FreeSwitchSettings))
    assert of.settings.password == "word-of-honour"
    assert "word-of-honour" not in repr(of)
    assert "word-of-honour" in f"{of.settings.password}"


@pytest.mark.parametrize("pbx", PBXS)
def test_an_extension_is_free_until_it_rings(pbx: str) -> None:
    async def state(on: Session, extension: str) -> str:
        asked = await on.do(AskExtension(extension=extension), WITHIN)
        assert isinstance(asked, Done)
        assert asked.extension_state is not None
        assert "calls that the runner has followed" in asked.driver_word
        return asked.extension_state

    async def play() -> None:
        async with played(pbx) as one:
            assert await state(one.on, "341") == "free"
            ids = await ringing(one.on)
            assert await state(one.on, "341") == "ringing"
            assert await state(one.on, "342") == "free"
            await one.hangs_up(ids.uuid)

    asyncio.run(play())


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        ({}, "busy"),
        ({"state": CallState.RINGING}, "ringing"),
        ({"state": CallState.RINGING, "flow": "out"}, "busy"),
        ({"state": CallState.BRIDGED}, "busy"),
    ],
)
def test_a_call_at_a_desk_makes_an_extension_busy(changes: dict[str, object], state: str) -> None:
    whole: dict[str, object] = {"flow": "in", "state": CallState.UP} | changes
    call = Call(uuid="a", extension="341", party="1", remote="a", desk="b", **whole)  # type: ignore[arg-type]
    assert extension_state([call]) == state
    up = Call(uuid="c", extension="341", flow="in", party="1", desk="d", state=CallState.UP)
    assert extension_state([call, up]) == "busy"
