"""A tracked PBX as a target: what it can do, and a session for each scenario."""

from __future__ import annotations

from abc import ABC, abstractmethod
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, ClassVar

from scenario_runner.durations import SECOND, duration_text
from scenario_runner.errors import TargetError
from scenario_runner.language.vocabulary import Capability
from scenario_runner.pbx.protocol import Traits
from scenario_runner.pbx.tracked.session import TrackedSession

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from scenario_runner.clock import Clock
    from scenario_runner.language.target import Target
    from scenario_runner.pbx.drivers import Context
    from scenario_runner.pbx.protocol import Plan, Session, Watcher
    from scenario_runner.pbx.tracked.dialect import Dialect
    from scenario_runner.pbx.tracked.hub import Hub

_CAN = frozenset(
    {
        Capability.EVENTS,
        Capability.RANDOM_BRIDGE,
        Capability.REMOTE_HANGUP,
        Capability.SETTABLE_TIMEOUT,
    }
)


class TrackedConnection(ABC):
    """A PBX as a target; see `pbx.protocol.Connection`. Connected when first needed.

    `by_people` says that calls are placed by people; `answers` that the runner can answer them,
    `remedy` how it could be made to. Raises TargetError where the target can't be as it says.
    """

    pbx: ClassVar[str]
    by_people: bool
    answers: bool
    remedy: str

    def __init__(self, target: Target, context: Context, hub: Hub[Any]) -> None:
        if target.park_timeout < SECOND or target.park_timeout % SECOND:
            raise TargetError(
                f"the target {target.name} has a park_timeout of "
                f"{duration_text(target.park_timeout)}, but {self.pbx} counts whole seconds from 1",
                hint="say it in whole seconds: park_timeout: 4s",
            )
        self.target = target
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
            park_timeout=self.target.park_timeout,
            capabilities=_CAN | {Capability.ANSWER} if self.answers else _CAN,
            remedies=((Capability.ANSWER, self.remedy),),
        )

    @asynccontextmanager
    async def session(self, plan: Plan, watcher: Watcher, clock: Clock) -> AsyncIterator[Session]:
        """Open one scenario's session."""
        session = TrackedSession(
            self.dialect(clock, watcher),
            plan,
            self._context,
            self.traits,
            by_people=self.by_people,
        )
        unlisten = self.hub.listen(session.heard) if plan.events else None
        try:
            await session.begin()
            yield session
        finally:
            if unlisten is not None:
                unlisten()

    async def close(self) -> None:
        """Log off from the PBX."""
        await self.hub.close()
