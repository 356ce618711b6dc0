"""How `call` steps come about: Asterisk dials both ends, or people do and are waited for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, assert_never
from uuid import uuid4

from scenario_runner.durations import MILLISECOND
from scenario_runner.errors import PbxError
from scenario_runner.language.vocabulary import CallState
from scenario_runner.pbx.asterisk.board import Call
from scenario_runner.pbx.tracked.waiters import EVERY, outcome

if TYPE_CHECKING:
    from collections.abc import Callable

    from scenario_runner.pbx.asterisk.board import Board
    from scenario_runner.pbx.asterisk.frames import Fields, Message
    from scenario_runner.pbx.asterisk.line import Line
    from scenario_runner.pbx.commands import PlaceCall


class Placing(Protocol):
    """Brings a call up; `own` is told of the call before Asterisk is."""

    async def __call__(self, request: PlaceCall, within: int) -> tuple[Call, Message | None]:
        """Return the call and what said that it is there; raises PbxError where it is not."""
        ...


class Owns(Protocol):
    """Takes a call as the scenario's own, to be hung up in the end."""

    def __call__(self, call: Call, roots: tuple[str, ...]) -> None:
        """Own the call and the channels that come of these Uniqueids."""
        ...


@dataclass(frozen=True, slots=True)
class Ends:
    """What is dialled first and second: whoever calls comes first."""

    first: str
    second: str


@dataclass(frozen=True, slots=True)
class Originating:
    """Lets Asterisk dial one end and, from the dialplan, the other.

    The Uniqueids of the first end are chosen here, so that the call is known before it exists.
    They are of one length: Asterisk refuses an id that another one begins with (measured).
    """

    line: Line
    own: Owns

    async def __call__(self, request: PlaceCall, within: int) -> tuple[Call, Message | None]:
        """Place the call, see `Placing`."""
        hub = self.line.hub
        ends = self._ends(request)
        uid = str(uuid4())
        call = _new_call(request, uid)
        hub.board.add(call)
        self.own(call, (uid, uid + "-2"))
        with hub.expectations.of((uid,), _Coming(hub.board, call, uid, ends, request)) as came:
            await self.line.must("Originate", self._fields(request, uid, ends, within), within)
            told = await outcome(came, within, f"{ends.first} and {ends.second} did not answer")
        return call, told

    def _ends(self, request: PlaceCall) -> Ends:
        dialling, rings = self.line.hub.dialling, not request.answered
        match request.flow:
            case "in":
                second = dialling.extension(request.extension, rings=rings)
                return Ends(dialling.party(request.party), second)
            case "out":
                second = dialling.party(request.party, rings=rings)
                return Ends(dialling.extension(request.extension), second)
            case _:
                assert_never(request.flow)

    def _fields(self, request: PlaceCall, uid: str, ends: Ends, within: int) -> Fields:
        caller = request.party if request.flow == "in" else request.extension
        return (
            ("Channel", ends.first),
            ("Context", self.line.hub.settings.dial_context),
            ("Exten", "dial"),
            ("Priority", "1"),
            ("Async", "true"),
            ("Timeout", str(max(1, within // MILLISECOND))),
            ("CallerID", f"<{caller}>"),
            ("ChannelId", uid),
            ("OtherChannelId", uid + "-2"),
            ("Variable", f"SCENARIO_DIAL={ends.second}"),
        )


def _new_call(request: PlaceCall, uid: str) -> Call:
    incoming = request.flow == "in"
    return Call(
        uuid=uid if incoming else "",
        extension=request.extension,
        flow=request.flow,
        party=request.party,
        remote=uid if incoming else "",
        desk="" if incoming else uid,
        owned=True,
    )


class _Coming:
    """Judges whether a call that was placed has come up, or why it will not."""

    def __init__(self, board: Board, call: Call, uid: str, ends: Ends, request: PlaceCall) -> None:
        self._board = board
        self._call = call
        self._uid = uid
        self._ends = ends
        self._answered = request.answered
        self._first_up = False

    def __call__(self, message: Message) -> Message | None:
        match message.event:
            case "OriginateResponse" if message.get("Response") == "Success":
                self._first_up = True
            case "OriginateResponse":
                raise self._none(self._ends.first, _REASONS.get(message.get("Reason"), _FAILED))
            case "Hangup" if message.get("Uniqueid") == self._uid:
                end = self._ends.second if self._first_up else self._ends.first
                raise self._none(end, message.get("Cause-txt"))
            case "DialEnd" if message.get("Uniqueid") == self._uid:
                status = message.get("DialStatus")
                if status != "ANSWER":
                    raise self._none(self._ends.second, _STATUSES.get(status, status))
        return message if self._is_there() else None

    def _is_there(self) -> bool:
        if self._answered:
            return self._board.talking(self._call)
        return bool(self._call.remote and self._call.desk)

    def _none(self, end: str, why: str) -> PbxError:
        return PbxError(
            f"the call did not come up: {end}: {why}",
            hint="is that what reaches it? the targets file says what is dialled for whom",
        )


_FAILED = "it can't be dialled, or refused the call"
_REASONS = {"3": "it did not answer", "5": "it is busy", "8": "the way there is congested"}
_STATUSES = {
    "NOANSWER": "it did not answer",
    "BUSY": "it is busy",
    "CHANUNAVAIL": "it can't be reached",
    "CONGESTION": "the way there is congested",
    "CANCEL": "the caller hung up meanwhile",
}


@dataclass(frozen=True, slots=True)
class Awaiting:
    """Waits for a call that people bring up; those of `before` are none of the scenario's."""

    line: Line
    own: Owns
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
        self.own(call, call.legs)
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
