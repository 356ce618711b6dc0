"""Faults of a served mock, as the runner's own HTTP transport meets them."""

from __future__ import annotations

import asyncio

import pytest

from scenario_runner.errors import AnswerLost, BadAnswer, PbxError, TimedOut
from scenario_runner.exchange import Request, Response
from scenario_runner.mock_pbx import fault_from_text
from scenario_runner.mock_pbx.server.app import MockOptions, mock_server
from scenario_runner.pbx.ringme.access import RestAccess
from scenario_runner.pbx.ringme.client import HttpTransport

PLACE = Request(
    method="POST", path="/mock/calls", body=b'{"extension": 341, "from": "+78120000443"}'
)
STATE = Request(method="GET", path="/mock/state")


def met(fault: str, within: float = 5.0) -> tuple[Response | PbxError, int]:
    """Place a call on a mock with this fault; return what came of it and how many calls are up."""

    async def place() -> tuple[Response | PbxError, int]:
        options = MockOptions(port=0, faults=(fault_from_text(f"{fault},on=call"),))
        async with mock_server(options) as url:
            access = RestAccess(url=url, client_id="", client_secret="")
            transport = HttpTransport(access, "served")
            try:
                outcome: Response | PbxError = await transport.send(PLACE, within)
            except PbxError as error:
                outcome = error
            state = await transport.send(STATE, 5.0)
            await transport.close()
        return outcome, state.body.count(b'"uuid"')

    return asyncio.run(place())


@pytest.mark.parametrize(
    ("fault", "error", "calls"),
    [
        ("drop-before", AnswerLost, 0),
        ("drop-after", AnswerLost, 1),
        ("oversized", BadAnswer, 1),
    ],
)
def test_a_broken_exchange_is_an_error(fault: str, error: type[PbxError], calls: int) -> None:
    assert (type(met(fault)[0]), met(fault)[1]) == (error, calls)


@pytest.mark.parametrize("fault", ["latency,by=10s", "slow-body,by=10s"])
def test_what_is_too_slow_times_out(fault: str) -> None:
    outcome, calls = met(fault, within=0.2)
    assert (type(outcome), calls) == (TimedOut, 1)


@pytest.mark.parametrize("fault", ["latency,by=5ms", "slow-body,by=8ms"])
def test_what_is_only_slow_comes_whole(fault: str) -> None:
    outcome, calls = met(fault)
    assert isinstance(outcome, Response)
    assert (outcome.status, calls) == (201, 1)
    assert b"call_api_id" in outcome.body


@pytest.mark.parametrize(
    ("fault", "status", "calls"),
    [
        ("429", 429, 0),
        ("500", 500, 0),
        ("502", 502, 0),
        ("truncated", 201, 1),
        ("not-json", 200, 1),
    ],
)
def test_what_comes_whole_is_passed_on(fault: str, status: int, calls: int) -> None:
    outcome, up = met(fault)
    assert isinstance(outcome, Response)
    assert (outcome.status, up) == (status, calls)
