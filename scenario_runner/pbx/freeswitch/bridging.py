"""Joins a call with a parked one, past the parking module.

Dialling the slot would do it, too, but it parks whoever comes too late; so the driver looks who
is parked and joins the two channels itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from scenario_runner.errors import BadAnswer, NotPossible
from scenario_runner.language.vocabulary import CallState, Reason
from scenario_runner.pbx.commands import AnySlot
from scenario_runner.pbx.freeswitch.following import VALET
from scenario_runner.pbx.freeswitch.reaching import reach_talking, refuse
from scenario_runner.pbx.protocol import Done, Refused
from scenario_runner.pbx.tracked.waiters import outcome

if TYPE_CHECKING:
    from random import Random

    from scenario_runner.pbx.commands import BridgeSlot, CallAddress
    from scenario_runner.pbx.freeswitch.board import Board, Call
    from scenario_runner.pbx.freeswitch.frames import Message
    from scenario_runner.pbx.freeswitch.line import Line, Watch
    from scenario_runner.pbx.freeswitch.parking import Parking
    from scenario_runner.pbx.protocol import Outcome

_JOINED = "who is in the slot was looked up, and the two were joined, by the driver"
_CHOSEN = f"which one, by the seed: FreeSWITCH takes none at random; {_JOINED}"
_TOO_LATE = "the parked call left after the driver had looked"


class Bridging:
    """Joins calls for one scenario; `random` chooses where no slot is named."""

    def __init__(self, line: Line, parking: Parking, random: Random) -> None:
        self._line = line
        self._hub = line.hub
        self._parking = parking
        self._random = random

    async def bridge(self, address: CallAddress, slot: BridgeSlot, within: int) -> Outcome:
        """Join the call with the one in the slot, or with one of all parked calls."""
        watch = self._line.start()
        await self._line.connect()
        call = reach_talking(self._hub.board, address)
        if isinstance(call, Reason):
            return refuse(call, self._line.raw(watch))
        if isinstance(slot, AnySlot):
            return await self._any(call, watch, within)
        number = self._line.lot.number(slot)
        if isinstance(number, Reason):
            reason = Reason.SLOT_EMPTY if number is Reason.SLOT_REQUIRED else number
            return refuse(reason, self._line.raw(watch))
        return await self._from_slot(call, number, watch, within)

    async def _any(self, call: Call, watch: Watch, within: int) -> Outcome:
        """Choose among the parked calls; where the chosen one is gone by then, choose again."""
        lot = self._line.lot
        while True:
            numbers = [lot.number_of(name) for _, name in await self._line.parked(within)]
            taken = sorted(n for n in numbers if n is not None and lot.has(n))
            if not taken:
                return refuse(Reason.NOTHING_PARKED, self._line.raw(watch))
            done = await self._from_slot(call, self._random.choice(taken), watch, within)
            if isinstance(done, Done):
                return replace(done, driver_word=_CHOSEN)
            if done.reason is not Reason.SLOT_EMPTY or not call.alive:
                return done

    async def _from_slot(
        self, call: Call, number: int, watch: Watch, within: int
    ) -> Done | Refused:
        async with self._parking.lock(number):
            uid = await self._line.parked_in(self._line.lot.place(number), within)
            if uid is None:
                return refuse(Reason.SLOT_EMPTY, self._line.raw(watch))
            if not call.desk:
                raise NotPossible("the extension's phone has left this call: nothing to join with")
            return await self._joined(call, uid, number, watch, within)

    async def _joined(
        self, call: Call, parked: str, number: int, watch: Watch, within: int
    ) -> Done | Refused:
        desk, uuid = call.desk, self._parking.name_of(parked)
        self._let_partner_go(call)
        call.retrieving = True
        try:
            with self._hub.expectations.of(
                (desk, parked), _Together(self._hub.board, desk, parked)
            ) as joined:
                said = await self._line.api(f"uuid_bridge {desk} {parked}", within)
                if not said.startswith("+OK"):
                    return await self._not_joined(parked, said, watch, within)
                seen = await outcome(joined, within, "the two channels did not come together")
        finally:
            call.retrieving = False
        raw = self._line.raw(watch, seen)
        if seen.event == "CHANNEL_HANGUP":
            reason = Reason.SLOT_EMPTY if seen.uid == parked else Reason.NO_SUCH_CALL
            message = f"the call ended: {seen.get('Hangup-Cause')}"
            return Refused(raw=raw, reason=reason, message=message, driver_word=_TOO_LATE)
        return Done(raw=raw, slot=str(number), uuid=uuid, driver_word=_JOINED)

    async def _not_joined(self, parked: str, said: str, watch: Watch, within: int) -> Refused:
        """Say whose channel is gone, which FreeSWITCH does not tell."""
        raw = self._line.raw(watch, said)
        if "Invalid uuid" not in said:
            raise BadAnswer(f"FreeSWITCH does not join the two: {said}")
        gone = not await self._line.exists(parked, within)
        reason = Reason.SLOT_EMPTY if gone else Reason.NO_SUCH_CALL
        word = "whose call was gone, as the driver saw by looking again"
        return Refused(raw=raw, reason=reason, message=said, driver_word=word)

    def _let_partner_go(self, call: Call) -> None:
        """Let go of the party that the extension talks to, whose name may be another call's."""
        partner = call.partner
        call.part()
        if partner is not None:
            partner.desk = ""
            partner.state = CallState.UP


class _Together:
    """Judges whether a parked channel has left its slot and talks to the one that wants it."""

    def __init__(self, board: Board, desk: str, parked: str) -> None:
        self._board = board
        self._desk = desk
        self._parked = parked
        self._left = False

    def __call__(self, message: Message) -> Message | None:
        if message.event == "CHANNEL_HANGUP":
            return message
        if message.event == VALET and message.uid == self._parked:
            self._left = self._left or message.get("Action") == "exit"
        together = self._board.together.get(self._desk) == self._parked
        return message if self._left and together else None
