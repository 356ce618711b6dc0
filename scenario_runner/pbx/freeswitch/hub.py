"""What all scenarios share of one FreeSWITCH: the connection, and what is known of its calls."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Protocol

from scenario_runner.durations import SECOND
from scenario_runner.errors import BadAnswer, BadCredentials
from scenario_runner.pbx.expecting import Expectations
from scenario_runner.pbx.freeswitch.board import Board, Place
from scenario_runner.pbx.freeswitch.esl import Esl, connect
from scenario_runner.pbx.freeswitch.following import CHANNELS, SUBSCRIBED, CallEvent, Follower
from scenario_runner.pbx.freeswitch.readiness import check_modules
from scenario_runner.pbx.freeswitch.resync import resync

if TYPE_CHECKING:
    from collections.abc import Callable

    from scenario_runner.errors import PbxError
    from scenario_runner.model.target import FreeSwitchSettings, Target
    from scenario_runner.pbx.freeswitch.dialling import Dialling
    from scenario_runner.pbx.freeswitch.frames import Message

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
        self.expectations: Expectations[Message] = Expectations(CHANNELS)
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
