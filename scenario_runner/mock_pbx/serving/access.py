"""The access log: a line for each request and each webhook, without credentials."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from scenario_runner.exchange import Request
    from scenario_runner.mock_pbx.answer import Answer

_SECRETS: Final = re.compile(
    r"((?:client_secret|password|access_token|refresh_token|code|token)=)[^&#]*", re.IGNORECASE
)
_UNSEEN: Final = str.maketrans({chr(code): "?" for code in (*range(32), *range(127, 160))})
_LONGEST: Final = 300


class Log(Protocol):
    """Where the server tells what it did."""

    def exchange(self, client: str, request: Request, answer: Answer) -> None:
        """Tell about a request and what became of it."""
        ...

    def note(self, text: str) -> None:
        """Tell about something else."""
        ...


class Silent:
    """Tells nothing."""

    def exchange(self, client: str, request: Request, answer: Answer) -> None:
        """Tell nothing."""

    def note(self, text: str) -> None:
        """Tell nothing."""


class AccessLog:
    """Writes lines; `write` takes one line, `stamp` returns the time of day as it is shown."""

    def __init__(self, write: Callable[[str], object], stamp: Callable[[], str]) -> None:
        self._write = write
        self._stamp = stamp

    def exchange(self, client: str, request: Request, answer: Answer) -> None:
        """Write method, path, status, and what a fault made of it."""
        fate = "" if answer.loss.value == "no" else f" (dropped, {answer.loss.value} its effect)"
        who = f"{client} " if client else ""
        outcome = f"{answer.response.status}{fate}"
        self.note(f"{who}{request.method} {masked(request.path)} → {outcome}")

    def note(self, text: str) -> None:
        """Write a line."""
        self._write(f"{self._stamp()} {printable(text)}\n")


def masked(path: str) -> str:
    """Return a path without the credentials that its query may carry."""
    return _SECRETS.sub(r"\1***", path) if "=" in path else path


def printable(text: str) -> str:
    """Return what came from outside as one short line that can't change the terminal."""
    shown = text.translate(_UNSEEN)
    return shown if len(shown) <= _LONGEST else shown[: _LONGEST - 1] + "…"
