"""Every fault crossed with every action: never a false verdict, nothing left behind, no hang."""

from __future__ import annotations

import pytest

from scenario_runner.mock_pbx.faults import Kind
from tests.faults.crossing import crossed

CALLS = """
- call: {as: customer, extension: 341, from: "+78120000443"}
- call: {as: colleague, extension: 342, to: "+74950000200"}
"""
PARKED = CALLS + "- park: {call: customer, slot: 6}\n"
HOLDS = "- slots: {call: colleague, slot: 6}\n  expect: {holds: customer}\n"
VALET = "/extension/34414/valet_park/$customer.call_api_id"

ACTIONS = {
    "call": ("call", CALLS + "- calls: {call: customer}\n  expect: {state: up}\n"),
    "answer": (
        "answer",
        """
        - call: {as: customer, extension: 341, from: "1", answered: false}
        - answer: {call: customer}
        - calls: {call: customer}
          expect: {state: up}
        """,
    ),
    "park": ("park", PARKED + HOLDS),
    "slots": ("slots", PARKED + HOLDS),
    "bridge": (
        "bridge",
        PARKED
        + "- bridge: {call: colleague, slot: 6}\n  expect: {with: customer}\n"
        + "- slots: {call: colleague, slot: 6}\n  expect: {empty: true}\n",
    ),
    "random bridge": ("bridge", PARKED + "- bridge: {call: colleague}\n"),
    "hangup": (
        "hangup",
        CALLS
        + "- hangup: {call: customer, by: extension}\n"
        + "- calls: {call: customer}\n  expect: {state: ended}\n",
    ),
    "remote hangup": (
        "hangup",
        PARKED
        + "- hangup: {call: customer}\n"
        + "- slots: {call: colleague, slot: 6}\n  expect: {empty: true}\n",
    ),
    "calls": ("calls", CALLS + "- calls: {extension: 341}\n  expect: {count: 1}\n"),
    "state of a call": ("calls", PARKED + "- calls: {call: customer}\n  expect: {state: parked}\n"),
    "event": ("event", PARKED + "- event: {type: hangup, call: customer}\n"),
    "request": (
        "park",
        CALLS
        + f"- request: {{put: {VALET}, json: {{action: park, slot: 6}}}}\n"
        + "  expect: {body: {action: park}}\n",
    ),
    "other request": (
        "request",
        CALLS + "- request: {get: /nothing}\n  expect: {refused: not-found}\n",
    ),
    "token": ("token", CALLS + HOLDS.replace("{holds: customer}", "{empty: true}")),
    "full slot": (
        "park",
        CALLS
        + "- park: {call: customer, slot: 6}\n"
        + "- park: {call: colleague, slot: 6}\n  expect: {refused: slot-full}\n",
    ),
}
LONG = {Kind.LATENCY: ",by=40s", Kind.SLOW_BODY: ",by=40s"}
SURE = (
    Kind.SERVER_ERROR, Kind.BAD_GATEWAY, Kind.TOO_MANY, Kind.TRUNCATED, Kind.OVERSIZED,
    Kind.NOT_JSON,
)  # fmt: skip
"""What the driver can only take for a fault, and can't mend by itself where calls change."""
READING = ("slots", "calls", "state of a call", "event", "token")


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("action", ACTIONS)
def test_a_fault_that_strikes_once(action: str, kind: Kind) -> None:
    on, steps = ACTIONS[action]
    found = crossed(steps, f"{kind.value},on={on},times=1{LONG.get(kind, '')}")
    assert found.verdict in ("errored", "passed"), found.messages
    if kind in SURE and action not in READING:
        assert found.verdict == "errored"
    if kind is Kind.EXPIRED_TOKEN:
        assert found.verdict == "passed", found.messages
    assert found.left == []
    if found.verdict == "errored":
        assert found.messages
        assert not any("left behind" in message for message in found.messages), found.messages


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("action", ACTIONS)
def test_a_fault_that_strikes_always(action: str, kind: Kind) -> None:
    on, steps = ACTIONS[action]
    found = crossed(steps, f"{kind.value},on={on}{LONG.get(kind, '')}")
    residue = bool(found.messages) and all("left behind" in text for text in found.messages)
    assert found.verdict in ("errored", "passed") or residue, found.messages
    assert residue == bool(found.verdict == "failed")


@pytest.mark.parametrize("kind", [Kind.LATENCY, Kind.SLOW_BODY])
@pytest.mark.parametrize("action", ACTIONS)
def test_what_is_only_slow_passes(action: str, kind: Kind) -> None:
    on, steps = ACTIONS[action]
    found = crossed(steps, f"{kind.value},on={on},by=100ms")
    assert found.verdict == "passed", found.messages
    assert found.left == []


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("kind", Kind)
def test_faults_by_chance(kind: Kind, seed: int) -> None:
    faults = (f"{kind.value},probability=0.3,after={seed}{LONG.get(kind, '')}",)
    found = crossed(ACTIONS["bridge"][1], *faults)
    assert found.verdict in ("errored", "passed"), found.messages
