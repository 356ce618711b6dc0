"""What a ladder diagram consists of: lifelines, rows from top to bottom, bars on the slots."""

from __future__ import annotations

import re
from enum import StrEnum
from functools import lru_cache
from typing import TypeAlias

from msgspec import Struct

from scenario_runner.durations import moment_text
from scenario_runner.events import Verdict
from scenario_runner.printable import JOINER, one_line

_LONG_ID = re.compile(r"[0-9A-Za-z-]{17,}")
_BODY = 44
_PATH_PARTS = 2


def squeezed(text: str) -> str:
    """Return text of any origin as one printable line without blanks that mean nothing."""
    if text.isascii() and text.isprintable() and "  " not in text:
        return text.strip()  # the usual case, made fast: every message comes through here
    return one_line(" ".join(text.replace(JOINER, "").split()))


def shortened(text: str, room: int) -> str:
    """Cut text to `room` letters, with an ellipsis where something is missing."""
    if len(text) <= room:
        return text
    return text[: max(0, room - 1)].rstrip() + "…"


@lru_cache(maxsize=256)
def request_label(sent: str) -> str:
    """Return `PUT valet_park/… {slot: 6}` for a request as text."""
    head, _, body = sent.partition("\n\n")
    first = head.partition("\n")[0]
    words = first.split(" ", 1)
    if len(words) == 2 and words[1].startswith("/"):
        first = f"{words[0]} {_path(words[1])}"
    return _with_body(first, body)


def answer_label(received: str) -> str:
    """Return `200 {slot: 6}` for an answer as text."""
    head, _, body = received.partition("\n\n")
    return _with_body(head.partition("\n")[0], body)


def _path(path: str) -> str:
    """Keep the end of a path, without the ids: those are told beside the diagram."""
    parts = path.partition("?")[0].strip("/").split("/")
    return "/" * (len(parts) <= _PATH_PARTS) + _LONG_ID.sub("…", "/".join(parts[-_PATH_PARTS:]))


def _first_letters(found: re.Match[str]) -> str:
    return found[0][:8] + "…"


def _with_body(first: str, body: str) -> str:
    said = body[: 4 * _BODY].replace('"', "")
    text = f"{first} {said}" if body else first
    text = _LONG_ID.sub(_first_letters, squeezed(text))
    return shortened(text, len(first) + 1 + _BODY)


UNLIMITED = 10_000


class LifelineKind(StrEnum):
    """Whom a lifeline stands for; in the order in which they stand from left to right."""

    RUNNER = "runner"
    PBX = "pbx"
    EXTENSION = "extension"
    PARTY = "party"
    SLOT = "slot"


class ArrowKind(StrEnum):
    """What an arrow says.

    `lost` is a request without an answer, `event` a report by the PBX, `call` what became of a
    call.
    """

    REQUEST = "request"
    ANSWER = "answer"
    LOST = "lost"
    EVENT = "event"
    CALL = "call"


class LadderForm(StrEnum):
    """How a ladder can be written."""

    TEXT = "text"
    MERMAID = "mermaid"
    SVG = "svg"


class Lifeline(Struct, frozen=True):
    """One vertical line. `label` is its name, `detail` stands in brackets: the call's name."""

    key: str
    kind: LifelineKind
    label: str
    detail: str = ""

    @property
    def name(self) -> str:
        """The whole name: `+78120000443 (customer)`, `ext 341`, `slot 6`."""
        return f"{self.label} ({self.detail})" if self.detail else self.label


class Heading(Struct, frozen=True):
    """A step begins at `at` and ends with this verdict (None: it never ended)."""

    step: str
    label: str
    title: str
    verdict: Verdict | None
    at: int


class Arrow(Struct, frozen=True):
    """From one lifeline to another; `times` equal ones in a row are folded, the last at `until`.

    `source` and `target` are keys of lifelines; `failed` marks the arrow a failed step ended with.
    """

    source: str
    target: str
    kind: ArrowKind
    label: str
    step: str
    at: int
    times: int = 1
    until: int = 0
    failed: bool = False

    def text(self, room: int = UNLIMITED) -> str:
        """Return the label between a cross where it failed and how often it was folded.

        Only the label is cut where all that is longer than `room` letters.
        """
        before = "✗ " if self.failed else ""
        after = f" ×{self.times} to {moment_text(self.until)}" if self.times > 1 else ""
        return before + shortened(self.label, room - len(before) - len(after)) + after


class Remark(Struct, frozen=True):
    """Words across the diagram: why a step failed, or that rows are left out."""

    text: str
    step: str
    at: int
    failed: bool = True


class Pause(Struct, frozen=True):
    """Nothing happens for this many microseconds."""

    took: int
    at: int


Row: TypeAlias = Heading | Arrow | Remark | Pause


class Bar(Struct, frozen=True):
    """A slot is occupied by a call from row `first` to row `last`; None: to the end."""

    slot: str
    call: str
    first: int
    last: int | None


class Ladder(Struct, frozen=True, kw_only=True):
    """One scenario's diagram: lifelines from left to right, rows from top to bottom."""

    lifelines: tuple[Lifeline, ...]
    rows: tuple[Row, ...]
    bars: tuple[Bar, ...]
