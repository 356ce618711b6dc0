"""A client of FreeSWITCH's event socket: commands and their answers, events as they come."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING
from uuid import uuid4

from scenario_runner.durations import SECOND, duration_text
from scenario_runner.errors import (
    AnswerLost,
    BadAnswer,
    BadCredentials,
    PbxError,
    TimedOut,
    Unreachable,
)
from scenario_runner.pbx.freeswitch.frames import Message, take_messages, write_command
from scenario_runner.pbx.tracked.connecting import connected

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    _Answer: TypeAlias = asyncio.Future[Message]
    _Result: TypeAlias = asyncio.Future[str]

_GREETING = b"Content-Type: "
_PORT = "is it the port of event_socket.conf.xml (usually 8021)?"
_ANSWERS = ("command/reply", "api/response")


class Esl(asyncio.Protocol):
    """One connection to an event socket.

    `heard` is called with each event in the order they came; `lost` once when the connection
    ends. Commands that wait for their answer then fail; none is ever repeated.
    """

    def __init__(self, heard: Callable[[Message], None], lost: Callable[[PbxError], None]) -> None:
        self._heard = heard
        self._lost = lost
        self._buffer = bytearray()
        # Answers carry no name: they belong to the commands in their order, so a command that
        # nobody waits for any more must keep its place.
        self._pending: deque[_Answer] = deque()
        self._jobs: dict[str, _Result] = {}
        self._transport: asyncio.Transport | None = None
        self._greeting: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    @property
    def open(self) -> bool:
        """Whether commands can be sent."""
        return self._transport is not None and not self._transport.is_closing()

    async def greeting(self, within: int) -> None:
        """Wait to be asked for the password; raises BadAnswer where something else comes."""
        try:
            async with asyncio.timeout(within / SECOND):
                await self._greeting
        except TimeoutError:
            text = f"nobody said a word on that port within {duration_text(within)}"
            raise TimedOut(text, hint=_PORT) from None

    async def login(self, password: str, within: int) -> None:
        """Say the password; raises BadCredentials."""
        reply = await self.send(write_command(f"auth {password}"), "auth", within)
        if not reply.answer.startswith("+OK"):
            raise BadCredentials(
                f"FreeSWITCH does not take the password: {reply.answer}",
                hint="check it against `password` in FreeSWITCH's event_socket.conf.xml",
            )

    async def command(self, text: str, within: int) -> Message:
        """Send a command of one line and return its answer."""
        return await self.send(write_command(text), text, within)

    async def message(self, uid: str, fields: dict[str, str], within: int) -> Message:
        """Send a message to a channel, such as one that it shall execute an application."""
        lines = [f"sendmsg {uid}", *(f"{key}: {value}" for key, value in fields.items())]
        return await self.send(write_command(*lines), lines[0], within)

    async def background(self, command: str, within: int) -> str:
        """Let a command run in the background and return what came of it.

        Commands that take long would hold up all others otherwise.
        """
        job = str(uuid4())
        done: _Result = asyncio.get_running_loop().create_future()
        self._jobs[job] = done
        data = write_command(f"bgapi {command}", f"Job-UUID: {job}")
        try:
            async with asyncio.timeout(within / SECOND):
                reply = await self.send(data, f"bgapi {command}", within)
                if not reply.answer.startswith("+OK"):
                    return reply.answer
                return await done
        except TimeoutError:
            raise TimedOut(_late(command, within)) from None
        finally:
            self._jobs.pop(job, None)
            if not done.cancel() and not done.cancelled():
                done.exception()

    async def send(self, data: bytes, shown: str, within: int) -> Message:
        """Send a command and return its answer.

        Raises Unreachable where nothing was sent, AnswerLost and TimedOut where it may have been.
        """
        if self._transport is None or self._transport.is_closing():
            raise Unreachable("the connection to FreeSWITCH is closed: nothing was sent")
        answer: _Answer = asyncio.get_running_loop().create_future()
        self._pending.append(answer)
        self._transport.write(data)
        try:
            async with asyncio.timeout(within / SECOND):
                return await answer
        except TimeoutError:
            raise TimedOut(_late(shown, within)) from None

    def close(self) -> None:
        """End the connection."""
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the connection; called by the event loop."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Take what came in pieces of any size; called by the event loop."""
        self._buffer += data
        if not self._greeting.done() and not self._is_event_socket():
            return
        try:
            for message in take_messages(self._buffer):
                self._take(message)
        except BadAnswer as error:
            self._end(error)

    def connection_lost(self, exc: Exception | None) -> None:
        """Fail everybody who waits; called by the event loop."""
        told = f": {exc}" if exc is not None else ""
        self._end(AnswerLost(f"the connection to FreeSWITCH was lost{told}"))

    def _is_event_socket(self) -> bool:
        start = bytes(self._buffer[: len(_GREETING)])
        if _GREETING.startswith(start):
            return True
        shown = bytes(self._buffer[:60]).decode("utf-8", "replace").strip()
        text = f"this is no event socket of FreeSWITCH; it said: {shown!r}"
        self._end(BadAnswer(text, hint=_PORT))
        return False

    def _take(self, message: Message) -> None:
        if message.event == "BACKGROUND_JOB":
            self._job_done(message)
        elif message.event:
            self._heard(message)
        elif message.kind in _ANSWERS:
            self._answered(message)
        elif message.kind == "auth/request":
            if not self._greeting.done():
                self._greeting.set_result(None)
        elif message.kind == "text/rude-rejection":
            self._end(_turned_away(message))

    def _job_done(self, message: Message) -> None:
        done = self._jobs.get(message.get("Job-UUID"))
        if done is not None and not done.done():
            done.set_result(message.body.strip("\n"))

    def _answered(self, message: Message) -> None:
        if not self._pending:
            self._end(BadAnswer("FreeSWITCH answered what it was not asked"))
            return
        answer = self._pending.popleft()
        if not answer.done():
            answer.set_result(message)

    def _end(self, error: PbxError) -> None:
        _fail(self._greeting, error)
        for answer in self._pending:
            _fail(answer, error)
        for result in self._jobs.values():
            _fail(result, error)
        self._pending.clear()
        if self._transport is not None:
            self._transport.close()
            self._transport = None
            self._lost(error)


async def connect(
    address: tuple[str, int],
    heard: Callable[[Message], None],
    lost: Callable[[PbxError], None],
    within: int,
) -> Esl:
    """Connect to an event socket, until it asks for the password."""
    hint = "does FreeSWITCH run, with mod_event_socket loaded, and is the port right?"
    esl = await connected(lambda: Esl(heard, lost), address, hint, within)
    try:
        await esl.greeting(within)
    except PbxError:
        esl.close()
        raise
    return esl


def _fail(future: asyncio.Future[None] | _Answer | _Result, error: PbxError) -> None:
    if not future.done():
        future.set_exception(error)


def _late(command: str, within: int) -> str:
    return f"FreeSWITCH did not answer '{command}' within {duration_text(within)}"


def _turned_away(message: Message) -> BadCredentials:
    return BadCredentials(
        f"FreeSWITCH lets nobody in from this machine: {message.answer}",
        hint="see `apply-inbound-acl` in FreeSWITCH's event_socket.conf.xml",
    )
