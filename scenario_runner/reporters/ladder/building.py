"""Builds a ladder from the events of one scenario, in the order they were emitted."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from msgspec.structs import replace

from scenario_runner.durations import SECOND
from scenario_runner.events import (
    CallChanged,
    Event,
    Exchange,
    PbxReported,
    StepFinished,
    StepStarted,
)
from scenario_runner.reporters.ladder.model import (
    Arrow,
    ArrowKind,
    Bar,
    Heading,
    Ladder,
    Lifeline,
    LifelineKind,
    Pause,
    Remark,
    Row,
    answer_label,
    request_label,
    shortened,
    squeezed,
)

if TYPE_CHECKING:
    from collections.abc import Iterable


RUNNER = "runner"
PBX = "pbx"
_ORDER = tuple(LifelineKind)
_BRANCH = re.compile(r".*\.(b[0-9]+)\.")
_LEVEL = re.compile(r"\.b[0-9]+|\.use|\[[0-9]+\]")


class Cast:
    """Makes a lifeline for everybody who is mentioned, and remembers who is parked where."""

    def __init__(self) -> None:
        self._lifelines: dict[str, Lifeline] = {
            RUNNER: Lifeline(key=RUNNER, kind=LifelineKind.RUNNER, label="runner"),
            PBX: Lifeline(key=PBX, kind=LifelineKind.PBX, label="PBX"),
        }
        self._parked: dict[str, str] = {}

    def lifelines(self) -> tuple[Lifeline, ...]:
        """Return all lifelines from left to right."""
        return tuple(sorted(self._lifelines.values(), key=lambda line: _ORDER.index(line.kind)))

    def extension(self, number: str) -> str:
        """Return the key of an extension's lifeline; without a number it is the PBX's."""
        number = squeezed(number)
        return self._line(LifelineKind.EXTENSION, number, f"ext {number}") if number else PBX

    def ends_of(self, event: CallChanged) -> tuple[str, str]:
        """Return from where to where the arrow of a call's change goes, and move the call."""
        extension, party = self.extension(event.extension), self._party(event.party, event.call)
        was = self._parked.pop(event.call, None)
        match event.state:
            case "parked" if event.slot is not None:
                self._parked[event.call] = slot = self._slot(event.slot)
                return extension, slot
            case "up" if event.flow == "in":
                return extension, party
            case "ringing" if event.flow != "in":
                return extension, party
            case "bridged":
                return was or party, extension
            case _:
                return party, was or extension

    def recalled(self, event: PbxReported) -> str | None:
        """Return the slot that a parked call leaves, if this event says that it rings again."""
        if event.type != "dial-in" or event.call is None:
            return None
        return self._parked.pop(event.call, None)

    def _party(self, number: str, call: str) -> str:
        number, call = squeezed(number), squeezed(call)
        return self._line(LifelineKind.PARTY, f"{call} {number}", number or "unknown", call)

    def _slot(self, slot: str) -> str:
        slot = squeezed(slot)
        return self._line(LifelineKind.SLOT, slot, f"slot {slot}")

    def _line(self, kind: LifelineKind, name: str, label: str, detail: str = "") -> str:
        key = f"{kind.value} {name}"
        if key not in self._lifelines:
            self._lifelines[key] = Lifeline(key=key, kind=kind, label=label, detail=detail)
        return key


_LONGEST = 300
_KEPT_FIRST = 100
_REMARK = 160
_OUTSIDE = "outside of the steps"


class _Entry:
    """A row on its way: what it does to a slot, and the call that does it."""

    __slots__ = ("call", "occupies", "row")

    def __init__(
        self, row: Heading | Arrow | Remark, call: str = "", occupies: str | None = None
    ) -> None:
        self.row = row
        self.call = call
        self.occupies = occupies


def build_ladder(events: Iterable[Event]) -> Ladder:
    """Return the ladder of one scenario; events of other kinds are passed over."""
    builder = LadderBuilder()
    for event in events:
        builder.add(event)
    return builder.ladder()


