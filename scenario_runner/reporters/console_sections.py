"""The console's pages, as pure functions from events and stories to lines."""

from __future__ import annotations

from typing import TYPE_CHECKING

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
    took_text,
    verdict_of_run,
    wrapped,
)

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterator, Mapping

    from scenario_runner.events import RunStarted, ScenarioStarted, Warned
    from scenario_runner.reporters.results import ResultCollector, ScenarioResult, StepResult
    from scenario_runner.source import Source


def head_page(run: RunStarted, width: int) -> Iterator[Line]:
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


def warning_page(warned: Warned, sources: Mapping[str, Source], width: int) -> Iterator[Line]:
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


def scenario_page(story: ScenarioResult, width: int, *, exchanges: bool) -> Iterator[Line]:
    """Show a scenario and its steps, each with its verdict and time."""
    name = _name(story.started)
    if story.finished.reason and story.verdict is not Verdict.XPASSED:
        name += f" ({one_line(story.finished.reason)})"
    yield from _verdict_row("", story.verdict, name, story.finished.took, width)
    for step in story.steps():
        yield from _step_row(step, width)
        if exchanges:
            for exchange in step.exchanges:
                yield from exchange_lines(exchange, "      ", width)


def _name(started: ScenarioStarted) -> str:
    attempt = f" (attempt {started.attempt})" if started.attempt > 1 else ""
    return one_line(started.name) + attempt


def _verdict_row(indent: str, verdict: Verdict, text: str, took: int, width: int) -> Iterator[Line]:
    first = f"{indent}{verdict.symbol} {verdict:<7} "
    rows = row(first, text, took_text(took), width)
    yield Line(rows[0], verdict.tone, len(first))
    for more in rows[1:]:
        yield Line(more)


def _step_row(step: StepResult, width: int) -> Iterator[Line]:
    depth = step.started.step.removeprefix("cleanup.").count(".")
    indent = "  " * min(depth + 1, max(1, width // 20))
    text = f"{step.started.step} {one_line(step.started.title)}"
    yield from _verdict_row(indent, step.finished.verdict, text, step.finished.took, width)


def failure_page(
    number: str, story: ScenarioResult, final: Verdict, gathered: ResultCollector, width: int
) -> Iterator[Line]:
    """Tell all about a scenario that did not pass; `final` is its verdict after all attempts."""
    yield Line("")
    later = f"{final}, this attempt " if final != story.verdict else ""
    lead = f"{number}) {later}{story.verdict}: "
    for text in wrapped(_name(story.started), width, lead, "   "):
        yield Line(text, story.verdict.tone)
    yield Line(f"   {one_line(str(story.started.span))}", Tone.DIM)
    yield from account(story, gathered, width)


def ladder_page(story: ScenarioResult, width: int) -> Iterator[Line]:
    """Draw who said what to whom in the steps of a scenario."""
    from scenario_runner.reporters.ladder import build_ladder, to_text

    yield Line("")
    for text in to_text(build_ladder(story.in_steps()), width=width).splitlines():
        yield Line(text)


def summary_page(
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
