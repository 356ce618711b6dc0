"""Gathers events into results: what became of each scenario, its steps and their exchanges."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Annotated, TypeAlias

from msgspec import Meta, Struct

from scenario_runner.events import (
    CallChanged,
    Event,
    Exchange,
    Failure,
    InvalidFile,
    PbxReported,
    RunFinished,
    RunStarted,
    ScenarioFinished,
    ScenarioStarted,
    SourceRead,
    StepFinished,
    StepStarted,
    Verdict,
)
from scenario_runner.source import Source
from scenario_runner.version import __version__

INTERRUPTED = "interrupted"

Inside: TypeAlias = StepStarted | StepFinished | Exchange | CallChanged | PbxReported


class StepResult(Struct, frozen=True, kw_only=True):
    """A step that was taken: how it began, how it ended, what went to the PBX and back."""

    started: Annotated[StepStarted, Meta(description="How it began.")]
    finished: Annotated[StepFinished, Meta(description="How it ended.")]
    exchanges: Annotated[tuple[Exchange, ...], Meta(description="What went to the PBX and back.")]


class ScenarioResult(Struct, frozen=True, kw_only=True):
    """One attempt at a scenario from its beginning to its end; `inside` is in the order of time.

    `earlier` are the attempts before it, the first one first.
    """

    started: ScenarioStarted
    finished: ScenarioFinished
    inside: tuple[Inside, ...]
    earlier: tuple[ScenarioResult, ...] = ()

    @property
    def verdict(self) -> Verdict:
        """The scenario's verdict; what passes only after a failure is `flaky`, never `passed`."""
        return self.finished.verdict

    @property
    def bad_attempts(self) -> tuple[ScenarioResult, ...]:
        """The attempts that went wrong, the first one first; this one is the last."""
        return tuple(one for one in (*self.earlier, self) if one.verdict.bad)

    def steps(self) -> tuple[StepResult, ...]:
        """All steps in the order in which they began; one that never ended is `errored`."""
        begun: dict[str, StepStarted] = {}
        ended: dict[str, StepFinished] = {}
        exchanges: dict[str, list[Exchange]] = {}
        for event in self.inside:
            match event:
                case StepStarted():
                    begun[event.step] = event
                case StepFinished():
                    ended[event.step] = event
                case Exchange():
                    exchanges.setdefault(event.step, []).append(event)
        return tuple(
            StepResult(
                started=step,
                finished=ended.get(name) or _unfinished_step(step, self.finished.at),
                exchanges=tuple(exchanges.get(name, ())),
            )
            for name, step in begun.items()
        )

    def in_steps(self) -> tuple[Inside, ...]:
        """What happened in the steps: without the search for residue, which asks slot by slot."""
        return tuple(
            one for one in self.inside if not (isinstance(one, Exchange) and one.step == "")
        )


def _unfinished_step(step: StepStarted, at: int) -> StepFinished:
    text = "the run ended before the step did"
    return StepFinished(
        scenario=step.scenario,
        step=step.step,
        verdict=Verdict.ERRORED,
        at=at,
        took=max(0, at - step.at),
        failures=(Failure(key=INTERRUPTED, message=text, span=step.span, via=step.via),),
    )


@dataclass(slots=True)
class _Open:
    started: ScenarioStarted
    inside: list[Inside] = field(default_factory=list)


NO_RUN = RunStarted(
    version=__version__,
    target="",
    host="",
    driver="",
    base_url="",
    seed=0,
    started_at=0,
    total=0,
)


@dataclass(slots=True)
class ResultCollector:
    """Remembers what formatters need: the run, the files' texts, and the open scenarios.

    Of a finished scenario nothing is kept but its count.
    """

    run: RunStarted = NO_RUN
    end: RunFinished | None = None
    sources: dict[str, Source] = field(default_factory=dict)
    invalid: int = 0
    _open: dict[str, _Open] = field(default_factory=dict)
    _begun: int = 0

    def handle(self, event: Event) -> ScenarioResult | None:
        """Take in an event; return the result of a scenario that it finishes."""
        match event:
            case ScenarioStarted():
                self._begun += event.attempt == 1
                self._open[event.scenario] = _Open(event)
            case ScenarioFinished():
                return self._finish(event)
            case StepStarted() | StepFinished() | Exchange() | CallChanged() | PbxReported():
                scenario = self._open.get(event.scenario)
                if scenario is not None:
                    scenario.inside.append(event)
            case _:
                self._about_run(event)
        return None

    def _about_run(self, event: Event) -> None:
        match event:
            case SourceRead():
                self.sources[event.file] = Source(event.file, event.text)
            case InvalidFile():
                self.invalid += 1
            case RunStarted():
                self.run = event
            case RunFinished():
                self.end = event

    def _finish(self, finished: ScenarioFinished) -> ScenarioResult | None:
        scenario = self._open.pop(finished.scenario, None)
        if scenario is None:
            return None
        return ScenarioResult(
            started=scenario.started, finished=finished, inside=tuple(scenario.inside)
        )

    @property
    def running(self) -> tuple[ScenarioStarted, ...]:
        """The scenarios that are running now."""
        return tuple(scenario.started for scenario in self._open.values())

    def unfinished(self) -> tuple[ScenarioResult, ...]:
        """The results of scenarios that never came to their end: `errored`, as interrupted."""
        return tuple(
            result
            for scenario in list(self._open.values())
            if (result := self._finish(_cut(scenario))) is not None
        )

    @property
    def missing(self) -> int:
        """How many of the selected scenarios did not even begin."""
        return max(0, self.run.total - self._begun)

    @property
    def interrupted(self) -> bool:
        """Whether the run broke off."""
        return self.end is None or self.end.interrupted


def _cut(scenario: _Open) -> ScenarioFinished:
    inside = scenario.inside
    steps = Counter(event.verdict for event in inside if isinstance(event, StepFinished))
    at = max((event.at for event in inside), default=0)
    return ScenarioFinished(
        scenario=scenario.started.scenario,
        verdict=Verdict.ERRORED,
        at=at,
        took=at,
        passed=steps[Verdict.PASSED],
        failed=steps[Verdict.FAILED] + steps[Verdict.XPASSED],
        errored=steps[Verdict.ERRORED],
        skipped=steps[Verdict.SKIPPED],
        not_applicable=steps[Verdict.NOT_APPLICABLE],
        reason=INTERRUPTED,
    )
