from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from random import Random
from typing import TypeAlias
from urllib.parse import parse_qs

import pytest

from scenario_runner.clock import ManualClock
from scenario_runner.errors import (
    AnswerLost,
    BadAnswer,
    BadCredentials,
    PbxError,
    RateLimited,
    TimedOut,
    Unreachable,
)
from scenario_runner.exchange import Request, Response, header
from scenario_runner.pbx.ringme.events import PollingFeed
from scenario_runner.pbx.ringme.rest import Patience, Rest, Tokens, Wire
from scenario_runner.pbx.ringme.settings import Credentials, RingMeSettings
from scenario_runner.references import Json
from tests.http.test_polling import Heard

Answer: TypeAlias = Response | PbxError

TOKEN = {"access_token": "t0ken-1", "token_type": "Bearer", "expires_in": 3600}


def said(status: int, body: object = None, **headers: str) -> Response:
    told = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    return Response(
        status=status, headers=told, body=b"" if body is None else json.dumps(body).encode()
    )


class Script:
    """A transport that answers API requests one after the other, and token requests likewise."""

    def __init__(self, answers: Sequence[Answer], tokens: Sequence[Answer] | None = None) -> None:
        self.answers = list(answers)
        self.tokens: list[Answer] = [said(200, TOKEN)] * 9
        if tokens is not None:
            self.tokens = list(tokens)
        self.asked: list[Request] = []
        self.forms: list[dict[str, str]] = []

    async def send(self, request: Request, within: float) -> Response:
        assert within > 0
        answers = self.answers
        if request.path == "/oauth/token":
            answers = self.tokens
            form = parse_qs(request.body.decode())
            self.forms.append({name: values[0] for name, values in form.items()})
        else:
            self.asked.append(request)
        await asyncio.sleep(0)
        answer = answers.pop(0)
        if isinstance(answer, PbxError):
            raise answer
        return answer


class World:
    """A driver's requests, with a clock that only sleeping moves."""

    def __init__(self, script: Script, again: int = 3, username: str = "") -> None:
        self.clock = ManualClock()
        self.slept: list[float] = []
        self.hidden: list[str] = []
        self.heard = Heard()
        credentials = Credentials(
            client_id="runner", client_secret="k33p", username=username, password="pass"
        )
        settings = RingMeSettings(name="staging", credentials=credentials)
        patience = Patience(again, random=Random(1), sleep=self._sleep)
        wire = Wire(script, self.clock, self.heard, None, patience)
        self.rest = Rest(settings, wire, Tokens(settings, self.hidden.append))

    async def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.clock.advance(int(seconds * 1_000_000))

    def call(
        self,
        method: str = "GET",
        body: dict[str, Json] | None = None,
        within: int = 30_000_000,
    ) -> int:
        return asyncio.run(self.rest.call(method, "/x", within, body)).status


@pytest.mark.parametrize(
    "fault", [Unreachable("x"), AnswerLost("x"), TimedOut("x"), said(502), said(503), said(504)]
)
def test_what_only_asks_is_repeated_with_growing_pauses(fault: Answer) -> None:
    script = Script([fault, fault, fault, said(200, {})])
    world = World(script)
    assert world.call() == 200
    assert len(script.asked) == 4
    assert world.slept == sorted(world.slept)
    assert 0.05 <= world.slept[0] <= 0.15
    assert len(world.heard.traces) == 5


@pytest.mark.parametrize(
    ("method", "body"), [("PUT", {"action": "park"}), ("DELETE", {}), ("POST", {"dst_num": "1"})]
)
def test_what_changes_something_is_not_repeated(method: str, body: dict[str, Json]) -> None:
    script = Script([AnswerLost("x"), said(200, {})])
    with pytest.raises(AnswerLost):
        World(script).call(method, body)
    assert len(script.asked) == 1


def test_asking_about_a_slot_is_repeated() -> None:
    script = Script([AnswerLost("x"), said(200, {})])
    assert World(script).call("PUT", {"action": "slots"}) == 200


def test_repeating_ends_after_three_times_and_with_the_time() -> None:
    with pytest.raises(AnswerLost):
        World(Script([AnswerLost("x")] * 4)).call()
    world = World(Script([AnswerLost("x")] * 4))
    with pytest.raises(AnswerLost):
        world.call(within=50_000)
    assert world.slept == []
    assert World(Script([said(503)] * 4)).call() == 503


def test_without_patience_nothing_is_repeated() -> None:
    script = Script([AnswerLost("x"), said(200, {})])
    with pytest.raises(AnswerLost):
        World(script, again=0).call()


LIMITED = {"X_RateLimit_Limit": "100", "X_RateLimit_Remaining": "0"}


def test_the_next_hour_is_waited_for_where_it_begins_in_time() -> None:
    script = Script([said(429, {}, **LIMITED, X_RateLimit_Reset="20"), said(200, {})])
    world = World(script)
    assert world.call("PUT", {"action": "park"}) == 200
    assert world.slept == [20.0]


@pytest.mark.parametrize("reset", ["31", "soon", "-1"])
def test_a_limit_that_lasts_longer_is_told(reset: str) -> None:
    world = World(Script([said(429, {}, **LIMITED, X_RateLimit_Reset=reset)]))
    assert world.call("PUT", {"action": "park"}) == 429
    assert world.slept == []


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (Response(status=200, body=b"<html>"), "is no JSON but: <html>"),
        (Response(status=404, headers=(("Content-Type", "text/html; x"),), body=b"<html>"),
         "(status 404) is a web page"),
        (Response(status=200, headers=(("Content-Type", "application/json"),), body=b'{"a'),
         "says it is JSON and is not"),
    ],
)  # fmt: skip
def test_an_answer_that_is_not_the_apis_is_told(answer: Response, told: str) -> None:
    with pytest.raises(BadAnswer) as error:
        World(Script([answer] * 4)).call()
    assert told in error.value.message
    assert error.value.hint is not None


