"""What becomes of steps and scenarios: verdicts, skips, xfail, cleanup, residue."""

from __future__ import annotations

import pytest

from scenario_runner.events import ScenarioFinished, StepStarted, Warned
from tests.running import run_steps, run_text

PARK = "  - park: {call: customer, slot: 6}\n"


def test_a_passing_scenario_passes_and_leaves_nothing() -> None:
    ran = run_steps(PARK + "  - slots: {call: colleague, slot: 6}\n    expect: {holds: customer}\n")
    assert ran.verdicts == ["passed"]
    assert ran.steps == {"1": "passed", "2": "passed", "3": "passed", "4": "passed"}
    assert not ran.failures


@pytest.mark.parametrize(
    ("expect", "key", "expected", "actual"),
    [
        ("{holds: colleague}", "holds", "colleague (", "customer ("),
        ("{empty: true}", "empty", "nobody in the slot", "customer ("),
        ("{slot: 7}", "slot", "7", "6"),
        ("{status: 404}", "status", "404 (number)", "200 (number)"),
        ("{body: {slot: 6}}", "body.slot", "6 (number)", '"6" (text)'),
        ("{body: {nope: 6}}", "body.nope", "6 (number)", "nothing: there is no 'nope'"),
        ("{headers: {X-Nope: 1}}", "headers", "X-Nope: 1 (number)", "no header X-Nope"),
        ("{refused: slot-full}", "refused", "refused: slot-full", "success: slot 6 holds"),
        ("{refused: {one_of: [slot-full, slot-empty]}}", "refused", "one of slot-full", "success"),
        ("{message: {contains: full}}", "message", 'contains "full"', "success: slot 6 holds"),
        ("{uuid: {starts_with: zz}}", "uuid", "starts with zz", "-"),
    ],
)
def test_a_failing_expectation_says_what_and_where(
    expect: str, key: str, expected: str, actual: str
) -> None:
    ran = run_steps(PARK + f"  - slots: {{call: colleague, slot: 6}}\n    expect: {expect}\n")
    assert ran.verdicts == ["failed"]
    (failure,) = ran.failures
    assert failure.key == key
    assert expected in (failure.expected or "")
    assert actual in (failure.actual or "")
    assert failure.span.line == 9


def test_every_part_that_does_not_hold_is_reported() -> None:
    ran = run_steps(
        PARK + "  - slots: {call: colleague, slot: 6}\n"
        "    expect: {holds: colleague, empty: true, slot: 9}\n"
    )
    assert [failure.key for failure in ran.failures] == ["holds", "empty", "slot"]


def test_an_unexpected_refusal_fails_and_tells_how_to_expect_it() -> None:
    ran = run_steps("  - bridge: {call: colleague, slot: 9}\n")
    (failure,) = ran.failures
    assert failure.message == "the PBX refused: slot-empty"
    assert failure.hint == "if that is right, say so: expect: {refused: slot-empty}"


def test_an_extension_with_a_leading_zero_is_unknown_and_leaves_no_call() -> None:
    ran = run_text(
        """
        scenario: test
        steps:
          - call: {as: a, extension: "0341", from: "+78120000443"}
            expect: {refused: not-found}
          - call: {as: b, extension: 341, from: "+78120000443"}
          - calls: {extension: 341}
            expect: {count: 1, includes: [b]}
        """
    )
    assert ran.verdicts == ["passed"]


def test_steps_after_a_failure_are_skipped_and_counted() -> None:
    ran = run_steps("  - bridge: {call: colleague, slot: 9}\n" + PARK + PARK)
    assert list(ran.steps.values()) == ["passed", "passed", "failed", "skipped", "skipped"]
    assert ran.verdicts == ["failed"]


def test_a_reference_to_what_is_not_there_is_errored() -> None:
    ran = run_steps("  - check: {that: $env.NO_SUCH_VARIABLE, equals: 1}\n")
    assert ran.verdicts == ["errored"]
    assert "NO_SUCH_VARIABLE is not set" in ran.failures[0].message


def test_cleanup_runs_after_a_failure_with_everything_bound() -> None:
    ran = run_text("""
        scenario: test
        steps:
          - call: {as: customer, extension: 341, from: "+7812"}
          - call: {as: late, extension: 342, from: "+7812"}
            when: {that: 1, equals: 2}
          - bridge: {call: customer, slot: 9}
        cleanup:
          - hangup: {call: customer}
          - hangup: {call: late}
          - calls: {extension: 341}
            expect: {count: 0}
        """)
    assert ran.steps["cleanup.1"] == "passed"
    assert ran.steps["cleanup.2"] == "not applicable"
    assert ran.steps["cleanup.3"] == "passed"
    assert ran.verdicts == ["failed"]


