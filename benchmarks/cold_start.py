"""How long a command takes from a cold start, beside the bare imports it can't do without.

Run: python -m benchmarks.cold_start
Each pair of commands is run in turns as whole processes; the median of the ratios is what counts.
Measured is the processor's time of a process, which others on the machine hardly change.
"""

from __future__ import annotations

import compileall
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROUNDS = 15
SMOKE = """
scenario: smoke
steps:
  - call: {as: customer, extension: 341, from: "+78120000443"}
  - park: {call: customer, slot: 6}
  - slots: {call: customer, slot: 6}
    expect: {holds: customer}
"""
PACKAGE = Path(__file__).parent.parent / "scenario_runner"
RUNNER = (sys.executable, "-m", "scenario_runner")


def seconds(command: tuple[str, ...]) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def compare(name: str, ours: tuple[str, ...], bare: str, most: float) -> None:
    reference = (sys.executable, "-c", bare)
    seconds(ours), seconds(reference)
    pairs = [(seconds(ours), seconds(reference)) for _ in range(ROUNDS)]
    ratio = statistics.median(a / b for a, b in pairs)
    one, other = (statistics.median(side) * 1000 for side in zip(*pairs, strict=True))
    print(f"{name:12} {one:7.0f} ms   {bare:45} {other:7.0f} ms   {ratio:5.2f} (at most {most})")


def main() -> None:
    compileall.compile_dir(PACKAGE, quiet=1)  # as an installation does; else each start compiles
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "smoke.scenario.yaml"
        file.write_text(SMOKE)
        run = (*RUNNER, "run", "-q", str(file))
        compare("one scenario", run, "import click, ruamel.yaml, jsonschema", 1.9)
    compare("--version", (*RUNNER, "--version"), "import click", 1.3)
    compare("--help", (*RUNNER, "--help"), "import click", 1.3)


if __name__ == "__main__":
    main()
