"""The end of a scenario on an Asterisk: hangs up what was placed, looks for what is left."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scenario_runner.errors import TimedOut
from scenario_runner.pbx.asterisk.hub import Spaces
from scenario_runner.pbx.protocol import Leftover
from scenario_runner.pbx.tracked.waiters import EVERY, outcome
from scenario_runner.references import as_text

if TYPE_CHECKING:
    from scenario_runner.pbx.asterisk.board import Call
    from scenario_runner.pbx.asterisk.frames import Message
    from scenario_runner.pbx.asterisk.line import Line
    from scenario_runner.pbx.protocol import Plan


class Closing:
    """Knows what a scenario placed, and ends it."""

    def __init__(self, line: Line, plan: Plan) -> None:
        self._line = line
        self._board = line.hub.board
        self._plan = plan
        self._calls: list[Call] = []
        self._roots: set[str] = set()

    def own(self, call: Call, roots: tuple[str, ...]) -> None:
        """Take a call as the scenario's own, with the channels that come of these Uniqueids."""
        self._calls.append(call)
        self._roots.update(roots)

    def owns(self, call: Call) -> bool:
        """Tell whether the scenario placed this call."""
        return call in self._calls

    async def close(self, within: int) -> tuple[Leftover, ...]:
        """Hang up every channel of the scenario's calls; return the slots and calls left behind."""
        if not self._calls and not self._plan.slots:
            return ()
        # After a lost connection this finds out what is still there.
        await self._line.connect()
        own = self._channels()
        for uid in sorted(own):
            if uid in self._board.names:
                await self._line.ask("Hangup", (("Channel", uid), ("Cause", "16")), within)
        await self._until_gone(within)
        left = [
            Leftover(what=f"the channel {self._board.names[uid]} does not end", uuid=uid)
            for uid in sorted(self._channels())
        ]
        left += await self._occupied(within)
        for call in self._calls:
            call.owned = False
            self._board.forget(call)
        return tuple(left)

    def _channels(self) -> set[str]:
        """Return the live channels that are the scenario's: of its calls, or come of theirs."""
        legs = {uid for call in self._calls for uid in call.legs if uid in self._board.names}
        return legs | self._board.relatives(self._roots)

    async def _until_gone(self, within: int) -> None:
        def gone(_: Message) -> bool | None:
            return None if self._channels() else True

        with self._line.hub.expectations.of((EVERY,), gone) as ended:
            if self._channels():
                try:
                    await outcome(ended, within, "channels did not end")
                except TimedOut:
                    return

    async def _occupied(self, within: int) -> list[Leftover]:
        """Return the scenario's slots in which somebody still is."""
        spaces = Spaces(self._line.hub.target, self._line.hub.settings)
        wanted = {spaces.of_slot(slot): as_text(slot) for slot in self._plan.slots}
        if not wanted:
            return []
        parked = await self._line.parked(within)
        return [
            Leftover(
                what=f"slot {slot} is occupied", uuid=parked[space].get("ParkeeUniqueid"), slot=slot
            )
            for space, slot in wanted.items()
            if space in parked
        ]
