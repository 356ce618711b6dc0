"""Runs scenarios on the Asterisk of the tests."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from scenario_runner.events import Event, ScenarioFinished, StepFinished
from scenario_runner.execution.network import NetworkRun
from scenario_runner.execution.options import RunOptions
from scenario_runner.execution.results import Results
from scenario_runner.loading.documents import LoadOptions, load
from scenario_runner.loading.files import find_files
from scenario_runner.loading.targets import read_targets
from scenario_runner.masking import Mask
from scenario_runner.pbx import drivers
from scenario_runner.pbx.drivers import Context, find_driver

from .targets import file_text

if TYPE_CHECKING:
    from pathlib import Path

    from scenario_runner.language.target import Target

    from .instance import Instance


def target(instance: Instance, folder: Path, name: str) -> Target:
    """Read one of the targets of this Asterisk from a targets file."""
    file = folder / "scenario-targets.yaml"
    file.write_text(file_text(instance))
    return read_targets(str(file), drivers).target(name, {}, Mask())


def run(of: Target, *paths: Path) -> list[Event]:
    """Run scenario files and return what was reported."""
    files = find_files([str(path) for path in paths])
    loaded = list(load(files, LoadOptions()))
    problems = [p for one in loaded for p in one.problems if not p.warning]
    assert not problems, problems
    events: list[Event] = []
    NetworkRun(
        target=of,
        options=RunOptions(environment=dict(os.environ), jobs=8),
        mask=Mask(),
        emit=events.append,
        connect=lambda: find_driver(of.driver).opened(of, Context()),
    ).run([scenario for one in loaded for scenario in one.scenarios], Results())
    return events


def run_text(of: Target, folder: Path, text: str) -> list[Event]:
    """Run the scenarios in a text."""
    file = folder / "test.scenario.yaml"
    file.write_text(text)
    return run(of, file)


def finished(events: list[Event]) -> list[ScenarioFinished]:
    """Return how the scenarios ended."""
    return [event for event in events if isinstance(event, ScenarioFinished)]


def told(events: list[Event]) -> list[str]:
    """Return what every failure says, for the message of a test that fails."""
    ends = [e for e in events if isinstance(e, StepFinished | ScenarioFinished)]
    return [f"{e.scenario}: {f.message}" for e in ends for f in e.failures]
