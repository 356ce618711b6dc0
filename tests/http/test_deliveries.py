from __future__ import annotations

from pathlib import Path

import pytest

from scenario_runner.mock_pbx import fault_from_text
from scenario_runner.pbx.ringme.access import EventSettings
from tests.http.meeting import meet_mock, scenario_deed
from tests.http.test_against_mock import with_settings

TEXT = """
scenario: Events
steps:
  - call: {as: one, extension: 341, to: "+78120000443"}
  - park: {call: one, slot: 6}
  - event: {type: hangup, call: one, since: up}
    within: 5s
  - wait: 60ms
"""


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ("event-doubled,on=answer", "event-doubled"),
        ("event-lost,on=dial-out", "event-lost"),
    ],
)
def test_faulty_deliveries_are_told_and_do_not_change_the_verdict(
    fault: str, code: str, tmp_path: Path
) -> None:
    text = TEXT.replace("  - park", "    id: up\n  - park")
    met = meet_mock(
        scenario_deed(text),
        tmp_path,
        lambda one: with_settings(one, events=EventSettings()),
        faults=(fault_from_text(fault),),
    )
    assert met.messages == []
    assert met.verdicts == ["passed"]
    assert len(met.noticed(code)) == 1
