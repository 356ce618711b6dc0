"""Starts and ends a private Asterisk on free ports of this machine's loopback."""

from __future__ import annotations

import math
import os
import shutil
import signal
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from .ports import free_tcp_port, free_udp_ports

if TYPE_CHECKING:
    from .packages import Unpacked

CONF = Path(__file__).parent / "conf"
USER = "runner"
SECRET = "runner-secret"
_READY_S = 20


class DidNotStart(Exception):
    """Asterisk ended, or never came up; the message has the end of its log."""


@dataclass(frozen=True, slots=True)
class Ports:
    """The ports of one instance: its manager interface, SIP, four phones, and a range for media.

    `tls` is the manager interface over TLS.
    """

    ami: int
    tls: int
    sip: int
    customer: int
    agent: int
    agent2: int
    silent: int
    rtp: int


def free_ports() -> Ports:
    """Choose ports that nobody has now; the range for media begins below those."""
    sip, customer, agent, agent2, silent = free_udp_ports(5)
    rtp = 12000 + os.getpid() % 80 * 200
    return Ports(free_tcp_port(), free_tcp_port(), sip, customer, agent, agent2, silent, rtp)


@dataclass(slots=True)
class Instance:
    """One Asterisk: where its files are, its ports, its process.

    `overlay` is a folder whose files take the place of those of the same name.
    """

    unpacked: Unpacked
    run: Path
    ports: Ports
    process: subprocess.Popen[bytes] | None = None
    overlay: Path | None = None

    def start(self) -> None:
        """Start it and wait until it is fully booted; raises DidNotStart."""
        self._configure()
        settings = str(self.run / "etc/asterisk.conf")
        command = self.unpacked.command("usr/sbin/asterisk", "-f", "-C", settings)
        with (self.run / "console.log").open("wb") as log:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        deadline = time.monotonic() + _READY_S
        while not self._answers():
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise DidNotStart(self._last_words())
            time.sleep(0.02)
        self.console("core", "waitfullybooted")

    @property
    def died(self) -> bool:
        """Whether it ended by itself: 22 of Debian does, seldom, where a hangup meets a bridge."""
        return self.process is not None and self.process.poll() is not None

    def console(self, *words: str) -> str:
        """Give a command at the console and return what it prints."""
        settings = str(self.run / "etc/asterisk.conf")
        command = self.unpacked.command("usr/sbin/asterisk", "-C", settings, "-rx", " ".join(words))
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout

    def stop(self) -> None:
        """End it at once."""
        if self.process is None:
            return
        if self.process.poll() is None:
            self.console("core", "stop", "now")
        try:
            self.process.wait(3)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process = None

    def kill(self) -> None:
        """End it as a power cut would."""
        if self.process is not None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()

    def detach(self) -> int:
        """Let it go on without this process, and return its id."""
        assert self.process is not None
        pid = self.process.pid
        self.process.returncode = 0  # nobody here will wait for it
        self.process = None
        return pid

    def _configure(self) -> None:
        for name in ("etc", "lib", "spool", "run", "log/cdr-csv", "cache", "moh"):
            (self.run / name).mkdir(parents=True, exist_ok=True)
        (self.run / "moh/tone.ulaw").write_bytes(tone())
        ports = self.ports
        words = {
            "ROOT": self.unpacked.root,
            "MODULES": self.unpacked.modules,
            "RUN": self.run,
            "AMI": ports.ami,
            "TLS": ports.tls,
            "TLSENABLE": "yes" if certified(self.run / "etc") else "no",
            "SIP": ports.sip,
            "CUSTOMER": ports.customer,
            "AGENT": ports.agent,
            "AGENT2": ports.agent2,
            "SILENT": ports.silent,
            "RTP": ports.rtp,
            "RTPEND": ports.rtp + 199,
        }
        more = [] if self.overlay is None else self.overlay.glob("*.conf")
        for template in (*CONF.glob("*.conf"), *more):
            text = template.read_text()
            for word, value in words.items():
                text = text.replace(f"@{word}@", str(value))
            (self.run / "etc" / template.name).write_text(text)

    @property
    def authority(self) -> str:
        """The file with the certificate of who certifies this Asterisk."""
        return str(self.run / "etc" / "authority.pem")

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.ports.ami), 1) as one:
                return one.recv(100).startswith(b"Asterisk Call Manager/")
        except OSError:
            return False

    def _last_words(self) -> str:
        logs = [self.run / "console.log", self.run / "log/messages"]
        lines = [line for log in logs if log.exists() for line in log.read_text().splitlines()]
        return "Asterisk did not start:\n" + "\n".join(lines[-20:])


def certified(folder: Path) -> bool:
    """Write a certificate for 127.0.0.1 and its authority's; False where trustme is not there."""
    try:
        import trustme
    except ImportError:
        return False
    authority = trustme.CA()
    authority.cert_pem.write_to_path(folder / "authority.pem")
    own = authority.issue_cert("127.0.0.1")
    own.private_key_and_cert_chain_pem.write_to_path(folder / "asterisk.pem")
    return True


def tone() -> bytes:
    """Return a second of 440 Hz as µ-law, for music on hold."""
    return bytes(_ulaw(int(8000 * math.sin(2 * math.pi * 440 * n / 8000))) for n in range(8000))


def _ulaw(sample: int) -> int:
    sign, size = (128 if sample < 0 else 0), min(abs(sample), 32635) + 132
    exponent = max(0, size.bit_length() - 8)
    return ~(sign | exponent << 4 | size >> (exponent + 3) & 15) & 255


def discard(instance: Instance) -> None:
    """End it and remove its files."""
    instance.stop()
    shutil.rmtree(instance.run, ignore_errors=True)
