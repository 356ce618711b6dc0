"""What a ladder diagram consists of: lifelines, rows from top to bottom, bars on the slots."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple, TypeAlias

from scenario_runner.reporters.ladder.labels import clock_text, shortened

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


class Lifeline(NamedTuple):
    """One vertical line. `label` is its name, `detail` stands in brackets: the call's name."""

    key: str
    kind: LifelineKind
    label: str
    detail: str = ""

    @property
    def name(self) -> str:
        """The whole name: `+78120000443 (customer)`, `ext 341`, `slot 6`."""
        return f"{self.label} ({self.detail})" if self.detail else self.label


class Heading(NamedTuple):
    """A step begins at `at` and ends with this verdict (empty: it never ended)."""

    step: str
    title: str
    verdict: str
    at: int


class Arrow(NamedTuple):
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
        after = f" ×{self.times} to {clock_text(self.until)}" if self.times > 1 else ""
        return before + shortened(self.label, room - len(before) - len(after)) + after


class Remark(NamedTuple):
    """Words across the diagram: why a step failed, or that rows are left out."""

    text: str
    step: str
    at: int
    failed: bool = True


class Pause(NamedTuple):
    """Nothing happens for this many microseconds."""

    took: int
    at: int


Row: TypeAlias = Heading | Arrow | Remark | Pause


class Bar(NamedTuple):
    """A slot is occupied by a call from row `first` to row `last`; None: to the end."""

    slot: str
    call: str
    first: int
    last: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ladder:
    """One scenario's diagram: lifelines from left to right, rows from top to bottom."""

    lifelines: tuple[Lifeline, ...]
    rows: tuple[Row, ...]
    bars: tuple[Bar, ...]
