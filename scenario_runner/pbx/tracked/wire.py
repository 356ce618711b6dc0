"""Speaks to a PBX over TCP in its own protocol: what every such client does.

Nothing is ever sent twice: a command whose answer is lost fails, and only the PBX knows whether it
was carried out.
"""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Protocol, TypeVar

from scenario_runner.durations import SECOND, duration_text
from scenario_runner.errors import AnswerLost, BadAnswer, PbxError, TimedOut, Unreachable

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self

    from scenario_runner.references import Json

_T = TypeVar("_T")

_HANDSHAKE_S = 2


class Endpoint(NamedTuple):
    """Where a PBX listens, and how TLS is spoken there: None for plain TCP."""

    host: str
    port: int
    tls: ssl.SSLContext | None = None


class WireMessage:
    """One message from a PBX; `event` says which event it is, "" for what is none."""

    def __init__(self, event: str, fields: dict[str, str]) -> None:
        self.event = event
        self.fields = fields

    def get(self, key: str) -> str:
        """Return a field's value, "" where it is not there."""
        return self.fields.get(key, "")

    @property
    def evidence(self) -> Json:
        """What is shown as the body of an outcome that it decides."""
        return dict(self.fields)


class WireAnswer(Protocol):
    """The answer to a command: as text for people, in the PBX's own words, and as data."""

    @property
    def refused(self) -> bool:
        """Whether the PBX said no."""
        ...

    @property
    def text(self) -> str:
        """The whole answer as it came, for the trace."""
        ...

    @property
    def words(self) -> str:
        """What the PBX says in it."""
        ...

    @property
    def evidence(self) -> Json:
        """What is shown as the body of an outcome that it decides."""
        ...


class WireClient(asyncio.Protocol, ABC):
    """One connection.

    `heard` is called with each event in the order they came; `lost` once when the connection ends.
    Commands that wait for their answer then fail.
    """

    pbx: ClassVar[str]
    what: ClassVar[str]
    may_speak_tls: ClassVar[bool] = False
    banner: ClassVar[bytes]
    port_hint: ClassVar[str]
    start_hint: ClassVar[str]

    def __init__(
        self, heard: Callable[[WireMessage], None], lost: Callable[[PbxError], None]
    ) -> None:
        self.heard = heard
        self._lost = lost
        self._buffer = bytearray()
        self._waiting: set[asyncio.Future[Any]] = set()
        self._transport: asyncio.Transport | None = None
        self._greeting: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.prepare()

    @abstractmethod
    def prepare(self) -> None:
        """Set up what keeps track of the commands that wait for their answer."""

    @classmethod
    async def connect(
        cls,
        address: Endpoint,
        heard: Callable[[WireMessage], None],
        lost: Callable[[PbxError], None],
        within: int,
    ) -> Self:
        """Connect, and wait until the PBX has greeted.

        Raises Unreachable, TimedOut where nothing comes, BadAnswer where something else does.
        """
        client = await _connected(lambda: cls(heard, lost), address, cls.start_hint, within)
        try:
            await client.greeting(within)
        except TimedOut:
            client.close()
            if cls.may_speak_tls and address.tls is None and await _speaks_tls(address):
                raise BadAnswer(
                    f"the port {address.port} of {address.host} speaks TLS",
                    hint="write `tls: true` in the targets file, or the port without TLS",
                ) from None
            raise
        except PbxError:
            client.close()
            raise
        return client

    @property
    def open(self) -> bool:
        """Whether commands can be sent."""
        return self._transport is not None and not self._transport.is_closing()

    @property
    def greeted(self) -> bool:
        """Whether the PBX has greeted."""
        return self._greeting.done()

    async def greeting(self, within: int) -> str:
        """Return what the PBX says of itself at first; raises BadAnswer for something else."""
        try:
            async with asyncio.timeout(within / SECOND):
                return await self._greeting
        except TimeoutError:
            text = f"no greeting on that port within {duration_text(within)}"
            raise TimedOut(text, hint=self.port_hint) from None

    def close(self) -> None:
        """End the connection: all that was sent is answered by then, or nobody waits for it."""
        if self._transport is None:
            return
        if self._transport.get_extra_info("ssl_object") is None:
            self._transport.close()
        else:
            # A farewell in TLS waits for the other side's, for longer than a run may be there.
            self._transport.abort()

    @abstractmethod
    def take_in(self, buffer: bytearray) -> None:
        """Take all whole messages out of the buffer; raises BadAnswer for what can't be one."""

    def greet(self, said: str) -> None:
        """Take the greeting."""
        if not self._greeting.done():
            self._greeting.set_result(said)

    def write(self, data: bytes) -> None:
        """Send; raises Unreachable where there is no connection any more."""
        if self._transport is None or self._transport.is_closing():
            raise Unreachable(f"the connection to {self.pbx} is closed: nothing was sent")
        self._transport.write(data)

    def expect(self) -> asyncio.Future[Any]:
        """Return a future of an answer, which fails when the connection ends."""
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting.add(future)
        future.add_done_callback(self._waiting.discard)
        return future

    async def answer(self, future: asyncio.Future[_T], shown: str, within: int) -> _T:
        """Wait for an answer; raises AnswerLost, and TimedOut which names the command."""
        try:
            async with asyncio.timeout(within / SECOND):
                return await future
        except TimeoutError:
            text = f"{self.pbx} did not answer {shown} within {duration_text(within)}"
            raise TimedOut(text) from None

    def end(self, error: PbxError) -> None:
        """End the connection and fail everybody who waits."""
        for future in (self._greeting, *self._waiting):
            if not future.done():
                future.set_exception(error)
        if self._transport is not None:
            self._transport.close()
            self._transport = None
            self._lost(error)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the connection; called by the event loop."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Take what came in pieces of any size; called by the event loop."""
        self._buffer += data
        try:
            if not self.greeted:
                self._check_banner()
            self.take_in(self._buffer)
        except BadAnswer as error:
            self.end(error)

    def connection_lost(self, exc: Exception | None) -> None:
        """Fail everybody who waits; called by the event loop."""
        told = f": {exc}" if exc is not None else ""
        self.end(AnswerLost(f"the connection to {self.pbx} was lost{told}"))

    def _check_banner(self) -> None:
        start = bytes(self._buffer[: len(self.banner)])
        if not self.banner.startswith(start):
            shown = bytes(self._buffer[:60]).decode("utf-8", "replace").strip()
            raise BadAnswer(f"this is not the {self.what}; it said: {shown!r}", hint=self.port_hint)


