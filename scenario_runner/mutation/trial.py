"""Tries one mutant: runs the scenarios that met its rule on it, until one notices."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from msgspec import Struct

from scenario_runner.events import ScenarioFinished, StepFinished, Tone, Verdict
from scenario_runner.execution.results import Results
from scenario_runner.execution.virtual import VirtualRun
from scenario_runner.mock_pbx.mutants import BY_ID

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scenario_runner.events import Event, Failure
    from scenario_runner.execution.options import RunOptions
    from scenario_runner.language.scenario import Scenario
    from scenario_runner.language.target import Target
    from scenario_runner.masking import Mask
    from scenario_runner.mock_pbx.mutants import Mutant


class Status(StrEnum):
    """What became of a mutant.

    `symbol` and `tone` show it; `schema` is its word in the mutation testing report schema, where
    a scenario that errored is a run-time error. `noticed` and `valid` say how it counts: the score
    is how many of the valid ones were noticed.
    """

    symbol: str
    tone: Tone
    schema: str
    noticed: bool
    valid: bool

    def __new__(  # noqa: PLR0913 -- the columns of the table below
        cls, word: str, symbol: str, tone: Tone, schema: str, noticed: bool, valid: bool
    ) -> Status:
        """Make a member of its row."""
        member = str.__new__(cls, word)
        member._value_ = word
        member.symbol, member.tone, member.schema = symbol, tone, schema
        member.noticed, member.valid = noticed, valid
        return member

    # fmt: off
    KILLED = "killed", "✓", Tone.GOOD, "Killed", True, True
    DETECTED = "detected", "!", Tone.ODD, "RuntimeError", True, True
    TIMEOUT = "timeout", "!", Tone.ODD, "Timeout", True, True
    SURVIVED = "survived", "✗", Tone.BAD, "Survived", False, True
    NEVER_MET = "never met", "✗", Tone.BAD, "NoCoverage", False, True
    ACCEPTED = "accepted", "~", Tone.KNOWN, "Ignored", False, False
    INVALID = "invalid", "?", Tone.DIM, "CompileError", False, False
    # fmt: on


class Noticed(Struct, frozen=True, kw_only=True):
    """What noticed a mutant: a scenario, and the first thing in it that did not hold."""

    scenario: str
    file: str
    line: int
    key: str
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line} {self.key}"

    @property
    def sentence(self) -> str:
        """Its place, and what was wrong there."""
        return f"{self.file}:{self.line} {self.message}"


class Outcome(Struct, frozen=True, kw_only=True):
    """What became of one mutant.

    `met_by` are the ids of the scenarios that met its rule, `ran` how many of them were run on it,
    `took` microseconds of the real clock. `reason` is why it was accepted, or is invalid.
    """

    mutant: str
    status: Status
    noticed: Noticed | None = None
    met_by: tuple[str, ...] = ()
    ran: int = 0
    reason: str = ""
    took: int = 0


class Job(Struct, frozen=True):
    """A mutant, and the scenarios that met its rule by their ids, in the order they are tried."""

    mutant: str
    scenarios: tuple[str, ...]
    limit: float


_LEAD = "the runner itself failed: "


class Trials:
    """Tries mutants in this process; it can be sent to another one."""

    def __init__(
        self, target: Target, options: RunOptions, mask: Mask, scenarios: Mapping[str, Scenario]
    ) -> None:
        self._target = target
        self._options = options
        self._mask = mask
        self._scenarios = scenarios

    def run(self, job: Job) -> Outcome:
        """Try a mutant on one scenario after the other, until one turns failed or xpassed.

        What only errored is detected. A mutant that breaks the mock itself is invalid.
        """
        mutant, begin = BY_ID[job.mutant], self._options.stopwatch()
        detected: Noticed | None = None
        status, noticed, ran, reason = Status.SURVIVED, None, 0, ""
        for name in job.scenarios:
            ran += 1
            verdict, noticed, reason = self._once(mutant, self._scenarios[name])
            if reason:
                status, noticed = Status.INVALID, None
                break
            if verdict in (Verdict.FAILED, Verdict.XPASSED):
                status = Status.KILLED
                break
            detected = detected or (noticed if verdict is Verdict.ERRORED else None)
        else:
            status, noticed = (Status.DETECTED if detected else status), detected
        return Outcome(
            mutant=job.mutant,
            status=status,
            noticed=noticed,
            met_by=job.scenarios,
            ran=ran,
            reason=reason,
            took=self._options.stopwatch() - begin,
        )

    def _once(self, mutant: Mutant, scenario: Scenario) -> tuple[Verdict, Noticed | None, str]:
        """Return the verdict, what noticed the mutant, and what the mock raised, if anything."""
        heard: list[StepFinished | ScenarioFinished] = []

        def emit(event: Event) -> None:
            if isinstance(event, (StepFinished, ScenarioFinished)):
                heard.append(event)

        run = VirtualRun(
            target=self._target, options=self._options, mask=self._mask, emit=emit, mutant=mutant
        )
        run.run([scenario], Results())
        failures = [one for event in heard if not event.verdict.green for one in event.failures]
        fault = next((one.message for one in failures if one.key == "fault"), "")
        return heard[-1].verdict, _noticed(scenario, failures), fault.rpartition(_LEAD)[2]


def _noticed(scenario: Scenario, failures: list[Failure]) -> Noticed | None:
    """Return the first thing that did not hold, steps before the scenario as a whole."""
    if not failures:
        return None
    failure = failures[0]
    return Noticed(
        scenario=scenario.id,
        file=failure.span.file,
        line=failure.span.line,
        key=failure.key,
        message=failure.message,
    )
