"""Fetches Debian's Asterisk and SIPp into a private folder, without root."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parents[2] / ".scenario-runner" / "asterisk"
SUITE = "sid"
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"

# Named, because apt would bring a hundred more that nothing here loads.
_NAMES = """
    asterisk asterisk-modules asterisk-core-sounds-en asterisk-core-sounds-en-gsm sip-tester
    libbsd0 libc6 libcap2 libcrypt1 libdbus-1-3 libedit2 libgcc-s1 libgsl28 libgslcblas0 libgsm1
    libjansson4 libmd0 libncursesw6 libpcap0.8t64 libpugixml1v5 libsctp1 libsqlite3-0 libssl3t64
    libstdc++6 libsystemd0 libtinfo6 liburiparser1 libuuid1 libxml2-16 libxslt1.1 libzstd1 zlib1g
"""
PACKAGES = tuple(_NAMES.split())

_LIBRARIES = Path("usr/lib/x86_64-linux-gnu")
_NEEDED = ("res_parking", "chan_pjsip", "res_pjsip", "app_dial", "codec_gsm", "res_sorcery_astdb")


class NotToBeHad(Exception):
    """Debian's packages can't be fetched or do not run here; the message says why."""


@dataclass(frozen=True, slots=True)
class Unpacked:
    """A folder of unpacked packages, with a C library of its own."""

    root: Path

    @property
    def libraries(self) -> Path:
        return self.root / _LIBRARIES

    @property
    def modules(self) -> Path:
        return self.libraries / "asterisk" / "modules"

    def command(self, program: str, *arguments: str) -> list[str]:
        """Return the command line of a program in the folder, run by the folder's own loader."""
        loader = str(self.libraries / "ld-linux-x86-64.so.2")
        name = ["--argv0", program.rpartition("/")[2]]
        path = ["--library-path", str(self.libraries)]
        return [loader, *path, *name, str(self.root / program), *arguments]

    def missing(self) -> list[str]:
        """Return the libraries that the programs and modules look for in vain."""
        files = ["usr/sbin/asterisk", "usr/bin/sipp"]
        files += [str(_LIBRARIES / "asterisk" / "modules" / f"{name}.so") for name in _NEEDED]
        loader = str(self.libraries / "ld-linux-x86-64.so.2")
        lost: set[str] = set()
        for file in files:
            path = str(self.root / file)
            command = [loader, "--library-path", str(self.libraries), "--list", path]
            told = _run(command).stdout
            lost.update(re.findall(r"(\S+) => not found", told))
        return sorted(lost)


def fetched() -> Unpacked:
    """Return the unpacked packages, fetching them where they are not there; raises NotToBeHad."""
    unpacked = Unpacked(FOLDER / SUITE)
    if (unpacked.root / "complete").exists():
        return unpacked
    if shutil.which("apt-get") is None or shutil.which("dpkg-deb") is None:
        raise NotToBeHad("this machine has no apt-get and dpkg-deb")
    work = FOLDER / f"fetching-{os.getpid()}"
    try:
        _fetch(work, PACKAGES)
        lost = Unpacked(work / "root").missing()
        if lost:
            _fetch(work, _with_dependencies(work))
            lost = Unpacked(work / "root").missing()
        if lost:
            raise NotToBeHad(f"Debian's packages lack libraries: {', '.join(lost)}")
        (work / "root" / "complete").touch()
        with suppress(OSError):  # another process was faster, which is as good
            (work / "root").rename(unpacked.root)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return unpacked


def _fetch(work: Path, packages: tuple[str, ...]) -> None:
    environment = _private_apt(work)
    for name in ("debs", "root"):
        (work / name).mkdir(parents=True, exist_ok=True)
    if not any((work / "apt" / "lists").glob("*Packages*")):
        _must(["apt-get", "update", "-qq"], environment, work)
    _must(["apt-get", "download", "-qq", *packages], environment, work / "debs")
    for package in (work / "debs").glob("*.deb"):
        _must(["dpkg-deb", "-x", str(package), str(work / "root")], environment, work)
    sounds = work / "root" / "usr/share/asterisk/sounds/en"
    if not sounds.exists():
        sounds.symlink_to("en_US_f_Allison")


def _with_dependencies(work: Path) -> tuple[str, ...]:
    """Return the packages with all they depend on, as apt resolves it: much, but complete."""
    command = ["apt-get", "install", "-s", "-qq", "--no-install-recommends"]
    told = _must([*command, "asterisk", "sip-tester"], _private_apt(work), work)
    return tuple(re.findall(r"^Inst (\S+)", told, re.MULTILINE))


def _private_apt(work: Path) -> dict[str, str]:
    """Write an apt configuration that touches nothing outside `work`."""
    apt = work / "apt"
    for name in ("lists/partial", "cache/archives/partial", "etc", "log"):
        (apt / name).mkdir(parents=True, exist_ok=True)
    source = f"deb [signed-by={KEYRING}] {_mirror()} {SUITE} main\n"
    (apt / "etc/sources.list").write_text(source)
    (apt / "status").touch()
    settings = {
        "Dir::Etc": apt / "etc",
        "Dir::Etc::sourcelist": apt / "etc/sources.list",
        "Dir::Etc::sourceparts": "/dev/null",
        "Dir::State": apt,
        "Dir::State::lists": apt / "lists",
        "Dir::State::status": apt / "status",
        "Dir::Cache": apt / "cache",
        "Dir::Log": apt / "log",
        "APT::Architecture": "amd64",
        "APT::Sandbox::User": "",
        "Acquire::Languages": "none",
        "Acquire::Check-Valid-Until": "false",
        "Debug::NoLocking": "true",
    }
    text = "".join(f'{name} "{value}";\n' for name, value in settings.items())
    (apt / "apt.conf").write_text(text + _proxies())
    return {**os.environ, "APT_CONFIG": str(apt / "apt.conf"), "LC_ALL": "C"}


def _mirror() -> str:
    """Return the Debian mirror that the machine's own apt uses."""
    folder = Path("/etc/apt")
    files = [*folder.glob("sources.list.d/*.sources"), folder / "sources.list"]
    for file in files:
        text = file.read_text() if file.exists() else ""
        for url in re.findall(r"^(?:URIs:|deb\s(?:\[[^]]*\])?)\s*(\S+)", text, re.MULTILINE):
            if url.rstrip("/").endswith("/debian"):
                return str(url)
    raise NotToBeHad("the machine's apt sources name no mirror of Debian")


def _proxies() -> str:
    """Return the proxies that the machine's own apt is told to use."""
    told = _run(["apt-config", "dump"]).stdout
    return "".join(f"{line}\n" for line in told.splitlines() if "::Proxy" in line)


def _must(command: list[str], environment: dict[str, str], folder: Path) -> str:
    done = _run(command, environment, folder)
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise NotToBeHad(f"{' '.join(command[:2])} failed: {last}")
    return done.stdout


def _run(
    command: list[str], environment: dict[str, str] | None = None, folder: Path | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, env=environment, cwd=folder, capture_output=True, text=True, check=False
    )
