"""How commands are said to one kind of PBX: all that a tracked session does not know itself."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Protocol

from scenario_runner.errors import PbxError
from scenario_runner.language.vocabulary import CallState
from scenario_runner.pbx.tracked.calls import Call
from scenario_runner.pbx.tracked.waiters import outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from scenario_runner.pbx.commands import PlaceCall
    from scenario_runner.pbx.protocol import Done, Refused
    from scenario_runner.pbx.tracked.calls import CallTable
    from scenario_runner.pbx.tracked.client import Evidence, Stopwatch, TracedClient
    from scenario_runner.pbx.tracked.lookup import Refusals
    from scenario_runner.pbx.tracked.wire import WireAnswer, WireMessage


@dataclass(frozen=True, slots=True)
class Occupant:
    """Who is in a slot: the slot's name and number (None outside the target's), the channel."""

    slot: str
    number: int | None
    uid: str
    message: Evidence


class Owns(Protocol):
    """Takes a call as the scenario's own, to be hung up in the end."""

    def __call__(self, call: Call, *more: str) -> None:
        """Own the call, and the channels that come of these."""
        ...


class NoCall(PbxError):
    """A call that was placed did not come up."""


class NoCapacity(NoCall):
    """A call that was placed did not come up, since the PBX takes no more calls."""


class End(NamedTuple):
    """One end of a call that is placed: what is dialled for it, and its channel if that is known.

    `half` is a second channel that comes with it.
    """

    dialled: str
    uid: str = ""
    half: str = ""


class Coming(ABC):
    """Judges whether a call that was placed has come up, or raises why it will not."""

    def __init__(self, calls: CallTable, call: Call, request: PlaceCall, *ends: End) -> None:
        self._calls = calls
        self._call = call
        self._answered = request.answered
        self.first, self.second = ends
        self.first_up = False

    def __call__(self, event: WireMessage) -> WireMessage | None:
        """Return the event by which the call has come up: both talk, or the second end rings."""
        self.judge(event)
        if self._answered:
            talking = self._call.state is CallState.UP and self._calls.talking(self._call)
            return event if talking else None
        return event if self.rings(self._call, event) else None

    @abstractmethod
    def judge(self, event: WireMessage) -> None:
        """Take in that the first end is up; raises NoCall where an end did not come up."""

    @abstractmethod
    def rings(self, call: Call, event: WireMessage) -> bool:
        """Tell whether the second end of the call rings."""

    def ended(self, uid: str) -> str:
        """Return which end did not come up, by the channel that was hung up."""
        early = uid == self.first.uid and not self.first_up
        return self.first.dialled if early else self.second.dialled


