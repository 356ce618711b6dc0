"""A slot that is parked into and that nothing looks into is warned about, and no other."""

from __future__ import annotations

from pathlib import Path

import pytest

from scenario_runner.loading.documents import LoadOptions, load

FRAGMENT = """
fragment: Who is in the slot
params: {who: {type: call}, slot: {type: integer}}
steps:
  - slots: {call: who, slot: $slot}
    expect: {holds: who}
"""
SCENARIO = """
scenario: slots
vars: {space: 6}
steps:
  - call: {as: a, extension: 341, from: "+7"}
  - call: {as: b, extension: 342, from: "+8"}
  - park: {call: a, slot: 6}
"""
RACE = """\
scenario: race
steps:
  - call: {as: a, extension: 341, from: "+7"}
  - call: {as: b, extension: 342, from: "+8"}
  - together:
      - park: {call: a, slot: SLOT}
      - park: {call: b, slot: 6}
    expect: {succeeded: 1, refused: {slot-full: 1}}
"""


def codes(folder: Path, text: str) -> list[str]:
    (folder / "part.yaml").write_text(FRAGMENT)
    file = folder / "a.scenario.yaml"
    file.write_text(text)
    (loaded,) = load([str(file)], LoadOptions(root=str(folder), strict=True))
    return [problem.code for problem in loaded.problems]


@pytest.mark.parametrize(
    "looks",
    [
        "  - park: {call: b, slot: 6}\n    expect: {refused: slot-full}",
        "  - park: {call: b, slot: $space}\n    expect: {refused: slot-full}",
        "  - park: {call: b, slot: 6}\n    expect: {message: {contains: occupied}}",
        "  - park: {call: b, slot: 6}\n    expect: {status: 409}",
        "  - slots: {call: b, slot: 6}",
        "  - slots: {call: b, slot: $space}",
        "  - bridge: {call: b, slot: '6'}",
        "  - bridge: {call: b}\n    expect: {with: a}",
        "  - event: {type: dial-in, call: a}",
        "  - request: {post: /slot/6, json: {action: slots}}",
        "  - use: {file: part.yaml, with: {who: a, slot: 6}}",
        "  - use: {file: part.yaml, with: {who: a, slot: $space}}",
    ],
)
def test_steps_that_look_into_the_slot(tmp_path: Path, looks: str) -> None:
    used = "\n  - calls: {extension: 342}\n    expect: {includes: [a, b], body: {x: $space}}\n"
    assert codes(tmp_path, SCENARIO + looks + used) == []


@pytest.mark.parametrize(
    "looks",
    [
        "  - calls: {call: b}",
        "  - slots: {call: b, slot: 7}",
        "  - park: {call: b, slot: 7}\n    expect: {refused: slot-full}",
        "  - use: {file: part.yaml, with: {who: a, slot: 7}}",
    ],
)
def test_steps_that_do_not(tmp_path: Path, looks: str) -> None:
    used = "\n  - calls: {extension: 342}\n    expect: {includes: [a, b], body: {x: $space}}\n"
    assert codes(tmp_path, SCENARIO + looks + used) == ["slot-never-named"]


def test_a_second_parking_there_that_succeeds_tells_nothing_of_the_first(tmp_path: Path) -> None:
    again = "  - hangup: {call: a}\n  - park: {call: b, slot: $space}\n"
    assert codes(tmp_path, SCENARIO + again) == ["slot-never-named"] * 2


def test_a_race_for_one_slot_tells_that_it_is_full(tmp_path: Path) -> None:
    assert codes(tmp_path, RACE.replace("SLOT", "6")) == []


def test_a_race_for_two_slots_does_not(tmp_path: Path) -> None:
    assert codes(tmp_path, RACE.replace("SLOT", "7")) == ["slot-never-named"] * 2
