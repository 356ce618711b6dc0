"""Mutation testing of the shipped examples: all mutants, on one core and on all of them.

python benchmarks/mutants.py
"""

from __future__ import annotations

from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

from scenario_runner.execution.options import RunOptions, real_time
from scenario_runner.execution.run import RunRequest, gather_valid
from scenario_runner.execution.targets import TargetChoice, choose
from scenario_runner.execution.workers import available_cores
from scenario_runner.masking import Mask
from scenario_runner.mutation.processes import in_this_process
from scenario_runner.mutation.run import Choice, Mutated, all_in, mutate

if TYPE_CHECKING:
    from scenario_runner.mutation.run import Pool

EXAMPLES = str(Path(__file__).parents[1] / "examples")


def measured(pool: Pool) -> tuple[Mutated, float]:
    """Return what became of all mutants, and the seconds that it took."""
    paths = (EXAMPLES,)
    options = RunOptions(allow_skips=True, stopwatch=real_time)
    target = choose(TargetChoice(paths=paths), Mask())
    request = RunRequest(paths=paths, options=options, target=target)
    begin = perf_counter()
    mutated = mutate(request, gather_valid(request), Choice(), pool, lambda _: None)
    return mutated, perf_counter() - begin


def main() -> None:
    """Print a row for each way to run."""
    cores = available_cores()
    for name, pool in (
        ("in this process", in_this_process),
        ("1 worker", all_in(1)),
        (f"{cores} workers", all_in(cores)),
    ):
        mutated, seconds = measured(pool)
        ran = sum(one.ran for one in mutated.outcomes)
        print(
            f"{name:16} {len(mutated.outcomes)} mutants, {len(mutated.scenarios)} scenarios, "
            f"{ran} runs, {mutated.percent} % noticed: {seconds:.2f} s"
        )


if __name__ == "__main__":
    main()
