"""Long scenarios cost as much as their steps: nothing grows faster."""

from __future__ import annotations

import gc
import time

from tests.running import Ran, run_steps


def run_long(steps: int) -> tuple[float, Ran]:
    look = "  - slots: {call: customer, slot: 6}\n    expect: {holds: customer}\n"
    gc.collect()
    begin = time.process_time()
    ran = run_steps("  - park: {call: customer, slot: 6}\n" + look * steps)
    return time.process_time() - begin, ran


def test_ten_times_the_steps_take_hardly_more_than_ten_times_the_time() -> None:
    run_long(20)
    short = min(run_long(200)[0] for _ in range(3))
    long, ran = run_long(2000)
    assert ran.verdicts == ["passed"]
    assert len(ran.steps) == 2003
    assert long < 20 * short
