from __future__ import annotations

from pathlib import Path

import pytest

from scenario_runner.mock_pbx import fault_from_text
from tests.http.meeting import Met, meet_mock, scenario_deed
from tests.http.test_against_mock import with_settings

CALLS = """
  - call: {as: customer, extension: 341, to: "+78120000443"}
  - call: {as: colleague, extension: 342, to: "+74950000200"}
"""
PARK = "  - park: {call: customer, slot: 6}\n"
BRIDGE = "  - bridge: {call: colleague, slot: 6}\n    expect: {with: customer}\n"
HANGUP = "  - hangup: {call: customer, by: extension}\n"
CHECK = "  - slots: {call: colleague, slot: 7}\n    expect: {empty: true}\n"


def met(steps: str, *faults: str, tmp_path: Path, calls: str = "control") -> Met:
    deed = scenario_deed(f"scenario: lost\nsteps:{CALLS}{steps}{CHECK}")
    struck = tuple(fault_from_text(text) for text in faults)
    return meet_mock(deed, tmp_path, lambda one: with_settings(one, calls=calls), faults=struck)


def commands(found: Met, action: str) -> int:
    """How often a command with this word was sent before the cleanup."""
    return sum(action in line for line in found.sent)


@pytest.mark.parametrize(
    ("action", "steps", "word"),
    [
        ("park", PARK, "parked: the answer was lost, the PBX was asked"),
        ("bridge", PARK + BRIDGE, "joined: the answer was lost, the PBX was asked"),
        ("hangup", HANGUP, "ended: the answer was lost, the PBX was asked"),
    ],
)
def test_a_command_that_took_effect_is_found_out(
    action: str, steps: str, word: str, tmp_path: Path
) -> None:
    found = met(steps, f"drop-after,on={action},times=1", tmp_path=tmp_path)
    assert found.messages == []
    assert found.verdicts == ["passed"]
    assert any(note.startswith(word) for note in found.notes())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("action", "steps", "saw"),
    [
        ("park", PARK, "asked what became of it: slot 6 is empty"),
        ("bridge", PARK + BRIDGE, "asked what became of it: slot 6 holds "),
        ("hangup", HANGUP, "asked what became of it: the call goes on"),
    ],
)
def test_a_command_that_got_lost_is_not_repeated(
    action: str, steps: str, saw: str, tmp_path: Path
) -> None:
    found = met(steps, f"drop-before,on={action},times=1", tmp_path=tmp_path)
    assert found.verdicts == ["errored"]
    assert len(found.messages) == 1
    assert saw in found.messages[0]
    assert found.failures[0].hint is not None
    assert "not repeated" in found.failures[0].hint
    assert list(tmp_path.iterdir()) == []


def test_a_park_into_a_slot_of_another_stays_open(tmp_path: Path) -> None:
    steps = PARK + "  - park: {call: colleague, slot: 6}\n"
    found = met(steps, "drop-before,on=park,times=1,after=1", tmp_path=tmp_path)
    assert found.verdicts == ["errored"]
    assert "slot 6 holds " in found.messages[0]


def test_where_asking_fails_too_it_stays_open(tmp_path: Path) -> None:
    found = met(PARK, "drop-after,on=park,times=1", "drop-before,on=slots", tmp_path=tmp_path)
    assert found.verdicts == ["errored"]
    assert "asking failed, too" in found.messages[0]


@pytest.mark.parametrize("fault", ["drop-before", "drop-after", "502"])
def test_what_only_asks_is_repeated(fault: str, tmp_path: Path) -> None:
    steps = "  - slots: {call: colleague, slot: 6}\n    expect: {empty: true}\n"
    found = met(steps, f"{fault},on=slots,times=2", tmp_path=tmp_path)
    assert found.verdicts == ["passed"]
    assert commands(found, "valet_park") > 3


@pytest.mark.parametrize("calls", ["control", "callback"])
@pytest.mark.parametrize("kind", ["drop-after", "drop-before", "truncated"])
def test_a_call_whose_answer_was_lost_is_not_left_behind(
    kind: str, calls: str, tmp_path: Path
) -> None:
    call = "  - call: {as: third, extension: 343, to: '+7999'}\n    within: 300ms\n"
    park = "  - park: {call: third, slot: 8}\n"
    found = met(call + park, f"{kind},on=call,times=1,after=2", tmp_path=tmp_path, calls=calls)
    assert found.verdicts in (["errored"], ["passed"])
    assert not any("left behind" in message for message in found.messages)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("fault", ["500,on=slots", "429,on=slots,by=90s"])
def test_asking_until_the_time_is_up_finds_out_nothing_where_the_pbx_fails(
    fault: str, tmp_path: Path
) -> None:
    steps = (
        "  - slots: {call: colleague, slot: 6}\n    expect: {empty: true}\n"
        "    within: 30ms\n    every: 10ms\n"
    )
    found = met(steps, f"{fault},times=60", tmp_path=tmp_path)
    assert found.verdicts == ["errored"]
