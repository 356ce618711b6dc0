"""The end of a scenario on a FreeSWITCH: hangs up what was placed, looks for what is left."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scenario_runner.errors import TimedOut
from scenario_runner.pbx.protocol import Leftover
from scenario_runner.pbx.tracked.waiters import EVERY, outcome

if TYPE_CHECKING:
    from scenario_runner.pbx.freeswitch.board import Call
    from scenario_runner.pbx.freeswitch.frames import Message
    from scenario_runner.pbx.freeswitch.line import Line
    from scenario_runner.pbx.freeswitch.parking import Parking
    from scenario_runner.pbx.protocol import Plan


class Closing:
    """Knows what a scenario placed, and ends it."""

    def __init__(self, line: Line, parking: Parking, plan: Plan) -> None:
        self._line = line
        self._board = line.hub.board
        self._parking = parking
        self._plan = plan
        self._calls: list[Call] = []
        self._channels: set[str] = set()

    def own(self, call: Call) -> None:
        """Take a call as the scenario's own, with the channels it has and will have."""
        self._calls.append(call)
        self._channels.update(uid for uid in (*call.legs, call.coming) if uid)

    def owns(self, call: Call) -> bool:
        """Tell whether the scenario placed this call."""
        return call in self._calls

    async def close(self, within: int) -> tuple[Leftover, ...]:
        """Hang up every channel of the scenario's calls; return the slots and calls left behind."""
        if not self._calls and not self._plan.slots:
            return ()
        # After a lost connection this finds out what is still there.
        await self._line.connect()
        for uid in sorted(self._mine()):
            await self._kill(uid, within)
        await self._until_gone(within)
        left = [
            Leftover(what="a channel that could not be hung up", uuid=uid)
            for uid in sorted(self._mine() & self._board.live)
        ]
        left += await self._occupied(within)
        for call in self._calls:
            call.owned = False
            self._board.forget(call)
        return tuple(left)

    def _mine(self) -> set[str]:
        """Return the channels that may be there and are the scenario's.

        Those of a call that did not come up in time may be there although nothing told so.
        """
        legs = {uid for call in self._calls for uid in call.legs}
        return legs | (self._channels & self._board.live)

    async def _kill(self, uid: str, within: int) -> None:
        said = await self._line.api(f"uuid_kill {uid}", within)
        if not said.startswith("+OK"):
            self._board.live.discard(uid)

    async def _until_gone(self, within: int) -> None:
        def gone(_: Message) -> bool | None:
            return None if self._mine() & self._board.live else True

        with self._line.hub.expectations.of((EVERY,), gone) as ended:
            if self._mine() & self._board.live:
                try:
                    await outcome(ended, within, "channels did not end")
                except TimedOut:
                    return

    async def _occupied(self, within: int) -> list[Leftover]:
        """Return the scenario's slots in which somebody still is."""
        numbers = [self._line.lot.number(slot) for slot in self._plan.slots]
        wanted = {self._line.lot.place(n): n for n in numbers if isinstance(n, int)}
        if not wanted:
            return []
        parked = await self._line.parked(within)
        return [
            Leftover(
                what=f"slot {number} is occupied",
                uuid=self._parking.name_of(parked[place]) or "",
                slot=str(number),
            )
            for place, number in wanted.items()
            if place in parked
        ]
