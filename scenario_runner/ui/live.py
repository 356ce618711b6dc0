"""A lot of a real PBX: gestures go through the driver and its guard, time is the PBX's own.

What is shown is what the PBX reports, and what the gestures made here have brought about.
"""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from scenario_runner.clock import LoopClock
from scenario_runner.durations import SECOND
from scenario_runner.errors import NotPossible, PbxError, ScenarioRunnerError
from scenario_runner.events import CallChanged, Exchange, PbxReported, StepFinished, StepStarted
from scenario_runner.execution.targets import open_target
from scenario_runner.language.vocabulary import CallState, Capability
from scenario_runner.pbx.commands import CallAddress, ShowCalls
from scenario_runner.pbx.protocol import Done, Plan
from scenario_runner.ui.answers import Answer
from scenario_runner.ui.driving import answer_of, command_of
from scenario_runner.ui.gestures import (
    ExtensionDials,
    ParkCall,
    PickUp,
    PutDown,
    SomebodyCalls,
    TakeFromSlot,
)
from scenario_runner.ui.lot import LotFacts
from scenario_runner.ui.narration import NOWHERE, SESSION, VERDICTS, Narrator
from scenario_runner.ui.picture import Picture, Watched
from scenario_runner.ui.requests import Address, Dialect, curl_of, request_of
from scenario_runner.ui.timeline import Beginning, Moment, Observed, Timeline

if TYPE_CHECKING:
    from collections.abc import Callable

    from scenario_runner.events import Event
    from scenario_runner.language.target import Target
    from scenario_runner.pbx.drivers import Context
    from scenario_runner.pbx.protocol import Outcome, PbxEvent, Session, Trace
    from scenario_runner.ui.gestures import Gesture

_WITHIN = 30 * SECOND


