"""Lays a ladder out: plain shapes with coordinates, for whatever writes or shows SVG.

The only place that knows where things stand; the SVG file and the HTML page draw these shapes.
"""

from __future__ import annotations

from functools import cache
from html import escape
from importlib.resources import files
from typing import TYPE_CHECKING

from msgspec import Struct, structs

from scenario_runner.durations import moment_text, rounded_text
from scenario_runner.reporters.ladder.model import (
    Arrow,
    Bar,
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
    from collections.abc import Iterable

    from scenario_runner.reporters.ladder.model import Ladder


_MARGIN = 56
_EDGE = 54
_COLUMN = 104
_WIDE_COLUMN = 252
_HEAD = 50
_LETTER = 5.9
_HEIGHTS: dict[type[Row], int] = {Heading: 34, Arrow: 28, Remark: 24, Pause: 26}


class Line(Struct, frozen=True, array_like=True):
    """A straight line; `kind` is its class."""

    kind: str
    x1: int
    y1: int
    x2: int
    y2: int
    step: str = ""


class Box(Struct, frozen=True, array_like=True):
    """A rectangle."""

    kind: str
    x: int
    y: int
    width: int
    height: int
    step: str = ""


class Words(Struct, frozen=True, array_like=True):
    """Text whose baseline is at `y`; `anchor` is start, middle or end, `full` what was cut."""

    kind: str
    x: int
    y: int
    anchor: str
    text: str
    full: str = ""
    step: str = ""


class Head(Struct, frozen=True, array_like=True):
    """The head of an arrow: its tip, and +1 where it points to the right, -1 to the left."""

    kind: str
    x: int
    y: int
    way: int
    step: str = ""


class Drawing(Struct, frozen=True, array_like=True):
    """A laid-out ladder: its size in pixels and its shapes, the hindmost first."""

    width: int
    height: int
    boxes: tuple[Box, ...]
    lines: tuple[Line, ...]
    heads: tuple[Head, ...]
    words: tuple[Words, ...]


def draw(ladder: Ladder) -> Drawing:
    """Lay out a ladder."""
    sheet = _Sheet(ladder)
    sheet.draw_lifelines()
    for bar in ladder.bars:
        sheet.draw_bar(bar)
    for number, row in enumerate(ladder.rows):
        match row:
            case Heading():
                sheet.draw_heading(number, row)
            case Arrow():
                sheet.draw_arrow(number, row)
            case Remark():
                sheet.draw_remark(number, row)
            case Pause():
                sheet.draw_pause(number, row)
    return sheet.finished()


class _Sheet:
    """A drawing on its way."""

    def __init__(self, ladder: Ladder) -> None:
        self._lifelines = ladder.lifelines
        self._columns = _columns(ladder.lifelines)
        self._right = max(self._columns.values()) + _EDGE
        *self._tops, self._end = _tops(ladder.rows)
        self._boxes: list[Box] = []
        self._lines: list[Line] = []
        self._heads: list[Head] = []
        self._words: list[Words] = []
        self._told = ""

    def finished(self) -> Drawing:
        """Return what is drawn."""
        return Drawing(
            self._right,
            self._end + 14,
            tuple(self._boxes),
            tuple(self._lines),
            tuple(self._heads),
            tuple(self._words),
        )

    def draw_lifelines(self) -> None:
        for line in self._lifelines:
            x = self._columns[line.key]
            kind = line.kind.value
            self._boxes.append(Box(f"head {kind}", x - 49, 6, 98, 36))
            self._lines.append(Line(f"life {kind}", x, 42, x, self._end + 8))
            first = 29 if not line.detail else 21
            self._write(Words("name", x, first, "middle", line.label), 94)
            if line.detail:
                self._write(Words("detail", x, 35, "middle", f"({line.detail})"), 94)

    def draw_bar(self, bar: Bar) -> None:
        top = self._tops[bar.first] + 18
        bottom = self._end + 8 if bar.last is None else self._tops[bar.last] + 18
        self._boxes.append(Box("bar", self._columns[bar.slot] - 5, top, 10, bottom - top))

    def draw_heading(self, number: int, row: Heading) -> None:
        top = self._tops[number]
        bad = " bad" if row.verdict is not None and row.verdict.bad else ""
        mark = row.verdict.symbol if row.verdict is not None else "–"
        self._boxes.append(
            Box(f"step{bad}", _MARGIN - 6, top + 8, self._right - _MARGIN, 20, row.step)
        )
        text = f"{mark} {row.label} · {row.title}"
        words = Words(f"title{bad}", _MARGIN + 2, top + 22, "start", text, step=row.step)
        self._write(words, self._right - _MARGIN - 20)
        self._time(row.at, top + 22)

    def draw_arrow(self, number: int, row: Arrow) -> None:
        y = self._tops[number] + 18
        x1, x2 = self._columns[row.source], self._columns[row.target]
        way = 1 if x2 >= x1 else -1
        kind = f"{row.kind.value}{' failed' if row.failed else ''}"
        self._lines.append(Line(f"arrow {kind}", x1, y, x2 - 2 * way, y, row.step))
        self._heads.append(Head(kind, x2, y, way, row.step))
        room = int((abs(x2 - x1) - 8) / _LETTER)
        full = row.text()
        text = full if len(full) <= room else row.text(room)
        middle = (x1 + x2) // 2
        cut = "" if text == full else full
        self._words.append(Words(f"label {kind}", middle, y - 5, "middle", text, cut, row.step))
        self._time(row.at, y + 4)

    def draw_remark(self, number: int, row: Remark) -> None:
        y = self._tops[number] + 16
        kind = "remark bad" if row.failed else "remark"
        mark = "✗ " if row.failed else ""
        words = Words(kind, _MARGIN + 2, y, "start", mark + row.text, step=row.step)
        self._write(words, self._right - _MARGIN - 12)

    def draw_pause(self, number: int, row: Pause) -> None:
        y = self._tops[number] + 14
        self._lines.append(Line("pause", _MARGIN - 6, y, self._right - 12, y))
        text = f"{rounded_text(row.took)} later"
        self._boxes.append(Box("gap", _MARGIN - 2, y - 8, int(len(text) * _LETTER) + 14, 16))
        self._words.append(Words("pause", _MARGIN + 4, y + 4, "start", text))

    def _time(self, at: int, y: int) -> None:
        text = moment_text(at)
        if text != self._told:
            self._told = text
            self._words.append(Words("time", _MARGIN - 12, y, "end", text))

    def _write(self, words: Words, room: int) -> None:
        text = shortened(words.text, int(room / _LETTER))
        full = words.text if text != words.text else ""
        self._words.append(structs.replace(words, text=text, full=full))


def _columns(lifelines: Iterable[Lifeline]) -> dict[str, int]:
    columns: dict[str, int] = {}
    x = _MARGIN + _EDGE
    for line in lifelines:
        columns[line.key] = x
        x += _WIDE_COLUMN if line.kind is LifelineKind.RUNNER else _COLUMN
    return columns


def _tops(rows: Iterable[Row]) -> list[int]:
    """Return where each row begins, and where the last one ends."""
    tops = [_HEAD]
    for row in rows:
        tops.append(tops[-1] + _HEIGHTS[type(row)])
    return tops


_XMLNS = "http://www.w3.org/2000/svg"
_ROLE = 'role="img" aria-label="Ladder diagram"'


@cache
def ladder_style() -> str:
    """Return the style sheet of ladders, which the HTML page uses too."""
    return files(__package__).joinpath("ladder.css").read_text(encoding="utf-8")


def to_svg(ladder: Ladder) -> str:
    """Return the ladder as a whole SVG document."""
    return write_svg(draw(ladder))


def write_svg(drawing: Drawing) -> str:
    """Return a laid-out ladder as a whole SVG document; all text is escaped."""
    width, height = drawing.width, drawing.height
    size = f'width="{width}" height="{height}"'
    shapes = [
        f'<svg xmlns="{_XMLNS}" class="ladder" {size} viewBox="0 0 {width} {height}" {_ROLE}>',
        f"<style>{ladder_style()}</style>",
        f'<rect class="sheet" {size}/>',
        *(_box(box) for box in drawing.boxes if box.kind not in ("bar", "gap")),
        *(_line(line) for line in drawing.lines),
        *(_box(box) for box in drawing.boxes if box.kind in ("bar", "gap")),
        *(_head(head) for head in drawing.heads),
        *(_words(words) for words in drawing.words),
        "</svg>\n",
    ]
    return "\n".join(shapes)


def _box(box: Box) -> str:
    return (
        f'<rect class="{box.kind}" x="{box.x}" y="{box.y}" width="{box.width}" '
        f'height="{box.height}" rx="3"/>'
    )


def _line(line: Line) -> str:
    return (
        f'<line class="{line.kind}" x1="{line.x1}" y1="{line.y1}" x2="{line.x2}" y2="{line.y2}"/>'
    )


def _head(head: Head) -> str:
    back = head.x - 8 * head.way
    points = f"{head.x},{head.y} {back},{head.y - 4} {back},{head.y + 4}"
    return f'<polygon class="{head.kind}" points="{points}"/>'


def _words(words: Words) -> str:
    title = f"<title>{escape(words.full)}</title>" if words.full else ""
    return (
        f'<text class="{words.kind}" x="{words.x}" y="{words.y}" text-anchor="{words.anchor}">'
        f"{escape(words.text)}{title}</text>"
    )
