"""Nothing of a run that was killed is left on a real FreeSWITCH."""

from __future__ import annotations

import asyncio
from random import Random
from typing import TYPE_CHECKING

import pytest

from scenario_runner.clock import LoopClock
from scenario_runner.durations import SECOND
from scenario_runner.pbx.commands import FindPlaced
from scenario_runner.pbx.drivers import Context, find_driver
from scenario_runner.pbx.protocol import Done, NullWatcher, PlacedCall, Plan
from tests.tracked.killed import killed_at_once, target_of

from .test_esl_scenarios import target

if TYPE_CHECKING:
    from pathlib import Path

    from scenario_runner.language.target import Target

pytestmark = pytest.mark.real


@pytest.mark.parametrize("freeswitch", ["named"], indirect=True)
def test_nothing_is_left_of_runs_killed_at_any_moment(freeswitch: str, tmp_path: Path) -> None:
    """Eight at once are more than a FreeSWITCH as installed lets in: it refuses some meanwhile."""
    target(freeswitch, tmp_path)  # writes the file
    file = tmp_path / "scenario-targets.yaml"
    chosen = asyncio.run(asyncio.wait_for(killed_at_once(file, "freeswitch", 8, Random(18)), 60))
    assert len(chosen) >= 8
    assert asyncio.run(those_there(target_of(file, "freeswitch"), chosen)) == []


async def those_there(of: Target, channels: set[str]) -> list[str]:
    """Ask which of these channels are there."""
    async with find_driver(of.driver).opened(of, Context()) as connection:
        clock = LoopClock(asyncio.get_running_loop())
        async with connection.session(Plan(scenario="x"), NullWatcher(), clock) as session:
            call = PlacedCall(extension="", party="", flow="in", channels=tuple(channels))
            found = await session.do(FindPlaced(call=call), 10 * SECOND)
            assert isinstance(found, Done)
            return [one.uuid for one in found.listed]
