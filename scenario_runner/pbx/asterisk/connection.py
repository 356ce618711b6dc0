"""An Asterisk as a target: what it can do, and a session for each scenario."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from scenario_runner.durations import SECOND, duration_text
from scenario_runner.errors import TargetError
from scenario_runner.language.target import AsteriskSettings
from scenario_runner.language.vocabulary import Capability
from scenario_runner.pbx.asterisk.dialling import dialling_of
from scenario_runner.pbx.asterisk.hub import Hub
from scenario_runner.pbx.asterisk.line import Line
from scenario_runner.pbx.asterisk.session import AsteriskSession
from scenario_runner.pbx.protocol import Traits

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from scenario_runner.clock import Clock
    from scenario_runner.language.target import Target
    from scenario_runner.pbx.drivers import Context
    from scenario_runner.pbx.protocol import Connection, Plan, Session, Watcher


class Asterisk:
    """An Asterisk as a target; see `pbx.protocol.Connection`. Connected when first needed.

    The context's seed decides which parked call a `bridge` without a slot takes. Raises
    TargetError where the target can't be as it says.
    """

    def __init__(self, target: Target, settings: AsteriskSettings, context: Context) -> None:
        if target.park_timeout < SECOND or target.park_timeout % SECOND:
            raise TargetError(
                f"the target {target.name} has a park_timeout of "
                f"{duration_text(target.park_timeout)}, but Asterisk counts whole seconds from 1",
                hint="say it in whole seconds: park_timeout: 4s",
            )
        self._target = target
        self._settings = settings
        self._context = context
        self._hub = Hub(target, settings, dialling_of(target, settings))

    @property
    def traits(self) -> Traits:
        """What the target is like."""
        can = {
            Capability.EVENTS,
            Capability.RANDOM_BRIDGE,
            Capability.REMOTE_HANGUP,
            Capability.SETTABLE_TIMEOUT,
        }
        if self._settings.headless is not None:
            can.add(Capability.ANSWER)
        first, last = self._target.slots
        return Traits(
            name=self._target.name,
            slots=last - first + 1,
            park_timeout=self._target.park_timeout,
            capabilities=frozenset(can),
        )

    @asynccontextmanager
    async def session(self, plan: Plan, watcher: Watcher, clock: Clock) -> AsyncIterator[Session]:
        """Open one scenario's session."""
        line = Line(self._hub, clock, watcher)
        session = AsteriskSession(line, plan, self._context)
        unlisten = self._hub.listen(session.heard) if plan.events else None
        try:
            await line.connect()
            session.begin()
            yield session
        finally:
            if unlisten is not None:
                unlisten()

    async def close(self) -> None:
        """Log off from Asterisk."""
        await self._hub.close()


@asynccontextmanager
async def open_asterisk(target: Target, context: Context) -> AsyncIterator[Connection]:
    """Open the target; it is connected when the first scenario needs it."""
    if not isinstance(target.settings, AsteriskSettings):
        raise TargetError(f"the target {target.name} has no settings of an Asterisk")
    connection = Asterisk(target, target.settings, context)
    try:
        yield connection
    finally:
        await connection.close()
