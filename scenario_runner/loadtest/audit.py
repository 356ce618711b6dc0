"""Looks at a PBX before a load run and after it: what is new afterwards was left behind."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from scenario_runner.clock import LoopClock
from scenario_runner.durations import SECOND
from scenario_runner.errors import ScenarioRunnerError
from scenario_runner.pbx.commands import ShowCalls
from scenario_runner.pbx.protocol import NullWatcher, Plan, Refused

if TYPE_CHECKING:
    from collections.abc import Iterable

    from scenario_runner.language.scenario import Needs
    from scenario_runner.pbx.protocol import Connection


_WITHIN = 10 * SECOND


@dataclass(frozen=True, slots=True)
class Inventory:
    """What is on the PBX: each thing in words. `unknown` says why not all of it could be seen."""

    things: frozenset[str]
    unknown: tuple[str, ...] = ()


def extensions_used(needs: Iterable[Needs], pool: tuple[str, ...]) -> tuple[str, ...]:
    """Return the extensions at which a run may leave calls: named ones, and all that are leased."""
    found: dict[str, None] = {}
    for one in needs:
        found |= dict.fromkeys((*one.literal_extensions, *one.read_extensions))
        if one.extensions:
            found |= dict.fromkeys(pool)
    return tuple(found)


async def look(connection: Connection, extensions: Iterable[str]) -> Inventory:
    """Ask which calls there are at the extensions, and who is parked as far as that can be told."""
    things: set[str] = set()
    unknown: list[str] = []
    clock = LoopClock(asyncio.get_running_loop())
    try:
        async with connection.session(Plan(scenario="load"), NullWatcher(), clock) as session:
            for extension in extensions:
                outcome = await session.do(ShowCalls(extension=extension), _WITHIN)
                if isinstance(outcome, Refused):
                    unknown.append(f"calls of {extension}: {outcome.message}")
                    continue
                things |= {f"the call {one.uuid} at {one.extension}" for one in outcome.listed}
            holding = await session.holding()
            things |= {f"{uuid} in slot {slot}" for slot, uuid in holding.slots}
            await session.close()
    except ScenarioRunnerError as error:
        unknown.append(error.message)
    return Inventory(frozenset(things), tuple(unknown))
