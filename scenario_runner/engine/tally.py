"""Counts the verdicts of steps, and finds the gravest."""

from __future__ import annotations

from collections import Counter

from scenario_runner.model.vocabulary import Verdict

_GRAVEST_FIRST = (
    Verdict.ERRORED,
    Verdict.FAILED,
    Verdict.XPASSED,
    Verdict.SKIPPED,
    Verdict.XFAILED,
    Verdict.PASSED,
    Verdict.NOT_APPLICABLE,
)
STOPS = frozenset({Verdict.ERRORED, Verdict.FAILED, Verdict.XPASSED, Verdict.SKIPPED})


def gravest(verdicts: list[Verdict]) -> Verdict:
    """Return the gravest verdict; of none at all: `not applicable`."""
    return min(verdicts, key=_GRAVEST_FIRST.index, default=Verdict.NOT_APPLICABLE)


class Counts:
    """How many steps had which verdict, and how many asked the PBX or checked something."""

    def __init__(self) -> None:
        self.verdicts: Counter[Verdict] = Counter()
        self.checked = 0

    def add(self, verdict: Verdict, *, checks: bool) -> None:
        """Count one step; `checks` says that it could have failed."""
        self.verdicts[verdict] += 1
        self.checked += checks
