"""What reports cost: a run of 1,000 scenarios without any, with one at a time, and with all.

Run: python -m benchmarks.reports
The time of the run without reports is the yardstick; the ratio is what counts.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from time import process_time

from scenario_runner.execution.run import RunRequest, run_whole
from scenario_runner.reporters import Reporters, open_reporter, reporter_names

ROUNDS = 3
ROWS = list(range(1, 11))
TEN_STEPS = f"""
scenario: ten steps
matrix: {{slot: {ROWS}, tens: {ROWS}, hundreds: {ROWS}}}
steps:
  - call: {{as: customer, extension: 341, from: "+78120000443"}}
  - call: {{as: colleague, extension: 342, to: "+74950000200"}}
  - slots: {{call: colleague, slot: $slot}}
    expect: {{empty: true}}
  - park: {{call: customer, slot: $slot}}
  - slots: {{call: colleague, slot: $slot}}
    expect: {{holds: customer}}
  - set: {{seen: $tens}}
  - check: {{that: $seen, equals: $tens}}
  - check: {{that: $hundreds, at_least: 1}}
  - bridge: {{call: colleague, slot: $slot}}
    expect: {{with: customer}}
  - slots: {{call: colleague, slot: $slot}}
    expect: {{empty: true}}
"""


def seconds(file: Path, names: tuple[str, ...]) -> float:
    """Return the processor time of a run with these reporters."""
    begin = process_time()
    reporters = Reporters([(name, open_reporter(name, f"{file}.{name}")) for name in names])
    run_whole(RunRequest(paths=(str(file),)), reporters.handle)
    reporters.close()
    return process_time() - begin


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "ten.scenario.yaml"
        file.write_text(TEN_STEPS)
        seconds(file, ())
        names = reporter_names()
        bare = min(seconds(file, ()) for _ in range(ROUNDS))
        print(f"1,000 scenarios of ten steps without a report: {bare:.1f} s")
        for name in names:
            cost = min(seconds(file, (name,)) for _ in range(ROUNDS)) / bare - 1
            print(f"  {name:10} {cost:6.0%}")
        cost = min(seconds(file, names) for _ in range(ROUNDS)) / bare - 1
        print(f"  {'all':10} {cost:6.0%}   (at most 120 %; lines of JSON alone at most 40 %)")


if __name__ == "__main__":
    main()
