"""Writes a ladder as a Mermaid sequence diagram, for Markdown pages and merge requests."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, assert_never

from scenario_runner.durations import duration_text
from scenario_runner.reporters.ladder.labels import clock_text
from scenario_runner.reporters.ladder.model import (
    Arrow,
    ArrowKind,
    Heading,
    Ladder,
    LifelineKind,
    Pause,
    Remark,
    Row,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

_SPECIAL = re.compile(r"[#;<>%{}&\\`\"*_~\[\]]")
_LINES = {
    ArrowKind.REQUEST: "->>",
    ArrowKind.ANSWER: "-->>",
    ArrowKind.LOST: "-x",
    ArrowKind.EVENT: "--)",
    ArrowKind.CALL: "->>",
}


def to_mermaid(ladder: Ladder) -> str:
    """Return the ladder as the text of a Mermaid diagram.

    Letters that mean something to Mermaid, Markdown or HTML are written as numbered entities.
    """
    return "\n".join(_written(ladder)) + "\n"


def _written(ladder: Ladder) -> Iterator[str]:
    names = {line.key: f"L{number}" for number, line in enumerate(ladder.lifelines)}
    yield "sequenceDiagram"
    for line in ladder.lifelines:
        word = "actor" if line.kind is LifelineKind.PARTY else "participant"
        yield f"    {word} {names[line.key]} as {_escaped(line.name)}"
    for number, row in enumerate(ladder.rows):
        yield from (f"    {text}" for text in _row(row, names))
        for bar in ladder.bars:
            if bar.last == number:
                yield f"    deactivate {names[bar.slot]}"
            if bar.first == number:
                yield f"    activate {names[bar.slot]}"


def _row(row: Row, names: dict[str, str]) -> Iterator[str]:
    everybody = f"L0,L{len(names) - 1}"
    match row:
        case Heading():
            verdict = f" ({row.verdict})" if row.verdict else ""
            yield f"Note over {everybody}: {_escaped(f'{row.step} · {row.title}{verdict}')}"
        case Arrow():
            text = f"{clock_text(row.at)} {row.text()}"
            line = _LINES[row.kind]
            arrow = f"{names[row.source]}{line}{names[row.target]}: {_escaped(text)}"
            yield from (
                ("rect rgba(220, 60, 50, 0.25)", f"    {arrow}", "end") if row.failed else (arrow,)
            )
        case Remark():
            mark = "✗ " if row.failed else ""
            yield f"Note over {everybody}: {_escaped(mark + row.text)}"
        case Pause():
            yield f"Note over {everybody}: {duration_text(row.took)} later"
        case _:
            assert_never(row)


def _escaped(text: str) -> str:
    return _SPECIAL.sub(lambda found: f"#{ord(found[0])};", text)
