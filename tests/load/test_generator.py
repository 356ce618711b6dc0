"""The generator in virtual time: open loop, nothing delayed, everything counted."""

from __future__ import annotations

from collections import Counter
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

from scenario_runner.clock import VirtualLoop
from scenario_runner.durations import MILLISECOND, SECOND
from scenario_runner.errors import PbxError
from scenario_runner.language.vocabulary import Party
from scenario_runner.loadtest.figures import Refusal, Subject
from scenario_runner.loadtest.generator import GeneratorOptions, Think, calls_of
from scenario_runner.mock_pbx.faults import Fault, fault_from_text
from scenario_runner.pbx.commands import HangUp, ParkCall
from tests.load.virtual import PARK, Setting, suite_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

NAME = "0.scenario.yaml::Park"
ASK = """
scenario: Ask
steps:
  - request: {get: /extension/34414/current_calls/}
    expect: {status: 200}
"""


def slow(action: str, milliseconds: int) -> Fault:
    return fault_from_text(f"latency,by={milliseconds}ms,on={action}")


def test_every_arrival_is_counted_once() -> None:
    loaded = Setting(rate="2/s", duration=10).run()
    tally = loaded.figures.tally
    assert (tally.arrived, tally.passed, tally.blocked) == (20, 20, 0)
    assert loaded.figures.of(Subject()).count == 20
    assert loaded.figures.actions() == ["call", "park", "slots", "hangup"]
    assert loaded.ledger.placed == 20
    assert loaded.ledger.violations == []
    gauges = loaded.meter.gauges
    assert (gauges.running, gauges.calls, gauges.slots) == (0, 0, 0)


def test_what_finds_its_slots_taken_is_blocked_and_not_delayed() -> None:
    """Twenty slots, each taken for ten seconds: two a second is all that fits."""
    loaded = Setting(rate="5/s", duration=20).run()
    tally = loaded.figures.tally
    assert (tally.arrived, tally.passed, tally.blocked) == (100, 40, 60)
    assert loaded.figures.blocked == {"slots or extensions": 60}
    assert loaded.figures.late.highest == 1  # the least that a histogram knows
    begun = [interval.tally.started for interval in loaded.figures.intervals]
    assert begun[:10] == [5, 5, 5, 5, *[0] * 6]


def test_a_literal_slot_never_overlaps_itself() -> None:
    loaded = Setting(
        texts=(PARK.replace("slots: [slot], ", "").replace("$slot", "6"),), rate="1/s", duration=20
    ).run()
    assert (loaded.figures.tally.passed, loaded.figures.tally.blocked) == (2, 18)


def test_a_scenario_that_wants_to_be_alone_blocks_and_is_blocked() -> None:
    alone = PARK.replace("needs: {", "needs: {alone: true, ").replace("Park", "Alone", 1)
    loaded = Setting(texts=(PARK, alone), rate="2/s", duration=30).run()
    assert loaded.figures.blocked["alone"] > 0
    assert loaded.figures.tally.failed == 0


def test_no_more_calls_than_are_allowed() -> None:
    loaded = Setting(rate="2/s", duration=20, options=GeneratorOptions(max_calls=5)).run()
    assert loaded.figures.blocked == {"max_calls": 30}
    assert max(interval.calls for interval in loaded.figures.intervals) == 5


def test_calls_are_counted_before_they_are_placed() -> None:
    text = """
    scenario: Many
    steps:
      - repeat:
          times: 3
          steps:
            - call: {as: one, extension: 341, from: "+7"}
            - hangup: {call: one}
      - repeat:
          each: [342, 343]
          as: desk
          steps:
            - call: {as: two, extension: $desk, from: "+7"}
      - together:
          - call: {as: three, extension: 344, from: "+7"}
          - call: {as: four, extension: 345, from: "+7"}
        expect: {succeeded: 2}
    """
    (scenario,) = suite_of(text)
    assert calls_of(scenario.steps) == 3 + 2 + 2


