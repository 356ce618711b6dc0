"""Joins a call with a parked one: sends the extension's channel to the parked call's space."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from scenario_runner.errors import NotPossible
from scenario_runner.language.vocabulary import CallState, Reason
from scenario_runner.pbx.asterisk.hub import Spaces
from scenario_runner.pbx.asterisk.reaching import reach_talking, refuse
from scenario_runner.pbx.commands import AnySlot
from scenario_runner.pbx.protocol import Done, Refused
from scenario_runner.pbx.tracked.waiters import outcome

if TYPE_CHECKING:
    from random import Random

    from scenario_runner.pbx.asterisk.board import Call
    from scenario_runner.pbx.asterisk.frames import Message
    from scenario_runner.pbx.asterisk.line import Line, Watch
    from scenario_runner.pbx.asterisk.parking import Parking
    from scenario_runner.pbx.commands import BridgeSlot, CallAddress
    from scenario_runner.pbx.protocol import Outcome

_CHOSEN = "which one, by the seed: Asterisk takes none at random"
_TOO_LATE = (
    "somebody else took the parked call after the driver had looked; the extension had left its "
    "conversation by then"
)


@dataclass(frozen=True, slots=True)
class _Seen:
    """What became of the parked call: taken by this extension, by another, or it left."""

    what: Literal["mine", "lost"]
    message: Message


class Bridging:
    """Joins calls for one scenario; `random` chooses where no slot is named."""

    def __init__(self, line: Line, parking: Parking, random: Random) -> None:
        self._line = line
        self._hub = line.hub
        self._board = line.hub.board
        self._parking = parking
        self._random = random
        self._spaces = Spaces(line.hub.target, line.hub.settings)

    async def bridge(self, address: CallAddress, slot: BridgeSlot, within: int) -> Outcome:
        """Join the call with the one in the slot, or with one of all parked calls."""
        watch = self._line.start()
        await self._line.connect()
        call = reach_talking(self._board, address)
        if isinstance(call, Reason):
            return refuse(call, self._line.raw(watch))
        if isinstance(slot, AnySlot):
            return await self._any(call, watch, within)
        space = self._spaces.of_slot(slot)
        if isinstance(space, Reason):
            reason = Reason.SLOT_EMPTY if space is Reason.SLOT_REQUIRED else space
            return refuse(reason, self._line.raw(watch))
        return await self._from_space(call, space, watch, within)

    async def _any(self, call: Call, watch: Watch, within: int) -> Outcome:
        """Choose among the parked calls; where the chosen one is gone by then, choose again."""
        while True:
            spaces = [s for s in await self._line.parked(within) if self._spaces.has(s)]
            if not spaces:
                return refuse(Reason.NOTHING_PARKED, self._line.raw(watch))
            space = self._random.choice(sorted(spaces, key=int))
            done = await self._from_space(call, space, watch, within)
            if not isinstance(done, Refused) or call.retrieving or not call.alive:
                break
        if isinstance(done, Done):
            return Done(raw=done.raw, slot=done.slot, uuid=done.uuid, driver_word=_CHOSEN)
        return done

    async def _from_space(self, call: Call, space: str, watch: Watch, within: int) -> Outcome:
        async with self._hub.space_locks.setdefault(space, asyncio.Lock()):
            item = (await self._line.parked(within)).get(space)
            if item is None:
                return refuse(Reason.SLOT_EMPTY, self._line.raw(watch))
            if not call.desk:
                raise NotPossible("the extension's phone has left this call: nothing to join with")
            return await self._retrieved(call, item, watch, within)

    async def _retrieved(self, call: Call, item: Message, watch: Watch, within: int) -> Outcome:
        desk, parkee = call.desk, item.get("ParkeeUniqueid")
        space = item.get("ParkingSpace")
        uuid = self._parking.uuid_of(item)
        self._let_partner_go(call)
        call.retrieving = True
        with (
            self._hub.expectations.of((desk, parkee), _Taken(desk, parkee)) as taken,
            self._hub.expectations.of((desk, parkee), self._joined(desk, parkee)) as joined,
        ):
            where = (("Context", self._hub.settings.retrieve_context), ("Exten", space))
            fields = (("Channel", desk), *where, ("Priority", "1"))
            reply = await self._line.ask("Redirect", fields, within)
            if reply.refused:
                call.retrieving = False
                raw = self._line.raw(watch, reply.first)
                return Refused(raw=raw, reason=Reason.NO_SUCH_CALL, message=reply.message)
            seen = await outcome(taken, within, f"nobody took the call out of space {space}")
            if seen.what == "mine":
                await outcome(joined, within, "the two channels did not come together")
        raw = self._line.raw(watch, seen.message)
        if seen.what == "lost":
            message = "the parked call was gone"
            return Refused(
                raw=raw, reason=Reason.SLOT_EMPTY, message=message, driver_word=_TOO_LATE
            )
        return Done(raw=raw, slot=self._spaces.to_slot(space), uuid=uuid)

    def _let_partner_go(self, call: Call) -> None:
        """Let go of the party that the extension talks to, whose name may be another call's."""
        partner = call.partner
        call.part()
        if partner is not None:
            partner.state = CallState.UP

    def _joined(self, desk: str, parkee: str) -> _Joined:
        return _Joined(self._hub.board.bridges, desk, parkee)


@dataclass(frozen=True, slots=True)
class _Taken:
    """Judges what becomes of a parked call that one extension wants."""

    desk: str
    parkee: str

    def __call__(self, message: Message) -> _Seen | None:
        match message.event:
            case "UnParkedCall" if message.get("ParkeeUniqueid") == self.parkee:
                mine = message.get("RetrieverUniqueid") == self.desk
                return _Seen("mine" if mine else "lost", message)
            case "ParkedCallGiveUp" | "ParkedCallTimeOut":
                return _Seen("lost", message)
            case "Hangup" if message.get("Uniqueid") in (self.desk, self.parkee):
                return _Seen("lost", message)
            case _:
                return None


@dataclass(frozen=True, slots=True)
class _Joined:
    """Judges whether two channels are in one bridge."""

    bridges: dict[str, str]
    desk: str
    parkee: str

    def __call__(self, _: Message) -> bool | None:
        bridge = self.bridges.get(self.desk)
        return True if bridge and bridge == self.bridges.get(self.parkee) else None
