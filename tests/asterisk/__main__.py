"""`python -m tests.asterisk start` gives you an Asterisk to try scenarios on; `stop` ends it."""

from __future__ import annotations

import os
import shutil
import signal
import sys
from pathlib import Path

from .instance import DidNotStart, Instance, free_ports
from .packages import FOLDER, NotToBeHad, fetched
from .targets import file_text

RUN = FOLDER / "run"
PID = RUN / "asterisk.pid"
TARGETS = RUN / "scenario-targets.yaml"


def main(words: list[str]) -> int:
    """Start or stop; return the exit code."""
    match words:
        case ["start"]:
            return start()
        case ["stop"]:
            return stop()
        case _:
            print("usage: python -m tests.asterisk start | stop", file=sys.stderr)  # noqa: T201
            return 3


def start() -> int:
    """Start an Asterisk that stays, and print how to use it."""
    if _pid():
        print("it runs already", file=sys.stderr)  # noqa: T201
    else:
        shutil.rmtree(RUN, ignore_errors=True)
        try:
            instance = Instance(fetched(), RUN, free_ports())
            instance.start()
        except (NotToBeHad, DidNotStart) as error:
            print(f"no Asterisk: {error}", file=sys.stderr)  # noqa: T201
            return 1
        PID.write_text(str(instance.detach()))
        TARGETS.write_text(file_text(instance))
    print(TARGETS.read_text())  # noqa: T201
    shown = TARGETS.relative_to(Path.cwd()) if TARGETS.is_relative_to(Path.cwd()) else TARGETS
    print(f"# scenario-runner run --targets {shown} PATH...")  # noqa: T201
    return 0


def stop() -> int:
    """End the Asterisk that was started."""
    pid = _pid()
    if pid:
        os.kill(pid, signal.SIGKILL)
    shutil.rmtree(RUN, ignore_errors=True)
    return 0


def _pid() -> int | None:
    """Return the process that was started, if it is still that one."""
    try:
        pid = int(PID.read_text())
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
    except (OSError, ValueError):
        return None
    return pid if str(RUN).encode() in command else None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