class LadderBuilder:
    """Takes one scenario's events one by one.

    The heading of a step stands where its first message is, since the steps of branches that run
    side by side all begin before the first of them says anything.
    """

    def __init__(self) -> None:
        self._cast = Cast()
        self._entries: list[_Entry] = []
        self._headings: dict[str, _Entry] = {}
        self._waiting: dict[str, StepStarted] = {}
        self._branches: dict[str, str] = {}
        self._outside = True

    def add(self, event: Event) -> None:
        """Take the next event."""
        match event:
            case StepStarted():
                self._started(event)
            case Exchange():
                self._exchanged(event)
            case CallChanged():
                self._changed(event)
            case PbxReported():
                self._reported(event)
            case StepFinished():
                self._finished(event)
            case _:
                pass

    def ladder(self, longest: int = _LONGEST) -> Ladder:
        """Return the ladder of what was taken so far, of at most about `longest` rows."""
        for step in list(self._waiting):
            self._head(step, self._waiting[step].at)
        entries = sorted(self._entries, key=lambda entry: entry.row.at)
        rows, bars = _laid_out(_shortened(_folded(entries), longest))
        return Ladder(lifelines=self._cast.lifelines(), rows=rows, bars=bars)

    def _started(self, event: StepStarted) -> None:
        self._outside = False
        self._waiting[event.step] = event
        branch = _BRANCH.match(event.step)
        if branch is None:
            self._head(event.step, event.at)
        else:
            self._branches[event.step] = squeezed(_label_of(branch, event.path))

    def _head(self, step: str, at: int) -> None:
        """Write the heading of a step, unless it is there already."""
        event = self._waiting.pop(step, None)
        if event is None:
            return
        heading = Heading(
            step=step,
            label=squeezed(event.label),
            title=squeezed(event.title) or event.action,
            verdict=None,
            at=at,
        )
        self._headings[step] = entry = _Entry(heading)
        self._entries.append(entry)

    def _who(self, step: str) -> str:
        """Name the branch that a message is of, where several run side by side."""
        branch = self._branches.get(step)
        return f"{branch}: " if branch else ""

    def _exchanged(self, event: Exchange) -> None:
        if not event.step and not self._outside:
            self._outside = True
            remark = Remark(text=_OUTSIDE, step="", at=event.at, failed=False)
            self._entries.append(_Entry(remark))
        self._head(event.step, event.at)
        lost = event.outcome in ("lost", "failed")
        who = self._who(event.step)
        there = Arrow(
            source=RUNNER,
            target=PBX,
            kind=ArrowKind.REQUEST,
            label=who + request_label(event.sent),
            step=event.step,
            at=event.at,
        )
        said = _lost_label(event.received) if lost else answer_label(event.received)
        back = Arrow(
            source=PBX,
            target=RUNNER,
            kind=ArrowKind.LOST if lost else ArrowKind.ANSWER,
            label=who + said,
            step=event.step,
            at=event.at + event.took,
        )
        self._entries.insert(self._place_of_request(event.at), _Entry(there))
        self._entries.append(_Entry(back))

    def _place_of_request(self, at: int) -> int:
        """Find the place above the events that the PBX reported while it answered."""
        place = len(self._entries)
        while place and _is_report(self._entries[place - 1]) and (
            self._entries[place - 1].row.at >= at
        ):  # fmt: skip
            place -= 1
        return place

    def _changed(self, event: CallChanged) -> None:
        self._head(event.step, event.at)
        source, target = self._cast.ends_of(event)
        label = f"{squeezed(event.call)} {event.state}"
        arrow = Arrow(
            source=source,
            target=target,
            kind=ArrowKind.CALL,
            label=label,
            step=event.step,
            at=event.at,
        )
        parked = event.state == "parked" and event.slot is not None
        self._entries.append(_Entry(arrow, event.call, target if parked else None))

    def _reported(self, event: PbxReported) -> None:
        slot = self._cast.recalled(event)
        who = f" {squeezed(event.call)}" if event.call is not None else ""
        at_extension = f" at {squeezed(event.extension)}" if event.extension else ""
        arrow = Arrow(
            source=slot or PBX,
            target=self._cast.extension(event.extension) if slot else RUNNER,
            kind=ArrowKind.EVENT,
            label=f"{event.type}{who}: recall" if slot else f"{event.type}{who}{at_extension}",
            step="",
            at=event.at,
        )
        self._entries.append(_Entry(arrow, event.call or "" if slot else ""))

    def _finished(self, event: StepFinished) -> None:
        waiting = self._waiting.get(event.step)
        if waiting is not None:
            self._head(event.step, waiting.at)
        entry = self._headings.get(event.step)
        if entry is not None and isinstance(entry.row, Heading):
            entry.row = replace(entry.row, verdict=event.verdict)
        if not event.verdict.bad:
            return
        self._mark_last_arrow(event.step)
        for failure in event.failures[:1]:
            text = self._who(event.step) + squeezed(failure.message)
            remark = Remark(text=shortened(text, _REMARK), step=event.step, at=event.at)
            self._entries.append(_Entry(remark))

    def _mark_last_arrow(self, step: str) -> None:
        for entry in reversed(self._entries):
            row = entry.row
            if isinstance(row, Arrow) and row.step == step and row.kind is not ArrowKind.CALL:
                entry.row = replace(row, failed=True)
                return


