"""How many scenarios a load generator starts a second, and how late: against a served mock.

Run: python -m benchmarks.generator [--for 20s] [--rates 200,300] [--walk 60,100]
The mock and the generator are processes of their own, so they need two cores. A rate is kept where
the lag of the generator stays below 50 ms at the 99th percentile; a busy machine is late of itself.
The processor time of a start is what it costs, however busy the machine is.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from scenario_runner.durations import MILLISECOND
from scenario_runner.loadtest.report import LoadReport, read_report
from scenario_runner.mock_pbx import PROFILES

EXTENSIONS = range(1000, 1500)
PARK = """
scenario: Call, park, hang up
needs: {slots: [slot], extensions: [desk]}
steps:
  - call: {as: customer, extension: $desk, from: "+78120000443"}
  - park: {call: customer, slot: $slot}
    expect: {refused: none}
  - hangup: {call: customer}
"""
WALK = """
scenario: The walk-through of example 01
needs: {slots: [slot], extensions: [desk, pickup]}
steps:
  - call: {as: customer, extension: $desk, from: "+78120000443"}
  - park: {call: customer, slot: $slot}
  - call: {as: colleague, extension: $pickup, to: "+74950000200"}
  - slots: {call: colleague, slot: $slot}
    expect: {holds: customer}
  - bridge: {call: colleague, slot: $slot}
  - slots: {call: colleague, slot: $slot}
    expect: {empty: true}
"""


def targets(url: str) -> str:
    """Return a targets file for the mock at `url`."""
    target = {
        "driver": "ringme",
        "url": url,
        "client_id": "load",
        "client_secret": "benchmark",
        "calls": "control",
        "slots": "1-500",
        "extensions": {str(n): PROFILES["vendor"].extension_id(n) for n in EXTENSIONS},
        "max_at_once": 100,
        "allow": {"load": True, "max_calls": 1000},
    }
    return json.dumps({"default": "served", "targets": {"served": target}})


def load(folder: Path, name: str, rate: int, duration: str) -> tuple[LoadReport, float]:
    """Run a load, and return its report and the processor seconds that it took."""
    before = os.times()
    command = [sys.executable, "-m", "scenario_runner", "load", f"{name}.scenario.yaml", "-q"]
    command += ["--rate", f"{rate}/s", "--for", duration, "--json", "load.json"]
    subprocess.run(command, cwd=folder, stdout=subprocess.DEVNULL, check=False)
    after = os.times()
    used = after.children_user + after.children_system
    used -= before.children_user + before.children_system
    return read_report(str(folder / "load.json")), used


def show(name: str, rate: int, report: LoadReport, used: float) -> None:
    """Print what came of one rate."""
    tally, lag = report.tally, max(report.late.p99, report.stalls.p99)
    kept = "kept" if lag <= 50 * MILLISECOND and tally.passed == tally.arrived else "missed"
    row = report.row()
    print(
        f"{name:16} {rate:4}/s: {tally.passed:,} of {tally.arrived:,} passed, lag p99 "
        f"{lag / MILLISECOND:.1f} ms, scenario p99 {row.p99 / MILLISECOND if row else 0:.1f} ms, "
        f"{used / max(1, tally.started) * 1000:.2f} ms of processor a start: {kept}"
    )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--for", dest="duration", default="20s")
    parser.add_argument("--rates", default="200,300")
    parser.add_argument("--walk", default="60,100")
    given = parser.parse_args()
    command = [sys.executable, "-m", "scenario_runner", "mock", "--port", "0", "--slots", "500"]
    command += ["--extensions", f"{EXTENSIONS[0]}-{EXTENSIONS[-1]}", "--no-access-log"]
    command += ["--hourly-limit", "100000000"]
    mock = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert mock.stdout is not None
        url = mock.stdout.readline().strip()
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            (folder / "scenario-targets.yaml").write_text(targets(url))
            (folder / "park.scenario.yaml").write_text(PARK)
            (folder / "walk.scenario.yaml").write_text(WALK)
            for file, title, rates in (
                ("park", "call park hangup", given.rates),
                ("walk", "example 01", given.walk),
            ):
                for rate in map(int, rates.split(",")):
                    show(title, rate, *load(folder, file, rate, given.duration))
    finally:
        mock.terminate()
        mock.wait()


if __name__ == "__main__":
    main()
