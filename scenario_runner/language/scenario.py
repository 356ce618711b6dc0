"""A scenario as loaded: everything typed, everything with its place in the file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from scenario_runner.durations import MINUTE
from scenario_runner.language.values import Duration

if TYPE_CHECKING:
    from scenario_runner.errors import Problem
    from scenario_runner.language.actions import Binding, Condition, Step
    from scenario_runner.source import Source, Span


SCENARIO_TIMEOUT = Duration(10 * MINUTE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """Resources a scenario leases from its target: names to bind, and numbers known beforehand.

    `slots` and `extensions` are names that are bound to free ones; `literal_slots` and
    `literal_extensions` are the numbers (as text) that the file names itself; `alone` keeps
    every other scenario off the target.
    """

    slots: tuple[str, ...] = ()
    extensions: tuple[str, ...] = ()
    literal_slots: tuple[str, ...] = ()
    literal_extensions: tuple[str, ...] = ()
    alone: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One scenario, or one row of a scenario with a matrix.

    `name` carries the row (`Park [slot=1]`); `row` is the same as (name, value) pairs, and `vars`
    holds the row's values already. `id` is unique in a run: the file, `::`, the name.
    `sources` are the texts of all files that the spans point into; `uses_events` says that a step
    waits for an event.
    """

    name: str
    file: str
    span: Span
    steps: tuple[Step, ...]
    sources: tuple[Source, ...]
    description: str = ""
    tags: tuple[str, ...] = ()
    vars: tuple[Binding, ...] = ()
    needs: Needs = Needs()
    cleanup: tuple[Step, ...] = ()
    timeout: Duration = SCENARIO_TIMEOUT
    when: Condition | None = None
    xfail: str | None = None
    row: tuple[tuple[str, str], ...] = ()
    uses_events: bool = False
    warnings: tuple[Problem, ...] = ()

    @property
    def id(self) -> str:
        """The scenario's unique name in a run."""
        return f"{self.file}::{self.name}"
