"""Kills a hundred runs on a real Asterisk at any moment, and counts what the cleanup leaves.

    python -m benchmarks.kills [COUNT]

Starts an Asterisk from Debian's packages (see tests/asterisk) and ends it. Twenty runs at a time
place, park, join and hang up calls, and each is killed at a moment of its own. The yardstick is
nothing: no channel may be left.
"""

from __future__ import annotations

import asyncio
import shutil
import sys
import tempfile
from pathlib import Path
from random import Random

from tests.asterisk.instance import Instance, discard, free_ports
from tests.asterisk.packages import NotToBeHad, fetched
from tests.asterisk.targets import file_text
from tests.tracked.killed import killed_at_once

AT_ONCE = 20


def measure(instance: Instance, folder: Path, count: int) -> int:
    """Kill so many runs, and return how many channels are left in the end."""
    found, random = 0, Random(count)
    for begin in range(0, count, AT_ONCE):
        targets = folder / str(begin) / "scenario-targets.yaml"
        targets.parent.mkdir()
        targets.write_text(file_text(instance))
        batch = min(AT_ONCE, count - begin)
        found += len(asyncio.run(killed_at_once(targets, "patient", batch, random)))
    listed = instance.console("core", "show", "channels", "concise").splitlines()
    left = sum("!" in line for line in listed)
    print(f"{count} runs killed, {found} channels to look for, {left} left")
    return left


def main() -> int:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    folder = Path(tempfile.mkdtemp(prefix="kills-"))
    try:
        instance = Instance(fetched(), folder / "asterisk", free_ports())
    except NotToBeHad as error:
        print(f"no Asterisk to measure: {error}", file=sys.stderr)
        return 1
    instance.start()
    try:
        left = measure(instance, folder, count)
    finally:
        discard(instance)
        shutil.rmtree(folder, ignore_errors=True)
    return 1 if left else 0


if __name__ == "__main__":
    sys.exit(main())
