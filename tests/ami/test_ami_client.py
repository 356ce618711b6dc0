"""The AMI client: framing, lists, events in between, lost connections, other protocols."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scenario_runner.errors import (
    AnswerLost,
    BadAnswer,
    NotPossible,
    PbxError,
    TimedOut,
    Unreachable,
)
from scenario_runner.pbx.asterisk.ami import Ami, take_messages, write_action
from scenario_runner.pbx.tracked.wire import Endpoint

from .playing import SUCCESS, Fields, Player, parked_items, wire
from .talking import SOON, WITHIN

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from scenario_runner.pbx.tracked.wire import WireMessage


def with_client(
    player: Player, act: Callable[[Ami, list[WireMessage], list[PbxError]], Awaitable[None]]
) -> None:
    """Connect a bare client to the player."""

    async def play() -> None:
        heard: list[WireMessage] = []
        lost: list[PbxError] = []
        async with player:
            ami = await Ami.connect(
                Endpoint("127.0.0.1", player.port), heard.append, lost.append, WITHIN
            )
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

    async def act(ami: Ami, heard: list[WireMessage], _: list[PbxError]) -> None:
        reply = await ami.send("ParkedCalls", (), WITHIN)
        assert [item.get("ParkeeUniqueid") for item in reply.items] == ["a", "b"]
        await ami.send("Ping", (), WITHIN)
        assert [event.event for event in heard] == ["Hangup", *["ParkedCall"] * 3]

    with_client(player, act)


def test_lists_that_are_asked_for_at_once_are_kept_apart() -> None:
    def by_name(action: Fields) -> str:
        return parked_items({"1": action["Lot"], "2": action["Lot"]})

    player = Player(answers={"ParkedCalls": [by_name]})

    async def act(ami: Ami, _: list[WireMessage], __: list[PbxError]) -> None:
        names = [str(number) for number in range(20)]
        sent = [ami.send("ParkedCalls", (("Lot", name),), WITHIN) for name in names]
        for name, reply in zip(names, await asyncio.gather(*sent), strict=True):
            assert {item.get("ParkeeUniqueid") for item in reply.items} == {name}

    with_client(player, act)


def test_a_list_that_is_broken_off_is_an_error() -> None:
    start = "Response: Success\nActionID: {id}\nEventList: start"
    end = "Event: ParkedCallsComplete\nActionID: {id}\nEventList: Cancelled"

    async def act(ami: Ami, _: list[WireMessage], __: list[PbxError]) -> None:
        with pytest.raises(BadAnswer, match="broke its list off"):
            await ami.send("ParkedCalls", (), WITHIN)

    with_client(Player(answers={"ParkedCalls": [f"{start}\n\n{end}"]}), act)


def test_an_event_with_a_response_in_it_is_no_reply() -> None:
    event = "Event: OriginateResponse\nActionID: {id}\nResponse: Failure\nReason: 0"
    player = Player(answers={"Originate": [f"{event}\n\n{SUCCESS}\n\n{event}"]})

    async def act(ami: Ami, heard: list[WireMessage], _: list[PbxError]) -> None:
        reply = await ami.send("Originate", (), WITHIN)
        assert reply.words == "Done"
        await ami.send("Ping", (), WITHIN)
        assert [message.get("Reason") for message in heard] == ["0", "0"]

    with_client(player, act)


def test_a_late_reply_is_passed_over() -> None:
    player = Player(answers={"Slow": [""]})

    async def act(ami: Ami, heard: list[WireMessage], _: list[PbxError]) -> None:
        with pytest.raises(TimedOut, match="the action Slow within 50ms"):
            await ami.send("Slow", (), SOON)
        await player.say(SUCCESS.replace("{id}", player.actions("Slow")[0]["ActionID"]))
        assert not (await ami.send("Ping", (), WITHIN)).refused
        assert not heard

    with_client(player, act)


def test_a_lost_connection_fails_what_waits_and_replays_nothing() -> None:
    player = Player(answers={"Park": ["CLOSE"]})

    async def act(ami: Ami, _: list[WireMessage], lost: list[PbxError]) -> None:
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
            "not the manager interface of Asterisk; it said: 'SSH",
        ),
        (b"220 mail ready\r\n", BadAnswer, "it said: '220 mail ready'"),
        (b"\x00\x01\x02", BadAnswer, "not the manager interface"),
        (b"Asterisk Call Mana", TimedOut, "no greeting on that port"),
        (b"", TimedOut, "no greeting on that port"),
    ],
)
def test_another_protocol_on_that_port(greeting: bytes, error: type[PbxError], told: str) -> None:
    async def play() -> None:
        async with Player(greeting=greeting) as player:
            with pytest.raises(error, match=told) as caught:
                await Ami.connect(Endpoint("127.0.0.1", player.port), print, print, SOON)
            assert caught.value.hint is not None

    asyncio.run(play())


def test_a_port_that_nobody_listens_at() -> None:
    async def play() -> None:
        async with Player() as player:
            port = player.port
        with pytest.raises(Unreachable, match=f"no connection to 127.0.0.1:{port}"):
            await Ami.connect(Endpoint("127.0.0.1", port), print, print, WITHIN)

    asyncio.run(play())


def test_a_server_that_closes_at_once() -> None:
    async def play() -> None:
        async def close(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.close()

        server = await asyncio.start_server(close, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(AnswerLost):
            await Ami.connect(Endpoint("127.0.0.1", port), print, print, WITHIN)
        server.close()

    asyncio.run(play())


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
