"""The AMI client: framing, lists, events in between, lost connections, other protocols."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scenario_runner.durations import SECOND
from scenario_runner.errors import (
    AnswerLost,
    BadAnswer,
    BadCredentials,
    NotPossible,
    PbxError,
    TargetError,
    TimedOut,
    Unreachable,
)
from scenario_runner.pbx.asterisk.ami import Ami, connect
from scenario_runner.pbx.asterisk.frames import Message, take_messages, write_action

from .playing import LOTS, SUCCESS, Fields, Player, came_up, parked_items, wire
from .talking import SOON, WITHIN, Seen, at, called, reason, session, target

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable


def with_client(
    player: Player, act: Callable[[Ami, list[Message], list[PbxError]], Awaitable[None]]
) -> None:
    """Connect a bare client to the player."""

    async def play() -> None:
        heard: list[Message] = []
        lost: list[PbxError] = []
        async with player:
            ami = await connect(("127.0.0.1", player.port), heard.append, lost.append, WITHIN)
            await act(ami, heard, lost)
            ami.close()

    asyncio.run(play())


@pytest.mark.parametrize("piece", [0, 1, 3])
def test_a_list_is_whole_whatever_comes_in_between(piece: int) -> None:
    live = "Event: ParkedCall\nParkeeUniqueid: live\nParkingSpace: 9"
    text = parked_items({"1": "a", "2": "b"})
    start, item, *rest = text.split("\n\n")
    mixed = "\n\n".join(["Event: Hangup\nUniqueid: x", start, live, item, live, *rest, live])
    player = Player(answers={"ParkedCalls": [mixed]}, piece=piece)

    async def act(ami: Ami, heard: list[Message], _: list[PbxError]) -> None:
        reply = await ami.send("ParkedCalls", (), WITHIN)
        assert [item.get("ParkeeUniqueid") for item in reply.items] == ["a", "b"]
        await ami.send("Ping", (), WITHIN)
        assert [event.event for event in heard] == ["Hangup", *["ParkedCall"] * 3]

    with_client(player, act)


def test_lists_that_are_asked_for_at_once_are_kept_apart() -> None:
    def by_name(action: Fields) -> str:
        return parked_items({"1": action["Lot"], "2": action["Lot"]})

    player = Player(answers={"ParkedCalls": [by_name]})

    async def act(ami: Ami, _: list[Message], __: list[PbxError]) -> None:
        names = [str(number) for number in range(20)]
        sent = [ami.send("ParkedCalls", (("Lot", name),), WITHIN) for name in names]
        for name, reply in zip(names, await asyncio.gather(*sent), strict=True):
            assert {item.get("ParkeeUniqueid") for item in reply.items} == {name}

    with_client(player, act)


def test_a_list_that_is_broken_off_is_an_error() -> None:
    start = "Response: Success\nActionID: {id}\nEventList: start"
    end = "Event: ParkedCallsComplete\nActionID: {id}\nEventList: Cancelled"

    async def act(ami: Ami, _: list[Message], __: list[PbxError]) -> None:
        with pytest.raises(BadAnswer, match="broke its list off"):
            await ami.send("ParkedCalls", (), WITHIN)

    with_client(Player(answers={"ParkedCalls": [f"{start}\n\n{end}"]}), act)


def test_an_event_with_a_response_in_it_is_no_reply() -> None:
    event = "Event: OriginateResponse\nActionID: {id}\nResponse: Failure\nReason: 0"
    player = Player(answers={"Originate": [f"{event}\n\n{SUCCESS}\n\n{event}"]})

    async def act(ami: Ami, heard: list[Message], _: list[PbxError]) -> None:
        reply = await ami.send("Originate", (), WITHIN)
        assert reply.message == "Done"
        await ami.send("Ping", (), WITHIN)
        assert [message.get("Reason") for message in heard] == ["0", "0"]

    with_client(player, act)


def test_a_late_reply_is_passed_over() -> None:
    player = Player(answers={"Slow": [""]})

    async def act(ami: Ami, heard: list[Message], _: list[PbxError]) -> None:
        with pytest.raises(TimedOut, match="the action Slow within 50ms"):
            await ami.send("Slow", (), SOON)
        await player.say(SUCCESS.replace("{id}", player.actions("Slow")[0]["ActionID"]))
        assert not (await ami.send("Ping", (), WITHIN)).refused
        assert not heard

    with_client(player, act)


def test_a_lost_connection_fails_what_waits_and_replays_nothing() -> None:
    player = Player(answers={"Park": ["CLOSE"]})

    async def act(ami: Ami, _: list[Message], lost: list[PbxError]) -> None:
        with pytest.raises(AnswerLost, match="connection to Asterisk was lost"):
            await asyncio.gather(ami.send("Park", (), WITHIN), ami.send("Other", (), WITHIN))
        assert len(lost) == 1
        assert not ami.open
        with pytest.raises(Unreachable, match="nothing was sent"):
            await ami.send("Park", (), WITHIN)
        assert len(player.actions("Park")) == 1

    with_client(player, act)


@pytest.mark.parametrize(
    ("greeting", "error", "told"),
    [
        (
            b"SSH-2.0-OpenSSH_9.2p1\r\n",
            BadAnswer,
            "no manager interface of Asterisk; it said: 'SSH",
        ),
        (b"220 mail ready\r\n", BadAnswer, "it said: '220 mail ready'"),
        (b"\x00\x01\x02", BadAnswer, "no manager interface"),
        (b"Asterisk Call Mana", TimedOut, "nobody said a word"),
        (b"", TimedOut, "nobody said a word on that port"),
    ],
)
def test_another_protocol_on_that_port(greeting: bytes, error: type[PbxError], told: str) -> None:
    async def play() -> None:
        async with Player(greeting=greeting) as player:
            with pytest.raises(error, match=told) as caught:
                await connect(("127.0.0.1", player.port), print, print, SOON)
            assert caught.value.hint is not None

    asyncio.run(play())


def test_a_port_that_nobody_listens_at() -> None:
    async def play() -> None:
        async with Player() as player:
            port = player.port
        with pytest.raises(Unreachable, match=f"no connection to 127.0.0.1:{port}"):
            await connect(("127.0.0.1", port), print, print, WITHIN)

    asyncio.run(play())


def test_a_server_that_closes_at_once() -> None:
    async def play() -> None:
        async def close(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.close()

        server = await asyncio.start_server(close, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(AnswerLost):
            await connect(("127.0.0.1", port), print, print, WITHIN)
        server.close()

    asyncio.run(play())


def opened(player: Player, **settings: object) -> Seen:
    """Open a session; what goes wrong is raised."""
    seen = Seen()

    async def play() -> None:
        async with player, session(target(player.port, **settings), seen):
            pass

    asyncio.run(play())
    return seen


def test_a_wrong_password_is_told_and_masked() -> None:
    no = "Response: Error\nActionID: {id}\nMessage: Authentication failed"
    seen = Seen()

    async def play() -> None:
        async with (
            Player(answers={"Login": [no]}) as player,
            session(target(player.port), seen),
        ):
            pass

    with pytest.raises(BadCredentials, match="does not let 'runner' in: Authentication failed"):
        asyncio.run(play())
    (trace,) = seen.traces
    assert trace.sent == "Action: Login\nUsername: runner\nSecret: ***"
    assert "word-of-honour" not in repr(seen)


@pytest.mark.parametrize("action", ["Parkinglots", "ShowDialPlan", "CoreShowChannels"])
def test_a_user_without_permission_is_told_which(action: str) -> None:
    no = "Response: Error\nActionID: {id}\nMessage: Permission denied"
    with pytest.raises(BadCredentials, match=f"use the action {action}") as caught:
        opened(Player(answers={action: [no]}))
    assert "manager.conf" in (caught.value.hint or "")


def test_a_lot_that_is_not_there() -> None:
    with pytest.raises(TargetError, match="parking lot 'defualt', which Asterisk does not have"):
        opened(Player(), lot="defualt")


def test_slots_that_the_lot_does_not_have() -> None:
    small = LOTS.replace("StopSpace: 20", "StopSpace: 3")
    with pytest.raises(TargetError, match="spaces 1-20, but the parking lot 'default' has 1-3"):
        opened(Player(answers={"Parkinglots": [small]}))


def test_spaces_numbered_apart_from_slots() -> None:
    shifted = LOTS.replace("StartSpace: 1\n", "StartSpace: 701\n").replace(": 20\n", ": 720\n")
    player = Player(answers={"Parkinglots": [shifted]}, parked={"706": "stranger"})

    async def play() -> None:
        async with player, session(target(player.port, first_space=701), Seen()) as on:
            ids = await called(on)
            assert reason(await on.park(at(ids), 6, WITHIN)) == "slot-full"
            assert reason(await on.park(at(ids), 706, WITHIN)) == "slot-unknown"
            assert (await on.holding()).slots == (("6", "stranger"),)

    asyncio.run(play())


def test_a_dialplan_that_lacks_what_is_needed() -> None:
    no = "Response: Error\nActionID: {id}\nMessage: Did not find context scenario-runner"
    with pytest.raises(TargetError, match="no extension 'dial' in the context") as caught:
        opened(Player(answers={"ShowDialPlan": [SUCCESS, no]}))
    assert "docs/asterisk.md" in (caught.value.hint or "")


def test_after_a_lost_connection_what_is_there_is_looked_at_anew() -> None:
    player = Player()

    async def play() -> None:
        async with player, session(target(player.port), Seen()) as on:
            ids = await called(on)
            player.hang_up_on_client()
            while len(player.actions("Login")) == 1:
                with suppress(AnswerLost, Unreachable):
                    await on.slots(at(ids), 6, WITHIN)
            assert reason(await on.park(at(ids), 6, WITHIN)) == "no-such-call"
            assert len(player.actions("Login")) == 2
            assert len(player.actions("Originate")) == 1
            assert await on.close() == ()

    asyncio.run(play())


SAYS_NO = "Event: OriginateResponse\nResponse: Failure\nReason: %s\nUniqueid: {uid}"
SAYS_YES = "Event: OriginateResponse\nResponse: Success\nReason: 4\nUniqueid: {uid}"
GONE = "Event: Hangup\nUniqueid: {uid}\nCause-txt: %s"
BUSY = "Event: DialEnd\nUniqueid: {uid}\nDestUniqueid: x\nDialStatus: BUSY"


@pytest.mark.parametrize(
    ("ends", "told"),
    [
        (SAYS_NO % 3, "outside/n: it did not answer"),
        (SAYS_NO % 0, "outside/n: it can't be dialled"),
        (GONE % "User alerting, no answer", "outside/n: User alerting"),
        (f"{SAYS_YES}\n\n{GONE % 'No route to destination'}", "341@desk/n: No route"),
        (BUSY, "341@desk/n: it is busy"),
    ],
)
def test_a_call_that_does_not_come_up(ends: str, told: str) -> None:
    def fails(action: Fields) -> str:
        return f"{SUCCESS}\n\n" + ends.replace("{uid}", action["ChannelId"])

    async def play() -> None:
        async with (
            Player(answers={"Originate": [fails]}) as player,
            session(target(player.port), Seen()) as on,
        ):
            with pytest.raises(PbxError, match=told) as caught:
                await called(on)
            assert "what reaches it" in (caught.value.hint or "")
            assert await on.close() == ()

    asyncio.run(play())


def test_nobody_answers_and_nobody_says_so() -> None:
    async def play() -> None:
        async with (
            Player(answers={"Originate": [SUCCESS]}) as player,
            session(target(player.port), Seen()) as on,
        ):
            with pytest.raises(TimedOut, match="did not answer within 1s"):
                await called(on)

    asyncio.run(play())


def test_closing_hangs_up_and_reports_what_stays() -> None:
    player = Player(answers={"Hangup": [SUCCESS]}, parked={"6": "stranger"})

    async def play() -> list[str]:
        from scenario_runner.pbx.asterisk import session as module

        patch = pytest.MonkeyPatch()
        patch.setattr(module, "CLOSING", SOON)
        try:
            async with player, session(target(player.port), Seen(), slots=("6", "7")) as on:
                await called(on)
                return [left.what for left in await on.close()]
        finally:
            patch.undo()

    left = asyncio.run(play())
    assert [what for what in left if "does not end" in what]
    assert left[-1] == "slot 6 is occupied"


def test_a_person_dials_and_is_waited_for() -> None:
    told: list[str] = []
    player = Player()

    async def play() -> None:
        from scenario_runner.clock import LoopClock
        from scenario_runner.pbx.asterisk.connection import Asterisk
        from scenario_runner.pbx.context import Context
        from scenario_runner.pbx.protocol import CallRequest, Done, Plan

        seen = Seen()
        player.parked = {"9": "old"}
        async with player:
            of = target(player.port, calls="wait")
            connection = Asterisk(of, of.settings, Context(announce=told.append))  # type: ignore[arg-type]
            plan = Plan(scenario="x", events=True)
            clock = LoopClock(asyncio.get_running_loop())
            async with connection.session(plan, seen, clock) as on:
                wanted = CallRequest(
                    extension="341", flow="in", party="any", instruction="Call 341", within=WITHIN
                )
                assert [call.uuid for call in (await on.holding()).calls] == ["old"]
                waiting = asyncio.ensure_future(on.call(wanted, WITHIN))
                await asyncio.sleep(0)
                dialled = {
                    "ChannelId": "somebody", "Channel": "PJSIP/customer",
                    "Variable": "X=Local/341@desk/n",
                }  # fmt: skip
                await player.say(came_up(dialled).split("\n\n", 1)[1])
                outcome = await waiting
                assert isinstance(outcome, Done)
                assert outcome.ids is not None
                assert (outcome.ids.uuid, outcome.ids.extension) == ("somebody", "341")
                with pytest.raises(TimedOut, match="nobody brought the call up: call the ext"):
                    await on.call(
                        CallRequest(extension="341", flow="in", party="+1", within=SOON), WITHIN
                    )
                await on.close()
            await connection.close()

    asyncio.run(play())
    assert told == ["Call 341", "call the extension 341 from +1"]
    assert {hangup["Channel"] for hangup in player.actions("Hangup")} == {
        "somebody",
        "somebody-341",
    }


def test_a_call_that_came_before_it_was_asked_for_is_taken_at_once() -> None:
    dialled = {
        "ChannelId": "early",
        "Channel": "PJSIP/customer",
        "Variable": "X=Local/341@desk/n",
    }

    async def play() -> None:
        async with (
            Player() as player,
            session(target(player.port, calls="wait"), Seen()) as on,
        ):
            await player.say(came_up(dialled).split("\n\n", 1)[1])
            await on.list_calls("341", WITHIN)
            assert (await called(on, party="any")).uuid == "early"

    asyncio.run(play())


def test_half_a_second_is_no_time_out_for_asterisk() -> None:
    from dataclasses import replace

    from scenario_runner.pbx.asterisk.connection import Asterisk
    from scenario_runner.pbx.context import Context

    of = replace(target(1), park_timeout=SECOND * 3 // 2)
    with pytest.raises(TargetError, match="whole seconds"):
        Asterisk(of, of.settings, Context())  # type: ignore[arg-type]


values = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Zl", "Zp", "Zs")))


@given(
    messages=st.lists(
        st.dictionaries(st.sampled_from(["Event", "Channel", "Reason", "X"]), values, min_size=1),
        max_size=5,
    ),
    cuts=st.lists(st.integers(0, 200), max_size=8),
)
def test_messages_are_the_same_however_they_are_cut(
    messages: list[dict[str, str]], cuts: list[int]
) -> None:
    data = wire("\n\n".join("\n".join(f"{k}: {v}" for k, v in m.items()) for m in messages))
    edges = sorted({0, *(cut for cut in cuts if cut < len(data)), len(data)})
    buffer, taken = bytearray(), []
    for start, end in pairwise(edges):
        buffer += data[start:end]
        taken += take_messages(buffer)
    assert [message.fields for message in taken] == messages
    assert not buffer or not messages


def test_a_stray_line_feed_in_a_reply_is_stripped() -> None:
    (message,) = take_messages(
        bytearray(b"Response: Success\r\nMessage: Park successful\n\r\n\r\n")
    )
    assert message.get("Message") == "Park successful"


@pytest.mark.parametrize("value", ["a\r\nAction: Logoff", "a\nb", "a\x00"])
def test_a_value_never_ends_its_line(value: str) -> None:
    with pytest.raises(NotPossible, match="can't be"):
        write_action("Originate", "1", (("CallerID", value),))
