from __future__ import annotations

import asyncio
from urllib.parse import urlencode, urlsplit

import pytest

from scenario_runner.errors import TargetError
from scenario_runner.http.messages import BODY_LIMIT
from scenario_runner.http.server import Limits
from scenario_runner.language.settings import Address
from scenario_runner.pbx.drivers import Context, Notice
from scenario_runner.pbx.ringme import receiver
from scenario_runner.pbx.ringme.access import EventSettings
from scenario_runner.pbx.ringme.events import Deliveries
from scenario_runner.pbx.ringme.receiver import Mailbox, receiving

FORM = "EventType=hangup&CallAPIID=1-u"


def delivered(*requests: bytes) -> tuple[list[bytes], list[str]]:
    """Send requests, each on a connection of its own; return the answers and the forms heard."""
    heard: list[str] = []

    async def whole() -> list[bytes]:
        async with receiving(EventSettings()) as receiver:
            box = receiver.mailbox()
            unlisten = box.listen(heard.append)
            answers = [await asked(box, request) for request in requests]
            unlisten()
            return answers

    return asyncio.run(asyncio.wait_for(whole(), 10)), heard


async def asked(box: Mailbox, request: bytes) -> bytes:
    parts = urlsplit(box.url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    try:
        writer.write(request.replace(b"/BOX", parts.path.encode()))
        if b"NEVER" not in request:
            writer.write_eof()
        answer = await reader.read()
    except OSError:
        answer = b""
    writer.close()
    return answer.partition(b"\r\n")[0]


def post(body: str, path: str = "/BOX", length: str | None = None) -> bytes:
    told = str(len(body)) if length is None else length
    return f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {told}\r\n\r\n{body}".encode()


def test_deliveries_come_by_post_and_by_get() -> None:
    answers, heard = delivered(post(FORM), f"GET /BOX?{FORM} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    assert answers == [b"HTTP/1.1 200 OK"] * 2
    assert heard == [FORM, FORM]


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (post(FORM, "/somewhere"), b"404 Not Found"),
        (post(FORM, "/BOX/more"), b"404 Not Found"),
        (b"PUT /BOX HTTP/1.1\r\nHost: x\r\n\r\n", b"405 Method Not Allowed"),
        (post(FORM, length=str(BODY_LIMIT + 1)), b"413 Content Too Large"),
        (post(FORM, length="9" * 18), b"413 Content Too Large"),
        (post(FORM, length="9" * 20), b"400 Bad Request"),
        (post(FORM, length="-1"), b"400 Bad Request"),
        (post(FORM, length="99"), b"400 Bad Request"),
        (b"POST /BOX HTTP/1.1\r\nHost: x\r\n\r\n", b"400 Bad Request"),
        (b"hello\r\n\r\n", b"400 Bad Request"),
        (b"GET BOX HTTP/1.1\r\n\r\n", b"400 Bad Request"),
        (b"\x00\xff\r\n\r\n", b"400 Bad Request"),
        (b"GET /BOX HT", b"400 Bad Request"),
        (
            b"GET /BOX HTTP/1.1\r\nX: " + b"x" * 70_000 + b"\r\n\r\n",
            b"431 Request Header Fields Too Large",
        ),
    ],
    ids=repr,
)
def test_what_is_no_delivery_is_refused(request_: bytes, status: bytes) -> None:
    answers, heard = delivered(request_, post(FORM))
    assert answers == [b"HTTP/1.1 " + status, b"HTTP/1.1 200 OK"]
    assert heard == [FORM]


def test_who_is_slow_does_not_hold_the_others_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receiver, "LIMITS", Limits(idle=0.05, stalled=0.05))
    answers, _ = delivered(b"GET /NEVER HT")
    assert answers == [b"HTTP/1.1 408 Request Timeout"]


def test_too_many_connections_are_turned_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receiver, "LIMITS", Limits(connections=0))
    answers, heard = delivered(post(FORM))
    assert answers[0] in (b"HTTP/1.1 503 Service Unavailable", b"")
    assert heard == []


def test_mailboxes_are_told_apart_and_can_not_be_guessed() -> None:
    async def whole() -> None:
        settings = EventSettings(public_url="https://ci.example.com/hook")
        async with receiving(settings) as receiver:
            one, other = receiver.mailbox(), receiver.mailbox()
        assert one.url != other.url
        assert one.url.startswith("https://ci.example.com/hook/")
        assert len(one.url.rpartition("/")[2]) == 32

    asyncio.run(whole())


def test_an_address_that_is_taken_is_told() -> None:
    async def whole() -> None:
        async with receiving(EventSettings()) as receiver:
            port = urlsplit(receiver.mailbox().url).port or 0
            async with receiving(EventSettings(listen=Address("127.0.0.1", port))):
                raise AssertionError("two listen at one address")

    with pytest.raises(TargetError, match="events can't be received at 127"):
        asyncio.run(whole())


NOW = 1_591_266_790_576_760
LEG = "34414-262077ef325f4868aa49bf22309229f7"


def form(kind: str, time: int = NOW, leg: str = LEG) -> str:
    fields = {"EventType": kind, "EventTime": time, "SubCallID": leg, "CallAPIID": "1-u"}
    return urlencode(fields)


@pytest.mark.parametrize(
    ("forms", "passed", "codes"),
    [
        ([form("dial-in"), form("answer", NOW + 1), form("hangup", NOW + 2)], 3, []),
        ([form("dial-in"), form("dial-in")], 1, ["event-doubled"]),
        ([form("dial-in"), form("dial-in", leg="34415-x")], 2, []),
        ([form("answer", NOW), form("dial-in", NOW - 1)], 2, ["event-reordered"]),
        ([form("dial-in", NOW - 9_000_000)], 1, ["event-late"]),
        ([form("answer")], 1, ["event-lost"]),
        ([form("hangup")], 1, ["event-lost"]),
        (["EventType=answer"], 0, ["event-malformed"]),
        (["%%%"], 0, ["event-malformed"]),
        ([""], 0, ["event-malformed"]),
        (["EventType=dial-in&CallAPIID=1-u&EventTime=soon"], 1, []),
    ],
)
def test_deliveries_that_went_wrong_are_told_apart(
    forms: list[str], passed: int, codes: list[str]
) -> None:
    heard: list[str] = []
    notices: list[Notice] = []
    deliveries = Deliveries(heard.append, Context(warn=notices.append, wall=lambda: NOW))
    for one in forms:
        deliveries(one)
    deliveries.finish()
    assert len(heard) == passed
    assert [notice.code for notice in notices] == codes
