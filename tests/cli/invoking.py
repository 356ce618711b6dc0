"""Runs the command line in this process."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from scenario_runner.cli import scenario_runner
from scenario_runner.cli.exit_codes import exit_code_of

if TYPE_CHECKING:
    import pytest


@dataclass(frozen=True)
class Said:
    """What a command ended with and wrote."""

    code: int
    out: str
    err: str


Invoke: TypeAlias = Callable[..., Said]


def invoking(capsys: pytest.CaptureFixture[str]) -> Invoke:
    """Return a function that runs a command line of words."""

    def invoke(*words: str) -> Said:
        code = exit_code_of(
            lambda: scenario_runner.main(list(words), "scenario-runner", standalone_mode=False)
        )
        told = capsys.readouterr()
        return Said(code, told.out, told.err)

    return invoke
