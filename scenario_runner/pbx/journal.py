"""What a run has placed on a PBX, written to a file first, so that it can be undone after a crash.

One file for each run, of one JSON object a line. It is removed when everything is undone.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from msgspec import convert, structs

from scenario_runner.errors import ScenarioRunnerError
from scenario_runner.masking import Mask
from scenario_runner.pbx.protocol import CallIds, PlacedCall

if TYPE_CHECKING:
    from collections.abc import Mapping
    from io import TextIOWrapper

    from scenario_runner.pbx.commands import PlaceCall


_NUMBERS = count(1)
FOLDER = Path(".scenario-runner") / "journal"
_FOR_THE_OWNER = 0o600
"""Telephone numbers and the URLs of deliveries stand in it."""


class Journaling(Protocol):
    """Takes note of what is placed and undone; each note is safe before the method returns."""

    def calling(self, request: PlaceCall) -> str:
        """A call is about to be placed; return what it goes by until its ids are known."""
        ...

    def chosen(self, call: str, channels: tuple[str, ...]) -> None:
        """These channels are about to be asked for.

        `call` is what their call goes by: its UUID, or before that is known what `calling` said.
        """
        ...

    def called(self, placing: str, ids: CallIds) -> None:
        """The call is there."""
        ...

    def refused(self, placing: str) -> None:
        """The call did not come about."""
        ...

    def ended(self, uuid: str) -> None:
        """The call is over."""
        ...

    def watching(self, path: str, url: str) -> None:
        """Events below `path` are about to be subscribed for delivery to `url`."""
        ...

    def unwatched(self, path: str, url: str) -> None:
        """Nothing below `path` is subscribed for `url` any more."""
        ...


class NoJournal:
    """Takes no notes."""

    def calling(self, request: PlaceCall) -> str:
        """Pass over it."""
        del request
        return ""

    def chosen(self, call: str, channels: tuple[str, ...]) -> None:
        """Pass over it."""

    def called(self, placing: str, ids: CallIds) -> None:
        """Pass over it."""

    def refused(self, placing: str) -> None:
        """Pass over it."""

    def ended(self, uuid: str) -> None:
        """Pass over it."""

    def watching(self, path: str, url: str) -> None:
        """Pass over it."""

    def unwatched(self, path: str, url: str) -> None:
        """Pass over it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """What one run left behind: on which target, its calls, and (path, url) of subscriptions.

    `damaged` says why not all of it is known, empty where it is.
    """

    file: Path
    target: str
    host: str
    calls: tuple[PlacedCall, ...] = ()
    watched: tuple[tuple[str, str], ...] = ()
    damaged: str = ""

    def may_be_on(self, host: str) -> bool:
        """Tell whether it was left on this host, as far as the file says."""
        return self.host == host or (not self.host and bool(self.damaged))


class JournalError(ScenarioRunnerError):
    """What is about to be placed can't be written down."""


class Journal:
    """The journal of one run against one target; made with its first note, without its secrets."""

    def __init__(self, folder: Path, target: str, host: str, mask: Mask | None = None) -> None:
        self._mask = mask or Mask()
        self._file = folder / f"{os.getpid()}.{next(_NUMBERS)}.jsonl"
        self._head = {"note": "run", "target": target, "host": host}
        self._open: TextIOWrapper | None = None
        self._lock = _Lock()
        self._live: set[str] = set()
        self._count = 0

    @property
    def file(self) -> Path:
        """Where it is written."""
        return self._file

    def calling(self, request: PlaceCall) -> str:
        """A call is about to be placed."""
        self._count += 1
        placing = str(self._count)
        party = self._mask.text(request.party)
        call = {"extension": request.extension, "party": party, "flow": request.flow}
        self._note("calling", placing=placing, **call)
        self._live.add(f"placing {placing}")
        return placing

    def chosen(self, call: str, channels: tuple[str, ...]) -> None:
        """These channels are about to be asked for."""
        self._note("chosen", call=call, channels=channels)

    def called(self, placing: str, ids: CallIds) -> None:
        """The call is there."""
        self._strike("called", placing=placing, ids=structs.asdict(ids))
        self._live.discard(f"placing {placing}")
        self._live.add(ids.uuid)

    def refused(self, placing: str) -> None:
        """The call did not come about."""
        self._strike("refused", placing=placing)
        self._live.discard(f"placing {placing}")

    def ended(self, uuid: str) -> None:
        """The call is over."""
        if uuid in self._live:
            self._strike("ended", uuid=uuid)
            self._live.discard(uuid)

    def watching(self, path: str, url: str) -> None:
        """Events are about to be subscribed."""
        self._note("watching", path=path, url=url)
        self._live.add(f"{path} {url}")

    def unwatched(self, path: str, url: str) -> None:
        """Nothing is subscribed any more."""
        self._strike("unwatched", path=path, url=url)
        self._live.discard(f"{path} {url}")

    def close(self) -> bool:
        """End the journal; return False where something is left, and the file with it."""
        with suppress(OSError):  # what was still to be written finds no room
            if self._open is not None:
                self._open.close()
        self._open = None
        if not self._live:
            with suppress(OSError):
                self._file.unlink(missing_ok=True)
        return not self._live

    def _note(self, note: str, **values: object) -> None:
        """Write a note; raises JournalError, upon which nothing may be placed."""
        try:
            if self._open is None:
                self._file.parent.mkdir(parents=True, exist_ok=True)
                # Owned for as long as the process lives: told by the lock, which dies with it.
                own = os.open(self._file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, _FOR_THE_OWNER)
                self._open = os.fdopen(own, "a", encoding="utf-8")
                self._lock.take(self._open)
                self._write(self._head)
            self._write({"note": note, **values})
        except OSError as error:
            raise JournalError(
                f"the journal {self._file} can't be written: {error.strerror or error}",
                hint="nothing is placed that is not written down before, so that it can be undone",
            ) from None

    def _strike(self, note: str, **values: object) -> None:
        """Write what makes the journal exact: without it, it tells too much, and never too little.

        Whoever is hanging up goes on where that can't be written.
        """
        with suppress(JournalError):
            self._note(note, **values)

    def _write(self, values: Mapping[str, object]) -> None:
        assert self._open is not None
        self._open.write(json.dumps(values) + "\n")
        self._open.flush()


