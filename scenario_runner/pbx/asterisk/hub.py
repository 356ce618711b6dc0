"""What all scenarios share of one Asterisk: the connection, and what is known of its calls."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from scenario_runner.durations import SECOND
from scenario_runner.errors import BadCredentials, TargetError, did_you_mean
from scenario_runner.language.vocabulary import CallState, Reason
from scenario_runner.pbx.asterisk.ami import Ami, Reply, connect
from scenario_runner.pbx.asterisk.board import Board, Call
from scenario_runner.pbx.asterisk.following import CallEvent, Follower
from scenario_runner.pbx.protocol import LONGEST_SLOT
from scenario_runner.pbx.tracked.waiters import EventWaiters
from scenario_runner.references import Json, as_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from scenario_runner.errors import PbxError
    from scenario_runner.language.target import AsteriskSettings, Target
    from scenario_runner.pbx.asterisk.ami import Ami, Reply
    from scenario_runner.pbx.asterisk.dialling import Dialling
    from scenario_runner.pbx.asterisk.frames import Fields, Message


@dataclass(frozen=True, slots=True)
class Spaces:
    """The range of spaces that a target's slots are."""

    target: Target
    settings: AsteriskSettings

    @property
    def first(self) -> int:
        """The space of the first slot."""
        own = self.settings.first_space
        return self.target.slots[0] if own is None else own

    @property
    def last(self) -> int:
        """The space of the last slot."""
        return self.first + self.target.slots[1] - self.target.slots[0]

    def of_slot(self, slot: Json) -> str | Reason:
        """Return the space of a slot as a scenario says it, or why there is none.

        Asterisk would put the call into the first free space instead, or hang it up where the
        space is no number (measured): so it is never asked for such.
        """
        if slot is None:
            return Reason.SLOT_REQUIRED
        text = as_text(slot)
        if isinstance(slot, bool) or not (text.isascii() and text.isdecimal()):
            return Reason.SLOT_INVALID
        if len(text) > LONGEST_SLOT:
            return Reason.SLOT_UNKNOWN
        space = int(text) - self.target.slots[0] + self.first
        return str(space) if self.first <= space <= self.last else Reason.SLOT_UNKNOWN

    def to_slot(self, space: str) -> str:
        """Return the slot of a space; a space outside the target's range keeps its number."""
        if not self.has(space):
            return space
        return str(int(space) - self.first + self.target.slots[0])

    def has(self, space: str) -> bool:
        """Tell whether a space is one of the target's slots."""
        short = space.isdecimal() and len(space) <= LONGEST_SLOT
        return short and self.first <= int(space) <= self.last


def permitted(action: str, reply: Reply) -> Reply:
    """Return the reply; raises BadCredentials where the manager user lacks a permission."""
    if reply.refused and reply.message == "Permission denied":
        raise BadCredentials(
            f"Asterisk does not let this manager user use the action {action}",
            hint="manager.conf: read = call,reporting and write = call,reporting,originate",
        )
    return reply


async def ask(ami: Ami, action: str, fields: Fields, within: int) -> Reply:
    """Send an action that has to be permitted."""
    return permitted(action, await ami.send(action, fields, within))


async def check_lot(ami: Ami, target: Target, settings: AsteriskSettings, within: int) -> None:
    """Raise TargetError where Asterisk has no such lot, or the slots are not all in it."""
    reply = await ask(ami, "Parkinglots", (), within)
    lots = {lot.get("Name"): lot for lot in reply.items}
    if settings.lot not in lots:
        raise TargetError(
            f"the target {target.name} names the parking lot '{settings.lot}', which Asterisk "
            f"does not have; it has: {', '.join(lots) or 'none'}",
            hint=did_you_mean(settings.lot, lots),
        )
    lot = lots[settings.lot]
    first, last = int(lot.get("StartSpace") or 0), int(lot.get("StopSpace") or 0)
    spaces = Spaces(target, settings)
    if spaces.first < first or spaces.last > last:
        raise TargetError(
            f"the target {target.name} has slots in the spaces {spaces.first}-{spaces.last}, but "
            f"the parking lot '{settings.lot}' has {first}-{last}",
            hint=f"slots: {first}-{last}, or first_space: {first} with as many slots as it has",
        )


async def check_dialplan(ami: Ami, target: Target, settings: AsteriskSettings, within: int) -> None:
    """Raise TargetError where the dialplan lacks an extension that the driver sends calls to."""
    wanted = [(settings.retrieve_context, str(Spaces(target, settings).first))]
    if settings.calls == "originate":
        wanted.append((settings.dial_context, "dial"))
    for context, extension in wanted:
        fields = (("Context", context), ("Extension", extension))
        reply = await ask(ami, "ShowDialPlan", fields, within)
        if reply.refused:
            raise TargetError(
                f"Asterisk's dialplan has no extension '{extension}' in the context '{context}': "
                f"{reply.message}",
                hint="see docs/asterisk.md for the few lines of dialplan that the driver needs",
            )


async def resync(ami: Ami, board: Board, dialling: Dialling, lot: str, within: int) -> None:
    """Bring the board up to date; calls whose channels are gone have ended."""
    channels = await ask(ami, "CoreShowChannels", (), within)
    parked = await ask(ami, "ParkedCalls", (("ParkingLot", lot),), within)
    _take_channels(board, channels)
    board.clear_spaces()
    for call in list(board.alive()):
        _check(board, call)
    for bridge in _bridged(channels).values():
        _take_pair(board, dialling, bridge)
    for item in parked.items:
        _take_parked(board, dialling, item)


