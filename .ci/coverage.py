"""Holds each part of the package to its floor of coverage, after the tests ran under it.

The pure floors (what computes and touches nothing) are covered whole, branches included; the rest
to 95 %.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

PURE = (
    "clock",
    "durations",
    "exchange",
    "http/hosts",
    "http/messages",
    "masking",
    "matching",
    "mock_pbx/invariants",
    "mock_pbx/seeding",
    "mock_pbx/switch",
    "references",
    "source",
)
REST = 95.0


def _is(name: str, file: str) -> bool:
    """Tell whether a file of the report is the module of that name."""
    return file == f"scenario_runner/{name}.py"


def main() -> int:
    """Return 0 where every floor is held."""
    python = [sys.executable, "-m", "coverage"]
    data = Path(".coverage-report.json")
    subprocess.run([*python, "report"], check=False)
    subprocess.run([*python, "json", "--quiet", "-o", str(data)], check=True)
    report = json.loads(data.read_text())
    data.unlink()
    unknown = [name for name in PURE if not any(_is(name, file) for file in report["files"])]
    low = [f"{name}: no file of the package is named so" for name in unknown]
    low += [
        f"{file}: {entry['summary']['percent_covered']:.1f} %, not 100 %"
        for file, entry in sorted(report["files"].items())
        if any(_is(name, file) for name in PURE) and entry["summary"]["percent_covered"] < 100
    ]
    total = report["totals"]["percent_covered"]
    if total < REST:
        low.append(f"the whole package: {total:.1f} %, not {REST} %")
    sys.stdout.write("\n".join(low) or f"coverage holds its floors: {total:.1f} % of the package")
    sys.stdout.write("\n")
    return 1 if low else 0


if __name__ == "__main__":
    sys.exit(main())
