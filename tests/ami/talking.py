"""Drives the Asterisk driver by hand against a manager interface that plays a part."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from scenario_runner.clock import LoopClock
from scenario_runner.durations import SECOND
from scenario_runner.language.target import Target
from scenario_runner.pbx.asterisk.connection import Asterisk
from scenario_runner.pbx.asterisk.settings import AsteriskSettings, Headless
from scenario_runner.pbx.commands import CallAddress, PlaceCall
from scenario_runner.pbx.drivers import Context
from scenario_runner.pbx.protocol import CallIds, Done, Plan

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from scenario_runner.pbx.protocol import Outcome, PbxEvent, Session, Trace

WITHIN = SECOND
SOON = SECOND // 20


def target(port: int, **settings: object) -> Target:
    """Return a target whose extensions are Local channels."""
    given = {"lot": "default", "extension": "Local/{number}@desk/n"} | settings
    return Target(
        name="played",
        driver="asterisk",
        host="127.0.0.1",
        base_url="",
        settings=AsteriskSettings(
            port=port,
            username="runner",
            password="word-of-honour",
            headless=Headless(
                extension="Local/{number}@desk-rings/n", party="Local/{number}@outside-rings/n"
            ),
            **given,  # type: ignore[arg-type]
        ),
        slots=(1, 20),
        park_timeout=60 * SECOND,
    )


@dataclass
class Seen:
    """What a session told its watcher."""

    traces: list[Trace] = field(default_factory=list)
    events: list[PbxEvent] = field(default_factory=list)
    gaps: list[list[int]] = field(default_factory=list)

    def traced(self, trace: Trace) -> None:
        self.traces.append(trace)

    def reported(self, event: PbxEvent) -> None:
        self.events.append(event)

    def deaf(self, at: int) -> None:
        self.gaps.append([at])

    def hearing(self, at: int) -> None:
        self.gaps[-1].append(at)

    @property
    def told(self) -> list[tuple[str, str]]:
        return [(event.type.value, event.extension) for event in self.events]


@asynccontextmanager
async def session(
    of: Target, seen: Seen, *, seed: int = 0, slots: tuple[str, ...] = ()
) -> AsyncIterator[Session]:
    """Open a session of its own connection."""
    assert isinstance(of.settings, AsteriskSettings)
    connection = Asterisk(of, of.settings, Context(seed=seed))
    plan = Plan(scenario="by hand", events=True, slots=slots)
    try:
        async with connection.session(plan, seen, LoopClock(asyncio.get_running_loop())) as opened:
            yield opened
    finally:
        await connection.close()


async def called(on: Session, extension: str = "341", **more: object) -> CallIds:
    """Bring a call up and return its ids."""
    given = {"flow": "in", "party": "+78120000443"} | more
    request = PlaceCall(extension=extension, **given)  # type: ignore[arg-type]
    outcome = await on.do(request, WITHIN)
    assert isinstance(outcome, Done)
    assert outcome.ids is not None
    return outcome.ids


def at(ids: CallIds) -> CallAddress:
    """Return where a call is."""
    return CallAddress(call_api_id=ids.call_api_id, extension=ids.extension)


def reason(outcome: Outcome) -> str:
    """Return why it was refused, or "done"."""
    return "done" if isinstance(outcome, Done) else outcome.reason.value
