"""A tracked PBX as a target: what it can do, and a session for each scenario."""

from __future__ import annotations

from abc import ABC, abstractmethod
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, ClassVar

from scenario_runner.language.vocabulary import Capability
from scenario_runner.pbx.protocol import Traits
from scenario_runner.pbx.tracked.session import TrackedSession

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from scenario_runner.clock import Clock
    from scenario_runner.language.target import Target
    from scenario_runner.pbx.drivers import Context
    from scenario_runner.pbx.protocol import Connection, Plan, Session, Watcher
    from scenario_runner.pbx.tracked.dialect import Dialect
    from scenario_runner.pbx.tracked.hub import Hub
    from scenario_runner.pbx.tracked.settings import TrackedSettings

_CAN = frozenset(
    {
        Capability.EVENTS,
        Capability.EXTENSION_STATE,
        Capability.RANDOM_BRIDGE,
        Capability.REMOTE_HANGUP,
        Capability.SETTABLE_TIMEOUT,
    }
)


class TrackedConnection(ABC):
    """A PBX as a target; see `pbx.protocol.Connection`. Connected when first needed.

    `answers` says that the runner can answer a ringing call, `remedy` how it could be made to.
    """

    answers: bool
    remedy: ClassVar[str]

    def __init__(
        self, target: Target, settings: TrackedSettings, context: Context, hub: Hub[Any]
    ) -> None:
        self.target = target
        self._by_people = settings.calls == "wait"
        self.hub = hub
        self._context = context

    @abstractmethod
    def dialect(self, clock: Clock, watcher: Watcher) -> Dialect:
        """Return what speaks to the PBX for one scenario."""

    @property
    def traits(self) -> Traits:
        """What the target is like."""
        first, last = self.target.slots
        return Traits(
            name=self.target.name,
            slots=last - first + 1,
            first_slot=first,
            park_timeout=self.target.park_timeout,
            capabilities=_CAN | {Capability.ANSWER} if self.answers else _CAN,
            remedies=((Capability.ANSWER, self.remedy),),
            asks_extensions=False,
        )

    @asynccontextmanager
    async def session(self, plan: Plan, watcher: Watcher, clock: Clock) -> AsyncIterator[Session]:
        """Open one scenario's session."""
        session = TrackedSession(
            self.dialect(clock, watcher),
            plan,
            self._context,
            self.traits,
            by_people=self._by_people,
        )
        unlisten = self.hub.listen(session) if plan.events else None
        try:
            await session.begin()
            yield session
        finally:
            if unlisten is not None:
                unlisten()

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[Connection]:
        """Be there as long as the block lasts, and log off from the PBX."""
        try:
            yield self
        finally:
            await self.close()

    async def close(self) -> None:
        """Log off from the PBX."""
        await self.hub.close()