@dataclass(slots=True, eq=False)
class LiveLot:
    """One session with a real PBX, as long as the page is open.

    `problem` says why nothing can be done; opening is tried again by `open`. What was placed is
    hung up when it is closed.
    """

    target: Target
    context: Context
    changed: Callable[[], None]
    line: Timeline = field(init=False)
    problem: str = ""
    _session: Session | None = None
    _clock: LoopClock = field(init=False)
    _stack: AsyncExitStack = field(default_factory=AsyncExitStack)
    _watched: Watched = field(init=False)
    _pending: list[Event] = field(default_factory=list)
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    _step: str = ""
    _asked: dict[str, SomebodyCalls | ExtensionDials] = field(default_factory=dict)

    bends_time = False
    world = None

    def __post_init__(self) -> None:
        """Begin without a connection."""
        self._watched = Watched(self.target.park_timeout)
        first = Moment(at=0, cause=Beginning(), title="The beginning", picture=Picture())
        self.line = Timeline(moments=(first,), name=self.target.name)
        self.problem = f"not connected to {self.target.host} yet"

    @property
    def name(self) -> str:
        """The target's name."""
        return self.target.name

    @property
    def title(self) -> str:
        """What this is, in a few words."""
        return f"{self.target.name}, {self.target.host}"

    @property
    def acts(self) -> bool:
        """Whether there is a connection."""
        return self._session is not None

    @property
    def now(self) -> int:
        """The time since the page has been connected."""
        return self._clock.now() if self._session is not None else self.line.now.at

    @property
    def base_url(self) -> str:
        """The target's root."""
        return self.target.base_url

    @property
    def facts(self) -> LotFacts:
        """What the target's lot is like."""
        return LotFacts(
            slots=self.target.slots,
            extensions=tuple(number for number, _ in self.target.extensions),
            park_timeout=self.target.park_timeout,
        )

    async def open(self) -> None:
        """Connect; what prevents it becomes the problem."""
        async with self._lock:
            if self._session is not None:
                return
            try:
                await self._open()
            except ScenarioRunnerError as error:
                hint = f" ({error.hint})" if error.hint else ""
                self.problem = f"{error.message}{hint}"
                with suppress(ScenarioRunnerError):
                    await self._stack.aclose()
            self.changed()

    async def _open(self) -> None:
        connection = await self._stack.enter_async_context(open_target(self.target, self.context))
        self._clock = LoopClock(asyncio.get_running_loop())
        events = Capability.EVENTS in connection.traits.capabilities
        plan = Plan(scenario="by hand", events=events)
        opened = connection.session(plan, self, self._clock)
        session = await self._stack.enter_async_context(opened)
        if self.target.extensions:  # some drivers connect with their first question only
            await session.do(ShowCalls(extension=self.target.extensions[0][0]), _WITHIN)
        self._session, self.problem = session, ""

    async def close(self) -> None:
        """Hang up what was placed here, and disconnect."""
        session, self._session = self._session, None
        if session is not None:
            with suppress(PbxError):
                await session.close()
        with suppress(ScenarioRunnerError):
            await self._stack.aclose()

    # What the driver tells while it works; see `pbx.protocol.Watcher`

    def traced(self, trace: Trace) -> None:
        """Keep an exchange of a gesture; a driver that looks for events by itself is not told."""
        if not self._step:
            return
        self._pending.append(
            Exchange(
                scenario=SESSION,
                step=self._step,
                protocol=trace.protocol,
                sent=trace.sent,
                received=trace.received,
                outcome=trace.outcome,
                at=trace.at,
                took=trace.took,
            )
        )

    def deaf(self, at: int) -> None:
        """Events may be missed from now on; no step of a gesture waits for one."""

    def hearing(self, at: int) -> None:
        """Events are heard again."""

    def reported(self, event: PbxEvent) -> None:
        """Keep an event of the PBX; outside of a gesture it is a moment of its own."""
        name = self._watched.names.get(event.uuid)
        told = PbxReported(
            scenario=SESSION,
            type=event.type.value,
            call=name,
            extension=event.extension,
            details=event.fields,
            at=event.at,
            uuid=event.uuid,
        )
        self._watched.take(told)
        self._pending.append(told)
        if not self._step:
            words = f"{told.type} {name or 'of a call of others'} at {told.extension}"
            self._close(words[:1].upper() + words[1:], Observed())
            self.changed()

    def _close(self, title: str, cause: Observed | Gesture, answer: Answer | None = None) -> None:
        """End a moment."""
        moment = Moment(
            at=self.now,
            cause=cause,
            title=title,
            picture=self._watched.picture,
            events=tuple(self._pending),
            answer=answer,
            pinned=answer.needed if answer is not None else (),
            step=self._step,
        )
        self._pending.clear()
        self.line = replace(self.line, moments=(*self.line.moments, moment))

    # Gestures

    async def do(self, gesture: Gesture) -> None:
        """Send a gesture; raises PbxError for what the target does not allow or can't do."""
        session = self._session
        if session is None:
            raise NotPossible(self.problem, hint="connect first")
        async with self._lock:
            number = str(1 + sum(moment.answer is not None for moment in self.line.moments))
            self._step = number
            try:
                await self._do(session, gesture)
            finally:
                self._step = ""
        self.changed()

    async def _do(self, session: Session, gesture: Gesture) -> None:
        before = self._watched.picture
        begin = self.now
        if isinstance(gesture, SomebodyCalls | ExtensionDials):
            self._asked[gesture.name] = gesture
        try:
            outcome = await session.do(command_of(gesture, self._locate), _WITHIN)
        except PbxError as error:
            hint = f" ({error.hint})" if error.hint else ""
            answer = Answer(outcome="lost", saw="it is not known", words=f"{error.message}{hint}")
        else:
            self._take(gesture, outcome, session)
            answer = answer_of(gesture, outcome, self._watched.names)
        answer = replace(answer, took=self.now - begin)
        title = Narrator(before=before).title(gesture, answer)
        started = StepStarted(
            scenario=SESSION, step=self._step, title=title, action=gesture.action, span=NOWHERE,
            at=begin,
        )  # fmt: skip
        finished = StepFinished(
            scenario=SESSION, step=self._step, verdict=VERDICTS[answer.outcome], at=self.now,
            took=answer.took, summary=answer.saw,
        )  # fmt: skip
        self._pending = [started, *self._pending, finished]
        self._close(title, gesture, answer)

    def _locate(self, name: str, extension: str) -> CallAddress:
        found = self._find(name)
        return CallAddress(call_api_id=found.call_api_id, extension=extension or found.extension)

    def _find(self, name: str) -> Address:
        """Return where a call is; raises KeyError for one that never was."""
        uuid = next((one for one, called in self._watched.names.items() if called == name), None)
        ids = None if uuid is None or self._session is None else self._session.ids(uuid)
        if ids is None:
            raise KeyError(name)
        return Address(ids.uuid, ids.call_api_id, ids.extension)

    def _take(self, gesture: Gesture, outcome: Outcome, session: Session) -> None:
        """Take in what a gesture did, as a run would tell it."""
        if not isinstance(outcome, Done):
            return
        match gesture:
            case SomebodyCalls() | ExtensionDials() if outcome.ids is not None:
                state = CallState.UP if gesture.answered else CallState.RINGING
                self._change(session, outcome.ids.uuid, gesture.name, state)
            case PickUp(call=call):
                self._change(session, self._uuid(call), call, CallState.UP)
            case ParkCall(call=call, slot=slot):
                self._change(session, self._uuid(call), call, CallState.PARKED, str(slot))
            case TakeFromSlot(call=call):
                self._change(session, self._uuid(call), call, CallState.BRIDGED)
                taken = self._watched.names.get(outcome.uuid or "")
                if taken is not None and outcome.uuid is not None:
                    self._change(session, outcome.uuid, taken, CallState.BRIDGED)
            case PutDown(call=call):
                self._change(session, self._uuid(call), call, CallState.ENDED)
            case _:
                pass

    def _uuid(self, name: str) -> str:
        return next(uuid for uuid, called in self._watched.names.items() if called == name)

    def _change(
        self, session: Session, uuid: str, name: str, state: CallState, slot: str | None = None
    ) -> None:
        ids = session.ids(uuid)
        known = self._watched.picture.call(name)
        asked = self._asked.get(name)
        event = CallChanged(
            scenario=SESSION,
            step=self._step,
            call=name,
            state=state.value,
            extension=ids.extension if ids is not None else known.extension if known else "",
            party=known.party if known else asked.number if asked else "",
            flow="out" if isinstance(asked, ExtensionDials) else "in",
            slot=slot,
            at=self.now,
            uuid=uuid,
        )
        self._watched.take(event)
        self._pending.append(event)

    def curl(self, gesture: Gesture) -> str:
        """Return the request that a gesture is, where the target is spoken to over HTTP."""
        if self.target.driver != "ringme" or isinstance(gesture, SomebodyCalls | ExtensionDials):
            return ""
        dialect = Dialect(extension_ids=dict(self.target.extensions))
        try:
            return curl_of(request_of(gesture, self._find, dialect), self.base_url)
        except KeyError:
            return ""

    def change(self, line: Timeline) -> None:
        """Go on with the same moments, of which other things are expected."""
        self.line = line
        self.changed()
