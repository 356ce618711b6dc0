"""One scenario's exchanges with FreeSWITCH, each one traced."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from time import perf_counter_ns
from typing import TYPE_CHECKING

from scenario_runner.errors import BadAnswer, PbxError
from scenario_runner.pbx.freeswitch.frames import Message, shown_command
from scenario_runner.pbx.freeswitch.hub import Lot, listed
from scenario_runner.pbx.protocol import Raw, Trace

if TYPE_CHECKING:
    from scenario_runner.clock import Clock
    from scenario_runner.pbx.freeswitch.board import Place
    from scenario_runner.pbx.freeswitch.hub import Hub
    from scenario_runner.pbx.protocol import Watcher
    from scenario_runner.references import Json


@dataclass(frozen=True, slots=True)
class Watch:
    """When an exchange began: on the scenario's clock in microseconds, really in nanoseconds."""

    begin: int
    real: int


@dataclass(frozen=True, slots=True)
class Line:
    """Sends commands for one scenario."""

    hub: Hub
    clock: Clock
    watcher: Watcher
    lot: Lot

    def start(self) -> Watch:
        """Begin to take the time."""
        return Watch(self.clock.now(), perf_counter_ns())

    def raw(self, watch: Watch, decided: Message | str | None = None) -> Raw:
        """Return what decided the outcome as a raw answer: an event's fields, or a text."""
        now = self.clock.now()
        body: Json = dict(decided.fields) if isinstance(decided, Message) else decided
        real = (perf_counter_ns() - watch.real) // 1000
        return Raw(body=body, at=now, took=now - watch.begin, real=real)

    async def connect(self) -> None:
        """See to it that there is a connection, and that what FreeSWITCH holds is known.

        To be done before a call is looked up: it may have ended while there was none.
        """
        await self.hub.esl(self._trace_login)

    async def api(self, command: str, within: int) -> str:
        """Send a command and return its answer; raises what the client raises."""
        esl = await self.hub.esl(self._trace_login)
        begin = self.clock.now()
        try:
            reply = await esl.command(f"api {command}", within)
        except PbxError as error:
            self._trace(f"api {command}", error, begin)
            raise
        self._trace(f"api {command}", reply.answer, begin)
        return reply.answer

    async def background(self, command: str, within: int) -> str:
        """Let a command that takes long run in the background; return what came of it."""
        esl = await self.hub.esl(self._trace_login)
        begin = self.clock.now()
        try:
            result = await esl.background(command, within)
        except PbxError as error:
            self._trace(f"bgapi {command}", error, begin)
            raise
        self._trace(f"bgapi {command}", result, begin)
        return result

    async def exists(self, uid: str, within: int) -> bool:
        """Ask whether there is such a channel; lists of channels lag behind."""
        return await self.api(f"uuid_exists {uid}", within) == "true"

    async def parked_in(self, place: Place, within: int) -> str | None:
        """Ask who is in a slot; FreeSWITCH may list channels that are there no more."""
        uid = (await self._listed(within)).get(place)
        return uid if uid is not None and await self.exists(uid, within) else None

    async def parked(self, within: int) -> dict[Place, str]:
        """Ask who is in the lot: the channel in each slot, without those that are gone."""
        there = await self._listed(within)
        exist = await asyncio.gather(*(self.exists(uid, within) for uid in there.values()))
        pairs = zip(there.items(), exist, strict=True)
        return {place: uid for (place, uid), living in pairs if living}

    async def _listed(self, within: int) -> dict[Place, str]:
        answer = await self.api(f"valet_info {self.lot.name}", within)
        if not answer.startswith("<lots>"):
            raise BadAnswer(f"FreeSWITCH does not list its parking lots: {answer}")
        # The filter is deaf to upper and lower case, lots are not.
        return {place: uid for place, uid in listed(answer).items() if place[0] == self.lot.name}

    def _trace_login(self, command: str, answer: str | PbxError) -> None:
        self._trace(command, answer, self.clock.now())

    def _trace(self, command: str, answer: str | PbxError, begin: int) -> None:
        outcome = "refused" if isinstance(answer, str) and answer.startswith("-") else "ok"
        if isinstance(answer, PbxError):
            answer, outcome = answer.message, "lost"
        self.watcher.traced(
            Trace(
                protocol="esl",
                sent=shown_command(command),
                received=answer,
                outcome=outcome,
                at=begin,
                took=self.clock.now() - begin,
            )
        )
