"""What a PBX holds at one moment: calls, who is parked where and until when."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, TypeAlias

from scenario_runner.events import CallChanged, PbxReported
from scenario_runner.mock_pbx.calls import NEVER, Joined, Parked

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scenario_runner.events import Event
    from scenario_runner.mock_pbx.calls import Call, State

Doing: TypeAlias = Literal["ringing", "up", "parked", "bridged"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CallNow:
    """A call that is alive; times are microseconds of the world's clock.

    `uuid` is empty where the source does not tell it. `slot` and `until` belong to a parked call;
    a call that has returned from its slot rings and has an `until`, too. `partner` is the name of
    the call it is joined with.
    """

    name: str
    uuid: str
    extension: str
    party: str
    flow: Literal["in", "out"]
    doing: Doing
    slot: str = ""
    since: int = 0
    until: int | None = None
    partner: str = ""

    @property
    def returned(self) -> bool:
        """Whether it was parked, nobody took it, and it rings again."""
        return self.doing == "ringing" and self.until is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """Everything that is alive, in the order in which it came."""

    calls: tuple[CallNow, ...] = ()

    def call(self, name: str) -> CallNow | None:
        """Return the call of that name, if it is alive."""
        return next((call for call in self.calls if call.name == name), None)

    def in_slot(self, slot: str) -> CallNow | None:
        """Return the call that is parked there."""
        parked = (call for call in self.calls if call.doing == "parked")
        return next((call for call in parked if call.slot == slot), None)

    def at(self, extension: str) -> tuple[CallNow, ...]:
        """Return the calls that an extension has on the line; a parked call has left it."""
        return tuple(
            call for call in self.calls if call.extension == extension and call.doing != "parked"
        )

    def parked(self) -> tuple[CallNow, ...]:
        """Return all parked calls."""
        return tuple(call for call in self.calls if call.doing == "parked")


def picture_of(state: State, names: Mapping[str, str]) -> Picture:
    """Return what the mock's switch holds; `names` are those of the calls by their uuid."""
    return Picture(calls=tuple(_call_now(call, state, names) for call in state.calls.values()))


def _call_now(call: Call, state: State, names: Mapping[str, str]) -> CallNow:
    phase = call.phase
    shown = CallNow(
        name=names.get(call.uuid, call.uuid),
        uuid=call.uuid,
        extension=str(call.extension),
        party=call.party,
        flow=call.flow,
        doing=_doing(phase.word),
        until=None if phase.until == NEVER else phase.until,
    )
    match phase:
        case Parked(place=(_, slot), until=until):
            return replace(shown, slot=str(slot), since=until - state.profile.park_timeout)
        case Joined(partner=partner):
            return replace(shown, partner=names.get(partner, partner))
        case _:
            return shown


class Watched:
    """Follows the calls of a scenario by the events of its run.

    What a run does not tell is inferred by the rules: a parked call whose time is over rings its
    parker, a bridge joins two calls, either of which ends both. A name that is bound again (in the
    next round of a repetition) stands for another call, which gets a name of its own here: `names`
    are those by uuid. `park_timeout` is in microseconds, 0 where it is not known.
    """

    def __init__(self, park_timeout: int) -> None:
        self._park_timeout = park_timeout
        self._calls: dict[str, CallNow] = {}
        self.names: dict[str, str] = {}

    @property
    def picture(self) -> Picture:
        """What is alive now."""
        return Picture(calls=tuple(self._calls.values()))

    def next_return(self, until: int) -> int | None:
        """Return when the next parked call returns, if that is before `until`."""
        due = [call.until for call in self._calls.values() if call.doing == "parked"]
        times = [time for time in due if time is not None and time < until]
        return min(times, default=None)

    def take(self, event: Event) -> bool:
        """Take in an event; tell whether it changed the picture."""
        before = dict(self._calls)
        match event:
            case CallChanged():
                self._changed(event)
            case PbxReported(call=str(name)):
                self._reported(event, name)
            case _:
                return False
        return self._calls != before

    def let_return(self, at: int) -> None:
        """Let the calls whose parking time is over ring their parkers."""
        for call in list(self._calls.values()):
            if call.doing == "parked" and call.until is not None and call.until <= at:
                self._ring_again(call)

    def _ring_again(self, call: CallNow) -> None:
        self._calls[call.name] = replace(call, doing="ringing", slot="", since=0)

    def _name(self, uuid: str, name: str) -> str:
        """Return the name by which a call is known here: its own, unless another one has that."""
        uuid = uuid or name  # older files of events tell no uuid
        if uuid not in self.names:
            taken = set(self.names.values())
            names = (name, *(f"{name}_{number}" for number in range(2, len(taken) + 3)))
            self.names[uuid] = next(one for one in names if one not in taken)
        return self.names[uuid]

    def _changed(self, event: CallChanged) -> None:
        name = self._name(event.uuid, event.call)
        known = self._calls.get(name)
        if event.state == "ended":
            self._end(name)
            return
        call = CallNow(
            name=name,
            uuid=event.uuid,
            extension=event.extension or (known.extension if known else ""),
            party=event.party,
            flow="out" if event.flow == "out" else "in",
            doing=_doing(event.state),
        )
        if known is not None and known.doing == "bridged":
            self._end(known.partner)
        if call.doing == "parked":
            until = event.at + self._park_timeout if self._park_timeout else None
            call = replace(call, slot=event.slot or "", since=event.at, until=until)
        elif call.doing == "bridged" and known is not None and known.doing == "parked":
            call = replace(call, partner=self._joined_with(name))
        self._calls[name] = call

    def _joined_with(self, name: str) -> str:
        """Join a call that was parked with the one that took it, which is told of just before."""
        bridged = (one for one in self._calls.values() if one.doing == "bridged")
        waiting = [one for one in bridged if not one.partner]
        if not waiting:
            return ""
        taker = waiting[-1]
        self._calls[taker.name] = replace(taker, partner=name)
        return taker.name

    def _reported(self, event: PbxReported, name: str) -> None:
        call = self._calls.get(self.names.get(event.uuid or name, ""))
        if call is None:
            return
        if event.type == "dial-in" and call.doing == "parked":
            self._ring_again(call)
        elif event.type == "answer" and call.doing == "ringing":
            extension = event.extension or call.extension
            self._calls[call.name] = replace(call, doing="up", until=None, extension=extension)
        elif event.type == "hangup" and call.returned:
            self._end(call.name)

    def _end(self, name: str) -> None:
        call = self._calls.pop(name, None)
        if call is not None and call.doing == "bridged":
            self._calls.pop(call.partner, None)


def _doing(state: str) -> Doing:
    match state:
        case "ringing" | "parked" | "bridged":
            return state
        case _:
            return "up"
