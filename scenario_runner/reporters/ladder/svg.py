"""Writes a ladder as an SVG file of its own, in light and dark."""

from __future__ import annotations

from functools import cache
from html import escape
from importlib.resources import files
from typing import TYPE_CHECKING

from scenario_runner.reporters.ladder.drawing import Box, Drawing, Head, Line, Words, draw

if TYPE_CHECKING:
    from scenario_runner.reporters.ladder.model import Ladder


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
