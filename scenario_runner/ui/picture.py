"""What a PBX holds at one moment: calls, who is parked where and until when."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, TypeAlias

from scenario_runner.events import CallChanged, Exchange, PbxReported
from scenario_runner.mock_pbx.calls import NEVER, Joined, Parked

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scenario_runner.events import Event
    from scenario_runner.mock_pbx.calls import Call, State
    from scenario_runner.references import Json

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


def slot_number(slot: str) -> str:
    """Return a slot as its number is written: 06 is slot 6 (rule slot.type)."""
    return str(int(slot)) if slot.isascii() and slot.isdecimal() else slot


class Watched:
    """Follows the calls of a scenario by the events of its run.

    Requests that a scenario sends as they are have no event of their own: what a hangup, a transfer
    or a park among them did is read from the exchange.
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
            case Exchange(protocol="http", outcome="ok") if event.step:
                self._exchanged(event)
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
            self._park(call, event.slot or "", event.at)
            return
        if call.doing == "bridged" and known is not None and known.doing == "parked":
            call = replace(call, partner=self._joined_with(name))
        self._calls[name] = call

    def _exchanged(self, event: Exchange) -> None:
        """Take in what a request did to the call that its path ends with."""
        line, _, body = event.sent.partition("\n\n")
        method, _, path = line.partition("\n")[0].partition(" ")
        named = (name for uuid, name in self.names.items() if path.endswith(uuid))
        call = self._calls.get(next(named, ""))
        if call is None:
            return
        match method, path.split("/")[-2], _asked(body):
            case "DELETE", _, _:
                self._end(call.name)
            case "PUT", "current_calls", {"action": "transfer", "send_dst": str(extension)}:
                self._calls[call.name] = replace(call, doing="up", until=None, extension=extension)
            case "PUT", "valet_park", {"action": "park", "slot": slot} if call.doing == "up":
                self._park(call, str(slot), event.at)
            case _:
                pass

    def _park(self, call: CallNow, slot: str, at: int) -> None:
        until = at + self._park_timeout if self._park_timeout else None
        parked = replace(call, doing="parked", slot=slot_number(slot), since=at, until=until)
        self._calls[call.name] = parked

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


def _asked(body: str) -> Json:
    """Return the body of a request; None for one that is not JSON."""
    try:
        asked: Json = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return asked


def _doing(state: str) -> Doing:
    match state:
        case "ringing" | "parked" | "bridged":
            return state
        case _:
            return "up"
