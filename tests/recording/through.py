"""Records what a client does through a proxy before a served mock, and replays it."""

from __future__ import annotations

import asyncio
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from scenario_runner.language.matchers import Matcher
from scenario_runner.language.vocabulary import Reason
from scenario_runner.mock_pbx.server.app import MockOptions, mock_server
from scenario_runner.pbx.ringme.access import RestAccess
from scenario_runner.recording.proxy import RecordOptions, recording_proxy, scenario_of
from tests.running import Ran, run_text
from tests.serving.served import Client

if TYPE_CHECKING:
    from collections.abc import Iterator


class Tape:
    """What a recording has become, once its context is over.

    `outside` talks to the PBX itself, past the proxy.
    """

    def __init__(self, client: Client, pbx: str) -> None:
        self.client = client
        self.outside = Client(pbx)
        self.text = ""

    @property
    def steps(self) -> list[str]:
        return [line.strip() for line in self.text.splitlines()[3:]]

    def replay(self) -> Ran:
        return run_text(self.text)


@contextmanager
def recording(reasons: tuple[tuple[Reason, Matcher], ...] = ()) -> Iterator[Tape]:
    """Let a client with a token talk through a proxy, which knows what these words mean."""
    loop = asyncio.new_event_loop()
    ready, stop = threading.Event(), asyncio.Event()
    told: list[str] = []

    async def serve() -> None:
        async with mock_server(MockOptions(port=0, virtual_time=True)) as pbx:
            access = RestAccess(url=pbx, client_id="", client_secret="")
            options = RecordOptions(name="mock", access=access, port=0, reasons=reasons)
            async with recording_proxy(options) as (url, proxy):
                told.extend((url, pbx))
                ready.set()
                await stop.wait()
            told.append(scenario_of(options, proxy))

    failures: list[BaseException] = []

    def run() -> None:
        try:
            loop.run_until_complete(serve())
        except BaseException as error:  # noqa: BLE001 -- raised again on the test's thread
            failures.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        assert ready.wait(30)
        client = Client(told[0])
        client.login()
        tape = Tape(client, told[1])
        yield tape
        client.connection.close()
        tape.outside.connection.close()
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
        loop.close()
    if failures:
        raise failures[0]
    tape.text = told[2]
