"""What the page shows of one scenario, ready to be shown: its script only makes elements of it."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Literal, TypeAlias

from msgspec import Struct

from scenario_runner.durations import moment_text, rounded_text
from scenario_runner.events import (
    CallChanged,
    Exchange,
    PbxReported,
    PbxSnapshot,
    StepFinished,
    StepStarted,
)
from scenario_runner.reporters.failures import curl_line, rerun_line
from scenario_runner.reporters.ladder.building import build_ladder
from scenario_runner.reporters.ladder.drawing import Drawing, draw
from scenario_runner.reporters.ladder.model import request_label
from scenario_runner.reporters.text import count_text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from scenario_runner.errors import Problem
    from scenario_runner.events import Attempt, Failure, RunStarted
    from scenario_runner.reporters.results import ScenarioResult, StepResult
    from scenario_runner.source import Span


class FailureView(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One thing that does not hold; `at` are the places that led there."""

    message: str
    at: str
    expected: str = ""
    actual: str = ""
    hint: str = ""


class Happened(Struct, frozen=True, array_like=True):
    """What became of a call (`changed`), or what the PBX reported (`event`), at some moment."""

    kind: Literal["changed", "event"]
    time: str
    name: str
    text: str
    details: tuple[tuple[str, str], ...]


class Exchanged(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A request and its answer; `lost` where none came, `curl` repeats it."""

    time: str
    took: str
    label: str
    outcome: str
    sent: str
    received: str
    lost: bool = False
    curl: str = ""


Wire: TypeAlias = Happened | Exchanged


class StepView(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A step: its line in the list, what came of it, and what went over the wire meanwhile."""

    id: str
    label: str
    title: str
    action: str
    verdict: str
    time: str
    span: tuple[str, int, int, int, int]
    depth: int = 0
    summary: str = ""
    note: str = ""
    failures: tuple[FailureView, ...] = ()
    marks: tuple[tuple[int, int, int], ...] = ()
    attempts: tuple[tuple[str, bool, str, str], ...] = ()
    wire: tuple[Wire, ...] = ()
    counts: str = ""


class ScenarioView(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A scenario as the page shows it."""

    rerun: str
    seed: int
    counts: str
    ladder: Drawing
    description: str = ""
    reason: str = ""
    steps: tuple[StepView, ...] = ()
    failures: tuple[FailureView, ...] = ()
    around: tuple[Wire, ...] = ()
    snapshot: PbxSnapshot | None = None


class InvalidView(Struct, frozen=True, kw_only=True):
    """An invalid file as the page shows it."""

    invalid: tuple[FailureView, ...]


def scenario_view(result: ScenarioResult, run: RunStarted) -> ScenarioView:
    """Return what the page shows of a scenario."""
    started, finished = result.started, result.finished
    wire, around = _wire(result, run.base_url)
    return ScenarioView(
        rerun=rerun_line(result, run),
        seed=started.seed,
        counts=_step_counts(result),
        ladder=draw(build_ladder(result.inside)),
        description=started.description,
        reason=finished.reason,
        steps=tuple(_step(step, wire.get(step.started.step, [])) for step in result.steps()),
        failures=tuple(_failure(one) for one in finished.failures),
        around=tuple(around),
        snapshot=finished.snapshot,
    )


def invalid_view(problems: Iterable[Problem]) -> InvalidView:
    """Return what the page shows of an invalid file."""
    return InvalidView(
        invalid=tuple(
            FailureView(
                message=f"{one.code}: {one.message}",
                at=_place(one.span),
                hint="\n".join([one.hint or "", *(note.message for note in one.notes)]).strip(),
            )
            for one in problems
        )
    )


def _step_counts(result: ScenarioResult) -> str:
    end = result.finished
    counts = (
        ("passed", end.passed),
        ("failed", end.failed),
        ("errored", end.errored),
        ("skipped", end.skipped),
        ("not applicable", end.not_applicable),
    )
    parts = [f"{count_text(number, 'step')} {word}" for word, number in counts if number]
    return ", ".join(parts) or "no step was taken"


def _wire(result: ScenarioResult, base_url: str) -> tuple[dict[str, list[Wire]], list[Wire]]:
    """Put what went over the wire to its step; a report of the PBX goes to the step that waits."""
    steps: dict[str, list[Wire]] = {}
    open_steps: list[str] = []
    around: list[Wire] = []
    for event in result.inside:
        match event:
            case StepStarted():
                steps[event.step] = []
                open_steps.append(event.step)
            case StepFinished():
                if event.step in open_steps:
                    open_steps.remove(event.step)
            case PbxReported():
                waiting = steps[open_steps[-1]] if open_steps else around
                waiting.append(_reported(event))
            case CallChanged():
                steps.get(event.step, around).append(_changed(event))
            case Exchange():
                steps.get(event.step, around).append(_exchanged(event, base_url))
    return steps, around


def _step(step: StepResult, wire: list[Wire]) -> StepView:
    started, finished, span = step.started, step.finished, step.started.span
    return StepView(
        id=started.step,
        label=started.label,
        title=started.title,
        action=started.action,
        verdict=finished.verdict,
        time=f"{moment_text(started.at)} · {rounded_text(finished.took)}",
        span=(span.file, span.line, span.column, span.end_line, span.end_column),
        depth=min(3, max(0, (len(started.path) - 1) // 2)),
        summary=finished.summary,
        note=finished.note,
        failures=tuple(_failure(one) for one in finished.failures),
        marks=tuple(_mark(one) for one in finished.failures if one.span.file == span.file),
        attempts=tuple(_attempt(one) for one in finished.attempts),
        wire=tuple(wire),
        counts=_wire_counts(wire),
    )


def _wire_counts(wire: list[Wire]) -> str:
    """Write `2 exchanges · 1 event · 1 change of a call`."""
    kinds = Counter(one.kind if isinstance(one, Happened) else "exchange" for one in wire)
    changes = "changes of calls" if kinds["changed"] > 1 else "change of a call"
    parts = [count_text(kinds[kind], kind) for kind in ("exchange", "event") if kinds[kind]]
    return " · ".join(parts + ([f"{kinds['changed']} {changes}"] if kinds["changed"] else []))


def _failure(one: Failure) -> FailureView:
    return FailureView(
        message=one.message,
        at=" → ".join(_place(span) for span in (*one.via, one.span)),
        expected=one.expected or "",
        actual=one.actual or "",
        hint=one.hint or "",
    )


def _place(span: Span) -> str:
    return f"{span.file}:{span.line}"


def _mark(one: Failure) -> tuple[int, int, int]:
    """Return the line, and the first and last column to mark there; 0 is the line's end."""
    span = one.span
    return span.line, span.column, span.end_column if span.end_line == span.line else 0


def _attempt(one: Attempt) -> tuple[str, bool, str, str]:
    times = f"×{one.times}" if one.times > 1 else ""
    return moment_text(one.at), one.passed, one.summary, times


def _changed(event: CallChanged) -> Happened:
    slot = f" in slot {event.slot}" if event.slot is not None else ""
    where = (("", f"ext {event.extension} · {event.party}"),) if event.extension else ()
    time = moment_text(event.at)
    return Happened("changed", time, event.call, f" is {event.state}{slot}", where)


def _reported(event: PbxReported) -> Happened:
    of = f" of {event.call}" if event.call is not None else ""
    at = f" at ext {event.extension}" if event.extension else ""
    return Happened("event", moment_text(event.at), event.type, of + at, event.details)


def _exchanged(event: Exchange, base_url: str) -> Exchanged:
    lost = event.outcome in ("lost", "failed")
    return Exchanged(
        time=moment_text(event.at),
        took=rounded_text(event.took),
        label=request_label(event.sent),
        outcome=event.outcome,
        sent=event.sent.rstrip(),
        received=event.received.rstrip(),
        lost=lost,
        curl=curl_line(event, base_url),
    )
