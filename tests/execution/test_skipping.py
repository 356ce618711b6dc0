"""Scenarios that a target can't run are skipped with the reason before anything is dialled."""

from __future__ import annotations

import textwrap

import pytest

from scenario_runner.events import Event, Exchange, ScenarioFinished, StepStarted
from scenario_runner.execution.leases import Pool
from scenario_runner.execution.results import Results
from scenario_runner.execution.selection import required, skip, why_not
from scenario_runner.exit_code import Exit
from scenario_runner.language.scenario import Scenario
from scenario_runner.language.vocabulary import Capability
from scenario_runner.loading.documents import LoadOptions, load_text

POOL = Pool(slots=("1", "2"), extensions=("341", "342"))
ALL = frozenset(Capability)


def capabilities(one: Scenario) -> set[Capability]:
    return {need.capability for need in required(one)}


def scenario(steps: str, rest: str = "") -> Scenario:
    text = f"""\
scenario: test
{textwrap.dedent(rest)}
steps:
  - call: {{as: customer, extension: 341, from: "+7812"}}
  - slots: {{call: customer, slot: 1}}
    expect: {{empty: true}}
{steps}"""
    loaded = load_text(text, "test.scenario.yaml", LoadOptions())
    assert not [problem for problem in loaded.problems if not problem.warning], loaded.problems
    (one,) = loaded.scenarios
    return one


NEEDING = [
    ("  - request: {get: /extension}", Capability.RAW_REQUESTS, "it sends raw requests"),
    ("  - bridge: {call: customer}", Capability.RANDOM_BRIDGE, "without naming a slot"),
    ("  - event: {type: hangup, call: customer}", Capability.EVENTS, "it waits for events"),
    ("  - extension: 341", Capability.EXTENSION_STATE, "it asks what an extension is doing"),
    ("  - answer: {call: customer}", Capability.ANSWER, "it answers a ringing call"),
]


INTERNAL = "  - call: {as: other, extension: 341, from: CALLER}"


@pytest.mark.parametrize("rest", ["", "vars: {caller: 342}", "matrix: {caller: [342]}"])
def test_a_call_between_two_extensions_needs_a_target_with_internal_calls(rest: str) -> None:
    one = scenario(INTERNAL.replace("CALLER", "$caller" if rest else "342"), rest)
    reason = why_not(one, POOL, ALL - {Capability.INTERNAL_CALLS})
    assert reason is not None
    assert "342 is an extension of the target" in reason
    assert "a target with internal-calls" in reason
    assert why_not(one, POOL, ALL) is None


@pytest.mark.parametrize(
    ("step", "rest"),
    [
        (INTERNAL.replace("CALLER", "349"), ""),
        (INTERNAL.replace("CALLER", '"0342"'), ""),
        (INTERNAL.replace("CALLER", "342") + "\n    when: {target_can: answer}", ""),
        (INTERNAL.replace("CALLER", "342"), "when: {target_can: answer}"),
    ],
)
def test_a_call_from_elsewhere_or_on_a_condition_is_not_skipped(step: str, rest: str) -> None:
    assert why_not(scenario(step, rest), POOL, ALL - {Capability.INTERNAL_CALLS}) is None


@pytest.mark.parametrize(("step", "capability", "words"), NEEDING)
def test_what_a_step_needs_is_told(step: str, capability: Capability, words: str) -> None:
    one = scenario(step)
    assert capabilities(one) == {capability}
    reason = why_not(one, POOL, ALL - {capability})
    assert reason is not None
    assert words in reason
    assert f"a target with {capability}" in reason
    assert why_not(one, POOL, ALL) is None


@pytest.mark.parametrize(("step", "capability", "words"), NEEDING)
def test_it_is_found_inside_other_steps_and_in_the_cleanup(
    step: str, capability: Capability, words: str
) -> None:
    inner = textwrap.indent(step.strip(), " " * 8)
    assert capabilities(scenario(f"  - repeat:\n      times: 2\n      steps:\n{inner}")) == {
        capability
    }
    together = f"  - together:\n{textwrap.indent(step.strip(), ' ' * 6)}\n      - wait: 1s"
    assert capabilities(scenario(together)) == {capability}
    assert capabilities(scenario("", f"cleanup:\n{step}")) == {capability}
    assert words


@pytest.mark.parametrize(("step", "capability", "words"), NEEDING)
def test_a_step_with_a_condition_leaves_it_to_the_condition(
    step: str, capability: Capability, words: str
) -> None:
    conditional = f"{step}\n    when: {{target_can: {capability}}}"
    assert capabilities(scenario(conditional)) == set()
    whole = scenario(step, f"when: {{target_can: {capability}}}")
    assert capabilities(whole) == set()
    assert why_not(whole, POOL, frozenset()) is None
    assert words


@pytest.mark.parametrize("slot", ["0", "3", "99", "three", '""'])
def test_a_slot_that_the_target_does_not_have_may_be_a_negative_case(slot: str) -> None:
    one = scenario(f"  - park: {{call: customer, slot: {slot}}}\n    expect: {{refused: any}}")
    assert why_not(one, POOL, frozenset()) is None


@pytest.mark.parametrize(
    ("needs", "reason"),
    [
        ("{slots: [a], extensions: [b]}", None),
        ("{slots: [a, b]}", "it needs 2 slots to choose from and the target has 1"),
        ("{extensions: [a, b]}", "it needs 2 extensions to choose from and the target has 1"),
    ],
)
def test_more_slots_or_extensions_than_there_are(needs: str, reason: str | None) -> None:
    assert why_not(scenario("", f"needs: {needs}"), POOL, frozenset()) == reason


def test_a_skipped_scenario_dials_nothing_and_is_never_green() -> None:
    events: list[Event] = []
    results = Results()
    results.add(skip(scenario("  - answer: {call: customer}"), "a reason", events.append))
    assert not [event for event in events if isinstance(event, StepStarted | Exchange)]
    (finished,) = [event for event in events if isinstance(event, ScenarioFinished)]
    assert (finished.verdict, finished.reason, finished.skipped) == ("skipped", "a reason", 3)
    assert results.exit_code() == Exit.FAILED
    assert results.exit_code(allow_skips=True) == Exit.PASSED
