"""Where a step runs: its scope, its place in the scenario, and what all steps share."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from contextvars import ContextVar
from functools import lru_cache
from typing import TYPE_CHECKING, TypeAlias

from msgspec import Struct, field
from msgspec.structs import replace

from scenario_runner.clock import Clock
from scenario_runner.durations import parse_duration
from scenario_runner.engine.event_log import EventLog, Sent, StepMark
from scenario_runner.engine.verdict import Counts
from scenario_runner.errors import NotPossible, ScenarioRunnerError, TargetError, Undecidable
from scenario_runner.events import CallChanged, Event, Exchange, Failure, PbxReported
from scenario_runner.language.actions import CallTarget, NamedCall
from scenario_runner.language.vocabulary import CallState, Capability
from scenario_runner.masking import Mask
from scenario_runner.matching import Exactly, View, matches
from scenario_runner.pbx.protocol import Session, Traits
from scenario_runner.printable import encodable
from scenario_runner.references import (
    Expression,
    Json,
    Literal,
    NotThere,
    Reference,
    TooLarge,
    as_text,
    follow,
    in_order,
    references,
    resolve,
)
from scenario_runner.source import Span

if TYPE_CHECKING:
    from scenario_runner.language.actions import Binding
    from scenario_runner.language.matchers import Spanned
    from scenario_runner.language.values import Duration
    from scenario_runner.pbx.protocol import CallIds, PbxEvent, Trace


class Undecided(ScenarioRunnerError):
    """Something can't be decided within the limits of the runner; `span` is what asks for it."""

    key = "limit"

    def __init__(self, message: str, span: Span, *, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.span = span


class Unresolved(Undecided):
    """A reference found nothing when its step ran."""

    key = "name"


class Unbound(Unresolved):
    """The name is bound nowhere: the step that binds it did not run, or did not succeed."""


class NamedCallValue(Struct, frozen=True, kw_only=True):
    """A call by its name; its ids are asked of the session, since they follow the call."""

    name: str
    uuid: str
    party: str
    flow: str


class Surroundings(Struct, frozen=True, kw_only=True):
    """What is the same for all scopes of a scenario: the outside world."""

    environment: Mapping[str, str]
    mask: Mask
    target: dict[str, Json]
    session: Session


class Scope:
    """Names and what they are bound to; what is not found here is looked for in `parent`."""

    def __init__(self, world: Surroundings, parent: Scope | None = None) -> None:
        self.world = world
        self._parent = parent
        self._values: dict[str, Json | NamedCallValue] = {}
        self._lazy: dict[str, Expression] = {}

    def child(self) -> Scope:
        """Return a scope inside this one."""
        return Scope(self.world, self)

    def declare(self, bindings: tuple[Binding, ...]) -> None:
        """Take variables that may refer to each other in any order."""
        for binding in bindings:
            self._lazy[binding.name] = binding.value

    def bind(self, name: str, value: Json | NamedCallValue) -> None:
        """Bind a name here."""
        self._values[name] = value

    def absorb(self, inner: Scope) -> None:
        """Make the names bound in `inner` visible here."""
        self._values.update(inner._values)

    def find(self, name: str) -> Json | NamedCallValue:
        """Return what the name is bound to; raise KeyError where it is bound nowhere."""
        if name in self._values:
            return self._values[name]
        if name in self._lazy:
            for one in in_order(name, self._needs, self._values):
                # Kept: a variable does not change when what it names does.
                self._values[one] = self.resolve(self._lazy[one])
            return self._values[name]
        if self._parent is None:
            raise KeyError(name)
        return self._parent.find(name)

    def _needs(self, name: str) -> list[str]:
        needed = references(self._lazy[name])
        return [one.name for one in needed if one.name in self._lazy]

    def has(self, name: str) -> bool:
        """Tell whether the name is bound here or further out."""
        bound = name in self._values or name in self._lazy
        return bound or (self._parent is not None and self._parent.has(name))

    def resolve(self, expression: Expression) -> Json:
        """Replace the references in an expression; raise Unresolved for one that finds nothing."""
        if isinstance(expression, Literal):
            return expression.value
        try:
            return resolve(expression, self._lookup)
        except TooLarge as error:
            raise Unresolved(f"this value {error}", expression.span) from None

    def matches(self, spanned: Spanned, value: Json, view: View = Exactly) -> bool:
        """Tell whether a value matches; raise Undecided where its pattern takes too long."""
        try:
            return matches(spanned.matcher, value, self.resolve, view)
        except Undecidable as error:
            raise Undecided(error.message, spanned.span, hint=error.hint) from None

    def duration(self, duration: Duration) -> int:
        """Return a duration in microseconds; raise Unresolved where a reference names none."""
        if isinstance(duration.value, int):
            return duration.value
        value = self._lookup(duration.value)
        microseconds = parse_duration(as_text(value))
        if microseconds is None:
            message = f"{duration.value} is {as_text(value)}, which is not a duration"
            raise Unresolved(message, duration.value.span, hint="write it as 250ms, 5s, 3m or 1h")
        return microseconds

    def _lookup(self, reference: Reference) -> Json:
        try:
            return self._found(reference)
        except NotThere as error:
            raise Unresolved(f"{reference} finds nothing: {error}", reference.span) from None

    def _found(self, reference: Reference) -> Json:
        if reference.name in ("env", "secret"):
            return self._environment(reference)
        if reference.name == "target":
            return follow(self.world.target, reference.path)
        try:
            value = self.find(reference.name)
        except KeyError:
            message = f"'{reference.name}' is not bound: the step that binds it did not run"
            raise Unbound(message, reference.span) from None
        if isinstance(value, NamedCallValue):
            value = call_fields(self.world.session.ids(value.uuid), value)
        return follow(value, reference.path)

    def _environment(self, reference: Reference) -> str:
        name = ".".join(str(step) for step in reference.path)
        value = self.world.environment.get(name)
        if value is None:
            hint = f"set it for this command: {name}=… scenario-runner run …"
            message = f"the environment variable {name} is not set"
            raise Unresolved(message, reference.span, hint=hint)
        if value != encodable(value):
            message = f"the environment variable {name} holds bytes that are not UTF-8"
            raise Unresolved(message, reference.span)
        if reference.name == "secret":
            self._hide(value, f"$secret.{name}", reference.span)
        return value

    def _hide(self, value: str, name: str, span: Span) -> None:
        try:
            self.world.mask.add(value, name=name)
        except TargetError as error:
            raise Unresolved(error.message, span, hint=error.hint) from None


def call_fields(ids: CallIds | None, call: NamedCallValue) -> dict[str, Json]:
    """Return the values of a named call that a scenario may read."""
    fields: dict[str, Json] = {"uuid": call.uuid}
    if ids is not None:
        fields |= {
            "call_api_id": ids.call_api_id,
            "extension": ids.extension,
            "extension_id": ids.extension_id,
            "call_id": ids.call_id,
        }
    return fields


@lru_cache(maxsize=8)
def target_fields(traits: Traits) -> dict[str, Json]:
    """Return what `$target` tells: durations as text, as they would be typed."""
    seconds, rest = divmod(traits.park_timeout, 1_000_000)
    timeout = f"{seconds}s" if not rest else f"{traits.park_timeout // 1000}ms"
    slots: list[Json] = list(range(traits.first_slot, traits.first_slot + traits.slots))
    return {
        "name": traits.name,
        "slots": slots,
        "slot_count": traits.slots,
        "park_timeout": timeout,
    }


CURRENT_STEP: ContextVar[str] = ContextVar("CURRENT_STEP", default="")


class Shared(Struct, frozen=True, kw_only=True):
    """What all steps of one scenario share.

    `changes` tells of each call, by its UUID, when the last command to change it was sent; `warned`
    are the places that were warned about.
    """

    scenario: str
    session: Session
    traits: Traits
    clock: Clock
    emit: Callable[[Event], None]
    log: EventLog
    counts: Counts
    calls: dict[str, NamedCallValue]
    changes: dict[str, StepMark] = field(default_factory=dict)
    pause: Callable[[], float] | None = None
    stopping: Callable[[], bool] = bool
    warned: set[Span] = field(default_factory=set)


LateCheck: TypeAlias = Callable[[], Awaitable[tuple[Failure, ...]]]
"""A check that has to wait until nothing else runs beside it."""


class Frame(Struct, frozen=True, kw_only=True):
    """Where a step runs.

    `prefix` begins the ids of its steps (`cleanup.`, `4[2].`), `path` is the same for people (`4`,
    `slot 6`); `via` are the places of the `use` steps that led here; `tolerant` says that a
    `together` around it judges the refusals, `cleaning` that a name which was never bound makes a
    step not applicable; `rounds` are those of the repeats around it, multiplied. `sent` is the last
    command to change a call in this branch. `late` are the checks to be made at the end of the
    `together` around it; None outside of one.
    """

    shared: Shared
    scope: Scope
    moments: dict[str, StepMark]
    prefix: str = ""
    path: tuple[str, ...] = ()
    via: tuple[Span, ...] = ()
    tolerant: bool = False
    cleaning: bool = False
    rounds: int = 1
    sent: Sent = field(default_factory=Sent)
    late: list[LateCheck] | None = None

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

    def inside(self, place: str, below: str, label: str, scope: Scope) -> Frame:
        """Return the frame of steps inside the one at `place`; `label` is for people."""
        path = (*self.path, place.removeprefix(self.prefix), label)
        return replace(self, prefix=place + below, path=path, scope=scope)

    def for_cleanup(self) -> Frame:
        """Return the frame of the cleanup's steps."""
        return replace(self, prefix="cleanup.", path=("cleanup",), cleaning=True)

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

    def sends(self, call: CallTarget | None = None) -> StepMark:
        """Note that a command to change a call is sent now."""
        now = self.now()
        mark = self.sent.last = StepMark(sent=now, at=now, mark=self.log.mark())
        value = self.scope.find(call.name) if isinstance(call, NamedCall) else None
        if isinstance(value, NamedCallValue):
            self.shared.changes[value.uuid] = mark
        return mark

    def changed_by(self, sent: StepMark, uuid: str | None) -> None:
        """Note which call a command turned out to have changed, too; None: it may be any."""
        changes = self.shared.changes
        changes.update(dict.fromkeys(changes if uuid is None else (uuid,), sent))

    def last_change(self, uuid: str | None) -> StepMark:
        """Return when a command to change this call was last sent; None: any, in this branch."""
        return self.sent.last if uuid is None else self.shared.changes[uuid]

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
            uuid=uuid,
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
                uuid=event.uuid,
            )
        )

    def deaf(self, at: int) -> None:
        """From now on events may be missed."""
        self._log.deaf(at)

    def hearing(self, at: int) -> None:
        """Events are heard again."""
        self._log.hearing(at)
