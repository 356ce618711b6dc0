"""SIP phones for the tests: SIPp processes that answer, call, give up, or only ring."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from .ports import free_udp_ports

if TYPE_CHECKING:
    from .instance import Instance

SCRIPTS = Path(__file__).parent / "phones"


@dataclass(slots=True)
class Phones:
    """The phones at one Asterisk; leaving the `with` block ends them."""

    instance: Instance
    _processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def __enter__(self) -> Phones:
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._processes:
            process.kill()
            process.wait()
        # A phone that hears a prompt would be there for some seconds more.
        self.instance.console("channel", "request", "hangup", "all")

    def answers(self, port: int) -> None:
        """Have a phone at this port that answers every call."""
        self._run("-sn", "uas", "-p", str(port))

    def only_rings(self, port: int) -> None:
        """Have a phone at this port that nobody answers."""
        self._run("-sf", str(SCRIPTS / "only_rings.xml"), "-p", str(port))

    def calls(self, number: str, user: str) -> None:
        """Let a phone call a number, and stay in the call."""
        self._calls("calls.xml", number, user)

    def calls_and_gives_up(self, number: str, user: str) -> None:
        """Let a phone call a number, and hang up after 1.2 seconds."""
        self._calls("gives_up.xml", number, user)

    def _calls(self, script: str, number: str, user: str) -> None:
        port = free_udp_ports(1)[0]
        words = ["-sf", str(SCRIPTS / script), "-s", number, "-key", "user", user]
        words += ["-p", str(port), "-m", "1", f"127.0.0.1:{self.instance.ports.sip}"]
        self._run(*words)

    def _run(self, *words: str) -> None:
        media, control = free_udp_ports(2)
        own = ["-i", "127.0.0.1", "-mi", "127.0.0.1", "-mp", str(media)]
        own += ["-ci", "127.0.0.1", "-cp", str(control), "-nostdin", "-nd"]
        command = self.instance.unpacked.command("usr/bin/sipp", *words, *own)
        log = self.instance.run / f"phone-{len(self._processes)}.log"
        with log.open("wb") as out:
            self._processes.append(
                subprocess.Popen(
                    command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, cwd=log.parent
                )
            )
