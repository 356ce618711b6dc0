"""FreeSWITCH's event socket (ESL): commands and their answers, events as they come.

A message is headers, an empty line, and a body as long as the headers say.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING
from urllib.parse import unquote
from uuid import uuid4

from scenario_runner.durations import SECOND, duration_text
from scenario_runner.errors import BadAnswer, BadCredentials, NotPossible, TimedOut
from scenario_runner.masking import MASK
from scenario_runner.pbx.tracked.client import TracedClient
from scenario_runner.pbx.tracked.wire import WireClient, WireMessage

if TYPE_CHECKING:
    from scenario_runner.references import Json

_EVENT = "text/event-plain"
_LONGEST_HEAD = 1 << 16
_LONGEST_BODY = 16 << 20


class Message(WireMessage):
    """One message from FreeSWITCH: the answer to a command, an event, or a notice.

    `fields` are an event's own fields, decoded, or the headers of anything else; `body` is what
    comes after them, "" for none.
    """

    def __init__(self, headers: dict[str, str], body: str) -> None:
        self.kind = headers.get("Content-Type", "")
        self.body = body
        event, fields = "", headers
        if self.kind == _EVENT:
            head, _, self.body = body.partition("\n\n")
            fields = {key: unquote(value) for key, value in _headers(head).items()}
            event = fields.get("Event-Subclass", "") or fields.get("Event-Name", "")
        super().__init__(event, fields)

    @property
    def text(self) -> str:
        """What was answered to a command: the body, or what its header says."""
        return (self.body or self.get("Reply-Text")).strip("\n")

    @property
    def words(self) -> str:
        """FreeSWITCH's own words, without the usage that may follow."""
        return self.text.partition("\n")[0]

    @property
    def refused(self) -> bool:
        """Whether this is an answer that says no."""
        return self.text.startswith("-")

    @property
    def granted(self) -> bool:
        """Whether this is an answer that says that it is done, or being done."""
        return self.text.startswith("+OK")

    @property
    def evidence(self) -> Json:
        """An event's fields, or what was answered."""
        return dict(self.fields) if self.event else self.text


def take_messages(buffer: bytearray) -> list[Message]:
    """Take all whole messages out of the buffer; what is left of the last one stays.

    Raises BadAnswer for what can't be a message. Only the length tells where a body ends: it may
    hold empty lines, and need not end with a line feed.
    """
    messages: list[Message] = []
    start = 0
    while (end := buffer.find(b"\n\n", start)) >= 0:
        headers = _headers(bytes(buffer[start:end]).decode("utf-8", "replace"))
        until = end + 2 + _length(headers)
        if until > len(buffer):
            break
        body = bytes(buffer[end + 2 : until]).decode("utf-8", "replace")
        if headers:
            messages.append(Message(headers, body))
        start = until
    del buffer[:start]
    if len(buffer) > _LONGEST_HEAD and buffer.find(b"\n\n") < 0:
        raise BadAnswer(f"FreeSWITCH's message has no end after {_LONGEST_HEAD >> 10} KiB")
    return messages


def _headers(text: str) -> dict[str, str]:
    lines = (line.partition(":") for line in text.split("\n"))
    return {key.strip(): value.strip() for key, colon, value in lines if colon}


def _length(headers: dict[str, str]) -> int:
    text = headers.get("Content-Length", "0")
    if not (text.isascii() and text.isdecimal()) or int(text) > _LONGEST_BODY:
        raise BadAnswer(f"FreeSWITCH's message has the length '{text[:20]}'")
    return int(text)


def write_command(*lines: str) -> bytes:
    """Write a command; raises NotPossible for a value that would end its line."""
    for line in lines:
        if not line.isprintable():
            raise NotPossible(
                f"FreeSWITCH can't be sent {shown_command(line)!r}",
                hint="leave out line breaks and the like",
            )
    return ("\n".join(lines) + "\n\n").encode()


def shown_command(command: str) -> str:
    """Write a command for people, the password masked."""
    return f"auth {MASK}" if command.startswith("auth ") else command


class Esl(WireClient):
    """One connection to an event socket; it is greeted when it is asked for the password."""

    pbx = "FreeSWITCH"
    what = "event socket of FreeSWITCH"
    banner = b"Content-Type: "
    port_hint = "is it the port of event_socket.conf.xml (usually 8021)?"
    start_hint = "does FreeSWITCH run, with mod_event_socket loaded, and is the port right?"

    def prepare(self) -> None:
        """Have no command on its way."""
        # Answers carry no name: they belong to the commands in their order, so a command that
        # nobody waits for any more must keep its place.
        self._pending: deque[asyncio.Future[Message]] = deque()
        self._jobs: dict[str, asyncio.Future[Message]] = {}

    async def command(self, text: str, within: int) -> Message:
        """Send a command of one line and return its answer."""
        return await self.send(write_command(text), shown_command(text), within)

    async def background(self, command: str, within: int) -> Message:
        """Let a command run in the background and return what came of it.

        Commands that take long would hold up all others otherwise.
        """
        job = str(uuid4())
        done: asyncio.Future[Message] = self.expect()
        self._jobs[job] = done
        data = write_command(f"bgapi {command}", f"Job-UUID: {job}")
        try:
            async with asyncio.timeout(within / SECOND):
                reply = await self.send(data, f"bgapi {command}", within)
                return await done if reply.granted else reply
        except TimeoutError:
            text = f"FreeSWITCH did not answer '{command}' within {duration_text(within)}"
            raise TimedOut(text) from None
        finally:
            self._jobs.pop(job, None)
            if not done.cancel() and not done.cancelled():
                done.exception()

    async def send(self, data: bytes, shown: str, within: int) -> Message:
        """Send a command and return its answer.

        Raises Unreachable where nothing was sent, AnswerLost and TimedOut where it may have been.
        """
        self.write(data)
        answer: asyncio.Future[Message] = self.expect()
        self._pending.append(answer)
        return await self.answer(answer, f"'{shown}'", within)

    def take_in(self, buffer: bytearray) -> None:
        """Take messages, the first of which asks for the password."""
        for message in take_messages(buffer):
            match message.event or message.kind:
                case "BACKGROUND_JOB":
                    self._job_done(message)
                case "command/reply" | "api/response":
                    self._answered(message)
                case "auth/request":
                    self.greet(message.kind)
                case "text/rude-rejection":
                    self.end(_turned_away(message))
                case _ if message.event:
                    self.heard(message)

    def _job_done(self, message: Message) -> None:
        done = self._jobs.get(message.get("Job-UUID"))
        if done is not None and not done.done():
            done.set_result(message)

    def _answered(self, message: Message) -> None:
        if not self._pending:
            raise BadAnswer("FreeSWITCH answered what it was not asked")
        answer = self._pending.popleft()
        if not answer.done():
            answer.set_result(message)


def _turned_away(message: Message) -> BadCredentials:
    return BadCredentials(
        f"FreeSWITCH lets nobody in from this machine: {message.text}",
        hint="see `apply-inbound-acl` in FreeSWITCH's event_socket.conf.xml",
    )


class TracedEsl(TracedClient[Esl]):
    """Sends commands for one scenario."""

    protocol = "esl"

    async def api(self, command: str, within: int) -> Message:
        """Send a command of the API and return its answer; raises what the client raises."""
        sent = f"api {command}"
        return await self.exchange(sent, lambda esl: esl.command(sent, within))

    async def background(self, command: str, within: int) -> Message:
        """Let a command that takes long run in the background; return what came of it."""
        return await self.exchange(f"bgapi {command}", lambda esl: esl.background(command, within))
