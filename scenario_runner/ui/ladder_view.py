"""The ladder of a timeline, grown with it, and the stretch of it around the moment looked at."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from msgspec.structs import replace

from scenario_runner.events import Exchange, PbxReported
from scenario_runner.reporters.ladder import (
    Arrow,
    ArrowKind,
    Bar,
    Drawing,
    Heading,
    Ladder,
    LadderBuilder,
    draw,
)
from scenario_runner.reporters.ladder.model import answer_label, request_label

if TYPE_CHECKING:
    from scenario_runner.events import Event
    from scenario_runner.reporters.ladder import Row
    from scenario_runner.ui.timeline import Moment, Timeline

_BEFORE, _AFTER = 40, 30
_STEP = 20
"""A window moves by so many rows at a time: most changes only add rows to what is drawn."""
_WHOLE = 1_000_000
_HTTP = frozenset({ArrowKind.REQUEST, ArrowKind.ANSWER, ArrowKind.LOST})


@dataclass(frozen=True, slots=True, kw_only=True)
class LadderWindow:
    """A stretch of a ladder: its drawing, the rows in it, and which one comes after the moment.

    `first` is the index of its first row in the whole ladder. `mark` is how many of the rows have
    happened by the moment that is looked at.
    """

    ladder: Ladder
    drawing: Drawing
    first: int
    mark: int
    hidden_before: int
    hidden_after: int


@dataclass(slots=True)
class LadderView:
    """Grows a ladder with a timeline; `http` shows requests and answers, too."""

    http: bool = True
    _builder: LadderBuilder = field(default_factory=LadderBuilder)
    _moments: tuple[Moment, ...] = ()
    _ladder: Ladder | None = None
    _ends: tuple[int, ...] = ()
    _cut: tuple[Ladder, int, int, Ladder] | None = None

    def show(self, line: Timeline) -> None:
        """Take the moments that are new; begin again where the timeline is another one."""
        if self._ladder is not None and line.moments is self._moments:
            return
        known = len(self._moments)
        pairs = zip(line.moments, self._moments, strict=False)
        grown = known <= len(line.moments) and all(a.events is b.events for a, b in pairs)
        if not grown:
            self._builder, known = LadderBuilder(), 0
        for moment in line.moments[known:]:
            for event in moment.events:
                if self.http or not isinstance(event, Exchange):
                    self._builder.add(event)
        self._moments = line.moments
        self._ladder = self._builder.ladder(longest=_WHOLE)
        self._ends = _ends(self._ladder, line)

    def window(self, index: int) -> LadderWindow:
        """Return the stretch around the moment of this index."""
        assert self._ladder is not None
        rows = self._ladder.rows
        done = bisect_right(self._ends, index)
        first = max(0, done - _BEFORE) // _STEP * _STEP
        last = min(len(rows), first + _BEFORE + _AFTER + _STEP)
        part = self._part(first, last)
        return LadderWindow(
            ladder=part,
            drawing=draw(part),
            first=first,
            mark=done - first,
            hidden_before=first,
            hidden_after=len(rows) - last,
        )

    def _part(self, first: int, last: int) -> Ladder:
        """Return a stretch of the ladder; the same value as before where it is the same one."""
        assert self._ladder is not None
        if self._cut is None or self._cut[:3] != (self._ladder, first, last):
            self._cut = (self._ladder, first, last, _cut(self._ladder, first, last))
        return self._cut[3]

    def moment_of(self, row: int) -> int:
        """Return the index of the moment to which a row of the whole ladder belongs."""
        return self._ends[row]

    def event_of(self, row: int) -> Event | None:
        """Return the exchange or the report that an arrow of the whole ladder stands for."""
        assert self._ladder is not None
        arrow = self._ladder.rows[row]
        if not isinstance(arrow, Arrow):
            return None
        moments = [self._moments[self._ends[row]], *self._moments]
        events = (event for moment in moments for event in moment.events)
        return next((event for event in events if _stands_for(arrow, event)), None)


def _stands_for(arrow: Arrow, event: Event) -> bool:
    match event:
        case Exchange() if arrow.kind is ArrowKind.REQUEST:
            said = (event.step, event.at, request_label(event.sent))
            return said == (arrow.step, arrow.at, arrow.label)
        case Exchange() if arrow.kind is ArrowKind.LOST:
            return (event.step, event.at + event.took) == (arrow.step, arrow.at)
        case Exchange() if arrow.kind is ArrowKind.ANSWER:
            said = (event.step, event.at + event.took, answer_label(event.received))
            return said == (arrow.step, arrow.at, arrow.label)
        case PbxReported() if arrow.kind is ArrowKind.EVENT:
            return event.at == arrow.at and arrow.label.startswith(event.type)
        case _:
            return False


def _ends(ladder: Ladder, line: Timeline) -> tuple[int, ...]:
    """Return for each row the moment to which it belongs; never an earlier one than before it."""
    by_step = {moment.step: index for index, moment in enumerate(line.moments) if moment.step}
    ends: list[int] = []
    current, last = 0, len(line.moments) - 1
    for row in ladder.rows:
        step = _step(row)
        if step in by_step:
            current = max(current, by_step[step])
        else:
            while current < last and line.moments[current].at < row.at:
                current += 1
        ends.append(current)
    return tuple(ends)


def _step(row: Row) -> str:
    return row.step if isinstance(row, Heading | Arrow) else ""


def _cut(ladder: Ladder, first: int, last: int) -> Ladder:
    """Return the rows from `first` up to `last`, and the bars as far as they are beside them."""
    bars = tuple(moved for bar in ladder.bars if (moved := _moved(bar, first, last)) is not None)
    return replace(ladder, rows=ladder.rows[first:last], bars=bars)


def _moved(bar: Bar, first: int, last: int) -> Bar | None:
    if bar.first >= last or (bar.last is not None and bar.last < first):
        return None
    end = None if bar.last is None or bar.last >= last else bar.last - first
    return replace(bar, first=max(0, bar.first - first), last=end)
