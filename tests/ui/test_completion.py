"""What the editor offers at a place: keys, values, and the file's own names."""

from __future__ import annotations

import pytest

from scenario_runner.ui.completion import complete

FILE = """scenario: A
vars:
  slot: 6

steps:
  - name: x
    call: {as: customer, extension: 341, from: "+7"}
  - id: parked
    park: {call: customer, slot: $slot}
  - expect: {holds: customer}
    slots: {call: customer, slot: 6}
  - together:
      - bridge: {call: customer}
"""


def offered(line: str, *, text: str = FILE) -> list[str]:
    """Return what is offered at the end of a line that is added to the file."""
    whole = text + line
    number = whole.count("\n") + 1
    return [option.label for option in complete(whole, number, len(whole.split("\n")[-1])).options]


def test_an_empty_file_begins_with_the_keys_of_a_scenario() -> None:
    assert offered("", text="")[:2] == ["scenario", "description"]
    assert "scenario" not in offered("", text="scenario: A\n")


def test_a_step_offers_its_keys_and_leaves_out_those_that_are_there() -> None:
    assert {"park", "call", "expect"} <= set(offered("  - "))
    more = offered("  - slots: {call: customer, slot: 6}\n    ")
    assert "expect" in more
    assert "slots" not in more


def test_steps_inside_of_steps_offer_the_same() -> None:
    assert {"park", "call", "expect"} <= set(offered("      - "))
    assert {"steps", "times"} <= set(offered("  - repeat:\n      "))
    assert {"park", "call"} <= set(offered("  - repeat:\n      steps:\n        - "))


def test_a_map_in_braces_offers_its_fields() -> None:
    assert offered("  - park: {") == ["call", "call_api_id", "slot", "extension"]
    assert offered("  - park: {call: customer, ") == ["call_api_id", "slot", "extension"]
    assert {"holds", "empty", "refused"} <= set(
        offered("    expect: {", text=FILE + "  - slots: {}\n")
    )
    assert {"holds", "refused"} <= set(offered("  - slots: {}\n    expect:\n      "))


@pytest.mark.parametrize(
    ("line", "some"),
    [
        ("  - park: {call: ", ["customer", "$slot"]),
        ("  - park: {call: cu", ["customer"]),
        ("  - park: {slot: ", ["$slot"]),
        ("  - slots: {}\n    expect: {refused: ", ["slot-full", "any"]),
        ("  - slots: {}\n    expect: {holds: ", ["customer"]),
        ("  - event: {type: ", ["dial-in", "hangup"]),
        ("  - event: {since: ", ["parked"]),
        ("  - hangup: {call: customer, by: ", ["remote", "extension"]),
        ("  - slots: {}\n    expect: {empty: ", ["true", "false"]),
    ],
)
def test_values_are_offered(line: str, some: list[str]) -> None:
    assert set(some) <= set(offered(line))


def test_what_is_half_written_is_replaced() -> None:
    text = "scenario: A\nsteps:\n  - pa"
    found = complete(text, 3, 6)
    assert found.start == 4
    park = next(option for option in found.options if option.label == "park")
    assert park.insert == "park: "
    assert park.info


@pytest.mark.parametrize("line", ["  # - ", "  - park: {slot: 6} # ", '  - name: "a # b'])
def test_nothing_is_offered_in_comments(line: str) -> None:
    assert offered(line) == [] or '"' in line


def test_a_fragment_and_a_second_document_have_keys_of_their_own() -> None:
    assert "params" in offered("", text="fragment: A\n")
    assert offered("", text="scenario: A\nsteps: []\n---\n")[0] == "scenario"


def test_any_place_of_any_text_is_answered() -> None:
    text = FILE + '\tx: [{"\n- - -\n}}}]]\n  "a: \'\n'
    for number, line in enumerate(text.split("\n"), 1):
        for column in range(len(line) + 1):
            complete(text, number, column)
    complete("", 9, 9)
