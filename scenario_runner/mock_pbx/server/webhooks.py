"""Delivers notifications of call events: bounded, in order for each leg, only where allowed."""

from __future__ import annotations

import asyncio
import re
import ssl
from collections import deque
from typing import TYPE_CHECKING, Final, Protocol
from urllib.parse import SplitResult, parse_qsl, urlsplit

from scenario_runner.http.client import ClientConnection, Lost, NotConnected
from scenario_runner.http.hosts import is_this_machine
from scenario_runner.http.messages import Malformed, written_request

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from scenario_runner.exchange import Answer, Request
    from scenario_runner.mock_pbx.notifications import Delivery


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


TIME_OUT: Final = 5.0
"""Seconds a receiver has; there is no second try (both assumed: the vendor does not tell)."""
MOST_WAITING: Final = 10_000
_AT_ONCE: Final = 16
_FORM: Final = "application/x-www-form-urlencoded"

Leg = tuple[str, str]
"""A receiver and a leg, within which the order is kept."""


class Webhooks:
    """Sends notifications in the background.

    Receivers on this machine are always allowed, others by the host's name in `hosts`.
    More than 10,000 waiting notifications are not kept: what comes then is dropped, and told.
    """

    def __init__(self, hosts: Iterable[str], log: Log) -> None:
        self._hosts = frozenset(host.lower() for host in hosts)
        self._log = log
        self._gate = asyncio.Semaphore(_AT_ONCE)
        self._queues: dict[Leg, deque[Delivery]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._waiting = 0

    def send(self, deliveries: Iterable[Delivery]) -> None:
        """Put notifications into their queues; returns at once."""
        for delivery in deliveries:
            if self._waiting >= MOST_WAITING:
                self._log.note(f"webhook {masked(delivery.url)} dropped: too many are waiting")
                continue
            self._waiting += 1
            leg = (delivery.url, _leg(delivery))
            if leg in self._queues:
                self._queues[leg].append(delivery)
                continue
            self._queues[leg] = deque((delivery,))
            task = asyncio.get_running_loop().create_task(self._drain(leg))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Give up what is still waiting."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def idle(self) -> None:
        """Wait until nothing is on its way any more."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def _drain(self, leg: Leg) -> None:
        queue = self._queues[leg]
        try:
            while queue:
                async with self._gate:
                    self._log.note(await self._delivered(queue.popleft()))
                self._waiting -= 1
        finally:
            self._waiting -= len(queue)
            del self._queues[leg]

    async def _delivered(self, delivery: Delivery) -> str:
        """Deliver one notification and tell what came of it."""
        told = f"webhook {delivery.method} {masked(delivery.url)}"
        try:
            async with asyncio.timeout(TIME_OUT):
                return f"{told} → {await self._exchange(delivery)}"
        except TimeoutError:
            return f"{told} → no answer within {TIME_OUT:g}s"
        except (Lost, Malformed):
            return f"{told} → no HTTP answer"
        except (NotConnected, OSError, ValueError) as error:
            return f"{told} → not delivered: {error}"

    async def _exchange(self, delivery: Delivery) -> str:
        url = urlsplit(delivery.url)
        request = _request(url, delivery)
        address, port = await self._address(url)
        tls = ssl.create_default_context() if url.scheme == "https" else None
        connection = await ClientConnection.open(address, port, tls, url.hostname)
        try:
            return str((await connection.exchange(request)).status)
        finally:
            connection.close()

    async def _address(self, url: SplitResult) -> tuple[str, int]:
        """Return where to connect; raises ValueError where that is not allowed.

        The address that is checked is the one connected to, so that a name can't point elsewhere
        a moment later.
        """
        host = url.hostname or ""
        port = url.port or (443 if url.scheme == "https" else 80)
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=1)
        address = str(found[0][4][0])
        if host.lower() not in self._hosts and not is_this_machine(address):
            raise ValueError(
                f"{host} is not this machine; start the mock with --allow-webhooks-to {host}"
            )
        return address, port


def _leg(delivery: Delivery) -> str:
    return dict(parse_qsl(delivery.form_body.decode("ascii"))).get("SubCallID", "")


def _request(url: SplitResult, delivery: Delivery) -> bytes:
    """Write the HTTP request: the form goes into the query (GET) or the body (POST)."""
    form = delivery.form_body
    target = url.path or "/"
    query = "&".join(
        part for part in (url.query, "" if _posts(delivery) else form.decode()) if part
    )
    if query:
        target += f"?{query}"
    headers = {"Host": url.netloc.rpartition("@")[2], "Connection": "close"}
    body = form if _posts(delivery) else b""
    if _posts(delivery):
        headers |= {"Content-Type": _FORM, "Content-Length": str(len(body))}
    raw = [(name.encode(), value.encode("ascii", "replace")) for name, value in headers.items()]
    return written_request(delivery.method.encode(), target.encode("ascii", "replace"), raw, body)


def _posts(delivery: Delivery) -> bool:
    return delivery.method == "POST"
