"""Steps with steps inside: together, repeat, use; and the names they bind."""

from __future__ import annotations

from pathlib import Path

import pytest

from scenario_runner.events import ScenarioFinished
from scenario_runner.execution.run import RunRequest, run_whole
from tests.running import Ran, run_steps, run_text

PARK = "  - park: {call: customer, slot: 6}\n"
GRAB = """
  - call: {as: rival, extension: 343, to: "+74950000201"}
  - park: {call: customer, slot: 6}
  - together:
      - bridge: {call: colleague, slot: 6}
      - bridge: {call: rival, slot: 6}
"""


def test_exactly_one_of_two_agents_gets_the_call() -> None:
    ran = run_steps(GRAB + "    expect: {succeeded: 1, refused: {slot-empty: 1}}\n")
    assert ran.verdicts == ["passed"]


@pytest.mark.parametrize(
    ("expect", "key"),
    [
        ("{succeeded: 2, refused: {slot-empty: 1}}", "succeeded"),
        ("{succeeded: 1, refused: {slot-empty: 2}}", "refused.slot-empty"),
        ("{succeeded: {bridge: {at_least: 2}}, refused: 1}", "succeeded.bridge"),
        ("{succeeded: 1}", "refused"),
        ("{succeeded: 1, refused: {slot-full: 0}}", "refused"),
    ],
)
def test_a_wrong_count_of_branches_fails(expect: str, key: str) -> None:
    ran = run_steps(GRAB + f"    expect: {expect}\n")
    assert ran.verdicts == ["failed"]
    assert key in {failure.key for failure in ran.failures}


def test_without_an_expectation_each_branch_must_succeed() -> None:
    ran = run_steps(GRAB)
    assert ran.verdicts == ["failed"]
    assert "slot-empty" in ran.failures[0].message


def winner(ran: Ran) -> str:
    return "colleague" if ran.step("5.b1.1").summary.startswith("joined") else "rival"


def test_the_seed_chooses_the_order_and_one_seed_is_one_order() -> None:
    text = GRAB + "    expect: {succeeded: 1, refused: {slot-empty: 1}}\n"
    runs = [run_steps(text, seed=seed) for seed in range(12)]
    assert {winner(ran) for ran in runs} == {"colleague", "rival"}
    assert runs[3].events == run_steps(text, seed=3).events


def test_all_orders_are_run_each_once() -> None:
    ran = run_steps(GRAB + "    expect: {succeeded: 1, refused: {slot-empty: 1}}\n", all_orders=99)
    assert [event.order for event in ran.of(ScenarioFinished)] == [((0, 2),), ((1, 2),)]
    assert ran.verdicts == ["passed", "passed"]


def test_a_given_order_is_repeated() -> None:
    for order, name in (((0,), "colleague"), ((1,), "rival")):
        ran = run_steps(
            GRAB + "    expect: {succeeded: 1, refused: {slot-empty: 1}}\n", order=order
        )
        assert winner(ran) == name


def test_the_bound_of_orders_is_said_aloud() -> None:
    ran = run_steps(GRAB + "    expect: {succeeded: 1, refused: {slot-empty: 1}}\n", all_orders=1)
    assert any("only the first 1 were run" in getattr(event, "message", "") for event in ran.events)


def test_names_bound_in_a_branch_are_visible_after_it() -> None:
    ran = run_steps("""
  - together:
      - - call: {as: third, extension: 343, from: "+7812"}
        - park: {call: third, slot: 3}
      - park: {call: customer, slot: 6}
  - slots: {call: colleague, slot: 3}
    expect: {holds: third}
""")
    assert ran.verdicts == ["passed"]


def test_each_round_of_a_repeat_is_told_apart() -> None:
    ran = run_steps("""
  - repeat:
      each: [1, 2, 99]
      as: slot
      steps:
        - slots: {call: colleague, slot: $slot}
          expect: {empty: true}
  - park: {call: customer, slot: 6}
""")
    assert ran.steps["3[1].1"] == "passed"
    assert ran.steps["3[3].1"] == "failed"
    assert ran.steps["3"] == "failed"
    assert ran.steps["4"] == "skipped"
    assert "2 of 3" not in ran.step("3").summary


def repeated(loop: str, rest: str = "") -> list[str]:
    ran = run_steps(
        f"  - repeat: {{{loop}, steps: [{{slots: {{call: colleague, slot: $n}}}}]}}\n", rest=rest
    )
    assert ran.verdicts == ["passed"], ran.failures
    return [step for step in ran.steps if step.startswith("3[") and step.endswith(".1")]


@pytest.mark.parametrize(
    ("loop", "rounds"),
    [
        ("each: 5-9, as: n", 5),
        ("each: 7-7, as: n", 1),
        ("each: $some, as: n", 3),
        ("each: $target.slots, as: n", 20),
        ("times: 4, as: n", 4),
        ("times: $target.slot_count, as: n", 20),
    ],
)
def test_a_repeat_counts_through_ranges_and_slots(loop: str, rounds: int) -> None:
    assert len(repeated(loop, "vars: {some: 3-5}" if "$some" in loop else "")) == rounds


