"""A target of the RingMe dialect that is open: its settings, its token, its ways to the PBX."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from scenario_runner.language.vocabulary import Capability
from scenario_runner.pbx.protocol import Traits
from scenario_runner.pbx.ringme.events import read_event
from scenario_runner.pbx.ringme.rest import Patience, Rest, Tokens, Wire
from scenario_runner.pbx.ringme.session import RingMeSession

if TYPE_CHECKING:
    import asyncio
    from collections.abc import AsyncIterator, Callable

    from scenario_runner.clock import Clock
    from scenario_runner.exchange import Transport
    from scenario_runner.pbx.protocol import Plan, Session, Watcher
    from scenario_runner.pbx.ringme.dialers import Callers
    from scenario_runner.pbx.ringme.events import Feed
    from scenario_runner.pbx.ringme.settings import RingMeSettings


class MakeFeed(Protocol):
    """Makes the feed of one scenario; `heard` is called with each delivery's form."""

    def __call__(self, heard: Callable[[str], None]) -> Feed:
        """Return a feed."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Carrier:
    """What carries requests, and how: so many at once, how patiently; `hide` is told tokens."""

    transport: Transport
    gate: asyncio.Semaphore | None = None
    patience: Patience = field(default_factory=Patience)
    hide: Callable[[str], None] | None = None


class RingMe:
    """An open target; see `pbx.protocol.Connection`. `make_feed` None: no events."""

    def __init__(
        self,
        settings: RingMeSettings,
        carrier: Carrier,
        callers: Callers,
        make_feed: MakeFeed | None,
    ) -> None:
        self._settings = settings
        self._carrier = carrier
        self._callers = callers
        self._make_feed = make_feed
        self._tokens = Tokens(settings, carrier.hide)
        self._numbers = {v: k for k, v in settings.extension_ids.items()}

    @property
    def traits(self) -> Traits:
        """What the target is like."""
        settings = self._settings
        can = {Capability.RAW_REQUESTS} | self._callers.capabilities
        if settings.random_bridge:
            can.add(Capability.RANDOM_BRIDGE)
        if settings.virtual_time:
            can.add(Capability.VIRTUAL_TIME)
        if self._make_feed is not None:
            can.add(Capability.EVENTS)
        return Traits(
            name=settings.name,
            slots=settings.slots[1] - settings.slots[0] + 1,
            first_slot=settings.slots[0],
            park_timeout=settings.park_timeout,
            capabilities=frozenset(can),
        )

    @asynccontextmanager
    async def session(self, plan: Plan, watcher: Watcher, clock: Clock) -> AsyncIterator[Session]:
        """Open one scenario's session."""

        def heard(form: str) -> None:
            event = read_event(form, clock.now(), self._numbers)
            if event is not None:
                watcher.reported(event)

        carrier = self._carrier
        wire = Wire(carrier.transport, clock, watcher, carrier.gate, carrier.patience)
        rest = Rest(self._settings, wire, self._tokens)
        feed = self._make_feed(heard) if self._make_feed is not None and plan.events else None
        session = RingMeSession(rest, self._callers, feed, plan)
        try:
            await session.open()
            yield session
        finally:
            await session.release()
