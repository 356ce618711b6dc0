"""Long scenarios cost as much as their steps: nothing grows faster."""

from __future__ import annotations

import gc
import time

from scenario_runner.engine.steps import Report
from scenario_runner.events import Event, StepFinished
from scenario_runner.execution.options import RunOptions
from scenario_runner.execution.results import Results
from scenario_runner.execution.targets import MOCK
from scenario_runner.execution.virtual import VirtualRun
from scenario_runner.loading.documents import LoadOptions, load_text
from scenario_runner.masking import Mask
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


def test_a_repetition_keeps_no_reports_of_its_rounds() -> None:
    step = "  - repeat: {times: 300, steps: [check: {that: $env.A, equals: a}]}"
    text = f"scenario: long\nsteps:\n{step}\n"
    (loaded,) = load_text(text, "long.scenario.yaml", LoadOptions()).scenarios
    kept = []

    def emit(event: Event) -> None:
        if isinstance(event, StepFinished) and event.step in ("1[10].1", "1[300].1"):
            kept.append(sum(isinstance(one, Report) for one in gc.get_objects()))

    options = RunOptions(environment={"A": "a"})
    VirtualRun(target=MOCK, options=options, mask=Mask(), emit=emit).run([loaded], Results())
    early, late = kept
    assert late <= early
