"""Delivers notifications of call events: bounded, in order for each leg, only where allowed."""

from __future__ import annotations

import asyncio
from collections import deque
from ipaddress import ip_address
from typing import TYPE_CHECKING, Final
from urllib.parse import SplitResult, parse_qsl, urlsplit

from scenario_runner.mock_pbx.serving.access import masked

if TYPE_CHECKING:
    from collections.abc import Iterable

    from scenario_runner.mock_pbx.notices import Delivery
    from scenario_runner.mock_pbx.serving.access import Log

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
        except (OSError, ValueError) as error:
            return f"{told} → not delivered: {error}"

    async def _exchange(self, delivery: Delivery) -> str:
        url = urlsplit(delivery.url)
        address = await self._address(url)
        secure = url.scheme == "https"
        reader, writer = await asyncio.open_connection(
            *address,
            ssl=secure or None,
            server_hostname=url.hostname if secure else None,
            limit=8192,
        )
        try:
            writer.write(_request(url, delivery))
            line = await reader.readline()
        finally:
            writer.transport.abort()
        words = line.decode("latin-1").split(maxsplit=2)
        return words[1] if len(words) > 1 else "no HTTP answer"

    async def _address(self, url: SplitResult) -> tuple[str, int]:
        """Return where to connect; raises ValueError where that is not allowed.

        The address that is checked is the one connected to, so that a name can't point elsewhere
        a moment later.
        """
        host = url.hostname or ""
        port = url.port or (443 if url.scheme == "https" else 80)
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=1)
        address = str(found[0][4][0])
        if (
            host.lower() not in self._hosts
            and not ip_address(address.partition("%")[0]).is_loopback
        ):
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
    lines = [f"{delivery.method} {target} HTTP/1.1", f"Host: {url.netloc.rpartition('@')[2]}"]
    lines.append("Connection: close")
    if _posts(delivery):
        lines += [f"Content-Type: {_FORM}", f"Content-Length: {len(form)}"]
    head = "\r\n".join(lines) + "\r\n\r\n"
    return head.encode("ascii", "replace") + (form if _posts(delivery) else b"")


def _posts(delivery: Delivery) -> bool:
    return delivery.method == "POST"
