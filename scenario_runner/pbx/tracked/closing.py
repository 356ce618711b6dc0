"""The end of a scenario on a tracked PBX: hangs up what was placed, looks for what is left."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scenario_runner.errors import TimedOut
from scenario_runner.pbx.protocol import Leftover
from scenario_runner.pbx.tracked.lookup import slot_number
from scenario_runner.pbx.tracked.waiters import EVERY, outcome

if TYPE_CHECKING:
    from scenario_runner.pbx.protocol import Plan
    from scenario_runner.pbx.tracked.calls import Call
    from scenario_runner.pbx.tracked.dialect import Dialect
    from scenario_runner.pbx.tracked.wire import WireMessage


_ROUNDS = 10


class Closing:
    """Knows what a scenario placed, and ends it."""

    def __init__(self, dialect: Dialect, plan: Plan) -> None:
        self._dialect = dialect
        self._table = dialect.calls
        self._plan = plan
        self._calls: list[Call] = []
        self._roots: set[str] = set()

    def own(self, call: Call, *more: str) -> None:
        """Take a call as the scenario's own, with its channels, `more`, and all that come of them.

        Among its channels are those that it will have, since they may come up unheard of.
        """
        self._calls.append(call)
        self._roots.update(uid for uid in (*call.legs, call.coming, *more) if uid)

    def owns(self, call: Call) -> bool:
        """Tell whether the scenario placed this call."""
        return call in self._calls

    @property
    def calls(self) -> tuple[Call, ...]:
        """The calls that the scenario placed."""
        return tuple(self._calls)

    async def close(self, within: int) -> tuple[Leftover, ...]:
        """Hang up every channel of the scenario's calls; return the slots and calls left behind."""
        if not self._calls and not self._plan.slots:
            return ()
        # After a lost connection this finds out what is still there.
        await self._dialect.client.connect()
        legs = {uid for call in self._calls for uid in call.legs}
        unheard = any(self._is_unheard(call) for call in self._calls)
        for uid in sorted(legs | self._live()):
            answer = await self._dialect.hang_up(uid, within)
            if answer.refused:
                self._table.drop(uid)
        await self._until_gone(within)
        left = [
            Leftover(what=f"the channel {self._table.channels[uid] or uid} does not end", uuid=uid)
            for uid in sorted(self._live())
        ]
        if unheard:
            left += await self._end_unheard(within)
        left += await self._occupied(within)
        for call in self._calls:
            call.owned = False
            self._table.forget(call)
        return tuple(left)

    def _is_unheard(self, call: Call) -> bool:
        """Tell whether a call should be there by what is known, and none of its channels is."""
        return call.alive and not self._table.channels.keys() & call.conversation

    async def _end_unheard(self, within: int) -> list[Leftover]:
        """Hang up what the PBX still has of the channels chosen: not every event may have come."""
        uids: list[str] = []
        for _ in range(_ROUNDS):
            uids = await self._dialect.left_of(frozenset(self._roots), within)
            if not uids:
                return []
            for uid in uids:
                await self._dialect.hang_up(uid, within)
        return [Leftover(what=f"the channel {uid} does not end", uuid=uid) for uid in uids]

    def _live(self) -> set[str]:
        """Return the channels that are there and are the scenario's: of its calls, or of theirs."""
        legs = {uid for call in self._calls for uid in call.legs}
        return (legs & self._table.channels.keys()) | self._table.relatives(self._roots)

    async def _until_gone(self, within: int) -> None:
        def gone(_: WireMessage) -> bool | None:
            return None if self._live() else True

        with self._dialect.hub.waiters.of((EVERY,), gone) as ended:
            if self._live():
                try:
                    await outcome(ended, within, "channels did not end")
                except TimedOut:
                    return

    async def _occupied(self, within: int) -> list[Leftover]:
        """Return the scenario's slots in which somebody still is."""
        wanted = {slot_number(slot, self._dialect.slots) for slot in self._plan.slots}
        if not wanted:
            return []
        return [
            Leftover(
                what=f"slot {one.slot} is occupied",
                uuid=self._table.name_of(one.uid),
                slot=one.slot,
            )
            for one in await self._dialect.occupants(within)
            if one.number in wanted
        ]