def _take_channels(board: Board, channels: Reply) -> None:
    seen = {item.get("Uniqueid"): item for item in channels.items}
    for known in (board.names, board.family, board.bridges):
        known.clear()
    for uid, item in seen.items():
        board.names[uid] = item.get("Channel")
        board.family[uid] = item.get("Linkedid")
        if item.get("BridgeId"):
            board.bridges[uid] = item.get("BridgeId")


def _check(board: Board, call: Call) -> None:
    """End a call whose remote party is gone, or the joined call whose desk is gone."""
    if call.remote and call.remote not in board.names:
        board.set_remote(call, "")
    if call.desk and call.desk not in board.names:
        board.set_desk(call, "")
    if not call.remote and not (call.desk and call.partner is not None):
        call.part()
        call.state = CallState.ENDED
    elif call.state is CallState.PARKED:
        call.state = CallState.UP


def _bridged(channels: Reply) -> dict[str, list[Message]]:
    bridges: dict[str, list[Message]] = {}
    for item in channels.items:
        if item.get("BridgeId"):
            bridges.setdefault(item.get("BridgeId"), []).append(item)
    return bridges


def _take_pair(board: Board, dialling: Dialling, pair: list[Message]) -> None:
    """Take in a call that somebody else placed: an extension's channel and one other."""
    if len(pair) != 2 or any(board.of(item.get("Uniqueid")) for item in pair):
        return
    for desk, remote in (pair, pair[::-1]):
        number = dialling.number_of(desk.get("Channel"))
        if number is not None:
            uid = remote.get("Uniqueid")
            call = Call(
                uuid=uid,
                extension=number,
                flow="in",
                party=remote.get("CallerIDNum"),
                remote=uid,
                desk=desk.get("Uniqueid"),
                state=CallState.UP,
            )
            board.add(call)
            return


def _take_parked(board: Board, dialling: Dialling, item: Message) -> None:
    uid = item.get("ParkeeUniqueid")
    parker = dialling.number_dialled(item.get("ParkerDialString"))
    call = board.owner(uid)
    if call is None and parker is not None:
        party = item.get("ParkeeCallerIDNum")
        call = board.add(Call(uuid=uid, extension=parker, flow="in", party=party, remote=uid))
    if call is not None:
        board.occupy(item.get("Parkinglot"), item.get("ParkingSpace"), call)
        call.state = CallState.PARKED


CONNECTING = 5 * SECOND
"""The longest that connecting may take, in microseconds."""

_CHANNELS = ("Uniqueid", "DestUniqueid", "ParkeeUniqueid", "RetrieverUniqueid")


class Tracing(Protocol):
    """Is told about each action that goes over the wire, after its answer or without one."""

    def __call__(self, action: str, fields: Fields, answer: Reply | PbxError) -> None:
        """One exchange is over."""
        ...


class Hub:
    """One Asterisk, connected when it is first needed, and again after the connection was lost."""

    def __init__(self, target: Target, settings: AsteriskSettings, dialling: Dialling) -> None:
        self.target = target
        self.settings = settings
        self.dialling = dialling
        self.board = Board()
        self.expectations: EventWaiters[Message] = EventWaiters(_CHANNELS)
        self.space_locks: dict[str, asyncio.Lock] = {}
        self._follower = Follower(self.board, dialling, self._tell)
        self._listeners: list[Callable[[CallEvent], None]] = []
        self._ami: Ami | None = None
        self._backlog: list[Message] | None = None
        self._connecting = asyncio.Lock()

    def listen(self, told: Callable[[CallEvent], None]) -> Callable[[], None]:
        """Call `told` with each event of a call; the returned function ends that."""
        self._listeners.append(told)
        return lambda: self._listeners.remove(told)

    async def ami(self, trace: Tracing) -> Ami:
        """Return the open connection, connecting where there is none.

        After connecting, what Asterisk holds is looked at anew. Raises Unreachable, BadAnswer,
        BadCredentials, and TargetError where Asterisk is not what the target says.
        """
        if self._ami is not None and self._ami.open:
            return self._ami
        async with self._connecting:
            if self._ami is None or not self._ami.open:
                self._backlog = []
                try:
                    self._ami = await self._connected(trace)
                finally:
                    self._catch_up()
            return self._ami

    async def close(self) -> None:
        """Log off."""
        if self._ami is not None and self._ami.open:
            self._ami.close()
        self._ami = None

    async def _connected(self, trace: Tracing) -> Ami:
        settings = self.settings
        address = (settings.host, settings.port)
        ami = await connect(address, self._heard, self.expectations.lost, CONNECTING)
        try:
            login = (("Username", settings.username), ("Secret", settings.password))
            try:
                await ami.login(settings.username, settings.password, CONNECTING)
            except BadCredentials as error:
                trace("Login", login, error)
                raise
            await check_lot(ami, self.target, settings, CONNECTING)
            await check_dialplan(ami, self.target, settings, CONNECTING)
            await resync(ami, self.board, self.dialling, settings.lot, CONNECTING)
        except BaseException:
            ami.close()
            raise
        return ami

    def _heard(self, message: Message) -> None:
        if self._backlog is not None:
            # What is there is being looked at: what happens meanwhile is read on top of that.
            self._backlog.append(message)
            return
        self._follower.read(message)
        self.expectations.heard(message)

    def _catch_up(self) -> None:
        backlog, self._backlog = self._backlog or [], None
        for message in backlog:
            self._heard(message)

    def _tell(self, event: CallEvent) -> None:
        for told in tuple(self._listeners):
            told(event)
