"""Verdicts of a run counted, and the exit code that follows from them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from msgspec.structs import replace

from scenario_runner.events import Event, ScenarioFinished, Verdict
from scenario_runner.exit_code import Exit, gravest

if TYPE_CHECKING:
    from collections.abc import Callable

    from scenario_runner.masking import Mask


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
        return all(verdict.green for verdict in self.counts)

    @property
    def nothing_applied(self) -> bool:
        """Whether there were scenarios, and not one of them applied."""
        return set(+self.counts) == {Verdict.NOT_APPLICABLE}

    def exit_code(
        self, *, allow_skips: bool = False, allow_flaky: bool = False, shard: bool = False
    ) -> Exit:
        """Return the exit code; the gravest of what happened wins.

        A run in which nothing applied is like one for which nothing was selected; not so a `shard`
        of a run, since others may have run something.
        """
        allowed = {Verdict.SKIPPED: allow_skips, Verdict.FLAKY: allow_flaky}
        codes = [v.exit_code for v in self.counts if self.counts[v] and not allowed.get(v)]
        codes += [Exit.USAGE] if self.nothing_applied and not shard else []
        codes += [Exit.INVALID] if self.invalid else []
        codes += [Exit.INTERRUPTED] if self.interrupted else []
        return gravest(codes)


def with_live(
    emit: Callable[[Event], None], live: Callable[[Event], None]
) -> Callable[[Event], None]:
    """Let `live` hear each event, too, where events are emitted as they happen."""

    def emit_both(event: Event) -> None:
        emit(event)
        live(event)

    return emit_both


def masked(emit: Callable[[Event], None], mask: Mask) -> Callable[[Event], None]:
    """Wrap `emit` for events that no engine has masked."""
    return lambda event: emit(mask.event(event))


def timed(emit: Callable[[Event], None], stopwatch: Callable[[], int]) -> Callable[[Event], None]:
    """Wrap `emit` for one attempt at a scenario: its end says what it took by the real clock."""
    begin = stopwatch()

    def emit_timed(event: Event) -> None:
        if isinstance(event, ScenarioFinished):
            event = replace(event, real=stopwatch() - begin)
        emit(event)

    return emit_timed


def as_attempt(emit: Callable[[Event], None], number: int, retries: int) -> Callable[[Event], None]:
    """Wrap `emit` for an attempt, counted from 1, after which up to `retries` in all may follow.

    What passes only in a retry is flaky, never plain passed.
    """

    def emit_attempt(event: Event) -> None:
        if isinstance(event, ScenarioFinished):
            if number > 1 and event.verdict is Verdict.PASSED:
                event = replace(event, verdict=Verdict.FLAKY, reason="passed only when retried")
            elif number <= retries and not event.verdict.green:
                event = replace(event, final=False)
        emit(event)

    return emit_attempt if retries else emit
