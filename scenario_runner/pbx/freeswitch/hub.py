"""What all scenarios share of one FreeSWITCH: the connection, and what is known of its calls."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from scenario_runner.durations import SECOND
from scenario_runner.errors import BadAnswer, BadCredentials, TargetError
from scenario_runner.language.vocabulary import CallState, Reason
from scenario_runner.pbx.freeswitch.board import Board, Place
from scenario_runner.pbx.freeswitch.esl import Esl, connect
from scenario_runner.pbx.freeswitch.following import CHANNELS, SUBSCRIBED, CallEvent, Follower
from scenario_runner.pbx.protocol import LONGEST_SLOT
from scenario_runner.pbx.tracked.waiters import EventWaiters
from scenario_runner.references import Json, as_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from scenario_runner.errors import PbxError
    from scenario_runner.language.target import FreeSwitchSettings, Target
    from scenario_runner.pbx.freeswitch.board import Call, Place
    from scenario_runner.pbx.freeswitch.dialling import Dialling
    from scenario_runner.pbx.freeswitch.esl import Esl
    from scenario_runner.pbx.freeswitch.frames import Message


async def check_modules(
    esl: Esl, target: Target, settings: FreeSwitchSettings, within: int
) -> None:
    """Raise TargetError where a module is not loaded."""
    wanted = ["mod_valet_parking"]
    dialled = (settings.extension, settings.party)
    if any(template.startswith(("null/", "loopback/")) for template in dialled):
        wanted.append("mod_loopback")
    for module in wanted:
        reply = await esl.command(f"api module_exists {module}", within)
        if reply.answer != "true":
            raise TargetError(
                f"the target {target.name} needs {module}, which FreeSWITCH has not loaded",
                hint=f"load it: fs_cli -x 'load {module}', and for good in modules.conf.xml",
            )


SPOILED_S = 6
"""How long a slot is not to be used again: five seconds by a clock of whole seconds."""

_LOT = re.compile(r'^  <lot name="(.*)">$')
_EXTENSION = re.compile(r'^    <extension uuid="([^"]*)">(.*)</extension>$')


def listed(text: str) -> dict[Place, str]:
    """Read the answer to valet_info: the channel in each slot of each lot.

    Read line by line: it looks like XML, but names stand in it as they are, unescaped.
    """
    found: dict[Place, str] = {}
    lot = ""
    for line in text.split("\n"):
        if begins := _LOT.match(line):
            lot = begins[1]
        elif holds := _EXTENSION.match(line):
            found[lot, holds[2]] = holds[1]
    return found


@dataclass(slots=True)
class Lot:
    """The lot of one scenario; `own` where it was made up for it."""

    hub: Hub
    name: str
    own: bool
    _names: dict[int, int] = field(default_factory=dict)

    def number(self, slot: Json) -> int | Reason:
        """Return the number of a slot as a scenario says it, or why there is none.

        FreeSWITCH would take any text as a slot.
        """
        if slot is None:
            return Reason.SLOT_REQUIRED
        text = as_text(slot)
        if isinstance(slot, bool) or not (text.isascii() and text.isdecimal()):
            return Reason.SLOT_INVALID
        known = len(text) <= LONGEST_SLOT and self.has(int(text))
        return int(text) if known else Reason.SLOT_UNKNOWN

    def has(self, number: int) -> bool:
        """Tell whether this is one of the target's slots."""
        first, last = self.hub.target.slots
        return first <= number <= last

    def place(self, number: int) -> Place:
        """Return where the slot is now."""
        again = self._names.get(number, 0)
        return (self.name, f"{number}-{again}" if again else str(number))

    def number_of(self, name: str) -> int | None:
        """Return the number of the slot of this name, None where it has none."""
        text = name.partition("-")[0] if self.own else name
        short = text.isascii() and text.isdecimal() and len(text) <= LONGEST_SLOT
        return int(text) if short else None

    def fresh(self, number: int) -> float:
        """Make the slot fit to park in, and return the seconds to wait before it is."""
        left = self.hub.board.spoiled.pop(self.place(number), None)
        if left is None:
            return 0
        if self.own:
            self._names[number] = self._names.get(number, 0) + 1
            return 0
        return max(0, left + SPOILED_S - self.hub.time())


