"""The `event` action: waits for what the PBX reports by itself."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from scenario_runner.durations import SECOND, duration_text
from scenario_runner.engine.addresses import named_call
from scenario_runner.engine.moments import Moment
from scenario_runner.engine.scope import Unresolved
from scenario_runner.engine.seen import NotSeen, Seen
from scenario_runner.events import Failure
from scenario_runner.matching import describe, matches
from scenario_runner.model.expectations import CountIs
from scenario_runner.references import as_text

if TYPE_CHECKING:
    from scenario_runner.engine.frame import Frame
    from scenario_runner.model.steps import AwaitEvent, Step
    from scenario_runner.pbx.protocol import PbxEvent

_WINDOW = 30 * SECOND


async def await_event(action: AwaitEvent, step: Step, frame: Frame) -> Seen:
    """Take the oldest matching event, or count all that come; raise NotSeen where none comes."""
    begin = frame.now()
    frame.require_events()
    counts = any(isinstance(clause, CountIs) for clause in step.expect)
    since = Moment(sent=begin, at=begin, mark=frame.log.mark() if counts else 0)
    if action.since is not None:
        if action.since not in frame.moments:
            raise Unresolved(f"the step '{action.since}' did not run", step.span)
        since = frame.moments[action.since]
    window = frame.scope.duration(step.within) if step.within is not None else _WINDOW
    wanted = _EventFilter(action, frame, since.sent + window)
    if counts:
        return await _count_events(wanted, since.mark, begin, frame)
    while True:
        event = frame.log.take(since.mark, wanted)
        if event is not None:
            saw = f"{event.type} of {frame.who(event.uuid)} at {duration_text(event.at)}"
            return Seen(sent=begin, at=event.at, saw=saw, event=event)
        left = wanted.until - frame.now()
        if left <= 0:
            came = frame.log.after(since.mark)
            raise NotSeen(_no_event(wanted, step, window, came, frame))
        await frame.log.arrival(left / SECOND)


async def _count_events(wanted: _EventFilter, mark: int, begin: int, frame: Frame) -> Seen:
    left = wanted.until - frame.now()
    if left > 0:
        await asyncio.sleep(left / SECOND)
    found = frame.log.take_all(mark, wanted)
    last = found[-1] if found else None
    at = last.at if last else frame.now()
    saw = f"{len(found)} such events"
    return Seen(sent=begin, at=at, saw=saw, event=last, count=len(found))


def _no_event(
    wanted: _EventFilter, step: Step, window: int, came: list[PbxEvent], frame: Frame
) -> Failure:
    others = [f"{e.type} of {frame.who(e.uuid)} at {duration_text(e.at)}" for e in came]
    return Failure(
        key="event",
        message=f"no {wanted.text()} came within {duration_text(window)}",
        expected=wanted.text(),
        actual=", ".join(others[-8:]) or "no event at all",
        span=step.span,
    )


class _EventFilter:
    """Tells the events that an `event` step waits for."""

    def __init__(self, action: AwaitEvent, frame: Frame, until: int) -> None:
        self._action = action
        self._frame = frame
        self._uuid = None if action.call is None else named_call(action.call, frame).uuid
        extension = action.extension
        self._extension = None if extension is None else as_text(frame.scope.resolve(extension))
        self.until = until

    def __call__(self, event: PbxEvent) -> bool:
        return (
            event.type is self._action.type
            and event.at <= self.until
            and (self._uuid is None or event.uuid == self._uuid)
            and (self._extension is None or event.extension == self._extension)
            and self._fields_match(event)
        )

    def _fields_match(self, event: PbxEvent) -> bool:
        fields = dict(event.fields)
        resolve = self._frame.scope.resolve
        return all(
            name in fields and matches(spanned.matcher, fields[name], resolve)
            for name, spanned in self._action.where
        )

    def text(self) -> str:
        """Say what is waited for."""
        of = f" of {self._action.call.name}" if self._action.call else ""
        at = f" at {self._extension}" if self._extension else ""
        resolve = self._frame.scope.resolve
        where = [f"{name} {describe(s.matcher, resolve)}" for name, s in self._action.where]
        return f"{self._action.type}{of}{at}" + (f" where {', '.join(where)}" if where else "")
