"""An event socket that plays a part: it answers as FreeSWITCH does, or as a test tells it to."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

from .switch import Switch, event, is_answer, messages, reply

Answer: TypeAlias = "bytes | Callable[[str], bytes]"

GREETING = b"Content-Type: auth/request\n\n"
PASSWORD = "word-of-honour"
SILENCE = b""
CLOSE = b"CLOSE"


@dataclass
class Player:
    """One event socket on a free port of the loopback.

    `answers` are bytes by the beginning of a command, or what makes them; a list is used up one by
    one, its last item stays. `SILENCE` is no answer, `CLOSE` ends the connection. `piece` cuts
    what is sent into pieces of that many bytes; `answers_last` lets the events that a command
    causes overtake its answer, as some do now and then. `received` are the commands that came.
    Parked calls return only where it `keeps_time`, otherwise when a test lets them.
    """

    answers: dict[str, list[Answer]] = field(default_factory=dict)
    greeting: bytes = GREETING
    piece: int = 0
    answers_last: bool = False
    port: int = 0
    keeps_time: bool = False
    switch: Switch = field(default_factory=Switch)
    received: list[str] = field(default_factory=list)
    writers: list[asyncio.StreamWriter] = field(default_factory=list)
    _server: asyncio.Server | None = None

    async def __aenter__(self) -> Player:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        self.hang_up_on_client()
        await asyncio.sleep(0)

    def commands(self, beginning: str) -> list[str]:
        """Return the commands that came and begin so."""
        return [command for command in self.received if command.startswith(beginning)]

    async def say(self, data: bytes) -> None:
        """Send something by itself."""
        await self._send(self.writers[-1], data)

    def hang_up_on_client(self) -> None:
        """End all connections."""
        for writer in self.writers:
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writers.append(writer)
        await self._send(writer, self.greeting)
        try:
            while True:
                command = (await reader.readuntil(b"\n\n")).decode().removesuffix("\n\n")
                self.received.append(command)
                data = self._answer(command)
                if data == CLOSE:
                    writer.close()
                await self._send(writer, data)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    def _answer(self, command: str) -> bytes:
        for beginning, told in self.answers.items():
            if command.startswith(beginning):
                answer = told.pop(0) if len(told) > 1 else told[0]
                return answer(command) if callable(answer) else answer
        return self.usual(command)

    def usual(self, command: str) -> bytes:
        """Answer as FreeSWITCH does."""
        word, _, rest = command.partition(" ")
        match word:
            case "auth" if rest == PASSWORD:
                return reply("+OK accepted")
            case "auth":
                goodbye = "Disconnected, goodbye.\nSee you at ClueCon! http://www.cluecon.com/\n"
                notice = f"Content-Type: text/disconnect-notice\nContent-Length: {len(goodbye)}\n\n"
                return reply("-ERR invalid") + (notice + goodbye).encode()
            case "event":
                return reply("+OK event listener enabled plain")
            case "api":
                said = self.switch.answer(rest)
                if self.keeps_time and rest.startswith("uuid_transfer"):
                    self._begin_time(rest.split(" ")[1])
                return said
            case "bgapi":
                return self._in_background(rest)
            case _:
                return reply("-ERR command not found")

    def _in_background(self, rest: str) -> bytes:
        command, _, job = rest.partition("\nJob-UUID: ")
        said, result, later = self.switch.originate(command)
        accepted = f"Content-Type: command/reply\nReply-Text: +OK Job-UUID: {job}\n"
        done = event("BACKGROUND_JOB", result, Job_UUID=job, Job_Command="originate")
        return f"{accepted}Job-UUID: {job}\n\n".encode() + said + done + later

    def _begin_time(self, uid: str) -> None:
        place = self.switch.token_of(uid)
        if place is not None:
            given = self.switch.given[uid]
            seconds = int(given["valet_parking_timeout"])
            rings = re.findall(r"originate_timeout=(\d+)", given["valet_parking_orbit_exten"])
            loop, writer = asyncio.get_running_loop(), self.writers[-1]

            def back() -> None:
                if place == self.switch.token_of(uid):
                    writer.write(self.switch.times_out(uid))
                    loop.call_later(int(rings[0]), given_up)

            def given_up() -> None:
                if writer.transport is not None:
                    writer.write(self.switch.gives_up(uid))

            loop.call_later(seconds, back)

    async def _send(self, writer: asyncio.StreamWriter, data: bytes) -> None:
        if self.answers_last and is_answer(data):
            said = sorted(messages(data), key=is_answer)
            data = b"".join(said)
        size = self.piece or len(data) or 1
        for start in range(0, len(data), size):
            writer.write(data[start : start + size])
            await writer.drain()
            if self.piece:
                await asyncio.sleep(0)
