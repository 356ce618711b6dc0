"""Where a step runs: its scope, its place in the scenario, and what all steps share."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from scenario_runner.engine.scope import NamedCallValue
from scenario_runner.errors import NotPossible
from scenario_runner.events import CallChanged, Event, Exchange, PbxReported
from scenario_runner.model.steps import CallTarget, NamedCall
from scenario_runner.model.vocabulary import CallState, Capability

if TYPE_CHECKING:
    from collections.abc import Callable

    from scenario_runner.clock import Clock
    from scenario_runner.engine.moments import EventLog, Moment
    from scenario_runner.engine.scope import Scope
    from scenario_runner.engine.tally import Counts
    from scenario_runner.pbx.protocol import PbxEvent, Session, Trace, Traits
    from scenario_runner.references import Json
    from scenario_runner.source import Span

CURRENT_STEP: ContextVar[str] = ContextVar("CURRENT_STEP", default="")


@dataclass(frozen=True, slots=True, kw_only=True)
class Shared:
    """What all steps of one scenario share."""

    scenario: str
    session: Session
    traits: Traits
    clock: Clock
    emit: Callable[[Event], None]
    log: EventLog
    counts: Counts
    calls: dict[str, NamedCallValue]


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """Where a step runs.

    `prefix` begins the ids of its steps (`cleanup.`, `4[2].`); `via` are the places of the `use`
    steps that led here; `tolerant` says that a `together` around it judges the refusals,
    `cleaning` that a name which was never bound makes a step not applicable.
    """

    shared: Shared
    scope: Scope
    moments: dict[str, Moment]
    prefix: str = ""
    via: tuple[Span, ...] = ()
    tolerant: bool = False
    cleaning: bool = False

    @property
    def session(self) -> Session:
        """The scenario's session with the PBX."""
        return self.shared.session

    @property
    def log(self) -> EventLog:
        """The events that the PBX reported."""
        return self.shared.log

    def now(self) -> int:
        """Return the time on the scenario's clock."""
        return self.shared.clock.now()

    def inside(self, prefix: str, scope: Scope) -> Frame:
        """Return the frame of steps inside the current one."""
        return replace(self, prefix=self.prefix + prefix, scope=scope)

    def for_cleanup(self) -> Frame:
        """Return the frame of the cleanup's steps."""
        return replace(self, prefix="cleanup.", cleaning=True)

    def require_events(self) -> None:
        """Raise NotPossible where the target can't report events."""
        if Capability.EVENTS not in self.shared.traits.capabilities:
            raise NotPossible(
                f"the target {self.shared.traits.name} can't report events",
                hint="give the target an `events` setting, or ask with `calls` and `within`",
            )

    def who(self, uuid: str) -> str:
        """Name the call with this UUID."""
        call = self.shared.calls.get(uuid)
        return f"{call.name} ({uuid})" if call is not None else f"a call of nobody here ({uuid})"

    def placed(self, uuid: str, call: NamedCallValue) -> None:
        """Remember the name of a call."""
        self.scope.bind(call.name, call)
        self.shared.calls[uuid] = call

    def take_over(self, name: str, value: Json | NamedCallValue) -> None:
        """Bind what a fragment exports; a call is known by its new name from here on."""
        if isinstance(value, NamedCallValue):
            self.placed(value.uuid, replace(value, name=name))
        else:
            self.scope.bind(name, value)

    def changed(self, call: CallTarget, state: CallState, slot: str | None = None) -> None:
        """Tell that a call is in another state now."""
        value = self.scope.find(call.name) if isinstance(call, NamedCall) else None
        if isinstance(value, NamedCallValue):
            self.changed_uuid(value.uuid, state, slot)

    def changed_uuid(self, uuid: str, state: CallState, slot: str | None = None) -> None:
        """Tell that the call with this UUID is in another state now."""
        emit_change(self.shared, uuid, state, slot)


def emit_change(shared: Shared, uuid: str, state: CallState, slot: str | None = None) -> None:
    """Emit that a named call is in another state now; calls of others are passed over."""
    call = shared.calls.get(uuid)
    if call is None:
        return
    ids = shared.session.ids(uuid)
    shared.emit(
        CallChanged(
            scenario=shared.scenario,
            step=CURRENT_STEP.get(),
            call=call.name,
            state=state.value,
            extension=ids.extension if ids is not None else "",
            party=call.party,
            flow=call.flow,
            slot=slot,
            at=shared.clock.now(),
        )
    )


class Listener:
    """Turns what a session sees into events of the run."""

    def __init__(
        self,
        scenario: str,
        emit: Callable[[Event], None],
        log: EventLog,
        calls: dict[str, NamedCallValue],
    ) -> None:
        self._scenario = scenario
        self._emit = emit
        self._log = log
        self._calls = calls

    def traced(self, trace: Trace) -> None:
        """One exchange is over."""
        self._emit(
            Exchange(
                scenario=self._scenario,
                step=CURRENT_STEP.get(),
                protocol=trace.protocol,
                sent=trace.sent,
                received=trace.received,
                outcome=trace.outcome,
                at=trace.at,
                took=trace.took,
            )
        )

    def reported(self, event: PbxEvent) -> None:
        """The PBX reported an event."""
        self._log.add(event)
        call = self._calls.get(event.uuid)
        self._emit(
            PbxReported(
                scenario=self._scenario,
                type=event.type.value,
                call=call.name if call is not None else None,
                extension=event.extension,
                details=event.fields,
                at=event.at,
            )
        )
