"""What would never end is errored, at its place."""

from __future__ import annotations

import pytest

from scenario_runner.matching import MOST_TEXT
from tests.running import run_steps, run_text

HEAD = "scenario: test\nsteps:\n"
LONG = {"LONG": "a" * (MOST_TEXT + 1)}


def test_an_undecided_pattern_errors_the_step_and_points_to_itself() -> None:
    ran = run_text(HEAD + "  - check: {that: $env.LONG, matches: 'a*'}\n", environment=LONG)
    assert ran.verdicts == ["errored"]
    (failure,) = ran.failures
    assert failure.key == "limit"
    assert "too long for the pattern 'a*'" in failure.message
    assert (failure.span.line, failure.span.column) == (3, 39)


def test_what_can_not_be_decided_is_not_decided_by_its_opposite() -> None:
    step = "  - check: {that: $env.LONG, not: {matches: 'a*'}}\n"
    assert run_text(HEAD + step, environment=LONG).verdicts == ["errored"]


def test_an_undecided_condition_errors_the_step_too() -> None:
    step = "  - wait: 1s\n    when: {that: $env.LONG, matches: 'a*'}\n"
    assert run_steps(step + "  - calls: {call: customer}\n    expect: {state: up}\n",
                     environment=LONG).steps["3"] == "errored"  # fmt: skip


@pytest.mark.parametrize("many", ["1000", "100001", "1" + "0" * 30])
def test_rounds_that_a_variable_multiplies_are_bounded(many: str) -> None:
    ran = run_text(
        f"""
        scenario: test
        vars: {{many: {many}}}
        steps:
          - repeat:
              times: 101
              steps:
                - repeat:
                    times: $many
                    steps:
                      - check: {{that: $many, at_least: 1}}
        """
    )
    assert ran.verdicts == ["errored"]
    (failure, *_) = ran.failures
    assert failure.message == f"{101 * int(many):,} rounds are too many"
    assert failure.span.line == 9


def test_as_many_rounds_as_are_possible_are_not_too_many() -> None:
    steps = "  - repeat: {times: $n, steps: [check: {that: $n, at_least: 1}]}\n"
    assert run_text(f"scenario: test\nvars: {{n: 100}}\nsteps:\n{steps}").verdicts == ["passed"]


@pytest.mark.parametrize(
    "matcher", ["at_least: $many", "between: [1, $many]", "not: {at_most: $many}"]
)
def test_a_bound_that_is_no_number_is_errored_and_never_true(matcher: str) -> None:
    step = f"  - check: {{that: $env.N, length: {{{matcher}}}}}\n"
    ran = run_text(f"scenario: t\nvars: {{many: lots}}\nsteps:\n{step}", environment={"N": "abc"})
    assert ran.verdicts == ["errored"]
    assert ran.failures[0].message == '"lots" (text) is nothing to compare a number with'


def test_a_chain_of_variables_may_be_of_any_length() -> None:
    chain = "".join(f"  v{number}: $v{number - 1}\n" for number in range(1, 3000))
    ran = run_text(
        f"scenario: t\nvars:\n  v0: 6\n{chain}steps:\n  - check: {{that: $v2999, equals: 6}}\n"
    )
    assert ran.verdicts == ["passed"]


@pytest.mark.parametrize("pair", ["$b{0}$b{0}", "[$b{0}, $b{0}]"])
def test_what_steps_bind_can_not_grow_beyond_bounds(pair: str) -> None:
    steps = "".join(f'  - set: {{b{n}: "{pair.format(n - 1)}"}}\n' for n in range(1, 60))
    steps = steps.replace('"[', "[").replace(']"', "]")
    used = "  - check: {that: $b59, length: 1}\n"
    ran = run_text(HEAD + "  - set: {b0: 0123456789}\n" + steps + used)
    assert ran.verdicts == ["errored"]
    assert "with its references written out" in ran.failures[0].message


def test_lists_in_lists_are_bounded_too() -> None:
    steps = "".join(f"  - set: {{b{n}: [$b{n - 1}]}}\n" for n in range(1, 110))
    ran = run_text(HEAD + "  - set: {b0: 1}\n" + steps + "  - check: {that: $b109, length: 1}\n")
    assert ran.verdicts == ["errored"]
    assert ran.failures[0].message == "this value is nested deeper than 100 levels"


def test_a_variable_of_the_environment_that_is_no_text_is_errored() -> None:
    step = "  - check: {that: $env.ODD, length: 1}\n"
    ran = run_text(HEAD + step, environment={"ODD": "\udcff"})
    assert ran.verdicts == ["errored"]
    assert ran.failures[0].message == "the environment variable ODD holds bytes that are not UTF-8"
