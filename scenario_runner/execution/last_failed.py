"""Remembers which scenarios failed and how they were run, so that just that can be run again."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from scenario_runner.errors import NothingSelected, UsageError
from scenario_runner.events import ScenarioFinished, ScenarioStarted, Verdict
from scenario_runner.execution.interleavings import order_text, without_turn

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scenario_runner.events import Event


MEMORY = Path(".scenario-runner")
_FILE = "last-failed.json"
_FAILED = frozenset({Verdict.FAILED, Verdict.ERRORED, Verdict.XPASSED, Verdict.FLAKY})

Typed = tuple[tuple[str, str], ...]


class FailedRun(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How a scenario was run when it failed: by which id, seed, order and variables.

    `order` is empty where the seed chose it; `variables` are the options as typed.
    """

    scenario: str = ""
    seed: int = 0
    order: str = ""
    variables: Typed = ()

    @property
    def choices(self) -> tuple[int, ...] | None:
        """The order as choices between waiting commands; None where the seed makes them."""
        parts = self.order.split("-") if self.order else []
        return tuple(int(part) for part in parts if part.isdecimal()) or None

    def like(self, other: FailedRun) -> bool:
        """Tell whether the other run was made in the same way."""
        mine, others = (msgspec.structs.replace(one, scenario="") for one in (self, other))
        return mine == others


class _Memory(msgspec.Struct):
    failed: dict[str, FailedRun] | tuple[str, ...]


class Remembering:
    """Listens to a run; a failure stays remembered until the same run of the scenario passes.

    `variables` are those typed, `replays` the failures that are run again as they were; with
    `ordered` the order of the run is part of how a scenario was run.
    """

    def __init__(
        self,
        folder: Path = MEMORY,
        *,
        variables: Typed = (),
        replays: Mapping[str, FailedRun] | None = None,
        ordered: bool = False,
    ) -> None:
        self._folder = folder
        self._variables = variables
        self._replays = replays or {}
        self._ordered = ordered
        self._before = remembered(folder)
        self._seeds: dict[str, int] = {}
        self._failed: dict[str, FailedRun] = {}
        self._passed: set[str] = set()

    def handle(self, event: Event) -> None:
        """Take in a verdict."""
        if isinstance(event, ScenarioStarted):
            self._seeds[event.scenario] = event.seed
        elif isinstance(event, ScenarioFinished):
            self._finished(event)

    def _finished(self, event: ScenarioFinished) -> None:
        name = identity(event.scenario)
        replay = self._replays.get(name)
        order = order_text(event.order) if self._ordered else replay.order if replay else ""
        now = FailedRun(
            scenario=without_turn(event.scenario),
            seed=self._seeds.pop(event.scenario, 0),
            order=order,
            variables=self._variables,
        )
        before = self._before.get(name)
        if event.verdict in _FAILED:
            self._failed.setdefault(name, now)  # of a flaky one the attempt that failed
        elif event.verdict.ran and before is not None and before.like(now):
            self._passed.add(name)

    def close(self) -> None:
        """Write the file where it would change; that it can't be written harms nobody."""
        before = remembered(self._folder)  # others may have written meanwhile
        now = {name: run for name, run in before.items() if name not in self._passed} | self._failed
        if now == before:
            return
        with suppress(OSError):
            self._folder.mkdir(exist_ok=True)
            (self._folder / ".gitignore").write_text("*\n", encoding="utf-8")
            text = msgspec.json.format(msgspec.json.encode(_Memory(dict(sorted(now.items())))))
            (self._folder / _FILE).write_bytes(text + b"\n")


def identity(scenario: str) -> str:
    """Return an id that is the same whatever way the file was named, and however often it runs."""
    file, divider, name = scenario.partition("::")
    return f"{os.path.relpath(file)}{divider}{without_turn(name)}"


def remembered(folder: Path = MEMORY) -> dict[str, FailedRun]:
    """Return how the scenarios were run that failed, by their ids; none where it is unknown."""
    try:
        failed = msgspec.json.decode((folder / _FILE).read_bytes(), type=_Memory).failed
    except (OSError, ValueError, RecursionError):
        return {}
    return failed if isinstance(failed, dict) else {name: FailedRun() for name in failed}


def last_failed(variables: Typed = (), folder: Path = MEMORY) -> dict[str, FailedRun]:
    """Return how the scenarios were run that failed, by their ids.

    Of failures with different variables those with the `variables` typed are meant. Raises
    NothingSelected where nothing failed, UsageError where it is not said which ones are meant.
    """
    found = remembered(folder)
    if not found:
        raise NothingSelected(
            "no scenario failed when it last ran here",
            hint=f"failures are remembered in {folder}, unless --no-cache is given",
        )
    if variables:
        same = {name: run for name, run in found.items() if run.variables == variables}
        return same or found
    ways = sorted({run.variables for run in found.values()})
    if len(ways) > 1:
        words = [" ".join(f"{name} {value}" for name, value in way) or "none" for way in ways]
        raise UsageError(
            f"what failed last was run with different variables: {', or '.join(words)}",
            hint="say with --var and --var-file which of it is to be run again",
        )
    return found