def _lost_label(why: str) -> str:
    why = squeezed(why)
    return why if why.startswith("no answer") else f"no answer: {why}"


def _label_of(branch: re.Match[str], path: tuple[str, ...]) -> str:
    """Return what people call the innermost branch: each level is a step and what is inside."""
    place = 2 * len(_LEVEL.findall(branch[0])) - 1 + branch[0].startswith("cleanup.")
    return path[place] if place < len(path) else branch[1]


def _is_report(entry: _Entry) -> bool:
    row = entry.row
    return isinstance(row, Arrow) and row.kind is ArrowKind.EVENT and row.source == PBX


def _folded(entries: list[_Entry]) -> list[_Entry]:
    """Fold a question asked again and again that gets the same answer into one pair of arrows."""
    done: list[_Entry] = []
    for entry in entries:
        done.append(entry)
        if len(done) >= 4 and _same(done[-4], done[-2]) and _same(done[-3], done[-1]):
            done[-4:] = [_again(done[-4], done[-2]), _again(done[-3], done[-1])]
    return done


def _same(one: _Entry, other: _Entry) -> bool:
    a, b = one.row, other.row
    if not isinstance(a, Arrow) or not isinstance(b, Arrow) or ArrowKind.CALL in (a.kind, b.kind):
        return False
    same_ends = (a.source, a.target, a.step) == (b.source, b.target, b.step)
    return same_ends and a.label == b.label and ArrowKind.EVENT not in (a.kind, b.kind)


def _again(first: _Entry, last: _Entry) -> _Entry:
    a, b = first.row, last.row
    if isinstance(a, Arrow) and isinstance(b, Arrow):
        failed = a.failed or b.failed
        row = replace(a, times=a.times + b.times, until=b.at, failed=failed)
        return _Entry(row, first.call, first.occupies)
    return first


def _shortened(entries: list[_Entry], longest: int) -> list[_Entry]:
    """Leave out the middle of what is too long to be looked at; slots stay as they were."""
    if len(entries) <= longest:
        return entries
    cut = entries[_KEPT_FIRST : _KEPT_FIRST + len(entries) - longest]
    moving = [entry for entry in cut if entry.call]
    text = f"… {len(cut) - len(moving)} rows are left out …"
    mark = _Entry(Remark(text=text, step="", at=cut[0].row.at, failed=False))
    return [
        *entries[:_KEPT_FIRST],
        mark,
        *moving,
        *entries[len(entries) - (longest - _KEPT_FIRST) :],
    ]


def _laid_out(entries: list[_Entry]) -> tuple[tuple[Row, ...], tuple[Bar, ...]]:
    """Put pauses between the rows, and find the rows between which slots are occupied."""
    rows: list[Row] = []
    bars: list[Bar] = []
    parked: dict[str, tuple[str, int]] = {}
    before = 0
    for entry in entries:
        if entry.row.at - before >= SECOND:
            rows.append(Pause(took=entry.row.at - before, at=before))
        before = max(before, _end(entry.row))
        if entry.call and entry.call in parked:
            slot, first = parked.pop(entry.call)
            bars.append(Bar(slot=slot, call=entry.call, first=first, last=len(rows)))
        if entry.occupies is not None:
            parked[entry.call] = (entry.occupies, len(rows))
        rows.append(entry.row)
    for call, (slot, first) in parked.items():
        bars.append(Bar(slot=slot, call=call, first=first, last=None))
    return tuple(rows), tuple(sorted(bars, key=lambda bar: bar.first))


def _end(row: Heading | Arrow | Remark) -> int:
    return max(row.at, row.until) if isinstance(row, Arrow) else row.at
