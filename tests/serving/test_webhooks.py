"""Webhooks: delivered in order, to this machine only unless allowed, bounded, never in the way."""

from __future__ import annotations

import asyncio
import queue
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlsplit

import pytest

from scenario_runner.mock_pbx import Delivery, Profile
from scenario_runner.mock_pbx.faults import fault_from_text
from scenario_runner.mock_pbx.server import webhooks
from scenario_runner.mock_pbx.server.app import MockOptions
from scenario_runner.mock_pbx.server.webhooks import AccessLog, Webhooks
from tests.serving.served import API, Client, client_of

if TYPE_CHECKING:
    from collections.abc import Iterator

Form = dict[str, str]


class Receiver:
    """Somebody who receives notifications."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.heard: queue.Queue[tuple[str, Form]] = queue.Queue()

    def types(self, count: int) -> list[str]:
        return [self.heard.get(timeout=10)[1]["EventType"] for _ in range(count)]


@contextmanager
def receiving() -> Iterator[Receiver]:
    receiver = Receiver("")

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._hear(urlsplit(self.path).query)

        def do_POST(self) -> None:
            self._hear(self.rfile.read(int(self.headers["Content-Length"])).decode())

        def _hear(self, form: str) -> None:
            receiver.heard.put((f"{self.command} {self.path}", dict(parse_qsl(form))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    receiver.url = f"http://127.0.0.1:{server.server_port}/hook?secret=1"
    thread = threading.Thread(target=lambda: server.serve_forever(0.01))
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def subscribe(client: Client, url: str, method: str = "POST", extension_id: int = 34414) -> None:
    for kind in ("dial-in", "answer", "hangup"):
        wish = {"url": url, "method": method, "event_type": kind}
        path = f"{API}/extension/{extension_id}/event/"
        assert client.ask("POST", path, wish).status == 201


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_events_come_in_their_order(method: str) -> None:
    with receiving() as receiver, client_of() as client:
        subscribe(client, receiver.url, method)
        call = client.call()
        client.valet(call, "park")
        line, first = receiver.heard.get(timeout=10)
        assert line.startswith(f"{method} /hook?secret=1")
        assert first["CallAPIID"] == call["call_api_id"]
        assert [first["EventType"], *receiver.types(2)] == ["dial-in", "answer", "hangup"]


def test_a_timer_of_real_time_reports_by_itself() -> None:
    options = MockOptions(port=0, profile=Profile(park_timeout=1000))
    with receiving() as receiver, client_of(options) as client:
        subscribe(client, receiver.url)
        client.valet(client.call(), "park")
        types = receiver.types(4)
        assert sorted(types) == ["answer", "dial-in", "dial-in", "hangup"]


def test_a_late_event_comes_when_time_has_moved() -> None:
    faults = (fault_from_text("event-late,on=dial-in,by=5s"),)
    options = MockOptions(port=0, virtual_time=True, faults=faults)
    with receiving() as receiver, client_of(options) as client:
        subscribe(client, receiver.url)
        client.call()
        assert receiver.types(1) == ["answer"]
        client.ask("POST", "/mock/clock/advance", {"by": "5s"})
        assert receiver.types(1) == ["dial-in"]


def notice(url: str, leg: str = "1-a", kind: str = "answer", method: str = "POST") -> Delivery:
    return Delivery(url, method, f"EventType={kind}&SubCallID={leg}".encode(), 0)


def delivered(*notices: Delivery, hosts: tuple[str, ...] = ()) -> list[str]:
    """Deliver and return what is told about it."""
    lines: list[str] = []

    async def run() -> None:
        hooks = Webhooks(hosts, AccessLog(lines.append, lambda: "now"))
        hooks.send(notices)
        await hooks.idle()
        await hooks.close()

    asyncio.run(run())
    return lines


def test_other_machines_are_refused_unless_allowed() -> None:
    (line,) = delivered(notice("http://192.0.2.1/hook"))
    assert line == (
        "now webhook POST http://192.0.2.1/hook → not delivered: 192.0.2.1 is not this machine; "
        "start the mock with --allow-webhooks-to 192.0.2.1\n"
    )


def test_an_allowed_host_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhooks, "TIME_OUT", 0.01)
    (line,) = delivered(notice("http://192.0.2.1/hook"), hosts=("192.0.2.1",))
    assert "is not this machine" not in line


def test_a_receiver_that_is_not_there_is_told() -> None:
    (line,) = delivered(notice("http://127.0.0.1:1/hook?token=abcd"))
    assert "POST http://127.0.0.1:1/hook?token=*** → not delivered: " in line


def test_a_receiver_that_never_answers_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhooks, "TIME_OUT", 0.02)

    async def run() -> list[str]:
        lines: list[str] = []
        loop = asyncio.get_running_loop()
        server = await loop.create_server(asyncio.Protocol, "127.0.0.1", 0)
        hooks = Webhooks((), AccessLog(lines.append, lambda: "now"))
        hooks.send([notice(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/")])
        await hooks.idle()
        server.close()
        return lines

    (line,) = asyncio.run(run())
    assert line.endswith("→ no answer within 0.02s\n")


@pytest.mark.parametrize("url", ["http://127.0.0.1:99999/", "http:///nowhere", "http://[::1/"])
def test_an_address_that_is_none_is_told(url: str) -> None:
    (line,) = delivered(notice(url))
    assert "not delivered" in line


def test_too_many_waiting_are_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhooks, "MOST_WAITING", 2)
    url = "http://127.0.0.1:1/"
    lines = delivered(notice(url), notice(url, "2-b"), notice(url, "3-c"))
    assert lines[0] == f"now webhook {url} dropped: too many are waiting\n"
    assert len(lines) == 3


def test_the_order_within_a_leg_is_kept() -> None:
    with receiving() as receiver:
        notices = [notice(receiver.url, f"1-{n % 3}", str(n)) for n in range(30)]
        lines = delivered(*notices)
        assert all(line.endswith("→ 200\n") for line in lines)
        heard = [receiver.heard.get(timeout=10)[1] for _ in notices]
    for leg in ("1-0", "1-1", "1-2"):
        mine = [int(form["EventType"]) for form in heard if form["SubCallID"] == leg]
        assert mine == sorted(mine)