def test_every_cleanup_step_runs_even_if_one_fails_and_counts() -> None:
    ran = run_steps(
        PARK,
        rest="cleanup:\n  - bridge: {call: colleague, slot: 9}\n  - hangup: {call: customer}\n",
    )
    assert ran.steps["cleanup.1"] == "failed"
    assert ran.steps["cleanup.2"] == "passed"
    assert ran.verdicts == ["failed"]


def test_a_call_nobody_owns_is_residue() -> None:
    ran = run_steps(
        "  - request: {post: /extension/34416/callback/,"
        ' json: {src_num: ["343"], dst_num: "+7812"}}\n'
    )
    assert ran.verdicts == ["failed"]
    assert [failure.key for failure in ran.failures] == ["residue"]
    assert "extension 343" in ran.failures[0].message


@pytest.mark.parametrize(
    ("steps", "verdict"),
    [
        ("  - bridge: {call: colleague, slot: 9}\n", "xfailed"),
        (PARK, "xpassed"),
        ("  - check: {that: $env.NO_SUCH_VARIABLE, equals: 1}\n", "errored"),
    ],
)
def test_xfail_of_a_scenario(steps: str, verdict: str) -> None:
    ran = run_steps(steps, rest="xfail: issue 12")
    assert ran.verdicts == [verdict]


def test_xfail_never_excuses_residue() -> None:
    ran = run_steps(
        "  - request: {post: /extension/34416/callback/,"
        ' json: {src_num: ["343"], dst_num: "+7812"}}\n',
        rest="xfail: issue 12",
    )
    assert ran.verdicts == ["failed"]


@pytest.mark.parametrize(
    ("step", "verdict", "scenario"),
    [
        ("bridge: {call: colleague, slot: 9}", "xfailed", "passed"),
        ("park: {call: customer, slot: 6}", "xpassed", "failed"),
    ],
)
def test_xfail_of_a_step(step: str, verdict: str, scenario: str) -> None:
    ran = run_steps(f"  - {step}\n    xfail: issue 12\n")
    assert ran.steps["3"] == verdict
    assert ran.verdicts == [scenario]


def test_when_leaves_a_step_out() -> None:
    ran = run_steps(
        PARK + "  - bridge: {call: colleague, slot: 9}\n    when: {that: $mode, equals: full}\n",
        rest="vars: {mode: fast}",
    )
    assert ran.steps["4"] == "not applicable"
    assert ran.verdicts == ["passed"]


def test_when_knows_what_the_target_can() -> None:
    ran = run_steps(
        PARK + "  - slots: {call: colleague, slot: 6}\n    expect: {holds: customer}\n"
        "    when: {target_can: virtual-time}\n"
        "  - bridge: {call: colleague, slot: 9}\n    when: {target_can: settable-timeout}\n"
    )
    assert ran.steps["4"] == "passed"
    assert ran.steps["5"] == "not applicable"


def test_a_scenario_that_does_not_apply_is_counted_apart() -> None:
    ran = run_steps(PARK, rest="when: {target_can: settable-timeout}")
    assert ran.verdicts == ["not applicable"]


def test_a_run_in_which_nothing_applied_that_checks_is_never_green() -> None:
    ran = run_steps(
        "  - slots: {call: colleague, slot: 9}\n    expect: {empty: true}\n"
        "    when: {target_can: settable-timeout}\n"
    )
    assert ran.verdicts == ["failed"]
    assert ran.failures[0].key == "checked"


def test_the_time_out_of_a_scenario_is_errored_and_cleans_up() -> None:
    ran = run_steps(PARK + "  - wait: $pause\n", rest="timeout: 1m\nvars: {pause: 2m}")
    assert ran.verdicts == ["errored"]
    assert "longer than its time-out of 1m" in ran.failures[-1].message
    assert ran.steps["4"] == "errored"


