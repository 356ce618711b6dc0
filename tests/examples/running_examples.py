"""Runs example files in this process, from text or from disk."""

from __future__ import annotations

from pathlib import Path

from scenario_runner.events import Event, Failure, ScenarioFinished, StepFinished
from scenario_runner.execution.options import RunOptions
from scenario_runner.execution.results import Results
from scenario_runner.execution.targets import MOCK
from scenario_runner.execution.virtual import VirtualRun
from scenario_runner.loading.documents import LoadedFile, LoadOptions, load_text
from scenario_runner.masking import Mask

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
ENVIRONMENT = {"CALLER": "+78120000443", "PBX_SECRET": "open-sesame"}
FRAGMENTS = sorted(EXAMPLES.glob("parts/*.yaml"))
FILES = sorted(EXAMPLES.glob("[0-9]*.yaml"))
RULES = sorted(EXAMPLES.glob("rules/*.yaml"))


def load_example(text: str, file: Path) -> LoadedFile:
    """Load the text as if it stood in `file`; fragments are found beside it."""
    return load_text(text, str(file), LoadOptions(root=str(file.parent)))


def run(loaded: LoadedFile, all_orders: int = 0) -> tuple[int, list[Event]]:
    """Run the scenarios of a valid file; return the exit code and all events."""
    assert all(problem.warning for problem in loaded.problems)
    events: list[Event] = []
    results = Results()
    options = RunOptions(environment=ENVIRONMENT, all_orders=all_orders)
    VirtualRun(target=MOCK, options=options, mask=Mask(), emit=events.append).run(
        loaded.scenarios, results
    )
    return results.exit_code(), events


def failures(events: list[Event]) -> list[Failure]:
    """Every failure that stops a run from being green, in the order told."""
    found: list[Failure] = []
    for event in events:
        if isinstance(event, (StepFinished, ScenarioFinished)) and event.verdict != "xfailed":
            found += event.failures
    return found
