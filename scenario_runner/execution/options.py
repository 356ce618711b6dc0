"""How a run is to be done."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from scenario_runner.execution.stopping import Stop

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """How a run is to be done, whatever it runs against.

    `jobs` is how many scenarios run at once over a network (0: all, up to 64). `order` are choices
    between waiting commands that stand in for the seed's; `all_orders` runs every distinct order,
    at most that many for one scenario (0: only one order). `repeat` runs everything that often,
    each time with the next seed; `shuffle` lets the seed choose the order of the scenarios. `stop`
    ends the run from outside.
    """

    environment: Mapping[str, str] = field(default_factory=dict)
    seed: int = 0
    jobs: int = 0
    fail_fast: bool = False
    order: tuple[int, ...] | None = None
    all_orders: int = 0
    retry_failed: int = 0
    repeat: int = 1
    shuffle: bool = False
    allow_skips: bool = False
    allow_flaky: bool = False
    rerun: str = "scenario-runner run"
    stop: Stop = field(default_factory=Stop)
