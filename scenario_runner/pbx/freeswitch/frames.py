"""The event socket on the wire: headers, an empty line, and a body as long as the headers say."""

from __future__ import annotations

from urllib.parse import unquote

from scenario_runner.errors import BadAnswer, NotPossible
from scenario_runner.masking import MASK

_EVENT = "text/event-plain"
_LONGEST_HEAD = 1 << 16
_LONGEST_BODY = 16 << 20


class Message:
    """One message from FreeSWITCH: the answer to a command, an event, or a notice.

    `fields` are an event's own fields, decoded, or the headers of anything else; `body` is what
    comes after them, "" for none.
    """

    def __init__(self, headers: dict[str, str], body: str) -> None:
        self.kind = headers.get("Content-Type", "")
        self.fields = headers
        self.body = body
        self.event = ""
        if self.kind == _EVENT:
            head, _, self.body = body.partition("\n\n")
            encoded = _headers(head)
            self.fields = {key: unquote(value) for key, value in encoded.items()}
            name = self.fields.get("Event-Name", "")
            self.event = self.fields.get("Event-Subclass", "") or name

    def get(self, key: str) -> str:
        """Return a field's value, "" where it is not there."""
        return self.fields.get(key, "")

    @property
    def uid(self) -> str:
        """The channel that an event is about."""
        return self.get("Unique-ID")

    @property
    def answer(self) -> str:
        """What was answered to a command: the body, or what its header says."""
        return (self.body or self.get("Reply-Text")).strip("\n")


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
