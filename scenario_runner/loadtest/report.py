"""The report of a load run as one document: what `--json` writes and `--compare` reads."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct, field

from scenario_runner.errors import UsageError
from scenario_runner.exit_code import Exit
from scenario_runner.loadtest.figures import Tally, bucket_percentile
from scenario_runner.loadtest.objectives import Judged, Knee
from scenario_runner.loadtest.outcome import Checks, Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scenario_runner.loadtest.arrivals import Schedule
    from scenario_runner.loadtest.figures import Figures, Interval, Latencies, Subject


PERCENTILES = (50.0, 75.0, 90.0, 95.0, 99.0, 99.9)


class LatencyRow(Struct, frozen=True, kw_only=True):
    """The latencies of a subject in microseconds; `histogram` is an HdrHistogram in base64."""

    scenario: str = ""
    action: str = ""
    place: str = ""
    step: str = ""
    count: int
    mean: int
    p50: int
    p75: int
    p90: int
    p95: int
    p99: int
    p99_9: int
    max: int
    histogram: str = ""

    @property
    def subject(self) -> str:
        """What it is the latency of, in words."""
        if self.place:
            return f"{self.place} {self.step}"
        return self.action or "scenario"


class Moment(Struct, frozen=True, kw_only=True):
    """What happened to the arrivals of a while that began at `at`, in microseconds.

    `latencies` are number, p50, p95 and p99 of each action, and of the scenarios under "".
    """

    at: int
    rate: float
    tally: Tally
    lag: int
    running: int
    calls: int
    slots: int
    latencies: dict[str, tuple[int, int, int, int]]


class Plan(Struct, frozen=True, kw_only=True):
    """What was meant: durations in microseconds, the interval that of the moments."""

    rate: str
    process: str
    duration: int
    warm_up: int
    interval: int
    seed: int
    scenarios: tuple[str, ...]
    generators: int = 1


class Refusals(Struct, frozen=True, kw_only=True):
    """How often an action was refused for a reason; `expected` where the scenario wanted that."""

    action: str
    reason: str
    expected: bool
    count: int


class LoadReport(Struct, frozen=True, kw_only=True, tag_field="report", tag="load"):
    """A load run: what was meant, what was measured, and what speaks against it.

    `started_at` is in microseconds since 1970. `latencies` holds a row for all scenarios and for
    each action of all, then rows for each scenario, its actions and its steps.
    """

    version: str
    target: str
    host: str
    driver: str
    started_at: int
    plan: Plan
    tally: Tally
    late: LatencyRow
    stalls: LatencyRow
    latencies: tuple[LatencyRow, ...]
    blocked: dict[str, int]
    refusals: tuple[Refusals, ...]
    errors: dict[str, int]
    failures: dict[str, int]
    moments: tuple[Moment, ...]
    objectives: tuple[Judged, ...]
    knee: Knee | None
    checks: Checks
    findings: tuple[Finding, ...]
    exit_code: Exit
    interrupted: bool = False
    aborted: str = ""
    warnings: list[str] = field(default_factory=list)

    def row(self, action: str = "") -> LatencyRow | None:
        """Return the latencies of an action of all scenarios, or of all scenarios as a whole."""
        rows = (row for row in self.latencies if not row.scenario and not row.place)
        return next((row for row in rows if row.action == action), None)

    @property
    def actions(self) -> list[str]:
        """The actions that were measured."""
        rows = self.latencies
        return [row.action for row in rows if row.action and not row.scenario and not row.place]


def row_of(latencies: Latencies, subject: Subject | None = None) -> LatencyRow:
    """Return the row of a histogram."""
    p50, p75, p90, p95, p99, p99_9 = latencies.percentiles(PERCENTILES)
    named = {} if subject is None else msgspec.structs.asdict(subject)
    return LatencyRow(
        **named,
        count=latencies.count,
        mean=latencies.mean,
        p50=p50,
        p75=p75,
        p90=p90,
        p95=p95,
        p99=p99,
        p99_9=p99_9,
        max=latencies.highest,
        histogram=latencies.encode()[0],
    )


def rows_of(figures: Figures) -> Iterator[LatencyRow]:
    """Give the rows of all subjects: all scenarios, their actions, then one scenario by another."""
    from scenario_runner.loadtest.figures import Subject

    if not figures.latencies:
        return
    for action in ("", *figures.actions()):
        wanted = Subject(action=action)
        yield row_of(figures.of(wanted), wanted)
    for subject in sorted(figures.latencies):
        yield row_of(figures.latencies[subject], subject)


def refusals_of(figures: Figures) -> tuple[Refusals, ...]:
    """Return the refusals of all scenarios, the most frequent first."""
    found: Counter[tuple[str, str, bool]] = Counter()
    for refusal, count in figures.refusals.items():
        found[refusal.action, refusal.reason, refusal.expected] += count
    return tuple(
        Refusals(action=action, reason=reason, expected=expected, count=count)
        for (action, reason, expected), count in found.most_common()
    )


def moment_of(interval: Interval) -> Moment:
    """Return what happened in an interval."""
    return Moment(
        at=interval.at,
        rate=interval.rate,
        tally=interval.tally,
        lag=interval.lag,
        running=interval.running,
        calls=interval.calls,
        slots=interval.slots,
        latencies={
            subject: (
                buckets.total(),
                bucket_percentile(buckets, 50),
                bucket_percentile(buckets, 95),
                bucket_percentile(buckets, 99),
            )
            for subject, buckets in interval.latencies.items()
        },
    )


def plan_of(schedule: Schedule, interval: int, scenarios: tuple[str, ...], parts: int) -> Plan:
    """Return what a schedule means."""
    return Plan(
        rate=str(schedule.rate),
        process=schedule.process.value,
        duration=schedule.duration,
        warm_up=schedule.warm_up,
        interval=interval,
        seed=schedule.seed,
        scenarios=scenarios,
        generators=parts,
    )


def encode_report(report: LoadReport) -> bytes:
    """Return the report as JSON."""
    return msgspec.json.format(msgspec.json.encode(report), indent=1) + b"\n"


def read_report(path: str) -> LoadReport:
    """Read a report; raise UsageError where that is none."""
    try:
        return msgspec.json.decode(Path(path).read_bytes(), type=LoadReport)
    except OSError as error:
        raise UsageError(f"{path} can't be read: {error.strerror or error}") from error
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        hint = "name a file that load wrote with --json, by the same version"
        raise UsageError(f"{path} is not the report of a load run: {error}", hint=hint) from error
