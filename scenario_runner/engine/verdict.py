"""How a scenario ends: what is gathered on the way, and the verdict that follows from it."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from msgspec import Struct

from scenario_runner.errors import RunnerFault, ScenarioRunnerError
from scenario_runner.events import Failure, PbxSnapshot, ScenarioFinished, Verdict

if TYPE_CHECKING:
    from scenario_runner.language.scenario import Scenario
    from scenario_runner.source import Span


def gravest(verdicts: list[Verdict]) -> Verdict:
    """Return the gravest verdict; of none at all: `not applicable`."""
    return max(verdicts, key=lambda verdict: verdict.gravity, default=Verdict.NOT_APPLICABLE)


class Counts:
    """How many steps had which verdict, and how many asked the PBX or checked something."""

    def __init__(self) -> None:
        self.verdicts: Counter[Verdict] = Counter()
        self.checked = 0

    def add(self, verdict: Verdict, *, checks: bool) -> None:
        """Count one step; `checks` says that it could have failed."""
        self.verdicts[verdict] += 1
        self.checked += checks


INTERRUPTED = "interrupted"
"""The reason given for a scenario that was cancelled."""


class Ending(Struct):
    """What is known at the end of a scenario beyond the verdicts of its steps."""

    verdicts: list[Verdict] = []
    failures: list[Failure] = []
    snapshot: PbxSnapshot | None = None
    residue: bool = False
    interrupted: bool = False
    reason: str = ""

    def fail(self, key: str, span: Span, message: str, hint: str | None = None) -> None:
        """Note what is wrong with the scenario as a whole."""
        self.failures.append(Failure(key=key, message=message, span=span, hint=hint))

    def error(self, error: Exception, span: Span, key: str = "pbx", lead: str = "") -> None:
        """Note what kept the scenario as a whole from being found out: it is errored."""
        if not isinstance(error, ScenarioRunnerError):
            error, key = RunnerFault(error), "fault"
        self.fail(key, span, lead + error.message, error.hint)
        self.verdicts.append(Verdict.ERRORED)

    def event(
        self, scenario: str, verdict: Verdict, counts: Counts, begin: int, end: int
    ) -> ScenarioFinished:
        """Return the event that says how the scenario ended."""
        steps = counts.verdicts
        return ScenarioFinished(
            scenario=scenario,
            verdict=verdict,
            at=end,
            took=end - begin,
            passed=steps[Verdict.PASSED],
            failed=steps[Verdict.FAILED] + steps[Verdict.XPASSED],
            errored=steps[Verdict.ERRORED],
            skipped=steps[Verdict.SKIPPED],
            not_applicable=steps[Verdict.NOT_APPLICABLE],
            reason=self.reason,
            failures=tuple(self.failures),
            snapshot=self.snapshot,
        )


def finish(scenario: Scenario, ending: Ending, counts: Counts) -> Verdict:
    """Return the scenario's verdict; `xfail` never excuses what errored or was left behind."""
    if ending.interrupted:
        ending.reason = INTERRUPTED
        return Verdict.ERRORED
    verdict = _as_a_whole(ending)
    if verdict is Verdict.PASSED and not counts.checked:
        hint = "say what must hold: expect, check or event"
        ending.fail("checked", scenario.span, "nothing that applied here checked anything", hint)
        verdict = Verdict.FAILED
    if scenario.xfail is None or ending.residue:
        return verdict
    ending.reason = scenario.xfail
    match verdict:
        case Verdict.FAILED:
            return Verdict.XFAILED
        case Verdict.PASSED:
            text = f"passed, though it is known to fail: {scenario.xfail}"
            ending.fail("xfail", scenario.span, text, "if the fault is fixed, remove `xfail`")
            return Verdict.XPASSED
        case _:
            return verdict


def _as_a_whole(ending: Ending) -> Verdict:
    # xfail is a step's own: one that failed as it was known to leaves the scenario passed, and one
    # that passed, or was skipped, is something to look at.
    verdict = gravest(ending.verdicts)
    if ending.residue and verdict is not Verdict.ERRORED:
        return Verdict.FAILED
    if verdict in (Verdict.XPASSED, Verdict.SKIPPED):
        return Verdict.FAILED
    if verdict is Verdict.XFAILED:
        return Verdict.PASSED
    return verdict
