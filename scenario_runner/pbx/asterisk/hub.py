"""What all scenarios share of one Asterisk: the connection, and what is known of its calls."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Protocol

from scenario_runner.durations import SECOND
from scenario_runner.errors import BadCredentials
from scenario_runner.pbx.asterisk.ami import Ami, Reply, connect
from scenario_runner.pbx.asterisk.board import Board
from scenario_runner.pbx.asterisk.following import CallEvent, Follower
from scenario_runner.pbx.asterisk.readiness import check_dialplan, check_lot
from scenario_runner.pbx.asterisk.resync import resync
from scenario_runner.pbx.expecting import Expectations

if TYPE_CHECKING:
    from collections.abc import Callable

    from scenario_runner.errors import PbxError
    from scenario_runner.model.target import AsteriskSettings, Target
    from scenario_runner.pbx.asterisk.dialling import Dialling
    from scenario_runner.pbx.asterisk.frames import Fields, Message

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
        self.expectations: Expectations[Message] = Expectations(_CHANNELS)
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
