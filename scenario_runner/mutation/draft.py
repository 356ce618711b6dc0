"""Writes a scenario that notices a mutant, as a start for a person."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from scenario_runner.errors import UsageError, suggestion
from scenario_runner.mock_pbx.mutants import BY_ID
from scenario_runner.mock_pbx.mutants.mutant import WITNESSES

if TYPE_CHECKING:
    from scenario_runner.mock_pbx.mutants import Mutant

_CLIENTS = """\
# It asks for tokens as applications that the target knows. In the targets file:
"""


def draft(name: str) -> str:
    """Return the text of a scenario that notices a mutant; raises UsageError where there is none.

    It is the mutant's witness: it passes on the mock and fails on the mutant.
    """
    mutant = BY_ID.get(name)
    if mutant is None:
        raise UsageError(f"there is no mutant '{name}'", hint=suggestion(name, BY_ID))
    witness = mutant.witness.read_text(encoding="utf-8")
    steps = witness[witness.index("\nscenario:") + 1 :]
    return _head(mutant) + (_clients() if _asks_as_another(steps) else "") + steps


def _asks_as_another(steps: str) -> bool:
    return "client_id:" in steps and "client_id: scenario-runner" not in steps


def _head(mutant: Mutant) -> str:
    lines = [
        f"Fails if {mutant.unnoticed}.",
        f"The rule {mutant.rule.id}: {mutant.rule.says}",
        f"A draft that kills {mutant.id}: rename it, and say what matters to you.",
    ]
    wrapped = (line for text in lines for line in textwrap.wrap(text, 96))
    return "".join(f"# {line}\n" for line in wrapped)


def _clients() -> str:
    targets = (WITNESSES / "scenario-targets.yaml").read_text(encoding="utf-8")
    lines = targets[targets.index("targets:") :].splitlines()
    return _CLIENTS + "".join(f"#   {line}\n" for line in lines)
