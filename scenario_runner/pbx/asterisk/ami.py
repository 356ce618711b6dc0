"""Asterisk's manager interface (AMI): actions and their answers, events as they come.

A message is lines of `Key: value`, ended by an empty line. An answer may be a list: its items are
events that carry the action's id.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from itertools import count
from typing import TYPE_CHECKING, TypeAlias

from scenario_runner.errors import BadAnswer, BadCredentials, NotPossible
from scenario_runner.masking import MASK
from scenario_runner.pbx.tracked.client import TracedClient
from scenario_runner.pbx.tracked.wire import WireClient, WireMessage

if TYPE_CHECKING:
    import asyncio

    from scenario_runner.references import Json

Fields: TypeAlias = tuple[tuple[str, str], ...]

_END = b"\r\n\r\n"
_LONGEST = 4 << 20
_SECRETS = frozenset({"secret", "key"})
"""A key of an MD5 login is one: passwords can be tried out on it."""

_SHOWN = 20


class Message(WireMessage):
    """One message from Asterisk: a reply, or an event.

    A message with an `Event` header is an event, even if it carries `Response`, too. Values are
    stripped, since some of Asterisk's replies have a stray line feed inside a line.
    """

    def __init__(self, block: bytes) -> None:
        self.raw = block
        lines = (line.partition(":") for line in block.decode("utf-8", "replace").split("\r\n"))
        fields = {key: value.strip() for key, colon, value in lines if colon}
        super().__init__(fields.get("Event", ""), fields)
        self.action_id = fields.get("ActionID", "")

    @cached_property
    def text(self) -> str:
        """The message as it came, with plain line feeds."""
        lines = self.raw.decode("utf-8", "replace").split("\r\n")
        return "\n".join(line.rstrip() for line in lines).strip("\n")

    @property
    def refused(self) -> bool:
        """Whether this is a reply that says no."""
        return not self.event and self.get("Response") == "Error"


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer to an action: its reply, and the items where it answers with a list."""

    first: Message
    items: tuple[Message, ...] = ()

    @property
    def refused(self) -> bool:
        """Whether Asterisk said no."""
        return self.first.refused

    @property
    def words(self) -> str:
        """Asterisk's own words."""
        return self.first.get("Message")

    @property
    def evidence(self) -> Json:
        """The fields of the reply itself."""
        return self.first.evidence

    @property
    def text(self) -> str:
        """The reply and its first items."""
        texts = [message.text for message in (self.first, *self.items[:_SHOWN])]
        if len(self.items) > _SHOWN:
            texts.append(f"… and {len(self.items) - _SHOWN} more items")
        return "\n\n".join(texts)


def take_messages(buffer: bytearray) -> list[Message]:
    """Take all whole messages out of the buffer; what is left of the last one stays."""
    *blocks, rest = buffer.split(_END)
    if blocks:
        buffer[:] = rest
    return [Message(bytes(block)) for block in blocks if block.strip()]


def write_action(action: str, action_id: str, fields: Fields) -> bytes:
    """Write an action; raises NotPossible for a value that would end its line."""
    lines = [f"Action: {action}", f"ActionID: {action_id}"]
    for key, value in fields:
        if not value.isprintable():
            shown = "what it is" if key.lower() in _SECRETS else repr(value)
            raise NotPossible(
                f"{key} can't be {shown} for Asterisk", hint="leave out line breaks and the like"
            )
        lines.append(f"{key}: {value}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def action_text(action: str, fields: Fields) -> str:
    """Write an action for people, its secrets masked."""
    shown = [f"{key}: {MASK if key.lower() in _SECRETS else value}" for key, value in fields]
    return "\n".join([f"Action: {action}", *shown])


@dataclass(slots=True)
class _Pending:
    answer: asyncio.Future[Reply]
    first: Message | None = None
    items: list[Message] = field(default_factory=list)


class Ami(WireClient):
    """One connection to a manager interface; `greeting` is the interface's version."""

    pbx = "Asterisk"
    what = "manager interface of Asterisk"
    may_speak_tls = True
    banner = b"Asterisk Call Manager/"
    port_hint = "is it the port of manager.conf (usually 5038)?"
    start_hint = "does Asterisk run, with `enabled = yes` in manager.conf, and is the port right?"

    def prepare(self) -> None:
        """Have nothing asked yet."""
        self._pending: dict[str, _Pending] = {}
        self._numbers = count(1)

    async def send(self, action: str, fields: Fields, within: int) -> Reply:
        """Send an action and return its answer, a list's items included.

        Raises Unreachable where nothing was sent, AnswerLost and TimedOut where it may have been.
        """
        action_id = f"sr{next(self._numbers)}"
        data = write_action(action, action_id, fields)
        self.write(data)
        pending = self._pending[action_id] = _Pending(self.expect())
        try:
            return await self.answer(pending.answer, f"the action {action}", within)
        finally:
            self._pending.pop(action_id, None)

    def take_in(self, buffer: bytearray) -> None:
        """Take the greeting, which is one line, and then messages."""
        if not self.greeted:
            line, newline, rest = buffer.partition(b"\r\n")
            if not newline:
                return
            buffer[:] = rest
            self.greet(line[len(self.banner) :].decode("ascii", "replace"))
        for message in take_messages(buffer):
            self._take(message)
        if len(buffer) > _LONGEST:
            raise BadAnswer(f"Asterisk's message has no end after {_LONGEST >> 20} MiB")

    def _take(self, message: Message) -> None:
        pending = self._pending.get(message.action_id)
        if pending is None or pending.answer.done():
            if message.event:
                self.heard(message)
        elif not message.event:
            pending.first = message
            if message.refused or message.get("EventList").lower() != "start":
                pending.answer.set_result(Reply(message))
        elif pending.first is None:
            self.heard(message)
        else:
            self._take_item(pending, pending.first, message)

    def _take_item(self, pending: _Pending, first: Message, item: Message) -> None:
        match item.get("EventList").lower():
            case "complete":
                pending.answer.set_result(Reply(first, tuple(pending.items)))
            case "cancelled":
                pending.answer.set_exception(BadAnswer("Asterisk broke its list off"))
            case _:
                pending.items.append(item)


RIGHTS = "manager.conf: read = call,reporting,dialplan and write = call,reporting,originate"
"""What a manager user has to be given."""


def permitted(action: str, reply: Reply) -> Reply:
    """Return the reply; raises BadCredentials where the manager user lacks a permission."""
    if reply.refused and reply.words == "Permission denied":
        raise BadCredentials(
            f"Asterisk does not let this manager user use the action {action}",
            hint=RIGHTS,
        )
    return reply


class TracedAmi(TracedClient[Ami]):
    """Sends actions for one scenario."""

    protocol = "ami"

    async def ask(self, action: str, fields: Fields, within: int) -> Reply:
        """Send an action and return its answer; raises what `Ami.send` and `permitted` raise."""
        reply = await self.exchange(
            action_text(action, fields), lambda ami: ami.send(action, fields, within)
        )
        return permitted(action, reply)

    async def must(self, action: str, fields: Fields, within: int) -> Reply:
        """Send an action that Asterisk has no reason to refuse; raises BadAnswer if it does."""
        reply = await self.ask(action, fields, within)
        if reply.refused:
            raise BadAnswer(f"Asterisk refuses the action {action}: {reply.words}")
        return reply
