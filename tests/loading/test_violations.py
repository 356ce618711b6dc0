"""What the schema does not accept is known to the reader, which takes all of it out."""

from __future__ import annotations

from pathlib import Path

import pytest

from scenario_runner.language.actions import ACTIONS, FRAGMENT, Step
from scenario_runner.language.expectations import EXPECTATIONS
from scenario_runner.language.kinds import Kind, Shape, Word, keys_of
from scenario_runner.language.matchers import MATCHERS
from scenario_runner.language.scenario import SCENARIO
from scenario_runner.language.schema import flat
from scenario_runner.language.target import targets_kind
from scenario_runner.loading.reader import SPREAD, VALUES
from scenario_runner.loading.schema_errors import SAYING, Violations, check
from scenario_runner.loading.steps import NAMED
from scenario_runner.pbx.drivers import own_settings
from tests.loading.leftovers import FOLDER, documents, left_over

ROOT = Path(__file__).parents[2]
BROKEN = """\
scenario: {name}
steps:
  - call: {{as: customer, extension: 341, from: "+7"}}
{steps}
"""
STEPS = [
    "  - prak: {call: customer, slot: 6}",
    "  - park: {call: customer, slto: 6}",
    "  - park: {call: customer, slot: 6}\n    slots: {call: customer, slot: 6, x: 1}",
    "  - repeat: {times: 2, steps: [{prak: 1}, {park: {call: customer}}]}\n    within: 5",
    "  - repeat: {times: x, steps: [{prak: 1}]}\n    park: {call: customer, slot: 6}",
    "  - repeat: {times: 0, steps: [{prak: 1}]}",
    "  - repeat: {times: 2, steps: [[], text, {wait: 5}]}",
    "  - together: [{prak: 1}, [{wait: 5}, text], []]",
    "  - together: [[{repeat: {times: 2, steps: []}}], {wait: 1s}]",
    "  - slots: {call: customer, slot: 6}\n    expect: {hold: x, empty: [1], uuid: {contians: a}}",
    "  - slots: {call: customer, slot: 6}\n    expect: {}",
    "  - slots: {call: customer, slot: 6}\n    expect: [empty]\n    save: {a b: uuid}",
    "  - []",
    "  - use: {file: 5, wth: {}}",
    "  - slots: {call: customer, slot:6}\n    curly: “x”",
    "cleanup: 5\ntimeout: 5\nneeds: {slot: [a]}\nmatrix: []\nstesp: []",
]


CASES = [file for file in sorted(FOLDER.glob("*.scenario.yaml")) if "fragment:" not in file.stem]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name.partition(".")[0])
def test_nothing_is_left_of_an_invalid_file(case: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    text = case.read_bytes().decode(errors="replace")
    assert not any(left_over(text))


@pytest.mark.parametrize("steps", STEPS)
def test_nothing_is_left_of_an_invalid_step(steps: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    text = BROKEN.format(name="Broken", steps=steps)
    ((document, problems),) = documents(text)
    assert check(SCENARIO, document, problems)
    assert not any(left_over(text))


def test_violations_are_kept_by_their_paths() -> None:
    found = Violations()
    assert not found
    found.at(("steps", 0, "park")).whole = True
    assert found
    assert found.into("steps").into(0).outside(None)
    assert found.into("steps").outside(("x",))
    assert not found.into("steps").outside(())
    assert not found.into("cleanup")
    found.into("steps").into(0).clear()
    assert not found


def kinds() -> dict[str, Kind]:
    """The kind of each key of each declaration, by where it is."""
    words: list[type[Word]] = [*ACTIONS, *EXPECTATIONS, *MATCHERS]
    return {
        f"{one.__name__}.{key.field}": key.kind
        for one in words
        if one.shape is not Shape.EACH
        for key in keys_of(one)
    }


READ_BY_HAND = {
    "Together.branches",
    "Repeat.steps",
    "Repeat.as_",
    "Use.fragment",
    "Use.given",
    "Use.exports",
}
"""Keys that contain steps, or are about a fragment: there is a function for each of the actions."""


@pytest.mark.parametrize(("place", "kind"), kinds().items())
def test_every_kind_of_value_can_be_read(place: str, kind: Kind) -> None:
    known = kind.name in VALUES or kind.name in SPREAD or kind.enum is not None
    assert known or place in READ_BY_HAND


def test_every_kind_of_key_that_a_file_chooses_can_be_read() -> None:
    chosen = [one for one in EXPECTATIONS if one.shape is Shape.EACH]
    assert {keys_of(one)[0].kind.name for one in chosen} == NAMED.keys()


def test_every_plain_key_of_a_step_can_be_read() -> None:
    by_hand = {"action", "expect", "save", "condition"}
    assert all(key.kind.name in {*VALUES, *by_hand} for key in keys_of(Step))


def keywords() -> set[str]:
    seen: set[int] = set()
    found: set[str] = set()
    pending: list[object] = [flat(SCENARIO), flat(FRAGMENT), flat(targets_kind(own_settings()))]
    while pending:
        part = pending.pop()
        if not isinstance(part, dict) or id(part) in seen:
            continue
        seen.add(id(part))
        found |= part.keys()
        for word, value in part.items():
            inner = value if word == "properties" else {"": value}
            pending.extend(inner.values() if isinstance(inner, dict) else ())
            pending.extend(value if isinstance(value, list) else ())
    return found


def test_every_keyword_has_words_of_its_own() -> None:
    containing = {"properties", "items", "propertyNames", "allOf", "if", "then", "const"}
    assert keywords() - containing == {*SAYING, "required"}
