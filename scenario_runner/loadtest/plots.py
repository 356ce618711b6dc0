"""Plots over time as inline SVG; their colours are classes, so that the page decides on them."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from math import ceil, floor, log10
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence


WIDTH, HEIGHT = 720, 240
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 16, 12, 28
COLOURS = 8
"""How many colours the page has; more lines than that begin again with the first."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a plot; None is a gap. `dashed` for what was planned, not measured."""

    name: str
    values: Sequence[float | None]
    colour: int
    dashed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Plot:
    """Lines over common places on the horizontal axis.

    `across` are these places, and `across_text`, `up_text` write values for the axes. `shaded` is
    where the run warmed up, from the first place on; `limits` are drawn across. `ticks` are the
    places that get a text, some of all where they are not said.
    """

    title: str
    across: Sequence[float]
    lines: Sequence[Line]
    across_text: Callable[[float], str]
    up_text: Callable[[float], str]
    shaded: float | None = None
    limits: Sequence[tuple[str, float]] = ()
    ticks: Sequence[float] | None = None

    def __str__(self) -> str:
        return "".join(self._parts())

    def _parts(self) -> Iterator[str]:
        yield f'<figure><figcaption>{escape(self.title)}</figcaption><svg role="img" '
        yield f'viewBox="0 0 {WIDTH} {HEIGHT}" aria-label="{escape(self.title)}">'
        if self.shaded is not None and self.shaded > self._first:
            x = self._x(self.shaded)
            yield f'<rect class="warm" x="{_LEFT}" y="{_TOP}" width="{x - _LEFT:.1f}" '
            yield f'height="{HEIGHT - _TOP - _BOTTOM}"><title>warm-up, not counted</title></rect>'
        yield from self._axes()
        for name, value in self.limits:
            if value <= self._highest:
                y = self._y(value)
                yield f'<line class="limit" x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{y:.1f}" '
                yield f'y2="{y:.1f}"><title>{escape(name)}</title></line>'
        for line in self.lines:
            yield from self._line(line)
        yield '</svg><ul class="legend">'
        for line in self.lines:
            dashed = " dashed" if line.dashed else ""
            yield f'<li class="c{line.colour % COLOURS}{dashed}">{escape(line.name)}</li>'
        yield "</ul></figure>\n"

    @property
    def _first(self) -> float:
        return self.across[0] if self.across else 0.0

    @property
    def _highest(self) -> float:
        values = [value for line in self.lines for value in line.values if value is not None]
        return nice(max(values, default=0.0))

    def _x(self, place: float) -> float:
        span = (self.across[-1] - self._first) if self.across else 0.0
        share = (place - self._first) / span if span else 0.5
        return _LEFT + share * (WIDTH - _LEFT - _RIGHT)

    def _y(self, value: float) -> float:
        return HEIGHT - _BOTTOM - value / self._highest * (HEIGHT - _TOP - _BOTTOM)

    def _axes(self) -> Iterator[str]:
        for part in range(5):
            value = self._highest * part / 4
            y = self._y(value)
            yield f'<line class="grid" x1="{_LEFT}" x2="{WIDTH - _RIGHT}" '
            yield f'y1="{y:.1f}" y2="{y:.1f}"/>'
            yield f'<text class="up" x="{_LEFT - 6}" y="{y + 4:.1f}">'
            yield f"{escape(self.up_text(value))}</text>"
        for place in spread(self.across) if self.ticks is None else self.ticks:
            yield f'<text class="across" x="{self._x(place):.1f}" y="{HEIGHT - 8}">'
            yield f"{escape(self.across_text(place))}</text>"

    def _line(self, line: Line) -> Iterator[str]:
        name = f"c{line.colour % COLOURS}{' dashed' if line.dashed else ''}"
        for points in _pieces(self.across, line.values):
            if len(points) == 1:
                ((place, value),) = points
                yield f'<circle class="{name}" r="2" '
                yield f'cx="{self._x(place):.1f}" cy="{self._y(value):.1f}">'
                yield f"<title>{escape(line.name)}</title></circle>"
                continue
            path = "L".join(f"{self._x(place):.1f} {self._y(value):.1f}" for place, value in points)
            yield f'<path class="{name}" d="M{path}"><title>{escape(line.name)}</title></path>'


def _pieces(
    across: Sequence[float], values: Sequence[float | None]
) -> Iterator[list[tuple[float, float]]]:
    """Give the stretches of a line between its gaps."""
    piece: list[tuple[float, float]] = []
    for place, value in zip(across, values, strict=True):
        if value is not None:
            piece.append((place, value))
        elif piece:
            yield piece
            piece = []
    if piece:
        yield piece


def nice(highest: float) -> float:
    """Return a round number at or above `highest`, for the top of an axis."""
    if highest <= 0:
        return 1.0
    unit = 10.0 ** floor(log10(highest))
    return next(unit * step for step in (1, 2, 4, 5, 8, 10) if unit * step >= highest * 0.999)


def spread(places: Sequence[float], most: int = 7) -> list[float]:
    """Return some of the places, evenly chosen, for the texts below an axis."""
    if len(places) <= most:
        return list(places)
    step = ceil(len(places) / most)
    return list(places[::step])
