"""Verdicts of a run counted, and the exit code that follows from them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from enum import IntEnum
from typing import TYPE_CHECKING

from scenario_runner.events import Event, ScenarioFinished
from scenario_runner.language.vocabulary import Verdict

if TYPE_CHECKING:
    from collections.abc import Callable


class Exit(IntEnum):
    """What the process's exit code says."""

    PASSED = 0
    FAILED = 1
    INVALID = 2
    USAGE = 3
    ERRORED = 4
    FAULT = 5
    INTERRUPTED = 130


@dataclass(slots=True)
class Results:
    """How many scenarios had which verdict."""

    counts: Counter[Verdict] = field(default_factory=Counter)
    interrupted: bool = False
    invalid: bool = False

    def add(self, verdict: Verdict) -> None:
        """Count one scenario."""
        self.counts[verdict] += 1

    @property
    def green(self) -> bool:
        """Whether none of the scenarios so far needs anybody's attention."""
        return all(is_green(verdict) for verdict in self.counts)

    def exit_code(self, *, allow_skips: bool = False, allow_flaky: bool = False) -> Exit:
        """Return the exit code; the gravest of what happened wins."""
        if self.interrupted:
            return Exit.INTERRUPTED
        if self.counts[Verdict.ERRORED]:
            return Exit.ERRORED
        if self.invalid:
            return Exit.INVALID
        red = {Verdict.FAILED, Verdict.XPASSED}
        red |= set() if allow_skips else {Verdict.SKIPPED}
        red |= set() if allow_flaky else {Verdict.FLAKY}
        return Exit.FAILED if any(self.counts[verdict] for verdict in red) else Exit.PASSED


def is_green(verdict: Verdict) -> bool:
    """Tell whether a scenario needs nobody's attention."""
    return verdict in (Verdict.PASSED, Verdict.XFAILED, Verdict.NOT_APPLICABLE)


def as_flaky(emit: Callable[[Event], None]) -> Callable[[Event], None]:
    """Wrap `emit` for a retry: what passes only now is flaky, never plain passed."""

    def emit_retry(event: Event) -> None:
        if isinstance(event, ScenarioFinished) and event.verdict == Verdict.PASSED:
            event = replace(event, verdict=Verdict.FLAKY.value, reason="passed only when retried")
        emit(event)

    return emit_retry