class _Lock:
    """A lock on an open file that ends with the process; where there is none, nothing is locked."""

    @staticmethod
    def take(file: TextIOWrapper) -> bool:
        """Take the lock; return False where another process holds it."""
        try:
            import fcntl
        except ImportError:
            return True
        try:
            fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True


def left_behind(folder: Path) -> tuple[Left, ...]:
    """Return what runs that are over have left behind; those still running are passed over.

    What can't be read is `damaged`, never passed over: calls may be up of which it tells.
    """
    found: list[Left] = []
    for file in sorted(folder.glob("*.jsonl")):
        if not file.is_file():  # a named pipe would keep whoever opens it waiting
            found.append(Left(file=file, target="", host="", damaged="it is no file"))
            continue
        try:
            with file.open(encoding="utf-8", errors="surrogateescape") as journal:
                if _Lock.take(journal):
                    found.append(_read(file, journal))
        except FileNotFoundError:
            continue  # a run has undone everything meanwhile
        except OSError as error:
            found.append(Left(file=file, target="", host="", damaged=error.strerror or str(error)))
    return tuple(found)


def _read(file: Path, lines: TextIOWrapper) -> Left:
    head: dict[str, Any] = {}
    calls: dict[str, PlacedCall] = {}
    watched: dict[tuple[str, str], None] = {}
    damaged = ""
    for number, line in enumerate(lines, 1):
        try:
            note = _note_of(line)
            _read_note(note, calls, watched)
        except (ValueError, KeyError, RecursionError):
            if line.endswith("\n"):  # else the run was ended while it wrote this
                damaged = damaged or f"line {number} is no note of a run"
        else:
            head = note if note["note"] == "run" else head
    return Left(
        file=file,
        target=head.get("target", ""),
        host=head.get("host", ""),
        calls=tuple(calls.values()),
        watched=tuple(watched),
        damaged=damaged if head else damaged or "it does not begin with its target",
    )


def _note_of(line: str) -> dict[str, Any]:  # any JSON
    line.encode()  # raises ValueError for what was no UTF-8
    note: dict[str, Any] = json.loads(line)
    match note:
        case {"note": "run"}:
            return {"note": "run", "target": str(note["target"]), "host": str(note["host"])}
        case {"note": str()}:
            return note
    raise ValueError


def _read_note(
    note: dict[str, Any], calls: dict[str, PlacedCall], watched: dict[tuple[str, str], None]
) -> None:
    match note:
        case {"note": "run"}:
            pass
        case {"note": "watching", "path": str(path), "url": str(url)}:
            watched[path, url] = None
        case {"note": "unwatched", "path": str(path), "url": str(url)}:
            watched.pop((path, url), None)
        case _:
            _read_call(note, calls)


_ASKED = ("extension", "party", "flow")


def _read_call(note: dict[str, Any], calls: dict[str, PlacedCall]) -> None:
    """Read a note about a call, which goes by a number until its UUID is known."""
    match note:
        case {"note": "calling", "placing": str(key)}:
            calls[key] = convert({name: note[name] for name in _ASKED}, PlacedCall)
        case {"note": "chosen", "call": str(key), "channels": list(more)} if key in calls:
            known = calls[key].channels
            calls[key] = structs.replace(calls[key], channels=(*known, *more))
        case {"note": "called", "placing": str(key), "ids": dict(ids)}:
            placed = structs.replace(calls.pop(key), extension=ids["extension"])
            calls[ids["uuid"]] = structs.replace(placed, ids=convert(ids, CallIds))
        case {"note": "refused", "placing": str(key)} | {"note": "ended", "uuid": str(key)}:
            calls.pop(key, None)
        case {"note": "chosen", "call": str(), "channels": list()}:
            pass  # of a call that is over
        case _:
            raise ValueError
