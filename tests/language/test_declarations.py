"""Each word of the language is declared once, in full, and nowhere else is a table of words."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import get_args

import pytest
from msgspec import Struct

import scenario_runner
from scenario_runner.language.actions import ACTION_WORDS, ACTIONS, Action, Fragment, Param, Step
from scenario_runner.language.expectations import EXPECTATIONS, Clause, ExpectationBase
from scenario_runner.language.facts import ActionBase, Part
from scenario_runner.language.kinds import Shape, Word, keys_of, sentences
from scenario_runner.language.matchers import MATCHER_WORDS, MATCHERS, Matcher, MatcherBase
from scenario_runner.language.scenario import Needs, Scenario
from scenario_runner.language.schema import properties, value_of
from scenario_runner.language.vocabulary import Capability

PACKAGE = Path(scenario_runner.__file__).parent


@pytest.mark.parametrize(
    ("base", "union"),
    [(ActionBase, Action), (ExpectationBase, Clause), (MatcherBase, Matcher)],
    ids=["actions", "expectations", "matchers"],
)
def test_the_union_has_every_class(base: type[Word], union: object) -> None:
    assert set(base.__subclasses__()) == set(get_args(union))


@pytest.mark.parametrize("action", ACTIONS)
def test_an_action_has_its_facts(action: type[Action]) -> None:
    assert action.word
    assert action.sentence().endswith(".")
    facts = action.facts
    assert facts.steps_at is None or facts.composite
    assert facts.exchange <= (Part.MOMENT in facts.parts)
    assert facts.polls <= facts.exchange
    assert not (facts.polls and facts.waits)
    if facts.requires is not None:
        assert facts.requires.because.startswith("it ")


def test_actions_of_one_word_are_told_apart() -> None:
    for first, *others in ACTION_WORDS.values():
        for one in (first, *others) if others else ():
            assert one.which
            assert one.about
            assert one.example
        assert all(one.chosen_by for one in others)


def test_every_part_is_brought_back_and_asked_about() -> None:
    brought = {part for action in ACTIONS for part in action.facts.parts}
    asked = {part for one in EXPECTATIONS for part in one.parts}
    assert brought == asked == set(Part)


def test_every_capability_that_an_action_needs_is_known() -> None:
    needed = {one.facts.requires.capability for one in ACTIONS if one.facts.requires}
    assert needed < set(Capability)


@pytest.mark.parametrize("expectation", EXPECTATIONS)
def test_an_expectation_is_about_something(expectation: type[Clause]) -> None:
    assert expectation.word
    assert expectation.parts
    assert set(expectation.sentences) <= set(expectation.parts)
    assert expectation.__struct_fields__[-1] == "span"


MAPS: list[type[Struct]] = [
    *(one for one in (*ACTIONS, *MATCHERS) if one.word and one.shape is Shape.MAP),
    Step,
    Param,
    Fragment,
    Needs,
    Scenario,
]


@pytest.mark.parametrize("declaration", MAPS)
def test_what_is_said_of_keys_is_said_of_keys_that_are_there(declaration: type[Struct]) -> None:
    known = {key.word for key in keys_of(declaration)}
    assert sentences(declaration).keys() <= known


@pytest.mark.parametrize("declaration", MAPS)
def test_every_key_has_a_sentence(declaration: type[Struct]) -> None:
    said = sentences(declaration)
    for key in keys_of(declaration):
        assert key.word in said or key.kind.sentence or key.kind.spread, key.word


def test_a_word_is_no_key_of_a_map_it_stands_in() -> None:
    """An action's word must not be another key of a step, nor a matcher's a field of `check`."""
    own = {key.word for key in keys_of(Step) if not key.kind.spread}
    assert not own & ACTION_WORDS.keys()
    (check,) = ACTION_WORDS["check"]
    assert not {key.word for key in keys_of(check) if not key.kind.spread} & MATCHER_WORDS.keys()


def test_all_keys_of_a_map_are_found() -> None:
    assert list(properties(value_of(ACTION_WORDS["park"]))) == [
        "call",
        "call_api_id",
        "slot",
        "extension",
    ]
    assert list(properties(value_of(ACTION_WORDS["calls"]))) == [
        "extension",
        "call",
        "call_api_id",
    ]
    assert set(properties(value_of(ACTION_WORDS["check"]))) == {"that", *MATCHER_WORDS}


OTHER_WORDS = {
    "language": "it is the language's home",
    "mock_pbx": "commands, paths and faults of the mock have words of their own",
    "pbx": "a PBX has words of its own: actions of the REST API, kinds of events",
}
EVENTS = {"answer", "hangup"}
"""Kinds of events that are called like actions."""


def collections(file: Path) -> list[set[str]]:
    """The strings of each literal list, tuple, set and map, and of the cases of each match."""
    found = []
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        match node:
            case ast.List(elts=items) | ast.Tuple(elts=items) | ast.Set(elts=items):
                parts: list[ast.AST] = [*items]
            case ast.Dict(keys=keys):
                parts = [key for key in keys if key is not None]
            case ast.Match(cases=cases):
                patterns = [one for case in cases for one in _alternatives(case.pattern)]
                parts = [one.value for one in patterns if isinstance(one, ast.MatchValue)]
            case _:
                continue
        found.append({str(one.value) for one in parts if isinstance(one, ast.Constant)})
    return found


def _alternatives(pattern: ast.pattern) -> list[ast.pattern]:
    return pattern.patterns if isinstance(pattern, ast.MatchOr) else [pattern]


def test_no_table_of_actions_stands_outside_of_the_language() -> None:
    for file in PACKAGE.rglob("*.py"):
        if file.relative_to(PACKAGE).parts[0] in OTHER_WORDS:
            continue
        for strings in collections(file):
            words = strings & ACTION_WORDS.keys()
            assert len(words) < 2 or words <= EVENTS, (file, words)
