"""Every example is valid, without a warning, and green, in every order there is."""

from __future__ import annotations

from pathlib import Path

import pytest

from scenario_runner.events import ScenarioFinished
from scenario_runner.language.actions import ACTION_WORDS, all_steps
from tests.examples.running_examples import EXAMPLES, FILES, FRAGMENTS, load_example, run


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_an_example_is_green(file: Path) -> None:
    loaded = load_example(file.read_text(), file)
    code, events = run(loaded)
    verdicts = {event.verdict for event in events if isinstance(event, ScenarioFinished)}
    assert loaded.problems == ()
    assert code == 0
    assert verdicts <= {"passed", "xfailed"}


@pytest.mark.parametrize("file", sorted(EXAMPLES.glob("2[456]-*")), ids=lambda file: file.stem)
def test_a_race_is_green_in_every_order(file: Path) -> None:
    code, events = run(load_example(file.read_text(), file), all_orders=500)
    assert code == 0
    assert sum(isinstance(event, ScenarioFinished) for event in events) > 1


def test_the_examples_are_numbered_without_a_gap() -> None:
    assert [int(file.name[:2]) for file in FILES] == list(range(1, len(FILES) + 1))


def test_every_action_is_shown() -> None:
    shown = {
        step.word
        for file in FILES
        for scenario in load_example(file.read_text(), file).scenarios
        for step in all_steps(scenario.steps + scenario.cleanup)
    }
    assert not (missing := ACTION_WORDS.keys() - shown), f"no example shows: {', '.join(missing)}"


@pytest.mark.parametrize("file", FILES + FRAGMENTS, ids=lambda file: file.stem)
def test_editors_find_the_schema_from_the_first_line(file: Path) -> None:
    first = file.read_text().splitlines()[0]
    schema = first.removeprefix("# yaml-language-server: $schema=")
    assert (file.parent / schema).is_file()


@pytest.mark.parametrize("file", FILES + FRAGMENTS, ids=lambda file: file.stem)
def test_an_example_is_commented_and_fits_on_a_screen(file: Path) -> None:
    lines = file.read_text().splitlines()
    assert lines[1].startswith("# ")
    assert max(map(len, lines)) <= 100
    assert len(lines) <= 60