async def resync(esl: Esl, board: Board, within: int) -> None:
    """Bring the board up to date; calls whose channels are gone have ended."""
    calls = list(board.alive())
    for call in calls:
        for uid in (*call.legs, call.coming):
            if uid:
                await _look_for(esl, board, uid, within)
        _check(board, call)
    parked = [call for call in calls if call.place is not None]
    if parked:
        reply = await esl.command("api valet_info", within)
        places = listed(reply.answer)
        for call in parked:
            if call.place is not None and places.get(call.place) != call.remote:
                call.leave()


async def _look_for(esl: Esl, board: Board, uid: str, within: int) -> None:
    reply = await esl.command(f"api uuid_exists {uid}", within)
    if reply.answer == "true":
        board.live.add(uid)
    else:
        board.live.discard(uid)
        board.separate(uid)


def _check(board: Board, call: Call) -> None:
    """End a call whose remote party is gone, or the joined call whose desk is gone."""
    if call.coming in board.live:
        call.desk, call.remote = (call.coming, call.remote) if call.remote else ("", call.coming)
        call.coming = ""
    if call.remote not in board.live:
        call.remote = ""
    if call.desk not in board.live:
        call.desk = ""
    if not call.remote and not (call.desk and call.state is CallState.BRIDGED):
        call.end()


CONNECTING = 5 * SECOND
"""The longest that connecting may take, in microseconds."""


class Tracing(Protocol):
    """Is told about each command that goes over the wire, after its answer or without one."""

    def __call__(self, command: str, answer: str | PbxError) -> None:
        """One exchange is over."""
        ...


class Hub:
    """One FreeSWITCH, connected when first needed, and again after the connection was lost."""

    def __init__(self, target: Target, settings: FreeSwitchSettings, dialling: Dialling) -> None:
        self.target = target
        self.settings = settings
        self.dialling = dialling
        self.board = Board()
        self.expectations: EventWaiters[Message] = EventWaiters(CHANNELS)
        self.locks: dict[Place, asyncio.Lock] = {}
        numbers = frozenset(number for number, _ in target.extensions)
        self._follower = Follower(self.board, numbers, self._tell, self.time)
        self._listeners: list[Callable[[CallEvent], None]] = []
        self._esl: Esl | None = None
        self._connecting = asyncio.Lock()

    @staticmethod
    def time() -> float:
        """Return the seconds by which spoiled slots are judged."""
        return asyncio.get_running_loop().time()

    def listen(self, told: Callable[[CallEvent], None]) -> Callable[[], None]:
        """Call `told` with each event of a call; the returned function ends that."""
        self._listeners.append(told)
        return lambda: self._listeners.remove(told)

    async def esl(self, trace: Tracing) -> Esl:
        """Return the open connection, connecting where there is none.

        After connecting, what FreeSWITCH holds is looked at anew. Raises Unreachable, BadAnswer,
        BadCredentials, and TargetError where FreeSWITCH lacks what the target needs.
        """
        if self._esl is not None and self._esl.open:
            return self._esl
        async with self._connecting:
            if self._esl is None or not self._esl.open:
                self._esl = await self._connected(trace)
            return self._esl

    async def close(self) -> None:
        """End the connection."""
        if self._esl is not None:
            self._esl.close()
        self._esl = None

    async def _connected(self, trace: Tracing) -> Esl:
        settings = self.settings
        address = (settings.host, settings.port)
        esl = await connect(address, self._heard, self.expectations.lost, CONNECTING)
        try:
            try:
                await esl.login(settings.password, CONNECTING)
            except BadCredentials as error:
                trace(f"auth {settings.password}", error)
                raise
            await _subscribe(esl)
            await check_modules(esl, self.target, settings, CONNECTING)
            await resync(esl, self.board, CONNECTING)
        except BaseException:
            esl.close()
            raise
        return esl

    def _heard(self, message: Message) -> None:
        self._follower.read(message)
        self.expectations.heard(message)

    def _tell(self, event: CallEvent) -> None:
        for told in tuple(self._listeners):
            told(event)


async def _subscribe(esl: Esl) -> None:
    reply = await esl.command(f"event plain {SUBSCRIBED}", CONNECTING)
    if not reply.answer.startswith("+OK"):
        raise BadAnswer(f"FreeSWITCH does not send events: {reply.answer}")
