"""What a whole step costs: engine, driver and in-process mock beside the bare mock with JSON.

Run: python -m benchmarks.steps
The bare loop asks the mock the same question by `handle`, with JSON written and read, and nothing
else. Both sides are measured in turns in this one process, in its processor time; the ratio is what
counts.
"""

from __future__ import annotations

import json
import statistics
import textwrap
import time
from typing import TYPE_CHECKING

from scenario_runner.exchange import Request
from scenario_runner.execution.options import RunOptions
from scenario_runner.execution.results import Results
from scenario_runner.execution.targets import MOCK
from scenario_runner.execution.virtual import VirtualRun
from scenario_runner.exit_code import Exit
from scenario_runner.loading.documents import LoadOptions, load_text
from scenario_runner.masking import Mask
from scenario_runner.mock_pbx import PROFILES, MockPbx

if TYPE_CHECKING:
    from scenario_runner.events import Event

ROUNDS = 9
STEPS = 2_000

HEAD = """
scenario: many steps
timeout: 1h
steps:
  - call: {as: customer, extension: 341, from: "+78120000443"}
  - call: {as: colleague, extension: 342, to: "+74950000200"}
  - park: {call: customer, slot: 6}
"""
STEP = "  - slots: {call: colleague, slot: 6}\n    expect: {holds: customer}\n"


def scenario(steps: int) -> str:
    repeated = textwrap.indent(STEP, "    ")
    body = f"  - repeat:\n      times: {steps // 2}\n      steps:\n{repeated}{repeated}"
    return HEAD + body


def bare(steps: int) -> float:
    """Return the microseconds of one question to the bare mock."""
    mock = MockPbx(PROFILES["vendor"], seed=1)
    form = (("Content-Type", "application/x-www-form-urlencoded"),)
    grant = b"grant_type=client_credentials&client_id=a&client_secret=b"
    answer = mock.handle(Request(method="POST", path="/oauth/token", headers=form, body=grant), 0)
    token = json.loads(answer.response.body)["access_token"]
    headers = (("Content-Type", "application/json"), ("Authorization", f"Bearer {token}"))

    def ask(method: str, path: str, body: object) -> dict[str, str]:
        request = Request(method=method, path=path, headers=headers, body=json.dumps(body).encode())
        told: dict[str, str] = json.loads(mock.handle(request, 0).response.body)
        return told

    call = {"extension": "341", "from": "+78120000443", "answered": True}
    calls = [ask("POST", "/mock/calls", call), ask("POST", "/mock/calls", call)]
    paths = [f"/api/ver1.0/extension/34414/valet_park/{call['call_api_id']}" for call in calls]
    ask("PUT", paths[0], {"action": "park", "slot": 6})
    begin = time.process_time()
    for _ in range(steps):
        told = ask("PUT", paths[1], {"action": "slots", "slot": 6})
    assert told["UUID"] == calls[0]["uuid"]
    return (time.process_time() - begin) / steps * 1e6


def whole(steps: int) -> float:
    """Return the microseconds of one step of a scenario."""
    (loaded,) = load_text(scenario(steps), "benchmark", LoadOptions()).scenarios
    results, events = Results(), [0]

    def count(_: Event) -> None:
        events[0] += 1

    run = VirtualRun(target=MOCK, options=RunOptions(), mask=Mask(), emit=count)
    begin = time.process_time()
    run.run([loaded], results)
    took = (time.process_time() - begin) / steps * 1e6
    assert results.exit_code() is Exit.PASSED
    assert events[0] > 3 * steps
    return took


def main() -> None:
    bares = [bare(STEPS) for _ in range(2)]
    wholes = [whole(STEPS) for _ in range(2)]
    bares.clear()
    wholes.clear()
    for _ in range(ROUNDS):
        bares.append(bare(STEPS))
        wholes.append(whole(STEPS))
    one, step = statistics.median(bares), statistics.median(wholes)
    print(f"bare mock with JSON  {one:8.1f} µs")
    print(f"whole step           {step:8.1f} µs   ({1e6 / step:,.0f} a second)")
    print(f"ratio                {step / one:8.2f}      (at most 3.5)")
    small, large = (min(whole(n) * n for _ in range(3)) for n in (1_000, 10_000))
    print(f"10 times the steps take {large / small:.1f} times the time (at most 11)")


if __name__ == "__main__":
    main()