def test_latency_counts_from_the_intended_start() -> None:
    """The loop stands still for half a second: whoever should have begun then was late."""

    class Stalling(VirtualLoop):
        def _run_once(self) -> None:
            if 2 < self._virtual < 2.4:
                self._virtual = 2.5
            super()._run_once()  # type: ignore[misc]

    loaded = Setting(texts=(ASK,), rate="10/s", duration=5, loop=Stalling).run()
    figures = loaded.figures
    assert figures.tally.passed == 50
    assert 380 * MILLISECOND < figures.late.highest < 510 * MILLISECOND
    assert figures.of(Subject()).highest == pytest.approx(figures.late.highest, rel=0.01)
    assert figures.of(Subject(action="request")).highest == pytest.approx(
        figures.late.highest, rel=0.01
    )
    assert figures.stalls.highest > 300 * MILLISECOND


def test_a_slow_pbx_slows_no_arrival_down() -> None:
    """A closed loop would start one a second; here five arrive, and wait side by side."""
    loaded = Setting(rate="5/s", duration=2, faults=(slow("park", 1000),)).run()
    assert loaded.figures.tally.passed == 10
    park = loaded.figures.of(Subject(action="park"))
    assert park.percentile(50) == pytest.approx(SECOND, rel=0.01)
    assert loaded.figures.of(Subject(action="slots")).highest < 10 * MILLISECOND


def test_each_look_of_a_step_that_asks_again_is_a_latency_of_its_action() -> None:
    text = """
    scenario: Wait for it
    steps:
      - call: {as: one, extension: 341, from: "+7"}
      - name: until it is over
        calls: {call: one}
        within: 30s
        every: 2s
        expect: {state: ended}
    """
    text = text.replace("state: ended", "state: parked")
    loaded = Setting(texts=(text,), rate="1/s", duration=1).run()
    assert loaded.figures.of(Subject(action="calls")).count > 10
    step = loaded.figures.of(Subject(step="until it is over"))
    assert step.count == 1
    assert step.highest == pytest.approx(30 * SECOND, rel=0.01)


def test_refusals_are_counted_by_reason_apart_from_errors() -> None:
    text = """
    scenario: Twice
    steps:
      - call: {as: one, extension: 341, from: "+7"}
      - park: {call: one, slot: 6}
      - call: {as: two, extension: 342, from: "+8"}
      - park: {call: two, slot: 6}
        expect: {refused: slot-full}
      - park: {call: two, slot: 99}
    """
    loaded = Setting(texts=(text,), rate="1/s", duration=2).run()
    assert loaded.figures.refusals == {
        Refusal("0.scenario.yaml::Twice", "park", "slot-full", expected=True): 2,
        Refusal("0.scenario.yaml::Twice", "park", "slot-unknown", expected=False): 2,
    }
    tally = loaded.figures.tally
    assert (tally.refused, tally.failed, tally.errored) == (4, 2, 0)
    assert len(loaded.figures.failures) == 1


def test_a_lost_answer_is_a_latency_too() -> None:
    fault = fault_from_text("drop-before,on=park")
    loaded = Setting(rate="1/s", duration=3, faults=(fault,)).run()
    assert loaded.figures.tally.errored == 3
    assert loaded.figures.of(Subject(action="park")).count == 3
    assert loaded.figures.refusals == {}


def test_the_warm_up_is_not_counted() -> None:
    loaded = Setting(rate="1/s", duration=5, warm_up=10).run()
    assert loaded.figures.tally.arrived == 5
    assert loaded.figures.of(Subject(action="park")).count == 5
    assert sum(interval.tally.arrived for interval in loaded.figures.intervals) == 15
    assert loaded.ledger.placed == 15


def test_think_time_passes_between_steps() -> None:
    think = Think(2 * SECOND, 2 * SECOND)
    quick, slow = (
        Setting(rate="1/s", duration=1, options=GeneratorOptions(think=one)).run()
        for one in (Think(), think)
    )
    before, after = (one.figures.of(Subject()).highest for one in (quick, slow))
    assert after - before == pytest.approx(4 * 2 * SECOND, rel=0.01)
    parks = [one.figures.of(Subject(action="park")).highest for one in (quick, slow)]
    assert parks[0] == parks[1]


