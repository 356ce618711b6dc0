"""Drives the FreeSWITCH driver by hand against an event socket that plays a part."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from scenario_runner.clock import LoopClock
from scenario_runner.durations import SECOND
from scenario_runner.language.target import Target
from scenario_runner.pbx.commands import CallAddress, PlaceCall
from scenario_runner.pbx.drivers import Context
from scenario_runner.pbx.freeswitch.connection import FreeSwitch
from scenario_runner.pbx.freeswitch.settings import FreeSwitchSettings
from scenario_runner.pbx.protocol import CallIds, Done, Plan

from .playing import PASSWORD

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from scenario_runner.pbx.protocol import Outcome, PbxEvent, Session, Trace

WITHIN = 10 * SECOND
SOON = SECOND // 20


def target(port: int, **settings: object) -> Target:
    """Return a target whose ends have no phones."""
    given = {"password": PASSWORD} | settings
    return Target(
        name="played",
        driver="freeswitch",
        host="127.0.0.1",
        base_url="",
        settings=FreeSwitchSettings(port=port, **given),  # type: ignore[arg-type]
        slots=(1, 20),
        park_timeout=60 * SECOND,
        extensions=(("341", ""), ("342", ""), ("343", "")),
    )


@dataclass
class Seen:
    """What a session told its watcher, and how long it wanted to sleep."""

    traces: list[Trace] = field(default_factory=list)
    events: list[PbxEvent] = field(default_factory=list)
    gaps: list[list[int]] = field(default_factory=list)
    slept: list[float] = field(default_factory=list)
    announced: list[str] = field(default_factory=list)
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    cut: asyncio.Event = field(default_factory=asyncio.Event)
    heard_again: asyncio.Event = field(default_factory=asyncio.Event)

    def traced(self, trace: Trace) -> None:
        self.traces.append(trace)

    def reported(self, event: PbxEvent) -> None:
        self.events.append(event)

    def deaf(self, at: int) -> None:
        self.gaps.append([at])
        self.cut.set()

    def hearing(self, at: int) -> None:
        self.gaps[-1].append(at)
        self.heard_again.set()

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        await asyncio.sleep(0.001)

    def announce(self, text: str) -> None:
        self.announced.append(text)
        self.asked.set()

    @property
    def told(self) -> list[tuple[str, str]]:
        return [(event.type.value, event.extension) for event in self.events]


@asynccontextmanager
async def connection(of: Target, seen: Seen, *, seed: int = 0) -> AsyncIterator[FreeSwitch]:
    """Open a target."""
    assert isinstance(of.settings, FreeSwitchSettings)
    context = Context(seed=seed, sleep=seen.sleep, announce=seen.announce)
    opened = FreeSwitch(of, of.settings, context)
    try:
        yield opened
    finally:
        await opened.close()


@asynccontextmanager
async def session(
    of: Target, seen: Seen, *, seed: int = 0, slots: tuple[str, ...] = ()
) -> AsyncIterator[Session]:
    """Open a session of its own connection."""
    plan = Plan(scenario="by hand", events=True, slots=slots)
    clock = LoopClock(asyncio.get_running_loop())
    async with connection(of, seen, seed=seed) as on, on.session(plan, seen, clock) as opened:
        yield opened


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