_C = TypeVar("_C", bound=WireClient)


async def _connected(make: Callable[[], _C], address: Endpoint, hint: str, within: int) -> _C:
    host, port, tls = address
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(within / SECOND):
            _, client = await loop.create_connection(make, host, port, ssl=tls)
    except TimeoutError:
        text = f"no connection to {host}:{port} within {duration_text(within)}"
        raise Unreachable(text) from None
    except ssl.SSLError as error:
        await asyncio.sleep(0)  # the event loop closes the socket in its next round
        raise _no_tls(error, f"{host}:{port}") from None
    except OSError as error:
        raise Unreachable(f"no connection to {host}:{port}: {_why(error)}", hint=hint) from None
    return client


def _no_tls(error: ssl.SSLError, place: str) -> Unreachable:
    if isinstance(error, ssl.SSLCertVerificationError):
        return Unreachable(
            f"the certificate of {place} is not accepted: {error.verify_message}",
            hint="check the name in 'host', or name the authority's certificate by 'ca_file'",
        )
    reason = str(error.reason or "unknown reason").lower().replace("_", " ")
    return Unreachable(
        f"no TLS connection to {place}: {reason}",
        hint="does that port speak TLS? if it is plain, leave out `tls`",
    )


async def _speaks_tls(address: Endpoint) -> bool:
    """Ask for a TLS handshake in a connection of its own, in which nothing is said."""
    unverified = ssl.create_default_context()
    unverified.check_hostname, unverified.verify_mode = False, ssl.CERT_NONE
    try:
        async with asyncio.timeout(_HANDSHAKE_S):
            _, writer = await asyncio.open_connection(*address[:2], ssl=unverified)
    except (OSError, TimeoutError):
        return False
    writer.transport.abort()  # TLS is not asked to say goodbye
    await asyncio.sleep(0)
    return True


def _why(error: OSError) -> str:
    """Say what went wrong in the system's words, without Python's around them."""
    if isinstance(error, socket.gaierror):
        return "there is no such host"
    return os.strerror(error.errno) if error.errno else str(error)
