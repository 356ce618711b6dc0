from __future__ import annotations

from pathlib import Path

import pytest
from msgspec import structs

from scenario_runner.language.matchers import StartsWith
from scenario_runner.language.target import Allow
from scenario_runner.loading.reader import literal
from scenario_runner.source import Span
from tests.http.meeting import Met, meet_mock, scenario_deed
from tests.http.test_against_mock import with_settings

NUMBERS = (StartsWith(literal("+7812", Span("", 1, 1, 1, 1))),)
TWO = """
scenario: Two calls
steps:
  - call: {as: one, extension: 341, to: "+78120000443"}
  - call: {as: two, extension: 342, to: "%s"}
  - slots: {call: one, slot: 6}
    expect: {empty: true}
"""


def met(text: str, allow: Allow, tmp_path: Path, *, protected: bool = False) -> Met:
    return meet_mock(
        scenario_deed(text),
        tmp_path,
        lambda one: structs.replace(with_settings(one), allow=allow, protected=protected),
    )


def test_a_number_that_is_not_on_the_list_is_never_dialled(tmp_path: Path) -> None:
    found = met(TWO % "+74950000200", Allow(numbers=NUMBERS), tmp_path)
    assert found.verdicts == ["errored"]
    assert found.messages == [
        "target staging does not allow it: the number +74950000200 is not allowed"
    ]
    assert found.failures[0].hint == "allowed are: starts with +7812"
    assert sum("/mock/calls" in line for line in found.sent) == 1


def test_numbers_on_the_list_are_dialled(tmp_path: Path) -> None:
    assert met(TWO % "+78120000444", Allow(numbers=NUMBERS), tmp_path).verdicts == ["passed"]


def test_no_more_calls_than_allowed_are_up_at_once(tmp_path: Path) -> None:
    found = met(TWO % "+78120000444", Allow(max_calls=1), tmp_path)
    assert found.verdicts == ["errored"]
    assert found.messages == [
        "target staging does not allow it: 1 calls are up, and max_calls is 1"
    ]


@pytest.mark.parametrize("by", ["extension", "remote"])
def test_a_call_that_is_over_counts_no_longer(by: str, tmp_path: Path) -> None:
    hangup = f"  - hangup: {{call: one, by: {by}}}\n  - call: {{as: two"
    text = TWO.replace("  - call: {as: two", hangup) % "+78120000444"
    text = text.replace("slots: {call: one", "slots: {call: two")
    assert met(text, Allow(max_calls=1), tmp_path).verdicts == ["passed"]


def test_calls_are_counted_over_all_scenarios_and_given_back(tmp_path: Path) -> None:
    one = TWO.replace('  - call: {as: two, extension: 342, to: "%s"}\n', "")
    text = f"{one}---{one.replace('Two calls', 'Again')}"
    assert met(text, Allow(max_calls=1), tmp_path).verdicts == ["passed", "passed"]


RANDOM = """
scenario: Anybody
steps:
  - call: {as: one, extension: 341, to: "+78120000443"}
  - park: {call: one, slot: 6}
  - call: {as: two, extension: 342, to: "+78120000444"}
  - bridge: {call: two}
    expect: {with: one}
"""


@pytest.mark.parametrize(
    ("told", "protected", "verdict"),
    [
        (None, False, "passed"),
        (None, True, "errored"),
        (True, True, "passed"),
        (False, False, "errored"),
    ],
)
def test_a_bridge_with_anybody_needs_permission_on_a_protected_target(
    told: bool | None, protected: bool, verdict: str, tmp_path: Path
) -> None:
    found = met(RANDOM, Allow(random_bridge=told), tmp_path, protected=protected)
    assert found.verdicts == [verdict]
    if verdict == "errored":
        assert "may take anybody's call" in found.messages[0]


def test_a_call_that_lasts_too_long_is_hung_up_and_that_is_told(tmp_path: Path) -> None:
    text = """
scenario: Long
steps:
  - call: {as: one, extension: 341, to: "+78120000443"}
  - calls: {call: one}
    expect: {state: ended}
    within: 5s
    every: 10ms
"""
    found = met(text, Allow(max_duration=600_000_000), tmp_path)
    assert found.verdicts == ["passed"]
    (message,) = found.noticed("max-duration")
    assert message.endswith("lasted longer than max_duration 10m and was hung up")
