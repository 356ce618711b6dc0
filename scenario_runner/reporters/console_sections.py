"""The console's sections, as pure functions from events and results to lines."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

from scenario_runner.durations import rounded_text
from scenario_runner.events import Tone, Verdict
from scenario_runner.printable import one_line
from scenario_runner.reporters.failures import account, exchange_lines, place_lines
from scenario_runner.reporters.text import (
    Line,
    cells,
    count_text,
    row,
    summary_parts,
    target_text,
    verdict_of_run,
    wrapped,
)

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterator, Mapping, Sequence

    from scenario_runner.events import RunStarted, ScenarioStarted, Warned
    from scenario_runner.reporters.results import ResultCollector, ScenarioResult, StepResult
    from scenario_runner.source import Source

_MOST_NAMED = 20


class Detail(IntEnum):
    """How much is shown: failures and the summary; each scenario; each step; each exchange."""

    QUIET = 0
    NORMAL = 1
    STEPS = 2
    EXCHANGES = 3


def head_section(run: RunStarted, width: int) -> Iterator[Line]:
    """Say what runs against what."""
    parts = [
        f"scenario-runner {run.version}",
        count_text(run.total, "scenario"),
        target_text(run),
        f"seed {run.seed}",
    ]
    for text in _joined(parts, width):
        yield Line(text, Tone.DIM)
    yield Line("")


def _joined(parts: list[str], width: int) -> list[str]:
    """Join parts by dots, and break lines only between parts where that is possible."""
    lines: list[str] = []
    for part in parts:
        if lines and cells(lines[-1]) + cells(part) + 3 <= width:
            lines[-1] += f" · {part}"
        else:
            lines += wrapped(part, width, "", "  ")
    return lines


def warning_section(warned: Warned, sources: Mapping[str, Source], width: int) -> Iterator[Line]:
    """Show a warning with its place, or a note that is about no file."""
    kind = "warning" if warned.span.file else "note"
    for text in wrapped(f"{kind} ({warned.code}): {warned.message}", width, "", "  "):
        yield Line(text, Tone.ODD)
    if warned.span.file:
        yield from place_lines(warned.span, sources, width)
    if warned.hint is not None:
        for text in wrapped(warned.hint, width, "    hint: "):
            yield Line(text)
    yield Line("")


def scenario_section(result: ScenarioResult, width: int, detail: Detail) -> Iterator[Line]:
    """Show a scenario on a line, and below it the steps of one that failed."""
    name = _name(result.started)
    if result.finished.reason and result.verdict is not Verdict.XPASSED:
        name += f" ({one_line(result.finished.reason)})"
    yield from _verdict_row("", result.verdict, name, result.finished.took, width)
    if detail < Detail.STEPS and not result.verdict.bad:
        return
    for step in result.steps():
        yield from _step_row(step, width)
        if detail >= Detail.EXCHANGES:
            for exchange in step.exchanges:
                yield from exchange_lines(exchange, "      ")


def _name(started: ScenarioStarted) -> str:
    attempt = f" (attempt {started.attempt})" if started.attempt > 1 else ""
    return one_line(started.name) + attempt


def _verdict_row(indent: str, verdict: Verdict, text: str, took: int, width: int) -> Iterator[Line]:
    first = f"{indent}{verdict.symbol} {verdict:<7} "
    rows = row(first, text, rounded_text(took), width)
    yield Line(rows[0], verdict.tone, len(first))
    for more in rows[1:]:
        yield Line(more)


def _step_row(step: StepResult, width: int) -> Iterator[Line]:
    started = step.started
    depth = max(0, (len(started.path) - 1) // 2)
    indent = "  " * min(depth + 1, max(1, width // 20))
    text = f"{one_line(started.label)} {one_line(started.title)}"
    yield from _verdict_row(indent, step.finished.verdict, text, step.finished.took, width)
    if step.finished.note and not step.finished.verdict.bad:
        for note in wrapped(f"note: {one_line(step.finished.note)}", width, f"{indent}    "):
            yield Line(note, Tone.DIM)


class Alike:
    """Scenarios that failed for the same reason: the first, and how the others began."""

    def __init__(self, first: ScenarioResult) -> None:
        self.first = first
        self.others: list[ScenarioStarted] = []

    def add(self, result: ScenarioResult) -> None:
        """Take in another one; the first may come again."""
        if result is not self.first:
            self.others.append(result.started)


def failure_section(
    number: int, alike: Alike, final: Verdict, gathered: ResultCollector, width: int
) -> Iterator[Line]:
    """Tell all about the first of several that failed alike, and name the others.

    `final` is the verdict of the first after all its attempts.
    """
    first = alike.first
    yield Line("")
    later = f"{final}, this attempt " if final is not first.verdict else ""
    lead = f"{number}) {later}{first.verdict}: "
    for text in wrapped(_name(first.started), width, lead, "   "):
        yield Line(text, first.verdict.tone)
    yield Line(f"   {one_line(str(first.started.span))}", Tone.DIM)
    yield from account(first, gathered, width)
    if alike.others:
        yield from _same_cause(alike.others, width)


def _same_cause(others: Sequence[ScenarioStarted], width: int) -> Iterator[Line]:
    yield Line("")
    yield Line(f"  {count_text(len(others), 'more scenario')} failed in the same way:", Tone.STRONG)
    for other in others[:_MOST_NAMED]:
        span = other.span
        text = f"{_name(other)} ({one_line(f'{span.file}:{span.line}')})"
        for line in wrapped(text, width, "    ", "      "):
            yield Line(line)
    if len(others) > _MOST_NAMED:
        yield Line(f"    … and {len(others) - _MOST_NAMED:,} more")


def ladder_section(result: ScenarioResult, width: int) -> Iterator[Line]:
    """Draw who said what to whom in the steps of a scenario."""
    from scenario_runner.reporters.ladder import build_ladder, to_text

    yield Line("")
    for text in to_text(build_ladder(result.in_steps()), width=width).splitlines():
        yield Line(text)


def summary_section(
    counts: Counter[Verdict], warnings: int, gathered: ResultCollector, width: int
) -> Iterator[Line]:
    """Sum the run up: the counts, the target, the seed, the time."""
    verdict = verdict_of_run(counts, gathered)
    parts = summary_parts(counts, gathered)
    if warnings:
        parts.insert(1, count_text(warnings, "warning"))
    parts[0] = f"{verdict.symbol} {verdict} · {parts[0]}"
    yield Line("")
    for text in _joined(parts, width):
        yield Line(text, verdict.tone)
