"""AMI on the wire: messages are lines of `Key: value`, ended by an empty line."""

from __future__ import annotations

from functools import cached_property

from scenario_runner.errors import NotPossible
from scenario_runner.masking import MASK

END = b"\r\n\r\n"
Fields = tuple[tuple[str, str], ...]
_SECRETS = frozenset({"secret"})


class Message:
    """One message from Asterisk: a reply, or an event.

    A message with an `Event` header is an event, even if it carries `Response`, too. Values are
    stripped, since some of Asterisk's replies have a stray line feed inside a line.
    """

    def __init__(self, block: bytes) -> None:
        self.raw = block
        self.fields: dict[str, str] = {}
        for line in block.decode("utf-8", "replace").split("\r\n"):
            key, colon, value = line.partition(":")
            if colon:
                self.fields[key] = value.strip()
        self.event = self.fields.get("Event", "")
        self.action_id = self.fields.get("ActionID", "")

    def get(self, key: str) -> str:
        """Return a field's value, "" where it is not there."""
        return self.fields.get(key, "")

    @cached_property
    def text(self) -> str:
        """The message as it came, with plain line feeds."""
        lines = self.raw.decode("utf-8", "replace").split("\r\n")
        return "\n".join(line.rstrip() for line in lines).strip("\n")

    @property
    def refused(self) -> bool:
        """Whether this is a reply that says no."""
        return not self.event and self.get("Response") == "Error"

    @property
    def pairs(self) -> Fields:
        """Its fields in the order they came."""
        return tuple(self.fields.items())


def take_messages(buffer: bytearray) -> list[Message]:
    """Take all whole messages out of the buffer; what is left of the last one stays."""
    *blocks, rest = buffer.split(END)
    if blocks:
        buffer[:] = rest
    return [Message(bytes(block)) for block in blocks if block.strip()]


def write_action(action: str, action_id: str, fields: Fields) -> bytes:
    """Write an action; raises NotPossible for a value that would end its line."""
    lines = [f"Action: {action}", f"ActionID: {action_id}"]
    for key, value in fields:
        if not value.isprintable():
            raise NotPossible(
                f"{key} can't be {value!r} for Asterisk", hint="leave out line breaks and the like"
            )
        lines.append(f"{key}: {value}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def action_text(action: str, fields: Fields) -> str:
    """Write an action for people, its secrets masked."""
    shown = [f"{key}: {MASK if key.lower() in _SECRETS else value}" for key, value in fields]
    return "\n".join([f"Action: {action}", *shown])
