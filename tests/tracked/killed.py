"""Runs that are killed at any moment, and what is left of them after the cleanup.

`python -m tests.tracked.killed TARGETS NAME JOURNAL SLOT` places, parks, joins and hangs up calls
again and again, until it is killed. It says "up" when it has begun.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from scenario_runner.clock import LoopClock
from scenario_runner.engine.run import RunContext, execute
from scenario_runner.execution.cleanup import undo
from scenario_runner.execution.targets import open_target
from scenario_runner.loading.documents import LoadOptions, load_text
from scenario_runner.loading.targets import read_targets
from scenario_runner.masking import Mask
from scenario_runner.pbx import drivers
from scenario_runner.pbx.drivers import Context
from scenario_runner.pbx.journal import left_behind

if TYPE_CHECKING:
    from random import Random

    from scenario_runner.language.target import Target

ROOT = Path(__file__).parents[2]
TURNS = """
scenario: Turns
steps:
  - call: {{as: rings, extension: 341, from: "+78120000441", answered: false}}
  - call: {{as: rung, extension: 342, to: "+78120000442", answered: false}}
  - call: {{as: customer, extension: 343, from: "+78120000443"}}
  - park: {{call: customer, slot: {slot}}}
  - call: {{as: agent, extension: 344, to: "+78120000444"}}
  - bridge: {{call: agent, slot: {slot}}}
  - call: {{as: out, extension: 345, to: "+78120000445"}}
  - park: {{call: out, slot: {slot}}}
"""


def target_of(targets: Path, name: str) -> Target:
    """Read a target from a targets file."""
    return read_targets(str(targets), drivers).target(name, {}, Mask())


async def turn_until_killed(target: Target, journal: Path, slot: str) -> None:
    """Run the scenario again and again."""
    loaded = load_text(TURNS.format(slot=slot), "t.scenario.yaml", LoadOptions())
    clock = LoopClock(asyncio.get_running_loop())
    conditions = RunContext(environment={}, mask=Mask())
    async with open_target(target, Context(), journal) as connection:
        print("up", flush=True)  # noqa: T201
        while True:
            for scenario in loaded.scenarios:
                await execute(scenario, connection, clock, lambda _: None, conditions)


async def killed_at_once(targets: Path, name: str, count: int, random: Random) -> set[str]:
    """Let so many runs begin side by side, kill each one at some moment, and clean up.

    Return the channels that they had chosen and not yet seen gone.
    """
    moments = [random.uniform(0, 1.5) for _ in range(count)]
    journals = [targets.parent / f"journal-{number}" for number in range(count)]
    await asyncio.gather(
        *(
            _killed((str(targets), name, str(journals[n]), str(n + 1)), moment)
            for n, moment in enumerate(moments)
        )
    )
    left = [call for one in journals for run in left_behind(one) for call in run.calls]
    target = target_of(targets, name)
    for told in await asyncio.gather(*(undo(target, Context(), one) for one in journals)):
        assert all(one.good for one in told), told
    assert not [file for one in journals for file in one.glob("*")]
    return {channel for call in left for channel in call.channels}


async def _killed(words: tuple[str, ...], moment: float) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.tracked.killed", *words, cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    try:
        assert await process.stdout.readline() == b"up\n"
        await asyncio.sleep(moment)
    finally:
        process.kill()
        await process.wait()


if __name__ == "__main__":
    _, file, name, journal, slot = sys.argv
    asyncio.run(turn_until_killed(target_of(Path(file), name), Path(journal), slot))