def test_a_token_is_asked_for_once_and_hidden() -> None:
    script = Script([said(200, {}), said(200, {})])
    world = World(script)

    async def both() -> None:
        await asyncio.gather(world.rest.call("GET", "/a", 9), world.rest.call("GET", "/b", 9))

    asyncio.run(both())
    assert script.forms == [
        {"grant_type": "client_credentials", "client_id": "runner", "client_secret": "k33p"}
    ]
    assert [header(one.headers, "authorization") for one in script.asked] == ["Bearer t0ken-1"] * 2
    assert world.hidden == ["t0ken-1"]


def test_one_new_token_on_a_401_and_never_a_loop() -> None:
    second = said(200, TOKEN | {"access_token": "t0ken-2"})
    script = Script([said(401, {}), said(401, {})], [said(200, TOKEN), second])
    assert World(script).call() == 401
    assert len(script.asked) == 2
    assert len(script.forms) == 2


def test_several_that_meet_a_401_get_one_new_token() -> None:
    second = said(200, TOKEN | {"access_token": "t0ken-2"})
    script = Script([said(401, {})] * 3 + [said(200, {})] * 3, [said(200, TOKEN), second])
    world = World(script)

    async def three() -> None:
        await asyncio.gather(*(world.rest.call("GET", "/a", 9) for _ in range(3)))

    asyncio.run(three())
    assert len(script.forms) == 2


def test_a_user_logs_in_by_password_and_refreshes() -> None:
    first = said(200, TOKEN | {"refresh_token": "refr3sh"})
    second = said(200, TOKEN | {"access_token": "t0ken-2"})
    script = Script([said(401, {}), said(200, {})], [first, second])
    world = World(script, username="admin")
    assert world.call() == 200
    assert [form["grant_type"] for form in script.forms] == ["password", "refresh_token"]
    assert script.forms[0]["username"] == "admin"
    assert script.forms[1]["refresh_token"] == "refr3sh"
    assert world.hidden == ["t0ken-1", "refr3sh", "t0ken-2"]


def test_a_refresh_that_is_refused_logs_in_again() -> None:
    first = said(200, TOKEN | {"refresh_token": "refr3sh"})
    refused = said(401, {"error": "invalid_grant"})
    third = said(200, TOKEN | {"access_token": "t0ken-3"})
    script = Script([said(401, {}), said(200, {})], [first, refused, third])
    assert World(script, username="admin").call() == 200
    assert [form["grant_type"] for form in script.forms] == [
        "password", "refresh_token", "password"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("answer", "kind", "told"),
    [
        (said(401, {"error": "invalid_client"}), BadCredentials, "no token: status 401, invalid_c"),
        (said(400), BadCredentials, "no token: status 400"),
        (said(429), RateLimited, "no more tokens for now"),
        (said(404, {}), BadAnswer, "(status 404) holds no access_token"),
        (said(200, {}), BadAnswer, "(status 200) holds no access_token"),
        (said(200, {"access_token": 5}), BadAnswer, "holds no access_token"),
        (said(500), BadAnswer, "(status 500) holds no access_token"),
        (Unreachable("nobody there"), Unreachable, "nobody there"),
    ],
)
def test_no_token_is_told_with_its_cause(answer: Answer, kind: type[PbxError], told: str) -> None:
    with pytest.raises(kind) as error:
        World(Script([], [answer] * 4)).call()
    assert told in error.value.message
    assert "k33p" not in f"{error.value.message} {error.value.hint}"


def test_asking_for_a_token_is_repeated() -> None:
    script = Script([said(200, {})], [AnswerLost("x"), said(503), said(200, TOKEN)])
    assert World(script).call() == 200


def test_the_gate_lets_only_so_many_through_and_its_wait_is_in_no_time_out() -> None:
    running: list[int] = [0]
    most: list[int] = [0]

    class Slow:
        async def send(self, request: Request, within: float) -> Response:
            del request
            assert within == 1.0
            running[0] += 1
            most[0] = max(most[0], running[0])
            for _ in range(3):
                await asyncio.sleep(0)
            running[0] -= 1
            return said(200, {})

    async def many(check: Callable[[], None]) -> None:
        wire = Wire(Slow(), ManualClock(), Heard(), asyncio.Semaphore(2))
        request = Request(method="GET", path="/")
        await asyncio.gather(*(wire.send(request, 1_000_000) for _ in range(7)))
        check()

    asyncio.run(many(lambda: None))
    assert most == [2]


def test_an_error_of_our_own_while_calls_are_looked_at_is_not_lost() -> None:
    """The second look finds no answer in the script, which is the script's fault."""
    world = World(Script([said(200, {"call_list": []})]))
    slept = asyncio.Event()

    async def sleep(_: float) -> None:
        slept.set()

    async def play() -> None:
        feed = PollingFeed(lambda _: None, sleep, lambda _: None)
        await feed.watch("34414", world.rest, 30_000_000)
        await slept.wait()
        for _ in range(5):
            await asyncio.sleep(0)
        with pytest.raises(IndexError):
            await feed.stop(world.rest, 30_000_000)

    asyncio.run(play())
