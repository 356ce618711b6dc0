"""What a step says when it is not as expected: expected and actual in words that help."""

from __future__ import annotations

import pytest

from tests.running import run_steps, run_text


@pytest.mark.parametrize(
    ("steps", "expected", "actual"),
    [
        (
            "park: {call: customer, slot: 6}\n    expect: {message: {contains: full}}",
            'a refusal whose words match: contains "full" (text)',
            "success: parked in slot 6",
        ),
        (
            "park: {call: customer, slot: 6}\n    expect: {message: {not: {contains: full}}}",
            'a refusal whose words match: not contains "full" (text)',
            "success: parked in slot 6",
        ),
        (
            "park: {call: customer, slot: 6}\n    expect: {status: 400}",
            "400 (number)",
            "200 (number)",
        ),
        (
            "park: {call: customer, slot: 6}\n    expect: {refused: any}",
            "refused: any",
            "success: parked in slot 6",
        ),
        (
            "bridge: {call: customer, slot: 6}\n    expect: {message: full, status: 404}",
            '"full" (text)',
            '"slot has no parked member" (text)',
        ),
        (
            "slots: {call: customer, slot: 6}\n    expect: {body: {slat: 6}}",
            "6 (number)",
            "nothing: there is no 'slat' (there is: slot, UUID)",
        ),
        (
            "slots: {call: customer, slot: 6}\n    expect: {headers: {x-none: a}}",
            'x-none: "a" (text)',
            "no header x-none",
        ),
        ("slots: {call: customer, slot: 6}\n    expect: {empty: false}", None, "nobody"),
        (
            "calls: {extension: 342}\n    expect: {includes: customer}",
            "customer",
            "customer not listed",
        ),
        (
            "calls: {extension: 342}\n    expect: {excludes: colleague}",
            "colleague",
            "colleague listed",
        ),
        ("calls: {call: customer}\n    expect: {state: parked}", "parked", "up"),
    ],
)
def test_expected_and_actual(steps: str, expected: str | None, actual: str | None) -> None:
    ran = run_steps(f"  - {steps}\n")
    (failure,) = ran.failures
    assert ran.verdicts == ["failed"]
    assert expected is None or failure.expected == expected
    assert actual is None or failure.actual == actual


@pytest.mark.parametrize("status", ["status: 200", "status: {between: [200, 299]}"])
def test_a_status_of_a_success_may_be_expected(status: str) -> None:
    assert run_steps(
        f"  - park: {{call: customer, slot: 6}}\n    expect: {{{status}}}\n"
    ).verdicts == ["passed"]


@pytest.mark.parametrize(
    ("asking", "how"),
    [("stays: 10s", "did not keep holding"), ("within: 10s", "never held")],
)
def test_a_refusal_that_will_not_change_ends_the_asking(asking: str, how: str) -> None:
    ran = run_steps(f"""
  - slots: {{call: customer, slot: 999}}
    {asking}
    expect: {{empty: true}}
""")
    refusal = ran.failures[0]
    assert refusal.message == f"the PBX refused: slot-unknown ({how} in 1 look over 0s)"
    assert refusal.hint == "if that is right, say so: expect: {refused: slot-unknown}"
    assert ran.step("3").took == 0


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("three", "'times' is \"three\" (text), not a number from 1"),
        ("0", "'times' is 0 (number), not a number from 1"),
        ("true", "'times' is true (boolean), not a number from 1"),
    ],
)
def test_what_is_no_number_of_rounds(value: str, said: str) -> None:
    ran = run_text(f"""
        scenario: rounds
        vars: {{n: {value}}}
        steps:
          - repeat:
              times: $n
              steps:
                - check: {{that: $n, equals: 1}}
    """)
    (failure,) = ran.failures
    assert (failure.message, failure.span.line, failure.span.column) == (said, 6, 14)
    assert ran.verdicts == ["errored"]


@pytest.mark.parametrize(("value", "said"), [("6", "6 (number)"), ("[]", "[] (list)")])
def test_what_has_no_items(value: str, said: str) -> None:
    ran = run_text(f"""
        scenario: rounds
        vars: {{all: {value}}}
        steps:
          - repeat:
              each: $all
              as: one
              steps:
                - check: {{that: $one, equals: 1}}
    """)
    message = f"'each' is {said}, neither a list with items nor a range such as 1-20"
    assert [f.message for f in ran.failures] == [message]


def test_rounds_may_come_from_a_variable() -> None:
    ran = run_text("""
        scenario: rounds
        vars: {n: 3, all: [a, b]}
        steps:
          - repeat:
              times: $n
              steps:
                - check: {that: $n, equals: 3}
          - repeat:
              each: $all
              as: one
              steps:
                - check: {that: $one, one_of: [a, b]}
    """)
    assert ran.verdicts == ["passed"]
    assert [place for place in ran.steps if "[" in place] == [
        "1[1].1", "1[2].1", "1[3].1", "2[1].1", "2[2].1"
    ]  # fmt: skip


def test_a_field_that_an_answer_does_not_have() -> None:
    ran = run_steps("""
  - slots: {call: customer, slot: 3}
    save: {answer: body}
  - check: {that: $answer.slat, equals: 1}
""")
    (failure,) = ran.failures
    assert (
        failure.message == "$answer.slat finds nothing: there is no 'slat' (there is: slot, UUID)"
    )
    assert ran.verdicts == ["errored"]


def test_an_event_in_a_branch_sees_what_another_branch_does() -> None:
    ran = run_steps("""
  - together:
      - event: {type: hangup, call: customer}
        within: 10s
      - - wait: 3s
        - hangup: {call: customer}
""")
    assert ran.verdicts == ["passed"], ran.failures
    assert ran.step("3.b1.1").took == 3_000_000


@pytest.mark.parametrize(
    "before",
    [
        "",
        "  - park: {call: customer, slot: 6}\n",
        "  - park: {call: customer, slot: 6}\n  - bridge: {call: colleague, slot: 6}\n",
        "  - park: {call: colleague, slot: 6}\n  - bridge: {call: customer, slot: 6}\n",
    ],
    ids=["up", "parked", "bridged", "bridging"],
)
@pytest.mark.parametrize("party", ["remote", "extension"])
def test_either_party_ends_a_call_wherever_it_is(before: str, party: str) -> None:
    ran = run_steps(f"""{before}
  - hangup: {{call: customer, by: {party}}}
  - calls: {{call: customer}}
    expect: {{state: ended}}
  - slots: {{call: colleague, slot: 6}}
    expect: {{refused: {{one_of: [none, no-such-call]}}, message: {{any: true}}}}
    when: {{that: 1, equals: 2}}
""")
    assert ran.verdicts == ["passed"], ran.failures
