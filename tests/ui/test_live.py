"""Lots that are not the page's own: a target through its driver, the clients of a served mock."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import pytest
from msgspec import structs

from scenario_runner.errors import NotPossible
from scenario_runner.events import CallChanged, Exchange, PbxReported
from scenario_runner.exchange import Request
from scenario_runner.language.matchers import StartsWith
from scenario_runner.language.target import Allow, Target
from scenario_runner.mock_pbx.server.app import MockHandler, MockOptions, _recipe, mock_server
from scenario_runner.mock_pbx.server.tenants import Tenants
from scenario_runner.mock_pbx.server.webhooks import Silent, Webhooks
from scenario_runner.pbx.drivers import Context
from scenario_runner.pbx.ringme.access import EventSettings, RestAccess
from scenario_runner.references import Literal
from scenario_runner.source import Span
from scenario_runner.ui.gestures import (
    LookAtCall,
    LookAtExtension,
    LookIntoSlot,
    ParkCall,
    PutDown,
    SendRequest,
    SomebodyCalls,
    TakeFromSlot,
)
from scenario_runner.ui.live import LiveLot
from scenario_runner.ui.recording import recorded
from scenario_runner.ui.served import ServedLot, ServedLots
from tests.http.meeting import target
from tests.ui.hand import COMES_UP, DIALS_OUT, PARKS
from tests.ui.replaying import assert_passes

T = TypeVar("T")


def with_mock(
    deed: Callable[[LiveLot], Awaitable[T]],
    change: Callable[[Target], Target] = lambda one: one,
    **options: Any,
) -> T:
    """Serve a mock, open a live lot on it, do something, and close it."""

    async def doing() -> T:
        async with mock_server(replace(MockOptions(port=0), **options)) as url:
            lot = LiveLot(change(target(url)), Context(), lambda: None)
            await lot.open()
            assert lot.problem == ""
            try:
                return await deed(lot)
            finally:
                await lot.close()

    return asyncio.run(doing())


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def saw(lot: LiveLot | ServedLot) -> str:
    answer = lot.line.now.answer
    assert answer is not None
    return answer.saw


def test_gestures_go_through_the_driver() -> None:
    async def deed(lot: LiveLot) -> None:
        await lot.do(COMES_UP)
        await lot.do(PARKS)
        picture = lot.line.now.picture
        parked = picture.in_slot("6")
        assert parked is not None
        assert (parked.name, parked.party) == ("customer", "+78120000443")
        await lot.do(DIALS_OUT)
        await lot.do(LookIntoSlot(call="colleague", slot=6))
        assert saw(lot) == "slot 6 holds customer"
        await lot.do(ParkCall(call="colleague", slot=6))
        assert saw(lot) == "refused: slot already have parked member, slot is full"
        assert lot.line.now.title == "342 parks the colleague, but the slot is full"
        await lot.do(TakeFromSlot(call="colleague", slot=6))
        assert saw(lot) == "joined with customer"
        await lot.do(LookAtCall(call="customer"))
        await lot.do(LookAtExtension(extension="342"))
        await lot.do(PutDown(call="colleague", by="extension"))
        assert lot.line.now.picture.calls == ()

    with_mock(deed)


def test_what_is_done_on_a_real_target_is_recorded_too() -> None:
    async def deed(lot: LiveLot) -> str:
        for gesture in (COMES_UP, PARKS, DIALS_OUT, LookIntoSlot(call="colleague", slot=6)):
            await lot.do(gesture)
        answer = lot.line.now.answer
        assert answer is not None
        lot.change(lot.line.pin(len(lot.line.moments) - 1, answer.pins[0]))
        return recorded(lot.line, "On a real PBX").text

    text = with_mock(deed)
    assert "expect: {holds: customer}" in text
    assert_passes(text)


def test_every_exchange_is_told_and_no_secret() -> None:
    async def deed(lot: LiveLot) -> None:
        await lot.do(COMES_UP)
        await lot.do(PARKS)
        events = [event for moment in lot.line.moments for event in moment.events]
        assert sum(isinstance(event, Exchange) for event in events) >= 2
        assert sum(isinstance(event, CallChanged) for event in events) == 2
        assert "k33p-it-hidden" not in repr(events)
        assert "Bearer ***" in repr(events)

    with_mock(deed)


def test_what_the_pbx_reports_is_a_moment_of_its_own() -> None:
    def delivered(one: Target) -> Target:
        assert isinstance(one.settings, RestAccess)
        return structs.replace(one, settings=structs.replace(one.settings, events=EventSettings()))

    async def deed(lot: LiveLot) -> None:
        await lot.do(COMES_UP)
        await lot.do(PARKS)
        for _ in range(200):
            events = [event for moment in lot.line.moments for event in moment.events]
            if any(isinstance(one, PbxReported) and one.type == "hangup" for one in events):
                return
            await asyncio.sleep(0.01)
        pytest.fail("no event came")

    with_mock(deed, delivered)


def test_what_the_target_does_not_allow_is_not_dialled() -> None:
    allowed = Allow(numbers=(StartsWith(Literal("+7812", Span("", 0, 0, 0, 0))),), max_calls=1)

    async def deed(lot: LiveLot) -> None:
        await lot.do(SomebodyCalls(name="a", extension="341", number="+1555", answered=True))
        assert lot.line.now.answer is not None
        assert lot.line.now.answer.outcome == "lost"
        assert "the number +1555 is not allowed" in lot.line.now.answer.words
        await lot.do(COMES_UP)
        await lot.do(DIALS_OUT)
        assert lot.line.now.title == "342 dials the colleague: no answer"

    with_mock(deed, lambda one: structs.replace(one, allow=allowed))


def test_nothing_is_left_behind_when_the_page_closes() -> None:
    async def doing() -> None:
        async with mock_server(MockOptions(port=0)) as url:
            lot = LiveLot(target(url), Context(), lambda: None)
            await lot.open()
            await lot.do(COMES_UP)
            await lot.do(PARKS)
            await lot.close()
            other = LiveLot(target(url), Context(), lambda: None)
            await other.open()
            await other.do(DIALS_OUT)
            await other.do(LookIntoSlot(call="colleague", slot=6))
            assert saw(other) == "slot 6 is empty"
            await other.close()

    asyncio.run(doing())


def test_a_target_that_can_t_be_reached_is_a_problem_and_tried_again() -> None:
    async def doing() -> None:
        lot = LiveLot(target("http://127.0.0.1:9"), Context(), lambda: None)
        await lot.open()
        assert "127.0.0.1:9" in lot.problem
        assert not lot.acts
        with pytest.raises(NotPossible):
            await lot.do(COMES_UP)
        await lot.close()

    asyncio.run(doing())


def test_curl_is_told_where_there_is_http() -> None:
    async def deed(lot: LiveLot) -> None:
        await lot.do(COMES_UP)
        assert lot.curl(PARKS).startswith("curl -X PUT http://127.0.0.1:")
        assert lot.curl(DIALS_OUT) == ""
        assert lot.curl(ParkCall(call="nobody", slot=6)) == ""

    with_mock(deed)


class Clients:
    """The clients of a served mock, without a network between."""

    def __init__(self) -> None:
        options = MockOptions(virtual_time=True)
        self.tenants = Tenants(_recipe(options))
        self.handler = MockHandler(self.tenants, Webhooks((), Silent()), Silent(), local=True)
        self.lots = ServedLots(self.handler, base_url="http://127.0.0.1:8080")

    def ask(self, method: str, path: str, body: bytes = b"", token: str = "") -> Any:
        headers = (("Authorization", f"Bearer {token}"),) if token else ()
        answers: list[Any] = []
        request = Request(method=method, path=path, headers=headers, body=body)
        self.handler.take(request, answers.append)
        return answers[0].response

    def login(self, client: str) -> str:
        form = f"grant_type=client_credentials&client_id={client}&client_secret=x".encode()
        return str(json.loads(self.ask("POST", "/oauth/token", form).body)["access_token"])


def with_clients(deed: Callable[[Clients], Awaitable[None]]) -> None:
    async def doing() -> None:
        await deed(Clients())

    asyncio.run(doing())


def test_what_clients_do_is_seen() -> None:
    async def deed(clients: Clients) -> None:
        clients.lots.begin()
        token = clients.login("crm")
        lot = clients.lots.lots[0]
        assert lot.name == "crm"
        clients.ask("POST", "/mock/calls", b'{"extension": 341, "from": "+7"}', token)
        assert lot.line.now.title == "The call 1 comes in at 341"
        call = lot.world.find("call_1").call_api_id
        path = f"/api/ver1.0/extension/34414/valet_park/{call}"
        clients.ask("PUT", path, b'{"action": "park", "slot": 6}', token)
        assert lot.line.now.title == "The call 1 is parked in slot 6"
        clients.ask("POST", "/mock/clock/advance", b'{"by": "3m"}', token)
        assert lot.line.now.title == "The call 1 returns to 341"
        assert lot.now == 180_000_000

    with_clients(deed)


def test_each_client_has_a_lot_of_its_own() -> None:
    async def deed(clients: Clients) -> None:
        clients.lots.begin()
        for name in ("crm", "desk"):
            token = clients.login(name)
            clients.ask("POST", "/mock/calls", b'{"extension": 341, "from": "+7"}', token)
        crm, desk = clients.lots.lots
        assert [crm.title, desk.title] == ["Client crm", "Client desk"]
        await crm.do(PutDown(call="call_1"))
        assert crm.line.now.picture.calls == ()
        assert len(desk.line.now.picture.calls) == 1

    with_clients(deed)


def test_the_page_acts_beside_the_clients() -> None:
    async def deed(clients: Clients) -> None:
        token = clients.login("crm")
        clients.lots.begin()
        lot = clients.lots.lots[0]
        await lot.do(COMES_UP)
        await lot.do(PARKS)
        assert lot.line.now.title == "341 parks the customer"
        state = clients.ask("GET", "/mock/state", token=token).body
        assert b'"state": "parked"' in state
        assert lot.curl(LookIntoSlot(call="customer", slot=6)).startswith("curl -X PUT http://127")
        lot.change(lot.line)

    with_clients(deed)


def test_a_lot_that_nobody_owns_yet_can_be_acted_on_and_stays_the_first_client_s() -> None:
    async def deed(clients: Clients) -> None:
        clients.lots.begin()
        lot = clients.lots.lots[0]
        assert lot.name == "first client"
        await lot.do(COMES_UP)
        await lot.do(PARKS)
        token = clients.login("crm")
        assert lot.name == "crm"
        assert b'"state": "parked"' in clients.ask("GET", "/mock/state", token=token).body

    with_clients(deed)


def test_requests_by_hand_are_seen_once() -> None:
    async def deed(clients: Clients) -> None:
        clients.lots.begin()
        lot = clients.lots.lots[0]
        await lot.do(SendRequest(request=Request(method="GET", path="/mock/state")))
        assert len(lot.line.moments) == 2

    with_clients(deed)
