"""The examples meet every rule and kill every mutant; those of `rules/` are files to copy from."""

from __future__ import annotations

from pathlib import Path

import pytest

from scenario_runner.execution.options import RunOptions
from scenario_runner.execution.run import RunRequest, gather_valid
from scenario_runner.execution.targets import TargetChoice, choose
from scenario_runner.masking import Mask
from scenario_runner.mock_pbx import RULES
from scenario_runner.mock_pbx.mutants import MUTANTS
from scenario_runner.mutation.processes import in_this_process
from scenario_runner.mutation.run import Choice, Mutated, mutate
from tests.examples.running_examples import EXAMPLES
from tests.examples.running_examples import RULES as FILES


@pytest.fixture(scope="module")
def mutated() -> Mutated:
    """All mutants on all examples, which takes about two seconds."""
    mask = Mask()
    paths = (str(EXAMPLES),)
    target = choose(TargetChoice(paths=paths), mask)
    request = RunRequest(paths=paths, options=RunOptions(allow_skips=True), target=target)
    return mutate(request, gather_valid(request), Choice(), in_this_process, lambda _: None)


def test_the_examples_meet_every_rule(mutated: Mutated) -> None:
    never = [rule for rule, seen in mutated.coverage.rules.items() if not seen]
    assert never == []
    assert mutated.coverage.met == len(RULES)


def test_the_examples_meet_every_word(mutated: Mutated) -> None:
    coverage = mutated.coverage
    words = coverage.reasons | coverage.states | coverage.events
    assert [word for word, seen in words.items() if not seen] == []


def test_the_examples_kill_every_mutant(mutated: Mutated) -> None:
    assert [one.mutant for one in mutated.outcomes if one.status != "killed"] == []
    assert len(mutated.outcomes) == len(MUTANTS)


def test_a_file_of_rules_is_valid_without_a_warning() -> None:
    gathered = gather_valid(RunRequest(paths=(str(EXAMPLES / "rules"),)))
    assert list(gathered.problems) == []


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_file_of_rules_says_which_rule_it_is_about(file: Path) -> None:
    schema, about, *rest = file.read_text(encoding="utf-8").splitlines()
    name = file.name.removesuffix(".scenario.yaml")
    assert schema == "# yaml-language-server: $schema=../../schemas/scenario.schema.json"
    assert about.startswith(f"# {name}: ")
    assert name in {rule.id for rule in RULES}
    assert max(map(len, rest)) <= 100
    assert len(rest) <= 60
