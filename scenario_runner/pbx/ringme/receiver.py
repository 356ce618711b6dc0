"""Listens for the PBX's event deliveries: a small HTTP server, bounded, behind secret paths."""

from __future__ import annotations

import secrets
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING

from scenario_runner.errors import TargetError, UsageError
from scenario_runner.exchange import Answer, Response
from scenario_runner.http.server import Limits, listening

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from scenario_runner.exchange import Request
    from scenario_runner.pbx.ringme.access import EventSettings

LIMITS = Limits(idle=10.0, stalled=10.0, connections=64)


class Mailbox:
    """A secret address of one scenario; see `pbx.ringme.events.Receiver`."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._listeners: list[Callable[[str], None]] = []

    def listen(self, heard: Callable[[str], None]) -> Callable[[], None]:
        """Call `heard` with each delivery's form; the returned function ends that."""
        self._listeners.append(heard)
        return lambda: self._listeners.remove(heard)

    def deliver(self, form: str) -> None:
        """Hand a delivery to whoever listens."""
        for heard in list(self._listeners):
            heard(form)


class EventReceiver:
    """Takes deliveries by GET and POST, for any number of mailboxes; see `http.server.Handler`.

    `root` is where the PBX reaches it.
    """

    def __init__(self, root: str) -> None:
        self.root = root
        self._boxes: dict[str, Mailbox] = {}

    def mailbox(self) -> Mailbox:
        """Return a new mailbox; nobody can guess its address."""
        path = f"/{secrets.token_urlsafe(24)}"
        box = Mailbox(self.root + path)
        self._boxes[path] = box
        return box

    def take(self, request: Request, reply: Callable[[Answer], None]) -> None:
        """Hand a delivery to its mailbox."""
        reply(Answer(response=self._taken(request)))

    def _taken(self, request: Request) -> Response:
        path, _, form = request.path.partition("?")
        if request.method not in ("GET", "POST"):
            return Response(status=405, headers=(("Allow", "GET, POST"),))
        if request.method == "POST":
            form = request.body.decode("utf-8", "replace")
            if not form:
                return Response(status=400)
        box = next((box for own, box in self._boxes.items() if path.endswith(own)), None)
        if box is None:
            return Response(status=404)
        box.deliver(form)
        return Response(status=200)


@asynccontextmanager
async def receiving(settings: EventSettings) -> AsyncIterator[EventReceiver]:
    """Listen as long as the block is open; raises TargetError where the address can't be had."""
    receiver = EventReceiver(settings.public_url)
    async with AsyncExitStack() as stack:
        listen = listening(receiver, settings.listen.host, settings.listen.port, LIMITS)
        try:
            url = await stack.enter_async_context(listen)
        except UsageError as error:
            where = f"{settings.listen.host}:{settings.listen.port}"
            text = f"events can't be received at {where}: {error.message}"
            raise TargetError(text, hint="choose another address or port for 'listen'") from error
        receiver.root = receiver.root or url
        yield receiver
