"""The event socket's client: framing, order, jobs, lost connections, other protocols."""

from __future__ import annotations

import asyncio
from contextlib import suppress
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
from scenario_runner.pbx.commands import AskSlot, ParkCall, ShowCall
from scenario_runner.pbx.freeswitch.esl import Esl, Message, take_messages, write_command
from scenario_runner.pbx.freeswitch.lot import listed
from scenario_runner.pbx.tracked.wire import Endpoint

from .playing import CLOSE, GREETING, PASSWORD, SILENCE, Player
from .switch import event, reply, response
from .talking import SOON, WITHIN, Seen, at, called, reason, session, target

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from scenario_runner.pbx.tracked.wire import WireMessage

EMPTY_LOTS = b"Content-Type: api/response\nContent-Length: 15\n\n<lots>\n</lots>\n"
WIRE = b"".join(
    [
        GREETING,
        b"Content-Type: command/reply\nReply-Text: +OK accepted\n\n",
        EMPTY_LOTS,
        b"Content-Type: api/response\nContent-Length: 5\n\nfalse",
        event("CUSTOM", Event_Subclass="valet_parking::info", Valet_Extension='foo"<x'),
        response("one\n\ntwo"),
        event("BACKGROUND_JOB", "+OK done\n", Job_UUID="j"),
    ]
)


def with_client(
    player: Player, act: Callable[[Esl, list[WireMessage], list[PbxError]], Awaitable[None]]
) -> None:
    """Connect a bare client to the player."""

    async def play() -> None:
        heard: list[WireMessage] = []
        lost: list[PbxError] = []
        async with player:
            esl = await Esl.connect(
                Endpoint("127.0.0.1", player.port), heard.append, lost.append, WITHIN
            )
            await act(esl, heard, lost)
            esl.close()

    asyncio.run(play())


@given(st.lists(st.integers(1, 60), max_size=40))
def test_messages_are_whole_however_they_come(sizes: list[int]) -> None:
    buffer, messages, rest = bytearray(), list[Message](), WIRE
    for size in [*sizes, len(WIRE)]:
        buffer += rest[:size]
        rest = rest[size:]
        messages += take_messages(buffer)
    assert not buffer
    texts = [(one.event or one.kind, one.text) for one in messages]
    assert texts == [
        ("auth/request", ""),
        ("command/reply", "+OK accepted"),
        ("api/response", "<lots>\n</lots>"),
        ("api/response", "false"),
        ("valet_parking::info", ""),
        ("api/response", "one\n\ntwo"),
        ("BACKGROUND_JOB", "+OK done"),
    ]
    assert messages[4].get("Valet-Extension") == 'foo"<x'


@given(st.binary(max_size=200))
def test_no_bytes_are_a_fault_of_the_runner(data: bytes) -> None:
    with suppress(BadAnswer):
        take_messages(bytearray(data))


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"Content-Type: api/response\nContent-Length: -5\n\n", "length '-5'"),
        (b"Content-Length: 99999999999999999\n\n", "length '99999999999999999'"),
        (b"x" * 70_000, "no end after 64 KiB"),
    ],
)
def test_what_can_be_no_message(data: bytes, told: str) -> None:
    with pytest.raises(BadAnswer, match=told):
        take_messages(bytearray(data))


@pytest.mark.parametrize("line", ["api x\nexit", "api x\r", "api \x00"])
def test_a_line_break_smuggles_no_command(line: str) -> None:
    with pytest.raises(NotPossible, match="can't be sent"):
        write_command(line)


def test_a_list_of_lots_is_no_xml() -> None:
    text = (
        '<lots>\n  <lot name="a<&b">\n    <extension uuid="A">foo"<x</extension>\n  </lot>\n'
        '  <lot name="empty">\n  </lot>\n  <lot name="B">\n    <extension uuid="B">6</extension>\n'
        "  </lot>\n</lots>\n"
    )
    assert listed(text) == {("a<&b", 'foo"<x'): "A", ("B", "6"): "B"}
    assert listed("-ERR") == {}


