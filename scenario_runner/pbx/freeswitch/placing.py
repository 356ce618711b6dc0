"""How `call` steps come about: FreeSWITCH dials both ends, or people do and are waited for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, assert_never
from uuid import uuid4

from scenario_runner.durations import MINUTE
from scenario_runner.errors import PbxError
from scenario_runner.language.vocabulary import CallState
from scenario_runner.pbx.freeswitch.board import Call
from scenario_runner.pbx.freeswitch.dialling import endpoint, ringing
from scenario_runner.pbx.tracked.waiters import EVERY, outcome

if TYPE_CHECKING:
    from collections.abc import Callable

    from scenario_runner.pbx.commands import PlaceCall
    from scenario_runner.pbx.freeswitch.board import Board
    from scenario_runner.pbx.freeswitch.frames import Message
    from scenario_runner.pbx.freeswitch.line import Line


_RINGS_ON = 10 * MINUTE
"""How long a call rings that nobody is to answer yet, in microseconds."""


class Placing(Protocol):
    """Brings a call up; `own` is told of the call before FreeSWITCH is."""

    async def __call__(self, request: PlaceCall, within: int) -> tuple[Call, Message | None]:
        """Return the call and what said that it is there; raises PbxError where it is not."""
        ...


@dataclass(frozen=True, slots=True)
class Ends:
    """What is dialled first and second, and their channels: whoever calls comes first."""

    first: str
    second: str
    first_uid: str
    second_uid: str


@dataclass(frozen=True, slots=True)
class Originating:
    """Lets FreeSWITCH dial one end and, once that is up, the other.

    The names of both channels are chosen here, so that the call is known before it exists.
    """

    line: Line
    own: Callable[[Call], None]

    async def __call__(self, request: PlaceCall, within: int) -> tuple[Call, Message | None]:
        """Place the call, see `Placing`."""
        hub = self.line.hub
        ends = self._ends(request)
        await self.line.connect()
        call = hub.board.add(_new_call(request, ends))
        self.own(call)
        coming = _Coming(hub.board, call, ends, answered=request.answered)
        uids = (ends.first_uid, ends.second_uid)
        with hub.expectations.of(uids, coming) as came:
            # In the background, since it takes until the first end answers.
            result = await self.line.background(_originate(request, ends, within), within)
            if not result.startswith("+OK"):
                call.end()
                raise no_call(ends.first, result.removeprefix("-ERR").strip())
            told = await outcome(came, within, f"{ends.first} and {ends.second} did not answer")
        return call, told

    def _ends(self, request: PlaceCall) -> Ends:
        dialling = self.line.hub.dialling
        party = dialling.party(request.party)
        extension = dialling.extension(request.extension)
        match request.flow:
            case "in":
                return Ends(party, extension, str(uuid4()), str(uuid4()))
            case "out":
                return Ends(extension, party, str(uuid4()), str(uuid4()))
            case _:
                assert_never(request.flow)


def _originate(request: PlaceCall, ends: Ends, within: int) -> str:
    caller = request.party if request.flow == "in" else request.extension
    called = request.extension if request.flow == "in" else request.party
    numbers = (
        f"origination_caller_id_number={caller}",
        f"origination_callee_id_number={called}",
    )
    first = endpoint(ends.first_uid, ends.first, within, *numbers)
    second = endpoint(ends.second_uid, ends.second, within)
    if not request.answered:
        second = endpoint(ends.second_uid, ends.second, _RINGS_ON, *ringing(ends.second))
    return f"originate {first} &bridge({second})"


def _new_call(request: PlaceCall, ends: Ends) -> Call:
    incoming = request.flow == "in"
    return Call(
        uuid=ends.first_uid if incoming else ends.second_uid,
        extension=request.extension,
        flow=request.flow,
        party=request.party,
        remote=ends.first_uid if incoming else "",
        desk="" if incoming else ends.first_uid,
        coming=ends.second_uid,
        owned=True,
    )


class _Coming:
    """Judges whether a call that was placed has come up, or why it will not."""

    def __init__(self, board: Board, call: Call, ends: Ends, *, answered: bool) -> None:
        self._board = board
        self._call = call
        self._ends = ends
        self._answered = answered
        self._first_up = False

    def __call__(self, message: Message) -> Message | None:
        ends = self._ends
        if message.event == "CHANNEL_HANGUP":
            first = message.uid == ends.first_uid and not self._first_up
            raise no_call(ends.first if first else ends.second, message.get("Hangup-Cause"))
        if message.event == "CHANNEL_ANSWER" and message.uid == ends.first_uid:
            self._first_up = True
        if self._answered:
            up = self._call.state is CallState.UP and self._board.talking(self._call)
            return message if up else None
        told = message.event in _RINGING and message.uid == ends.second_uid
        return message if told else None


_RINGING = ("CHANNEL_PROGRESS", "CHANNEL_PROGRESS_MEDIA", "CHANNEL_ANSWER")
_CAUSES = {
    "USER_BUSY": "it is busy",
    "NO_ANSWER": "it did not answer",
    "NO_USER_RESPONSE": "it did not respond",
    "CALL_REJECTED": "it refused the call",
    "USER_NOT_REGISTERED": "no phone is registered there",
    "SUBSCRIBER_ABSENT": "there is no such user",
    "UNALLOCATED_NUMBER": "there is no such number",
    "NO_ROUTE_DESTINATION": "there is no way to it",
    "CHAN_NOT_IMPLEMENTED": "FreeSWITCH has no such kind of channel",
}


def no_call(end: str, cause: str) -> PbxError:
    """Return the error for an end that did not come up."""
    why = _CAUSES.get(cause)
    return PbxError(
        f"the call did not come up: {end}: {cause}" + (f" ({why})" if why else ""),
        hint="is that what reaches it? the targets file says what is dialled for whom",
    )


@dataclass(frozen=True, slots=True)
class Awaiting:
    """Waits for a call that people bring up; those of `before` are none of the scenario's."""

    line: Line
    own: Callable[[Call], None]
    announce: Callable[[str], None]
    before: frozenset[Call]

    async def __call__(
        self,
        request: PlaceCall,
        within: int,  # noqa: ARG002 -- people take the time that the step gives them
    ) -> tuple[Call, Message | None]:
        """Wait for the call, see `Placing`; `request.window` is how long."""
        hub = self.line.hub
        # Connecting first: without a connection nothing would ever be heard.
        await self.line.connect()

        def came(message: Message | None) -> tuple[Call, Message | None] | None:
            there = (call for call in hub.board.alive() if self._is_it(call, request))
            return next(((call, message) for call in there), None)

        with hub.expectations.of((EVERY,), came) as coming:
            found = came(None)
            if found is None:
                self.announce(_instruction(request))
                what = f"nobody brought the call up: {_instruction(request)}: no such call came"
                found = await outcome(coming, request.window, what)
        call, message = found
        call.owned = True
        self.own(call)
        return call, message

    def _is_it(self, call: Call, request: PlaceCall) -> bool:
        if call.owned or call in self.before:
            return False
        if call.flow != request.flow or call.extension != request.extension:
            return False
        if request.party != "any" and call.party != request.party:
            return False
        if not request.answered:
            return call.state is CallState.RINGING
        return call.state is CallState.UP and self.line.hub.board.talking(call)


def _instruction(request: PlaceCall) -> str:
    """Say who has to dial whom, in the step's own words where it has a name."""
    if request.instruction:
        return request.instruction
    if request.flow == "in":
        return f"call the extension {request.extension} from {request.party}"
    return f"call {request.party} from the extension {request.extension}"
