"""Runs scenarios on the built-in mock and takes down what they meet."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from msgspec import Struct, field

from scenario_runner.coverage.table import Coverage, Seen
from scenario_runner.engine.context import CURRENT_STEP
from scenario_runner.errors import UsageError
from scenario_runner.events import (
    CallChanged,
    PbxReported,
    ScenarioFinished,
    ScenarioStarted,
    StepFinished,
    StepStarted,
)
from scenario_runner.execution.run import Gathered, run_scenarios
from scenario_runner.execution.virtual import Cause
from scenario_runner.language.vocabulary import CallState, EventType, Reason
from scenario_runner.mock_pbx import RULES
from scenario_runner.pbx.mock import MockSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from scenario_runner.events import Event
    from scenario_runner.execution.run import RunRequest
    from scenario_runner.exit_code import Exit
    from scenario_runner.language.target import Target
    from scenario_runner.mock_pbx import MockPbx


def _never(words: Iterable[str]) -> dict[str, dict[Seen, None]]:
    return {word: {} for word in words}


class Recorder(Struct):
    """Takes down what a run meets: from its events, and from the mock after each answer.

    What the runner does on its own account, outside of any step, does not count: subscribing, the
    question behind a `with`, the hanging up at the end, the search for what is left behind.
    """

    target: str
    scenarios: int = 0
    not_green: int = 0
    rules: dict[str, dict[Seen, None]] = field(
        default_factory=lambda: _never(rule.id for rule in RULES)
    )
    reasons: dict[str, dict[Seen, None]] = field(default_factory=lambda: _never(Reason))
    states: dict[str, dict[Seen, None]] = field(default_factory=lambda: _never(CallState))
    types: dict[str, dict[Seen, None]] = field(default_factory=lambda: _never(EventType))
    running: dict[str, Seen] = field(default_factory=dict)

    def answered(self, mock: MockPbx, cause: Cause) -> None:
        """Take down the rules that decided something just now."""
        seen = self._asking() if cause is Cause.REQUEST else self._waiting()
        if seen is not None:
            for rule in mock.decided:
                self.rules[rule.id][seen] = None

    def _asking(self) -> Seen | None:
        """Return the step that asks; None for what the runner asks by itself."""
        return self.running.get(CURRENT_STEP.get())

    def _waiting(self) -> Seen | None:
        """Return the step that is running: a timer belongs to the one during which it fires."""
        return next(reversed(self.running.values()), None)

    def handle(self, event: Event) -> None:
        """Take in an event of the run."""
        match event:
            case ScenarioStarted():
                self.running.clear()
            case StepStarted():
                self.running[event.step] = Seen(
                    scenario=event.scenario,
                    step=event.label,
                    file=event.span.file,
                    line=event.span.line,
                )
            case StepFinished():
                self._finished(event)
            case CallChanged():
                self._note(self.states, event.state)
            case PbxReported():
                self._note(self.types, event.type)
            case ScenarioFinished():
                self.scenarios += 1
                self.not_green += not event.verdict.green and event.verdict.ran

    def _finished(self, event: StepFinished) -> None:
        seen = self.running.pop(event.step, None)
        if seen is not None and event.outcome in self.reasons:
            self.reasons[event.outcome][seen] = None

    def _note(self, group: dict[str, dict[Seen, None]], word: str) -> None:
        seen = self._asking() or self._waiting()
        if seen is not None and word in group:
            group[word][seen] = None

    def coverage(self) -> Coverage:
        """Return what was met so far."""
        return Coverage(
            targets=(self.target,),
            scenarios=self.scenarios,
            not_green=self.not_green,
            rules=_frozen(self.rules),
            reasons=_frozen(self.reasons),
            states=_frozen(self.states),
            events=_frozen(self.types),
        )


def _frozen(group: dict[str, dict[Seen, None]]) -> dict[str, tuple[Seen, ...]]:
    return {word: tuple(seen) for word, seen in group.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What a run met, and how it ended."""

    coverage: Coverage
    exit_code: Exit


def refuse_other_than_mock(target: Target, what: str) -> None:
    """Raise UsageError for a target that is not the built-in mock; `what` needs its rules."""
    if target.driver != "mock":
        raise UsageError(
            f"{what} the rules of the built-in mock, and {target.name} is a PBX of its own",
            hint="name a target whose driver is mock: --target mock",
        )


def measure(request: RunRequest, gathered: Gathered, emit: Callable[[Event], None]) -> Measured:
    """Run the scenarios on the built-in mock; events go to `emit`, too.

    Raises UsageError for any other target.
    """
    refuse_other_than_mock(request.target, "coverage counts")
    recorder = Recorder(_target_name(request.target))

    def emit_both(event: Event) -> None:
        recorder.handle(event)
        emit(event)

    request = replace(request, answered=recorder.answered)
    code = run_scenarios(request, gathered, emit_both)
    return Measured(coverage=recorder.coverage(), exit_code=code)


def _target_name(target: Target) -> str:
    settings = target.settings
    assert isinstance(settings, MockSettings)
    return f"{target.name} (profile {settings.profile})"