def test_too_many_errors_break_the_run_off() -> None:
    loaded = Setting(
        texts=(ASK,),
        rate="10/s",
        duration=60,
        faults=(fault_from_text("drop-before"),),
        options=GeneratorOptions(abort_errors=0.5),
    ).run()
    assert loaded.generator.aborted == "20 of the last 20 scenarios errored"
    assert 20 <= loaded.figures.tally.arrived < 30


def test_who_does_not_come_to_an_end_is_stopped_and_cleaned_up() -> None:
    loaded = Setting(
        texts=(PARK.replace("wait: 10s", "wait: 9m"),),
        rate="1/s",
        duration=3,
        options=GeneratorOptions(drain=5 * SECOND),
    ).run()
    tally = loaded.figures.tally
    assert (tally.passed, tally.stopped) == (0, 3)
    assert loaded.figures.of(Subject()).count == 3
    assert loaded.meter.leaks == []
    assert loaded.meter.gauges.calls == 0


def test_cancelled_it_stops_what_runs_and_leaves_nothing() -> None:
    loaded = Setting(rate="1/s", duration=60, cancel_at=5.5).run()
    tally = loaded.figures.tally
    assert (tally.arrived, tally.stopped) == (6, 6)
    assert loaded.meter.leaks == []


def test_the_same_seed_gives_the_same_figures() -> None:
    def tallies(seed: int) -> list[tuple[int, int]]:
        loaded = Setting(rate="3/s..9/s", duration=20, seed=seed).run()
        return [(one.tally.arrived, one.tally.blocked) for one in loaded.figures.intervals]

    assert tallies(3) == tallies(3)


class LosingTrack:
    """A PBX that loses every fifth call as soon as it is parked."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner
        self._parked = 0
        self.traits = inner.traits

    @asynccontextmanager
    async def session(self, *arguments: Any) -> AsyncIterator[Any]:
        async with self._inner.session(*arguments) as inner:
            yield LosingSession(inner, self)

    def loses(self) -> bool:
        self._parked += 1
        return self._parked % 5 == 0


class LosingSession:
    def __init__(self, inner: Any, pbx: LosingTrack) -> None:
        self._inner = inner
        self._pbx = pbx

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    async def do(self, command: Any, within: int) -> Any:
        outcome = await self._inner.do(command, within)
        if isinstance(command, ParkCall) and self._pbx.loses():
            await self._inner.do(HangUp(call=command.call, by=Party.REMOTE), within)
        return outcome


def test_a_pbx_that_loses_calls_is_found_out() -> None:
    text = """
    scenario: Park and look
    needs: {slots: [slot], extensions: [desk, other]}
    steps:
      - call: {as: customer, extension: $desk, from: "+78120000443"}
      - call: {as: colleague, extension: $other, from: "+78120000444"}
      - park: {call: customer, slot: $slot}
      - slots: {call: colleague, slot: $slot}
        expect: {empty: {any: true}}
    """
    text = text.replace("empty: {any: true}", "refused: none")
    loaded = Setting(texts=(text,), rate="1/s", duration=10, wrap=LosingTrack).run()
    assert loaded.ledger.violated == 2
    assert "was parked in slot" in loaded.ledger.violations[0]
    assert "nobody is there" in loaded.ledger.violations[0]


def test_errors_are_counted_by_what_they_say_without_numbers() -> None:
    class Failing:
        def __init__(self, inner: Any) -> None:
            self._inner = inner
            self.traits = inner.traits
            self._number = 0

        @asynccontextmanager
        async def session(self, *_: Any) -> AsyncIterator[Any]:
            self._number += 1
            if self._number:
                raise PbxError(f"connection {self._number} refused")
            yield self._inner

    loaded = Setting(rate="1/s", duration=5, wrap=Failing).run()
    assert loaded.figures.errors == Counter({"connection … refused": 5})
    assert loaded.figures.tally.errored == 5


def test_ticks_come_as_long_as_something_runs() -> None:
    loaded = Setting(rate="1/s", duration=2).run()
    assert loaded.ticks[:2] == [50_000, 100_000]
    assert loaded.ticks[-1] > 10 * SECOND
