"""The report of a load run as lines of plain text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scenario_runner.durations import SECOND, duration_text
from scenario_runner.events import Tone
from scenario_runner.exit_code import Exit
from scenario_runner.loadtest.figures import short
from scenario_runner.reporters.text import Line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scenario_runner.loadtest.compare import Changes
    from scenario_runner.loadtest.report import LatencyRow, LoadReport


_COLUMNS = ("p50", "p90", "p95", "p99", "p99_9", "max")
_MOST_REASONS = 5
_ONE_PERCENT = 0.01


WHY_BLOCKED = {
    "alone": "a scenario had the target alone, or wanted it",
    "max_calls": "as many calls were up as max_calls allows",
    "generator": "as many scenarios ran as one generator can run",
}


def load_lines(report: LoadReport, *, steps: bool = False) -> Iterator[Line]:
    """Give the whole report; with `steps` also the latencies of each step."""
    yield from _plan(report)
    yield from _tally(report)
    yield Line("")
    yield from _latencies(report, steps=steps)
    yield from _reasons(report)
    yield Line("")
    yield from _generator(report)
    yield from _objectives(report)
    yield from _checks(report)


def _plan(report: LoadReport) -> Iterator[Line]:
    plan = report.plan
    parts = [f"load {plan.rate} for {duration_text(plan.duration)}", f"{plan.process} arrivals"]
    if plan.warm_up:
        parts.append(f"after {duration_text(plan.warm_up)} of warm-up")
    if plan.generators > 1:
        parts.append(f"{plan.generators} generators")
    parts += [f"target {report.target} ({report.host})", f"seed {plan.seed}"]
    yield Line(" · ".join(parts), Tone.DIM)


def _tally(report: LoadReport) -> Iterator[Line]:
    tally = report.tally
    parts = [f"{tally.arrived:,} arrived"]
    for name in ("passed", "failed", "errored", "stopped", "blocked"):
        count = getattr(tally, name)
        if count:
            parts.append(f"{count:,} {name}")
    rate = tally.started / (report.plan.duration / SECOND)
    parts.append(f"{rate:.3g} starts a second")
    yield Line(" · ".join(parts), Tone.STRONG)


def _latencies(report: LoadReport, *, steps: bool) -> Iterator[Line]:
    rows = [row for row in report.latencies if not row.scenario]
    if steps:
        rows += [row for row in report.latencies if row.place]
    if not rows:
        return
    width = max(24, *(len(_name(row)) for row in rows))
    head = "".join(f"{column.replace('_', '.'):>9}" for column in _COLUMNS)
    yield Line(f"{'latency':<{width}} {'count':>9}{head}", Tone.DIM)
    for row in rows:
        cells = "".join(f"{short(getattr(row, column)):>9}" for column in _COLUMNS)
        yield Line(f"{_name(row):<{width}} {row.count:>9,}{cells}")


def _name(row: LatencyRow) -> str:
    return f"  {row.subject}" if row.place else row.subject


def _reasons(report: LoadReport) -> Iterator[Line]:
    for one in report.refusals:
        expected = ", as expected" if one.expected else ""
        yield Line(f"refused: {one.action} {one.reason}, {one.count:,} times{expected}", Tone.ODD)
    for reason, count in report.blocked.items():
        why = WHY_BLOCKED.get(reason, f"{reason} were taken")
        yield Line(f"blocked: {count:,} arrivals, since {why}", Tone.ODD)
    for word, reasons in (("errored", report.errors), ("failed", report.failures)):
        for reason, count in list(reasons.items())[:_MOST_REASONS]:
            yield Line(f"{word}: {count:,} times: {reason}", Tone.BAD)


def _generator(report: LoadReport) -> Iterator[Line]:
    late, stalls = report.late, report.stalls
    yield Line(
        f"generator: arrivals {short(late.p99)} late at p99, {short(late.max)} at most; "
        f"event loop {short(stalls.p99)} at p99, {short(stalls.max)} at most",
        Tone.DIM,
    )


def _objectives(report: LoadReport) -> Iterator[Line]:
    for one in report.objectives:
        symbol, tone = ("✓", Tone.GOOD) if one.held else ("✗", Tone.BAD)
        yield Line(f"{symbol} {one.objective}: {one.value}", tone)
    if report.knee is not None:
        yield Line(f"knee: {report.knee}", Tone.STRONG)


def _checks(report: LoadReport) -> Iterator[Line]:
    checks = report.checks
    yield Line(
        f"checks: {checks.placed:,} calls placed, {checks.violated:,} contradictions, "
        f"{len(checks.leaks):,} left behind",
        Tone.DIM,
    )
    for warning in report.warnings:
        yield Line(f"note: {warning}", Tone.ODD)


def verdict_lines(report: LoadReport) -> Iterator[Line]:
    """Give what speaks against the run, and whether it passed."""
    for finding in report.findings:
        yield Line(f"  {finding.message}", Tone.BAD)
    if report.interrupted:
        yield Line("! interrupted", Tone.BAD)
    elif report.exit_code is Exit.PASSED:
        yield Line("✓ passed", Tone.GOOD)
    else:
        word = "✗ failed" if report.exit_code is Exit.FAILED else "! errored"
        yield Line(word, Tone.BAD)


def change_lines(changes: Changes, name: str) -> Iterator[Line]:
    """Give what changed since an earlier run, whose file is called `name`."""
    yield Line(f"compared with {name}", Tone.STRONG)
    for text in changes.unlike:
        yield Line(f"  not alike: {text}", Tone.ODD)
    for one in changes.figures:
        ratio = "" if one.ratio is None else f"  ×{one.ratio:.2f}"
        tone = Tone.BAD if one.worse else Tone.GOOD if one.better else Tone.PLAIN
        yield Line(f"  {one.figure:<18} {one.then:>10} → {one.now:>10}{ratio}", tone)
