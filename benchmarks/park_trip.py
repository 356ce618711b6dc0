"""How many files one failing `park` passes through, from the YAML line to the line in JUnit.

Run: python -m benchmarks.park_trip [-v]
A whole `run FILE --junit FILE` in this process; counted are the distinct files whose functions are
entered, whether at import or later. Bodies of modules and classes do not count, nor do lambdas and
comprehensions, which stand in some function. With -v the files are listed in the order of the trip.
"""

from __future__ import annotations

import inspect
import os
import sys
import tempfile
import threading
from collections import Counter
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import CodeType, FrameType

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "scenario_runner"
FULL_SLOT = """
scenario: a slot that is taken
steps:
  - call: {as: first, extension: 341, from: "+78120000443"}
  - call: {as: second, extension: 342, from: "+78120000444"}
  - park: {call: first, slot: 6}
  - park: {call: second, slot: 6}
"""
entered: dict[CodeType, str] = {}
"""The functions of the package, in the order in which they were entered first, with their files."""


def note(frame: FrameType, happening: str, _: object) -> None:
    code = frame.f_code
    named = code.co_flags & inspect.CO_OPTIMIZED and not code.co_name.startswith("<")
    if happening == "call" and code not in entered and named:
        file = code.co_filename
        if file.startswith(f"{PACKAGE}{os.sep}"):
            entered[code] = os.path.relpath(file, PACKAGE)


def trip(folder: Path) -> int:
    """Run the scenario; return the exit code."""
    scenario, junit = folder / "full.scenario.yaml", folder / "junit.xml"
    scenario.write_text(FULL_SLOT, encoding="utf-8")
    threading.setprofile(note)
    sys.setprofile(note)
    try:
        from scenario_runner.cli import main

        sys.argv[1:] = ["run", "--no-cache", str(scenario), "--junit", str(junit)]
        with redirect_stdout(StringIO()):
            main()
    except SystemExit as end:
        code = end.code
    finally:
        sys.setprofile(None)
        threading.setprofile(None)
    assert "<failure" in junit.read_text(encoding="utf-8")
    return int(code or 0)


def main() -> None:
    listed = "-v" in sys.argv
    sys.path.insert(0, str(ROOT))
    with tempfile.TemporaryDirectory() as folder:
        code = trip(Path(folder))
    assert code == 1, code
    files = Counter(entered.values())
    if listed:
        for file, functions in files.items():
            print(f"  {functions:4} functions  {file}")
    rooms = Counter(Path(file).parts[0] for file in files)
    print(f"files entered by one failing park with --junit: {len(files)} (at most 60)")
    print(f"functions: {len(entered)}")
    print("by room: " + ", ".join(f"{room} {count}" for room, count in rooms.most_common()))


if __name__ == "__main__":
    main()