@pytest.mark.parametrize("piece", [0, 1, 3])
def test_answers_come_in_order_whatever_comes_in_between(piece: int) -> None:
    def with_events(command: str) -> bytes:
        return event("CHANNEL_CREATE", Unique_ID=command) + response(command)

    async def act(esl: Esl, heard: list[WireMessage], _: list[PbxError]) -> None:
        words = [str(number) for number in range(20)]
        answers = await asyncio.gather(*(esl.command(f"api {word}", WITHIN) for word in words))
        assert [one.text for one in answers] == [f"api {word}" for word in words]
        assert [one.get("Unique-ID") for one in heard] == [f"api {word}" for word in words]

    with_client(Player(answers={"api": [with_events]}, piece=piece), act)


def test_a_late_answer_is_not_taken_for_the_next_one() -> None:
    player = Player(answers={"api slow": [SILENCE]})

    async def act(esl: Esl, _: list[WireMessage], __: list[PbxError]) -> None:
        with pytest.raises(TimedOut, match="did not answer 'api slow' within 50ms"):
            await esl.command("api slow", SOON)
        quick = asyncio.ensure_future(esl.command("api module_exists x", WITHIN))
        player.answers["api module_exists"] = [response("slow") + response("quick")]
        assert (await quick).text == "quick"

    with_client(player, act)


def test_what_runs_in_the_background_holds_nothing_up() -> None:
    """`originate` takes until somebody answers; other commands go on meanwhile."""
    player = Player(answers={"bgapi": [reply("+OK Job-UUID: x")]})

    async def act(esl: Esl, _: list[WireMessage], __: list[PbxError]) -> None:
        job = asyncio.ensure_future(esl.background("originate null/1 &park()", WITHIN))
        assert (await esl.command("api module_exists x", WITHIN)).text == "true"
        (sent,) = player.commands("bgapi")
        uuid = sent.partition("\nJob-UUID: ")[2]
        await player.say(event("BACKGROUND_JOB", "+OK other\n", Job_UUID="another"))
        await player.say(event("BACKGROUND_JOB", "+OK there\n", Job_UUID=uuid))
        assert (await job).text == "+OK there"

    with_client(player, act)


def test_what_may_not_run_in_the_background() -> None:
    async def act(esl: Esl, _: list[WireMessage], __: list[PbxError]) -> None:
        assert (await esl.background("originate x", WITHIN)).text == "-ERR no"

    with_client(Player(answers={"bgapi": [reply("-ERR no")]}), act)


@pytest.mark.parametrize("waiting", ["answer", "job"])
def test_a_lost_connection_fails_what_waits_and_replays_nothing(waiting: str) -> None:
    player = Player(answers={"bgapi": [reply("+OK Job-UUID: x")], "api last": [CLOSE]})
    player.answers["api first"] = [SILENCE]

    async def act(esl: Esl, _: list[WireMessage], lost: list[PbxError]) -> None:
        with pytest.raises(AnswerLost, match="connection to FreeSWITCH was lost"):
            await asyncio.gather(_first(esl, waiting), _later(esl))
        assert len(lost) == 1
        assert not esl.open
        with pytest.raises(Unreachable, match="nothing was sent"):
            await esl.command("api first", WITHIN)
        assert len(player.received) == 2

    with_client(player, act)


async def _first(esl: Esl, waiting: str) -> None:
    if waiting == "job":
        await esl.background("originate x", WITHIN)
    else:
        await esl.command("api first", WITHIN)


async def _later(esl: Esl) -> None:
    with pytest.raises(AnswerLost):
        await esl.command("api last", WITHIN)


def test_an_answer_to_nothing_ends_the_connection() -> None:
    player = Player(answers={"api": [response("one") + response("two")]})

    async def act(esl: Esl, _: list[WireMessage], lost: list[PbxError]) -> None:
        assert (await esl.command("api x", WITHIN)).text == "one"
        await asyncio.sleep(0)
        assert not esl.open
        assert isinstance(lost[0], BadAnswer)

    with_client(player, act)


REJECTED = b"Content-Type: text/rude-rejection\nContent-Length: 24\n\nAccess Denied, go away.\n"


