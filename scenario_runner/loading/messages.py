"""The catalogue of messages about files: what is said of each mistake, and how to put it right.

It stands in `codes.md`. A code is one kind of mistake: a heading, a title, the messages, a
paragraph that explains it at length, and an example that has it and one that has not. A message is
named by its code, and by a word of its own where several share one: `two-of-one.keys`.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from msgspec import Struct

_ENTRY = re.compile(
    r"^## (?P<name>[a-z0-9-]+)(?P<warning> \(warning\))?\n\n(?P<title>.+)\n\n"
    r"(?P<messages>(?:- .+\n(?:  → .+\n)?)+)\n(?P<meaning>.+)\n\n"
    r"```yaml\n(?P<wrong>.*?)```\n\n```yaml\n(?P<right>.*?)```$",
    re.MULTILINE | re.DOTALL,
)
_MESSAGE = re.compile(r"^- (?:`(?P<name>[a-z-]+)`: )?(?P<text>.+)\n(?:  → (?P<hint>.+)\n)?", re.M)
_FIELD = re.compile(r"\{(\w+)\}")


class Message(Struct, frozen=True):
    """What is said of a mistake, and a hint."""

    code: str
    text: str
    hint: str | None
    warning: bool


class Code(Struct, frozen=True, kw_only=True):
    """A kind of mistake: its title, its messages, what it means, and files with and without it."""

    title: str
    messages: dict[str, Message]
    meaning: str
    wrong: str
    right: str


@cache
def catalogue() -> dict[str, Code]:
    """Return all codes by their names."""
    text = Path(__file__).with_name("codes.md").read_text(encoding="utf-8")
    sections = re.split(r"^(?=## )", text, flags=re.MULTILINE)[1:]
    entries = (_ENTRY.fullmatch(section.strip()) for section in sections)
    return {entry["name"]: _code(entry) for entry in entries if entry is not None}


def _code(entry: re.Match[str]) -> Code:
    warning = entry["warning"] is not None
    return Code(
        title=entry["title"],
        messages={
            found["name"] or "": Message(entry["name"], found["text"], found["hint"], warning)
            for found in _MESSAGE.finditer(entry["messages"])
        },
        meaning=entry["meaning"],
        wrong=entry["wrong"],
        right=entry["right"],
    )


def say(message: str, /, *, hint: str | None = None, **values: object) -> Message:
    """Return a message with its values; `hint` is said in place of the usual one.

    Only the fields that are given are filled in, so that braces can be part of what is said.
    """

    def fill(template: str) -> str:
        return _FIELD.sub(lambda found: str(values.get(found[1], found[0])), template)

    code, _, word = message.partition(".")
    known = catalogue()[code].messages[word]
    usual = known.hint and fill(known.hint)
    return Message(code, fill(known.text), usual if hint is None else hint, known.warning)
