from __future__ import annotations

from urllib.parse import parse_qs

import pytest

from scenario_runner.pbx.protocol import PbxEvent, Trace
from scenario_runner.pbx.ringme.events import differences, form_of, glances
from scenario_runner.references import Json

API_ID = "3232240860-37b98fb2-a66c-11ea-ae69-6fd86d94a0e0"


class Heard:
    """A watcher that keeps what it is told."""

    def __init__(self) -> None:
        self.traces: list[Trace] = []
        self.events: list[PbxEvent] = []

    def traced(self, trace: Trace) -> None:
        self.traces.append(trace)

    def reported(self, event: PbxEvent) -> None:
        self.events.append(event)

    def deaf(self, at: int) -> None:
        del at

    def hearing(self, at: int) -> None:
        del at


def entry(answered: bool, flow: str = "IN") -> dict[str, Json]:
    return {
        "call_api_id": API_ID,
        "call_flow": flow,
        "answer_time_gmt": "2026-01-01 00:00:00" if answered else None,
        "caller_id_number": "+7812",
        "called_number": "022*341",
    }


RINGING, UP, OUT = entry(answered=False), entry(answered=True), entry(answered=True, flow="OUT")


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ((), (), []),
        ((), (RINGING,), ["dial-in"]),
        ((), (UP,), ["dial-in", "answer"]),
        ((), (OUT,), ["dial-out", "answer"]),
        ((RINGING,), (UP,), ["answer"]),
        ((RINGING,), (RINGING,), []),
        ((UP,), (), ["hangup"]),
        ((UP,), (RINGING,), ["dial-in"]),
    ],
)
def test_two_looks_tell_what_happened_between(
    before: tuple[dict[str, Json], ...], after: tuple[dict[str, Json], ...], told: list[str]
) -> None:
    assert [kind for kind, _ in differences(glances(before), glances(after))] == told


@pytest.mark.parametrize(
    ("kind", "one", "status"),
    [("dial-in", RINGING, "CALLING"), ("answer", UP, "ANSWER"), ("hangup", UP, "ANSWER"),
     ("hangup", RINGING, "CANCEL")],
)  # fmt: skip
def test_what_was_seen_is_told_as_a_delivery_would(
    kind: str, one: dict[str, Json], status: str
) -> None:
    form = {name: values[0] for name, values in parse_qs(form_of(kind, one, "34414")).items()}
    assert form == {
        "EventType": kind,
        "CallID": "37b98fb2a66c11eaae696fd86d94a0e0",
        "SubCallID": "34414-37b98fb2a66c11eaae696fd86d94a0e0",
        "CallAPIID": API_ID,
        "CallStatus": status,
        "CallFlow": "in",
        "CallerIDNum": "+7812",
        "CalledNumber": "022*341",
    }
