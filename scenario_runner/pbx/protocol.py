"""The seam between the engine and a PBX: sessions, calls, outcomes.

A driver opens a `Connection` once for a target and a `Session` once for a scenario. A session
remembers every call before it asks the PBX for it, and hangs up what it placed when it is closed.
A command (see `pbx.commands`) has an outcome: `Done` or `Refused`. What could not be found out is
raised as a `PbxError` and never becomes an outcome.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeAlias

from msgspec import Struct

from scenario_runner.language.vocabulary import (
    CallState,
    Capability,
    EventType,
    ExtensionState,
    Reason,
)
from scenario_runner.references import Json

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from scenario_runner.clock import Clock
    from scenario_runner.pbx.commands import Command


LONGEST_SLOT = 9
"""The most digits that a slot's number can have; longer ones are outside of every range."""


class CallIds(Struct, frozen=True, kw_only=True):
    """What a PBX calls one call; all are text, `extension_id` and `call_id` may be empty."""

    uuid: str
    call_api_id: str
    extension: str
    extension_id: str = ""
    call_id: str = ""


class PlacedCall(Struct, frozen=True, kw_only=True):
    """A call that was about to be placed, and its ids where they became known.

    `channels` are those that its driver chose for it before it asked the PBX to dial.
    """

    extension: str
    party: str
    flow: str
    ids: CallIds | None = None
    channels: tuple[str, ...] = ()


class Raw(Struct, frozen=True, kw_only=True):
    """The raw answer: status code (0 outside HTTP), headers, and the body as parsed, or as text.

    `at` is the moment it came, `took` how long the exchange lasted, both in microseconds on the
    scenario's clock; `real` is the time the exchange took by the real clock.
    """

    status: int = 0
    headers: tuple[tuple[str, str], ...] = ()
    body: Json = None
    at: int = 0
    took: int = 0
    real: int = 0


class Listed(Struct, frozen=True, kw_only=True):
    """One call in a list of calls; `call_api_id` is empty where the UUID stands for it.

    `listed_as` is the state in the PBX's list, where more is known than that tells.
    """

    uuid: str
    extension: str
    state: CallState
    party: str = ""
    call_api_id: str = ""
    listed_as: CallState | None = None


class Done(Struct, frozen=True, kw_only=True):
    """The PBX did what was asked.

    `slot` and `uuid` are what `slots` and `bridge` report (`uuid` None: nobody is there);
    `state` is the call's and `extension_state` the extension's, where it was asked for;
    `driver_word` names what the driver had to supply because the PBX does not tell it.
    """

    raw: Raw
    slot: str | None = None
    uuid: str | None = None
    state: CallState | None = None
    extension_state: ExtensionState | None = None
    listed: tuple[Listed, ...] = ()
    ids: CallIds | None = None
    driver_word: str = ""


class Refused(Struct, frozen=True, kw_only=True):
    """The PBX refused; `message` is in its own words."""

    raw: Raw
    reason: Reason
    message: str
    driver_word: str = ""


Outcome: TypeAlias = Done | Refused


class PbxEvent(Struct, frozen=True, kw_only=True):
    """Something the PBX reported by itself, at the time `at` of the scenario's clock.

    `fields` are the event's own, by the PBX's names.
    """

    type: EventType
    uuid: str
    extension: str
    at: int
    fields: tuple[tuple[str, str], ...] = ()


class Trace(Struct, frozen=True, kw_only=True):
    """One command and its answer as masked text, for the report."""

    protocol: str
    sent: str
    received: str
    outcome: str
    at: int
    took: int


class Leftover(Struct, frozen=True, kw_only=True):
    """Something still there that should not be: an occupied slot, a live call, a subscription."""

    what: str
    uuid: str = ""
    slot: str = ""


class Holding(Struct, frozen=True, kw_only=True):
    """What the PBX holds: (slot, uuid) of the occupied slots, and the live calls.

    `unasked` says what could not be asked.
    """

    slots: tuple[tuple[str, str], ...] = ()
    calls: tuple[Listed, ...] = ()
    unasked: tuple[str, ...] = ()


class Plan(Struct, frozen=True, kw_only=True):
    """What a scenario will want of its session, known before its first step.

    `events` says that it waits for events; `extensions` are those it names in plain text; `slots`
    are the ones it named or leased, the only ones looked at for residue on a shared PBX.
    """

    scenario: str
    events: bool = False
    extensions: tuple[str, ...] = ()
    slots: tuple[str, ...] = ()


class Watcher(Protocol):
    """Is told what goes over the wire and what the PBX reports, while it happens."""

    def traced(self, trace: Trace) -> None:
        """One exchange is over."""
        ...

    def reported(self, event: PbxEvent) -> None:
        """The PBX reported an event."""
        ...

    def deaf(self, at: int) -> None:
        """From now on events may be missed: the connection that brings them was lost."""
        ...

    def hearing(self, at: int) -> None:
        """Events are heard again."""
        ...


class Session(Protocol):
    """One scenario's dealings with a PBX. Its coroutines may raise a `PbxError`."""

    async def do(self, command: Command, within: int) -> Outcome:
        """Do what is asked; `within` is the longest that one exchange may take, in microseconds.

        Called with commands only that the target is able to do, by its capabilities.
        """
        ...

    def ids(self, uuid: str) -> CallIds | None:
        """Return the ids of a call as last known, following it to the extension it is at."""
        ...

    async def close(self) -> tuple[Leftover, ...]:
        """Hang up what was placed, look for residue, unsubscribe; return what is left behind.

        Slots are looked at before the last own call is hung up, since asking needs a call.
        """
        ...

    async def holding(self) -> Holding:
        """Look at what the PBX holds now, for the report of a failure."""
        ...


class Traits(Struct, frozen=True, kw_only=True):
    """What a target is like, for `$target` and for `when: {target_can: …}`.

    `slots` is how many there are, `first_slot` the number of the first. `remedies` say how the
    target could be made able to do what it can't, for hints.
    `asks_extensions` says that an extension's calls are asked of the PBX, which refuses one that it
    does not know.
    """

    name: str
    slots: int
    first_slot: int = 1
    park_timeout: int
    capabilities: frozenset[Capability] = frozenset()
    remedies: tuple[tuple[Capability, str], ...] = ()
    asks_extensions: bool = True


class Connection(Protocol):
    """A target that is open; shared by all scenarios of a run."""

    @property
    def traits(self) -> Traits:
        """What the target is like."""
        ...

    def session(
        self, plan: Plan, watcher: Watcher, clock: Clock
    ) -> AbstractAsyncContextManager[Session]:
        """Open one scenario's session; leaving it releases what it holds outside the PBX."""
        ...


class NullWatcher:
    """Is told what happens and does not listen; see `pbx.protocol.Watcher`."""

    def traced(self, trace: Trace) -> None:
        """Pass over it."""

    def reported(self, event: PbxEvent) -> None:
        """Pass over it."""

    def deaf(self, at: int) -> None:
        """Pass over it."""

    def hearing(self, at: int) -> None:
        """Pass over it."""