@pytest.mark.parametrize("some", ["5-3", "three", "''", "1-", "'1 - 3'", "7"])
def test_a_repeat_of_what_is_neither_list_nor_range_is_errored(some: str) -> None:
    ran = run_steps(
        "  - repeat: {each: $some, as: n, steps: [{slots: {call: colleague, slot: $n}}]}\n",
        rest=f"vars: {{some: {some}}}",
    )
    assert ran.verdicts == ["errored"]
    assert "a range such as 1-20" in ran.failures[0].message


def test_what_a_round_binds_is_new_each_time_and_the_last_stays() -> None:
    ran = run_steps("""
  - repeat:
      each: [1, 2, 3]
      as: round
      steps:
        - set: {last: $round}
        - check: {that: $last, equals: $round}
  - check: {that: $last, equals: 3}
""")
    assert ran.verdicts == ["passed"]


FRAGMENT = """
fragment: A parked customer
params:
  slot: {type: integer, default: 6}
exports: [customer]
steps:
  - call: {as: customer, extension: 341, from: "+78120000443"}
  - park: {call: customer, slot: $slot}
"""


def run_files(folder: Path, scenario: str) -> Ran:
    (folder / "parts.yaml").write_text(FRAGMENT)
    (folder / "a.scenario.yaml").write_text(scenario)
    from scenario_runner.execution.results import Results

    ran = Ran(Results())
    request = RunRequest(paths=(str(folder / "a.scenario.yaml"),))
    run_whole(request, ran.events.append)
    return ran


def test_a_fragment_is_used_twice_under_different_names(tmp_path: Path) -> None:
    ran = run_files(
        tmp_path,
        """
scenario: twice
steps:
  - use: {file: parts.yaml, exports: {customer: first}}
  - use: {file: parts.yaml, with: {slot: 8}, exports: {customer: second}}
  - slots: {call: first, slot: 6}
    expect: {holds: first}
  - slots: {call: first, slot: 8}
    expect: {holds: second}
""",
    )
    assert ran.verdicts == ["passed"], ran.failures


def test_a_failure_inside_a_fragment_shows_both_places(tmp_path: Path) -> None:
    ran = run_files(
        tmp_path,
        """
scenario: outside
steps:
  - use: {file: parts.yaml, with: {slot: 99}}
""",
    )
    assert ran.verdicts == ["failed"]
    failure = ran.failures[0]
    assert failure.span.file.endswith("parts.yaml")
    assert failure.span.line == 8
    assert [span.line for span in failure.via] == [4]


def test_save_binds_and_says_what_is_missing() -> None:
    ran = run_steps(
        PARK
        + """
  - slots: {call: colleague, slot: 6}
    save: {who: uuid, raw: body.UUID}
  - check: {that: $who, equals: $customer.uuid}
  - check: {that: $raw, equals: $customer.uuid}
  - slots: {call: colleague, slot: 6}
    save: {nope: body.nope}
"""
    )
    assert ran.steps["5"] == "passed"
    assert ran.steps["6"] == "passed"
    assert ran.failures[0].message.startswith("save: 'body.nope' is not in the answer")


def test_a_secret_is_masked_everywhere() -> None:
    ran = run_text(
        """
        scenario: secret
        steps:
          - request:
              put: /extension/34414/valet_park/$secret.TOKEN
              json: {action: $secret.TOKEN}
              headers: {X-Extra: $secret.TOKEN}
            save: {said: status}
          - check: {that: $secret.TOKEN, equals: $said}
        """,
        environment={"TOKEN": "hunter2/&x"},
    )
    text = repr(ran.events)
    assert "hunter2" not in text
    assert "***" in text


RACE = (
    GRAB + "    save: {won: winner}\n    expect: {succeeded: {at_most: 1}, refused: {slot-empty: "
)
WON = "  - {calls: {call: won}, expect: {state: bridged}}\n"


def test_the_winner_of_a_race_has_one_more_name() -> None:
    for seed in range(6):
        ran = run_steps(RACE + "1}}\n" + WON, seed=seed)
        assert ran.verdicts == ["passed"]
        name = winner(ran)
        for one in ("colleague", "rival"):
            check = f"  - check: {{that: $won.uuid, equals: ${one}.uuid}}\n"
            ran = run_steps(RACE + "1}}\n" + check, seed=seed)
            assert ran.verdicts == ["passed" if one == name else "failed"]


def test_a_race_that_nobody_wins_fails() -> None:
    ran = run_steps(RACE.replace(PARK, "  - wait: 1s\n") + "2}}\n" + WON)
    assert (ran.steps["5"], ran.steps["6"]) == ("failed", "skipped")
    said = "save: 'winner' needs one branch that was not refused, and 0 were not"
    assert [failure.message for failure in ran.failures] == [said]


def test_a_race_that_two_win_fails() -> None:
    ran = run_steps(
        """
  - together:
      - park: {call: customer, slot: 6}
      - park: {call: colleague, slot: 7}
    save: {won: winner}
"""
        + WON
    )
    assert (ran.steps["3"], ran.steps["4"]) == ("failed", "skipped")
    assert "2 were not (customer, colleague)" in ran.failures[0].message


def test_a_branch_that_did_not_apply_is_no_winner() -> None:
    ran = run_steps(
        """
  - together:
      - park: {call: customer, slot: 6}
      - {when: {that: $target.slots, equals: []}, park: {call: colleague, slot: 7}}
    save: {won: winner}
  - calls: {call: won}
    expect: {state: parked}
"""
    )
    assert ran.verdicts == ["passed"]
