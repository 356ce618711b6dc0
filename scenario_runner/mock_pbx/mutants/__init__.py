"""Mutants of the mock: each breaks one rule as a whole, and has a scenario that notices it."""

from typing import Final

from scenario_runner.mock_pbx.mutants import (  # noqa: F401 -- they declare the mutants
    calls,
    events,
    parking,
    requests,
    retrieving,
)
from scenario_runner.mock_pbx.mutants.mutant import DECLARED, Kind, Mutant
from scenario_runner.mock_pbx.rules import RULES

__all__ = ["BY_ID", "MUTANTS", "Kind", "Mutant"]

MUTANTS: Final = tuple(sorted(DECLARED, key=lambda mutant: RULES.index(mutant.rule)))
"""All mutants, in the order of the rules that they break."""

BY_ID: Final = {mutant.id: mutant for mutant in MUTANTS}