class Dialect(ABC):
    """Speaks for one scenario to a PBX that is tracked by its events.

    A command's answer proves nothing: whoever asks for something waits for the events that it
    causes, and begins to wait before asking. `remembered` is said beside answers that the PBX was
    asked only half of; `hangup` is the event that a channel is gone, with its field that says why;
    `slots` are the numbers of the target's slots.
    """

    refusals: ClassVar[Refusals]
    remembered: ClassVar[str] = ""
    hangup: ClassVar[tuple[str, str]]
    coming: ClassVar[type[Coming]]

    def __init__(self, client: TracedClient[Any], slots: tuple[int, int]) -> None:
        self.client = client
        self.hub = client.hub
        self.calls = client.hub.calls
        self.slots = slots

    @property
    @abstractmethod
    def lot(self) -> str:
        """The name of the lot to park in."""

    @property
    def pbx(self) -> str:
        """The name of the PBX."""
        return self.refusals.pbx

    async def place(self, request: PlaceCall, own: Owns, within: int) -> tuple[Call, Evidence]:
        """Let the PBX dial both ends; `own` is given the call before the PBX is asked for it.

        Return the call and what said that it is there; raises PbxError where it is not.
        """
        first, second = self.ends(request)
        call = self.calls.add(new_call(request, first, second))
        own(call, first.half)
        coming = self.coming(self.calls, call, request, first, second)
        with self.hub.waiters.of(filter(None, (first.uid, second.uid)), coming) as came:
            try:
                await self.originate(request, first, second, within)
            except NoCall:
                self.calls.end(call)
                raise
            late = f"{first.dialled} and {second.dialled} did not answer"
            return call, await outcome(came, within, late)

    @abstractmethod
    def ends(self, request: PlaceCall) -> tuple[End, End]:
        """Return what is dialled first and second: whoever calls comes first."""

    @abstractmethod
    async def originate(self, request: PlaceCall, first: End, second: End, within: int) -> None:
        """Let the PBX dial both ends; raises NoCall where it says at once that it can't."""

    @abstractmethod
    async def answer(self, call: Call, within: int) -> None:
        """Let the end of a call that rings answer; raises NotPossible where nobody can."""

    @abstractmethod
    async def park(self, call: Call, number: int, watch: Stopwatch, within: int) -> Done | Refused:
        """Park a call in a slot that was empty a moment ago."""

    @abstractmethod
    async def retrieve(
        self, call: Call, occupant: Occupant, watch: Stopwatch, within: int
    ) -> Done | Refused:
        """Join a call that is `retrieving` with the one in a slot.

        Where nothing came of it and the call goes on, it is no longer `retrieving`.
        """

    @abstractmethod
    async def hang_up(self, uid: str, within: int) -> WireAnswer:
        """End a channel."""

    async def left_of(self, channels: frozenset[str], within: int) -> list[str]:
        """Return which channels are there of a call for which a run before chose these."""
        there, _ = await self.existing(sorted(channels), within)
        return sorted(channels & there)

    @abstractmethod
    async def exists(self, uid: str, within: int) -> tuple[bool, Evidence | None]:
        """Ask whether a channel is there; return that, and what shows it."""

    async def existing(self, uids: Iterable[str], within: int) -> tuple[set[str], Evidence | None]:
        """Ask which channels are there, of these at least; return them, and what shows it."""
        asked = tuple(uids)
        found = await asyncio.gather(*(self.exists(uid, within) for uid in asked))
        return {uid for uid, (there, _) in zip(asked, found, strict=True) if there}, None

    @abstractmethod
    async def occupants(self, within: int) -> list[Occupant]:
        """Ask who is parked in the lot."""

    async def occupant(self, number: int, within: int) -> Occupant | None:
        """Ask who is parked in a slot."""
        found = await self.occupants(within)
        return next((one for one in found if one.number == number), None)

    def hangup_cause(self, event: WireMessage) -> str | None:
        """Return why a channel was hung up, None for any other event."""
        name, cause = self.hangup
        return event.get(cause) if event.event == name else None

    def is_over(self, call: Call) -> Callable[[WireMessage], WireMessage | None]:
        """Return what judges by the events whether all of a call is gone."""
        legs = call.conversation
        channels = self.calls.channels
        return lambda event: None if legs & channels.keys() else event

    def slot_lock(self, number: int) -> asyncio.Lock:
        """Return what lets one command at a time deal with a slot."""
        return self.hub.lock(str(number))


def new_call(request: PlaceCall, first: End, second: End) -> Call:
    """Return a call whose channels are named here before they exist: whoever calls comes first."""
    incoming = request.flow == "in"
    return Call(
        uuid=first.uid if incoming else second.uid,
        extension=request.extension,
        flow=request.flow,
        party=request.party,
        remote=first.uid if incoming else "",
        desk="" if incoming else first.uid,
        coming=second.uid,
        owned=True,
    )


def no_call(end: str, why: str) -> NoCall:
    """Return the error for an end that did not come up."""
    return NoCall(
        f"the call did not come up: {end}: {why}",
        hint="is that what reaches it? the targets file says what is dialled for whom",
    )