@pytest.mark.parametrize(
    ("step", "patience"),
    [
        ("slots: {call: colleague, slot: 6}\n    expect: {empty: true}", 0),
        ("slots: {call: colleague, slot: 6}\n    within: 9s\n    expect: {empty: true}", 9_000_000),
        ("slots: {call: colleague, slot: 6}\n    stays: 8s\n    expect: {empty: true}", 8_000_000),
        ("wait: 5m", 300_000_000),
        ("wait: $long", 420_000_000),
        ("event: {type: hangup}\n    within: 7s", 7_000_000),
    ],
)
def test_a_step_tells_how_long_it_waits_at_most(step: str, patience: int) -> None:
    ran = run_steps(f"  - {step}\n  - check: {{that: $long, equals: 7m}}\n", "vars: {long: 7m}")
    started = next(event for event in ran.of(StepStarted) if event.step == "3")
    assert started.patience == patience


@pytest.mark.parametrize(
    "composite",
    [
        "repeat: {times: 3, steps: [{calls: {extension: 341}, when: $never}]}",
        "together: [{calls: {extension: 341}, when: $never}, {wait: 1s, when: $never}]",
        "repeat: {times: 2, steps: [repeat: {times: 2, steps: [{wait: 1s, when: $never}]}]}",
        "together: [{wait: 2s, when: $never}, {wait: 1s, when: $never}], expect: {succeeded: 0}",
    ],
)
def test_a_composite_of_which_nothing_ran_is_not_applicable(composite: str) -> None:
    never = "{that: $mode, equals: full}"
    left_out = "  - {calls: {extension: 341}, expect: {count: 9}, when: $never}\n"
    steps = (f"  - {{{composite}}}\n" + left_out).replace("$never", never)
    ran = run_steps(steps, rest="vars: {mode: fast}")
    assert ran.steps["3"] == "not applicable"
    assert ran.verdicts == ["failed"]
    assert ran.failures[-1].message == "nothing that applied here checked anything"


def test_a_composite_of_which_one_part_ran_passes() -> None:
    ran = run_steps(
        "  - together:\n"
        "      - {calls: {extension: 341}, when: {that: 1, equals: 2}}\n"
        "      - {calls: {extension: 341}, expect: {count: 1}}\n"
    )
    assert ran.steps["3"] == "passed"
    assert ran.verdicts == ["passed"]


def warnings_of(when: str, vars_: str = "slot: '7'") -> list[str]:
    ran = run_steps(
        f"  - repeat: {{times: 3, steps: [{{park: {{call: customer, slot: 6}}, when: {when}}}]}}\n",
        rest=f"vars: {{{vars_}}}",
    )
    return [event.message for event in ran.of(Warned)]


@pytest.mark.parametrize(
    ("when", "message"),
    [
        ("{that: $slot, equals: 7}", "'when' compares \"7\" (text) with 7 (number)"),
        ("{that: $slot, one_of: [6, 7]}", "'when' compares \"7\" (text) with one of"),
        ("{that: 7, equals: '7'}", "'when' compares 7 (number) with \"7\" (text)"),
    ],
)
def test_a_condition_that_compares_different_types_warns_once(when: str, message: str) -> None:
    (warning,) = warnings_of(when)
    assert warning.startswith(message)


@pytest.mark.parametrize("when", ["{that: $slot, equals: '8'}", "{that: $slot, equals: x}"])
def test_a_condition_that_merely_does_not_hold_warns_of_nothing(when: str) -> None:
    assert not warnings_of(when)


def test_the_opposite_of_a_comparison_of_different_types_warns_too() -> None:
    ran = run_steps(
        PARK.replace("\n", "\n    when: {that: $slot, not: 7}\n"), rest="vars: {slot: '7'}"
    )
    assert [event.code for event in ran.of(Warned)] == ["when-types"]


def test_the_state_that_failed_is_the_state_that_is_shown() -> None:
    ran = run_steps(
        PARK + "  - bridge: {call: colleague, slot: 6}\n"
        "  - calls: {call: customer}\n    expect: {state: parked}\n"
    )
    assert ran.failures[0].actual == "bridged"
    (snapshot,) = (event.snapshot for event in ran.of(ScenarioFinished))
    assert snapshot is not None
    assert {state for _, state in snapshot.calls} == {"bridged (listed as up)"}


def test_a_parked_call_is_shown_with_the_word_of_the_list() -> None:
    ran = run_steps(PARK + "  - calls: {call: customer}\n    expect: {state: up}\n")
    assert ran.failures[0].actual == "parked"
    (snapshot,) = (event.snapshot for event in ran.of(ScenarioFinished))
    assert snapshot is not None
    assert sorted(state for _, state in snapshot.calls) == ["parked (listed as up)", "up"]
