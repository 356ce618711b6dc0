from __future__ import annotations

from pathlib import Path

import pytest
from msgspec import structs

from scenario_runner.events import PbxReported
from scenario_runner.language.target import Target
from scenario_runner.mock_pbx import Profile
from scenario_runner.pbx.ringme.access import EventSettings, RestAccess
from tests.http.meeting import meet_mock, scenario_deed

WALK = """
scenario: Park and pick up
steps:
  - call: {as: customer, extension: 341, to: "+78120000443"}
  - park: {call: customer, slot: 6}
  - call: {as: colleague, extension: 342, to: "+74950000200"}
  - slots: {call: colleague, slot: 6}
    expect: {holds: customer}
  - park: {call: colleague, slot: 6}
    expect: {refused: slot-full}
  - bridge: {call: colleague, slot: 6}
    expect: {with: customer}
  - slots: {call: colleague, slot: 6}
    expect: {empty: true}
"""

EVENTS = """
scenario: Events come
steps:
  - call: {as: customer, extension: 341, to: "+78120000443"}
  - hangup: {call: customer, by: extension}
    id: over
  - event: {type: hangup, call: customer, since: over}
    within: 5s
"""


def with_settings(one: Target, **more: object) -> Target:
    assert isinstance(one.settings, RestAccess)
    return structs.replace(one, settings=structs.replace(one.settings, **more))


@pytest.mark.parametrize("calls", ["control", "callback"])
def test_the_same_scenario_passes_over_http(calls: str, tmp_path: Path) -> None:
    met = meet_mock(scenario_deed(WALK), tmp_path, lambda one: with_settings(one, calls=calls))
    assert met.messages == []
    assert met.verdicts == ["passed"]
    assert not met.noticed("rate-limit")
    assert list(tmp_path.iterdir()) == []


def test_a_rate_limit_is_told_where_it_is_near(tmp_path: Path) -> None:
    met = meet_mock(scenario_deed(WALK), tmp_path, profile=Profile(hourly_limit=10))
    (told,) = met.noticed("rate-limit")
    assert "of 10 requests are left" in told


@pytest.mark.parametrize("events", [None, EventSettings()], ids=["polled", "delivered"])
@pytest.mark.parametrize("calls", ["control", "callback"])
def test_events_come_by_delivery_and_by_polling(
    events: EventSettings | None, calls: str, tmp_path: Path
) -> None:
    met = meet_mock(
        scenario_deed(EVENTS), tmp_path, lambda one: with_settings(one, events=events, calls=calls)
    )
    assert met.messages == []
    assert met.verdicts == ["passed"]
    assert {event.type for event in met.of(PbxReported)} >= {"dial-out", "answer", "hangup"}
    assert met.notices == []
    assert list(tmp_path.iterdir()) == []


def test_one_token_serves_all_scenarios(tmp_path: Path) -> None:
    text = "---".join(WALK.replace("up\n", f"up {n}\n", 1) for n in range(3))
    met = meet_mock(scenario_deed(text), tmp_path)
    assert met.verdicts == ["passed"] * 3
    assert sum(line.startswith("POST /oauth/token") for line in met.sent) == 1
