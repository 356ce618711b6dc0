"""Explores every mutant of the mock's switch, and counts how many are found, in what time.

    python -m benchmarks.exploring [SECONDS]

A mutant has SECONDS (5) of search on a lot of 20 slots, and as many on one of 4. Those of parsing,
access, wording and events are left out: commands and their answers don't show them.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import TYPE_CHECKING

from msgspec import structs

from scenario_runner.execution.options import RunOptions, real_time
from scenario_runner.execution.targets import MOCK
from scenario_runner.exploring.run import Bounds, Exploration, Explored
from scenario_runner.masking import Mask
from scenario_runner.mock_pbx.mutants import MUTANTS
from scenario_runner.mock_pbx.switch import Switch

if TYPE_CHECKING:
    from scenario_runner.language.target import Target
    from scenario_runner.mock_pbx.mutants import Mutant


def of_switch(mutant: Mutant) -> bool:
    """Tell whether a mutant breaks a rule of the switch, and none of the API or of events."""
    is_event = "event" in mutant.kind or mutant.rule.id.startswith("events.")
    return mutant.part is not None and issubclass(mutant.part, Switch) and not is_event


TARGETS = (MOCK, structs.replace(MOCK, slots=(1, 4)))
"""The mock as it is, and one with so few slots that its capacity is met."""


def explore(mutant: Mutant | None, seconds: float, target: Target = MOCK) -> Explored:
    """Explore a mutant in a folder of its own."""
    with tempfile.TemporaryDirectory() as folder:
        return Exploration(
            target=target,
            options=RunOptions(stopwatch=real_time),
            mask=Mask(),
            folder=Path(folder),
            bounds=Bounds(time=round(seconds * 1e6)),
            mutant=mutant,
        ).run()


def main() -> None:
    """Print what was found, and what was not."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 5.0
    mutants = [mutant for mutant in MUTANTS if of_switch(mutant)]
    begin, took, missed, again, crashed = perf_counter(), [], [], 0, 0
    for mutant in mutants:
        for target in TARGETS:
            explored = explore(mutant, seconds, target)
            if explored.finding is not None:
                took.append(explored.took / 1e6)
                again += bool(explored.finding.repeat)
                crashed += "the runner itself failed" in explored.finding.message
                break
        else:
            missed.append(mutant.id)
    print(
        f"{len(took)} of {len(mutants)} mutants of the switch found, {again} fail again as a file, "
        f"{crashed} by a mock that broke; "
        f"{perf_counter() - begin:.0f} s, {median(took):.1f} s (median) with shrinking"
    )
    print("\n".join(f"  not found: {one}" for one in missed))


if __name__ == "__main__":
    main()
