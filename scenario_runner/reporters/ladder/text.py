"""Writes a ladder as plain text for a terminal; a narrow one gets a list of messages instead."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, assert_never

from msgspec import structs

from scenario_runner.durations import moment_text, rounded_text
from scenario_runner.events import Verdict
from scenario_runner.reporters.ladder.model import (
    Arrow,
    ArrowKind,
    Heading,
    Ladder,
    Lifeline,
    LifelineKind,
    Pause,
    Remark,
    Row,
    shortened,
)

if TYPE_CHECKING:
    from collections.abc import Iterator


_TIME = 8
_NARROWEST = 8
_WIDEST = 24
_STROKES = {
    ArrowKind.REQUEST: "─",
    ArrowKind.ANSWER: "╌",
    ArrowKind.LOST: "─",
    ArrowKind.EVENT: "┄",
    ArrowKind.CALL: "━",
}


def to_text(ladder: Ladder, *, width: int = 80) -> str:
    """Return the ladder as lines of at most `width` columns, without colour."""
    gap = min(_WIDEST, (width - _TIME) // len(ladder.lifelines))
    lines = _ladder(ladder, gap, width) if gap >= _NARROWEST else _listed(ladder, width)
    return "\n".join(line.rstrip() for line in lines) + "\n"


def _listed(ladder: Ladder, width: int) -> Iterator[str]:
    names = {line.key: line.detail or line.label for line in ladder.lifelines}
    for row in ladder.rows:
        match row:
            case Arrow():
                mark = "✗" if row.failed else " "
                ends = f"{names[row.source]} → {names[row.target]}"
                yield shortened(f"{mark}{moment_text(row.at):>{_TIME - 2}} {ends}", width)
                yield f"{'':{_TIME}}{structs.replace(row, failed=False).text(width - _TIME)}"
            case _:
                yield shortened(_across(row), width)


def _across(row: Heading | Remark | Pause) -> str:
    match row:
        case Heading():
            verdict = f" ({row.verdict})" if row.verdict not in (None, Verdict.PASSED) else ""
            return f"{row.label}. {row.title}{verdict}"
        case Remark():
            return f"{'✗ ' if row.failed else ''}{row.text}"
        case Pause():
            return f"{'':{_TIME}}… {rounded_text(row.took)} later"
        case _:
            assert_never(row)


def _ladder(ladder: Ladder, gap: int, width: int) -> Iterator[str]:
    places = {
        line.key: _TIME + number * gap + gap // 2 for number, line in enumerate(ladder.lifelines)
    }
    yield from _heads(ladder.lifelines, gap)
    for number, row in enumerate(ladder.rows):
        posts = _posts(ladder, places, number)
        match row:
            case Arrow():
                yield from _arrow(row, places, posts, width)
            case Heading() | Remark() | Pause():
                yield shortened(_across(row), width)


def _heads(lifelines: tuple[Lifeline, ...], gap: int) -> Iterator[str]:
    for parts in (
        [line.label for line in lifelines],
        [f"({line.detail})" if line.detail else "" for line in lifelines],
    ):
        cells = (_tail(part, gap - 1).center(gap) for part in parts)
        yield " " * _TIME + "".join(cells)


def _tail(text: str, room: int) -> str:
    """Cut a name; of a number the last digits tell it from others."""
    if len(text) <= room:
        return text
    if text.startswith("("):
        return text[: room - 2] + "…)"
    return "…" + text[-(room - 1) :]


def _posts(ladder: Ladder, places: dict[str, int], number: int) -> dict[int, str]:
    """Return the letter of each lifeline in this row: heavy where a slot is occupied."""
    posts = dict.fromkeys(places.values(), "│")
    for bar in ladder.bars:
        if bar.first < number and (bar.last is None or number <= bar.last):
            posts[places[bar.slot]] = "█"
    return posts


def _arrow(row: Arrow, places: dict[str, int], posts: dict[int, str], width: int) -> Iterator[str]:
    start, end = places[row.source], places[row.target]
    left, right = min(start, end), max(start, end)
    canvas = [" "] * width
    for place, post in posts.items():
        canvas[place] = post
    above, across = list(canvas), list(canvas)
    text = row.text(width - _TIME)
    begin = min(left + 2, width - len(text))
    _put(above, begin, text)
    across[left + 1 : right] = _STROKES[row.kind] * (right - left - 1)
    tip = "╳" if row.kind is ArrowKind.LOST else ("▶" if end > start else "◀")
    across[end - 1 if end > start else end + 1] = tip
    _put(across, 0, f"{'✗' if row.failed else ' '}{moment_text(row.at):>{_TIME - 2}}")
    yield "".join(above)
    yield "".join(across)


def _put(canvas: list[str], begin: int, text: str) -> None:
    canvas[begin : begin + len(text)] = text


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
            yield f"Note over {everybody}: {_escaped(f'{row.label} · {row.title}{verdict}')}"
        case Arrow():
            text = f"{moment_text(row.at)} {row.text()}"
            line = _LINES[row.kind]
            arrow = f"{names[row.source]}{line}{names[row.target]}: {_escaped(text)}"
            yield from (
                ("rect rgba(220, 60, 50, 0.25)", f"    {arrow}", "end") if row.failed else (arrow,)
            )
        case Remark():
            mark = "✗ " if row.failed else ""
            yield f"Note over {everybody}: {_escaped(mark + row.text)}"
        case Pause():
            yield f"Note over {everybody}: {rounded_text(row.took)} later"
        case _:
            assert_never(row)


def _escaped(text: str) -> str:
    return _SPECIAL.sub(lambda found: f"#{ord(found[0])};", text)