@pytest.mark.parametrize(
    ("greeting", "error", "told"),
    [
        (
            b"SSH-2.0-OpenSSH_9.2p1\r\n",
            BadAnswer,
            "not the event socket of FreeSWITCH; it said: 'SSH",
        ),
        (b"Asterisk Call Manager/11.0.0\r\n", BadAnswer, "it said: 'Asterisk Call Manager"),
        (b"\x00\x01\x02", BadAnswer, "not the event socket"),
        (b"Content-Type: auth/req", TimedOut, "no greeting on that port"),
        (b"", TimedOut, "no greeting on that port"),
        (REJECTED, BadCredentials, "lets nobody in from this machine: Access Denied, go away."),
    ],
)
def test_another_protocol_on_that_port(greeting: bytes, error: type[PbxError], told: str) -> None:
    async def play() -> None:
        async with Player(greeting=greeting) as player:
            with pytest.raises(error, match=told) as caught:
                await Esl.connect(Endpoint("127.0.0.1", player.port), print, print, SOON)
            assert caught.value.hint

    asyncio.run(play())


@pytest.mark.parametrize(("host", "port"), [("127.0.0.1", 1), ("no-such-host.invalid", 8021)])
def test_nobody_there(host: str, port: int) -> None:
    async def play() -> None:
        with pytest.raises(Unreachable, match=f"no connection to {host}:{port}: ") as caught:
            await Esl.connect(Endpoint(host, port), print, print, 5 * SECOND)
        assert "mod_event_socket" in str(caught.value.hint)

    asyncio.run(play())


def test_a_wrong_password() -> None:
    seen = Seen()

    async def play() -> None:
        async with Player() as player:
            with pytest.raises(BadCredentials, match="does not take the password: -ERR invalid"):
                async with session(target(player.port, password="hunter2"), seen):
                    pass

    asyncio.run(play())
    assert [(one.protocol, one.sent) for one in seen.traces] == [("esl", "auth ***")]
    assert "hunter2" not in repr(seen.traces)


@pytest.mark.parametrize("module", ["mod_valet_parking", "mod_loopback"])
def test_a_module_is_missing(module: str) -> None:
    player = Player(answers={f"api module_exists {module}": [response("false")]})

    async def play() -> None:
        async with player:
            with pytest.raises(TargetError, match=f"needs {module}, which FreeSWITCH has not"):
                async with session(target(player.port), Seen()):
                    pass
            assert not player.commands("bgapi")

    asyncio.run(play())


def test_events_that_are_not_sent() -> None:
    player = Player(answers={"event": [reply("-ERR no keywords supplied")]})

    async def play() -> None:
        async with player:
            with pytest.raises(BadAnswer, match="does not send events: -ERR no keywords"):
                async with session(target(player.port), Seen()):
                    pass

    asyncio.run(play())


def test_after_a_lost_connection_what_is_left_is_looked_at_anew() -> None:
    player = Player()

    async def play() -> None:
        async with player, session(target(player.port), Seen()) as on:
            stays, ended = await called(on), await called(on, "342")
            await on.do(ParkCall(call=at(stays), slot=6), WITHIN)
            await on.do(ParkCall(call=at(ended), slot=7), WITHIN)
            player.answers["api valet_info"] = [CLOSE]
            with pytest.raises(AnswerLost):
                await on.do(AskSlot(call=at(stays), slot=6), WITHIN)
            del player.answers["api valet_info"]
            player.switch.gone(ended.uuid, "NORMAL_CLEARING")
            assert reason(await on.do(AskSlot(call=at(stays), slot=6), WITHIN)) == "done"
            assert reason(await on.do(AskSlot(call=at(ended), slot=6), WITHIN)) == "no-such-call"
            player.switch.exit(stays.uuid, "4")
            player.answers["api uuid_exists"] = [CLOSE]
            with pytest.raises(AnswerLost):
                await on.do(ShowCall(call=at(stays)), WITHIN)
            del player.answers["api uuid_exists"]
            assert reason(await on.do(ParkCall(call=at(stays), slot=8), WITHIN)) == "done"

    asyncio.run(play())
    assert len(player.commands(f"auth {PASSWORD}")) == 3
    assert len(player.commands("api uuid_transfer")) == 3
