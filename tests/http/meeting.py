"""Runs scenarios over HTTP against a mock that is served on loopback, in real time."""

from __future__ import annotations

import asyncio
import textwrap
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

from scenario_runner.clock import LoopClock
from scenario_runner.engine.run import RunContext, execute
from scenario_runner.events import Event, Exchange, Failure, ScenarioFinished, StepFinished
from scenario_runner.execution.targets import open_target
from scenario_runner.execution.virtual import taught_words
from scenario_runner.language.target import Allow, Target
from scenario_runner.loading.documents import LoadOptions, load_text
from scenario_runner.masking import Mask
from scenario_runner.mock_pbx import Profile
from scenario_runner.mock_pbx.server.app import MockOptions, mock_server
from scenario_runner.pbx.drivers import Context, Notice
from scenario_runner.pbx.protocol import Connection
from scenario_runner.pbx.ringme.access import RestAccess

_E = TypeVar("_E", bound=Event)

PROFILE = Profile()
EXTENSIONS = tuple((str(number), str(PROFILE.extension_id(number))) for number in range(341, 361))


async def quick(seconds: float) -> None:
    """Sleep a little where a lot was asked for."""
    await asyncio.sleep(min(seconds, 0.002))


@dataclass
class Met:
    """What a run over HTTP brought."""

    events: list[Event] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)
    announced: list[str] = field(default_factory=list)

    def of(self, kind: type[_E]) -> list[_E]:
        return [event for event in self.events if isinstance(event, kind)]

    @property
    def verdicts(self) -> list[str]:
        return [event.verdict for event in self.of(ScenarioFinished)]

    @property
    def failures(self) -> list[Failure]:
        steps = [f for event in self.of(StepFinished) for f in event.failures]
        return steps + [f for event in self.of(ScenarioFinished) for f in event.failures]

    @property
    def messages(self) -> list[str]:
        return [failure.message for failure in self.failures]

    @property
    def sent(self) -> list[str]:
        """The request lines, in the order sent."""
        return [event.sent.partition("\n")[0] for event in self.of(Exchange)]

    def notes(self) -> list[str]:
        return [event.note for event in self.of(StepFinished) if event.note]

    def noticed(self, code: str) -> list[str]:
        return [notice.message for notice in self.notices if notice.code == code]


def target(url: str, allow: Allow | None = None, **more: object) -> Target:
    settings = RestAccess(
        url=url,
        client_id="runner",
        client_secret="k33p-it-hidden",
        **{"calls": "control", **more},  # type: ignore[arg-type]
    )
    return Target(
        name="staging",
        driver="ringme",
        host=url.partition("://")[2],
        base_url=url,
        settings=settings,
        extensions=EXTENSIONS,
        reasons=taught_words(PROFILE),
        allow=allow or Allow(),
    )


def context(met: Met, mask: Mask | None = None) -> Context:
    return Context(
        mask=mask or Mask(),
        announce=met.announced.append,
        warn=met.notices.append,
        sleep=quick,
    )


Deed = Callable[[Connection, Met], Awaitable[None]]


def scenario_deed(text: str, mask: Mask | None = None) -> Deed:
    """Return what runs the scenarios in `text`, which must be valid."""
    loaded = load_text(textwrap.dedent(text), "test.scenario.yaml", LoadOptions())
    errors = [problem for problem in loaded.problems if not problem.warning]
    assert not errors, errors

    async def deed(connection: Connection, met: Met) -> None:
        for scenario in loaded.scenarios:
            clock = LoopClock(asyncio.get_running_loop())
            conditions = RunContext(environment={}, mask=mask or Mask())
            await execute(scenario, connection, clock, met.events.append, conditions)

    return deed


async def meet(url: str, deed: Deed, journal: Path, change: Target | None = None) -> Met:
    """Open the target and do the deed."""
    met = Met()
    async with open_target(change or target(url), context(met), journal) as connection:
        await deed(connection, met)
    return met


def meet_mock(
    deed: Deed,
    journal: Path,
    change: Callable[[Target], Target] = lambda one: one,
    **options: object,
) -> Met:
    """Do the deed against a mock of its own."""

    async def whole() -> Met:
        served = replace(MockOptions(port=0), **options)  # type: ignore[arg-type]
        async with mock_server(served) as url:
            return await meet(url, deed, journal, change(target(url)))

    return asyncio.run(asyncio.wait_for(whole(), 20))
