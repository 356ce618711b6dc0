"""Figures and reports made by hand, for the tests of what is said about them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from scenario_runner.durations import MILLISECOND, SECOND
from scenario_runner.execution.run import RunRequest
from scenario_runner.execution.targets import MOCK
from scenario_runner.language.slo import parse_slo
from scenario_runner.loadtest.arrivals import Rate, Schedule
from scenario_runner.loadtest.figures import Figures, Interval, Refusal, Subject, Tally
from scenario_runner.loadtest.measuring import Measured
from scenario_runner.loadtest.objectives import Objective
from scenario_runner.loadtest.outcome import Checks
from scenario_runner.loadtest.run import LoadRequest, report_of
from tests.load.virtual import PARK, suite_of

if TYPE_CHECKING:
    from scenario_runner.loadtest.report import LoadReport

NAME = "0.scenario.yaml::Park"


def figures(park: int = 20 * MILLISECOND, seconds: int = 20) -> Figures:
    """Figures of a ramp from 1/s on; parking takes a millisecond longer each second."""
    made = Figures(SECOND)
    for second in range(seconds):
        interval = Interval(at=second * SECOND, rate=second + 1.0, calls=second, slots=second // 2)
        for number in range(10):
            took = park + second * MILLISECOND + number * 100
            for subject in (Subject(NAME, "park"), Subject(NAME, "park", "2", "341 parks")):
                made.record(subject, took)
            made.record(Subject(NAME), took * 10)
            interval.record("park", took)
            interval.record("", took * 10)
        interval.tally = Tally(arrived=11, blocked=1, passed=10, commands=20, refused=1)
        made.tally.add(interval.tally)
        made.tally_of(NAME).add(interval.tally)
        made.intervals.append(interval)
        made.late.record(2 * MILLISECOND)
        made.stalls.record(MILLISECOND)
    made.blocked["slots"] = seconds
    made.refusals[Refusal(NAME, "park", "slot-full", expected=True)] = seconds
    return made


def objectives(*texts: str) -> tuple[Objective, ...]:
    return tuple(Objective(parse_slo(text)) for text in texts)


def report(
    made: Figures | None = None,
    *slos: str,
    rate: str = "1/s..20/s",
    checks: Checks | None = None,
    interrupted: bool = False,
    aborted: str = "",
) -> LoadReport:
    """A report of these figures."""
    target = replace(MOCK, name="staging", host="pbx.example.com", driver="ringme")
    request = LoadRequest(
        run=RunRequest(paths=("0.scenario.yaml",), target=target, started_at=1_700_000_000_000_000),
        schedule=Schedule(rate=Rate.parse(rate), duration=20 * SECOND),
        objectives=objectives(*slos),
    )
    measured = Measured(made or figures(), checks or Checks(placed=200), aborted=aborted)
    return report_of(request, suite_of(PARK), measured, interrupted=interrupted)
