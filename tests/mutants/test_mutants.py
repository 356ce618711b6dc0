"""Every mutant breaks one rule, and a scenario notices it."""

from __future__ import annotations

import re
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

import pytest

from scenario_runner.mock_pbx import RULES, Profile
from scenario_runner.mock_pbx.calls import (
    AnswerCall,
    AskSlot,
    Bridge,
    HangUp,
    ListCalls,
    Park,
    PlaceCall,
    ShowCall,
    Transfer,
    fresh_state,
)
from scenario_runner.mock_pbx.invariants import check
from scenario_runner.mock_pbx.mutants import BY_ID, MUTANTS, Kind, Mutant
from scenario_runner.mock_pbx.profile import SECOND
from scenario_runner.mock_pbx.switch import Switch, step
from tests.mutants.running import rules_met, scenario_of, verdict

if TYPE_CHECKING:
    from scenario_runner.mock_pbx.calls import Command, State

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.id)
def test_a_scenario_passes_on_the_mock_and_fails_on_the_mutant(mutant: Mutant) -> None:
    witness = scenario_of(mutant.witness)
    assert verdict(witness) == "passed"
    assert verdict(witness, mutant) == "failed"


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.id)
def test_a_witness_is_tried_on_its_mutant(mutant: Mutant) -> None:
    """Only scenarios that met the rule are, unless the mutant may be noticed everywhere."""
    assert mutant.everywhere is (mutant.rule.id not in rules_met(scenario_of(mutant.witness)))


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.id)
def test_a_witness_says_what_it_is_for(mutant: Mutant) -> None:
    text = mutant.witness.read_text(encoding="utf-8")
    comment = " ".join(re.findall(r"^# (.*)$", text, re.MULTILINE))
    assert comment == f"Notices if {mutant.unnoticed}."


def test_each_rule_has_mutants_and_each_kind_occurs() -> None:
    assert len(MUTANTS) >= 80
    assert {mutant.rule for mutant in MUTANTS} == set(RULES)
    assert {mutant.kind for mutant in MUTANTS} == set(Kind)


def test_mutants_have_one_id_each_and_no_witness_is_left_over() -> None:
    assert len(BY_ID) == len(MUTANTS)
    files = MUTANTS[0].witness.parent.glob("*.scenario.yaml")
    assert sorted(path.name for path in files) == sorted(f"{one}.scenario.yaml" for one in BY_ID)


@pytest.mark.parametrize("declared", [*MUTANTS, *RULES], ids=lambda declared: declared.id)
def test_a_place_is_where_the_declaration_stands(declared: object) -> None:
    file, line = declared.place  # type: ignore[attr-defined]
    lines = (ROOT / file).read_text(encoding="utf-8").splitlines()
    assert re.search(r"@breaks\(|with_\w+\($|= _(documented|assumed)\(", lines[line - 1])


SWITCHES = [one for one in MUTANTS if one.part is not None and issubclass(one.part, Switch)]


@pytest.mark.parametrize("mutant", SWITCHES, ids=lambda mutant: mutant.id)
def test_a_mutant_breaks_a_rule_and_not_the_books(mutant: Mutant) -> None:
    """Whatever is done to it, slots, phases, counts and timers of its state agree."""
    assert mutant.part is not None
    random = Random(mutant.id)
    state, now = fresh_state(Profile(slots=3), 0), 0
    for _ in range(400):
        now += random.choice((0, 0, 0, 1, 20, 31, 200)) * SECOND
        state = step(state, command(random, state), now, mutant.part).state
        check(state)


def command(random: Random, state: State) -> Command:
    """Return any command about any call, one that never was among them."""
    call, extension = random.choice([(one.uuid, one.extension) for one in state.calls.values()]
                                    or [("nobody", 341)])  # fmt: skip
    slot = random.choice((None, 1, 2, 3, "3", 4, True, 1.5))
    place = PlaceCall(
        random.choice(("in", "out")), random.choice((341, 342)), "+7", random.random() < 0.7
    )
    return random.choice((
        place, AnswerCall(call), Park(call, extension, slot), Park(call, 341, slot),
        AskSlot(call, extension, slot), Bridge(call, extension, slot),
        Bridge(call, extension, None), Transfer(call, extension, 343),
        HangUp(call, None, random.choice(("remote", "extension"))),
        HangUp("nobody", None, "remote"), ShowCall(call, extension), ListCalls(extension),
    ))  # fmt: skip
