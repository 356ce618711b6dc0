"""Recording: what a client does through the proxy becomes a scenario that passes."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from scenario_runner.errors import UsageError
from scenario_runner.exchange import Request, Response
from scenario_runner.execution.virtual import taught_words
from scenario_runner.mock_pbx.profile import PROFILES
from scenario_runner.pbx.ringme.access import RestAccess
from scenario_runner.pbx.ringme.client import HttpTransport
from scenario_runner.recording.proxy import RecordingProxy
from tests.recording.through import Tape, recording
from tests.serving.served import API

if TYPE_CHECKING:
    from collections.abc import Callable

    from scenario_runner.mock_pbx import Answer


def outgoing(tape: Tape, extension: int = 342) -> dict[str, Any]:
    placed: dict[str, Any] = tape.client.ask(
        "POST", "/mock/calls", {"extension": extension, "to": "+74950000200"}
    ).json
    return placed


def advance(tape: Tape, by: str) -> None:
    assert tape.client.ask("POST", "/mock/clock/advance", {"by": by}).status == 200


def calls_of(tape: Tape, extension_id: int = 34414) -> Any:
    return tape.client.ask("GET", f"{API}/extension/{extension_id}/current_calls/").json


def test_the_walk_through_of_parking() -> None:
    with recording() as tape:
        customer, colleague = tape.client.call(), outgoing(tape)
        tape.client.valet(customer, "park", "6")
        assert tape.client.in_slot(colleague, "6") == customer["uuid"]
        tape.client.valet(colleague, "bridge", "6")
        assert tape.client.in_slot(colleague, "6") is None
    assert tape.steps == [
        '- call: {as: call1, extension: 341, from: "+78120000443"}',
        '- call: {as: call2, extension: 342, to: "+74950000200"}',
        "- park: {call: call1, slot: 6}",
        "- slots: {call: call2, slot: 6}",
        "expect: {holds: call1}",
        "- bridge: {call: call2, slot: 6}",
        "expect: {with: call1}",
        "- slots: {call: call2, slot: 6}",
        "expect: {empty: true}",
    ]
    assert tape.replay().verdicts == ["passed"]


def test_no_credential_is_written() -> None:
    with recording() as tape:
        tape.client.valet(tape.client.call(), "park")
        secrets = [tape.client.token, "s3cret", "crm", "Bearer", "Authorization", "oauth"]
    assert [secret for secret in secrets if secret in tape.text] == []
    assert "3232240860" not in tape.text


def the_time_out(tape: Tape) -> None:
    customer, colleague = tape.client.call(), outgoing(tape)
    tape.client.valet(customer, "park", 6)
    advance(tape, "2m59s")
    tape.client.in_slot(colleague)
    advance(tape, "2s")
    tape.client.in_slot(colleague)
    calls_of(tape)
    path = f"{API}/extension/34414/current_calls/{customer['call_api_id']}"
    assert tape.client.ask("GET", path).json["answer_time_gmt"] is None
    advance(tape, "30s")
    assert tape.client.ask("GET", path).status == 404


def refusals(tape: Tape) -> None:
    customer, colleague = tape.client.call(), outgoing(tape)
    tape.client.valet(customer, "park", 6)
    tape.client.valet(colleague, "park", 6)
    tape.client.valet(colleague, "park", 99)
    tape.client.valet(colleague, "bridge", 7)
    tape.client.valet(customer, "park", 8)
    tape.client.valet(colleague, "nonsense", 8)


def a_remote_party_that_leaves(tape: Tape) -> None:
    customer, colleague = tape.client.call(), outgoing(tape)
    tape.client.valet(customer, "park", 6)
    tape.client.ask("DELETE", f"/mock/calls/{customer['uuid']}")
    tape.client.in_slot(colleague)
    tape.client.valet(customer, "park", 7)


def hanging_up(tape: Tape) -> None:
    customer = tape.client.call()
    path = f"{API}/extension/34414/current_calls/{customer['call_api_id']}"
    calls_of(tape)
    assert tape.client.ask("DELETE", path).status == 204
    calls_of(tape)
    assert tape.client.ask("DELETE", path).status == 404


def ringing(tape: Tape) -> None:
    body = {"extension": 341, "from": "+7812", "answered": False}
    call = tape.client.ask("POST", "/mock/calls", body).json
    tape.client.valet(call, "park")
    tape.client.ask("POST", f"/mock/calls/{call['uuid']}/answer")
    tape.client.valet(call, "park")


def a_callback(tape: Tape) -> None:
    body = {"src_num": ["342"], "dst_num": "+74950000200"}
    call = tape.client.ask("POST", f"{API}/extension/34415/callback/", body).json
    tape.client.valet(call | {"extension_id": 34415}, "park", 3)


def parking_again(tape: Tape) -> None:
    customer, colleague = tape.client.call(), outgoing(tape)
    tape.client.valet(customer, "park", 6)
    tape.client.valet(colleague, "bridge", 6)
    tape.client.valet(customer | {"extension_id": 34415}, "park", 7)
    tape.client.valet(customer | {"extension_id": 34415}, "slots", 7)
    calls_of(tape, 34415)
    tape.client.ask("GET", f"{API}/extension/1/current_calls/")
    unknown = f"{API}/extension/34415/current_calls/1-2"
    tape.client.ask("GET", unknown)
    tape.client.ask("DELETE", unknown)


def a_random_bridge(tape: Tape) -> None:
    customer, colleague = tape.client.call(), outgoing(tape)
    tape.client.valet(customer, "park", 6)
    path = f"{API}/extension/34415/valet_park/{colleague['call_api_id']}"
    tape.client.ask("PUT", path, {"action": "bridge"})
    tape.client.ask("DELETE", f"/mock/calls/{customer['uuid']}")
    calls_of(tape, 34415)


def what_has_no_verb(tape: Tape) -> None:
    customer = tape.client.call()
    path = f"{API}/extension/34414/current_calls/{customer['call_api_id']}"
    tape.client.ask("PUT", path, {"action": "transfer", "send_dst": "342", "note": "a $sign"})
    tape.client.ask("GET", f"{API}/client/@me/current_calls/")
    tape.client.ask("GET", f"{API}/nothing/at/all")
    tape.client.valet({"extension_id": 34414, "call_api_id": "1-made-up"}, "park")


def subscriptions(tape: Tape) -> None:
    wish = {"url": "http://127.0.0.1:1/", "method": "POST", "event_type": "answer"}
    tape.client.ask("POST", f"{API}/extension/34414/event/", wish)
    tape.client.valet(tape.client.call(), "park")


def another_extension(tape: Tape) -> None:
    tape.client.valet(tape.client.call() | {"extension_id": 34415}, "park")


CONVERSATIONS = (
    the_time_out, refusals, a_remote_party_that_leaves, hanging_up, ringing, a_callback,
    parking_again,
    a_random_bridge, what_has_no_verb, subscriptions, another_extension,
)  # fmt: skip


@pytest.mark.parametrize("conversation", CONVERSATIONS, ids=lambda talk: talk.__name__)
def test_a_replay_passes(conversation: Callable[[Tape], None]) -> None:
    with recording() as tape:
        conversation(tape)
    ran = tape.replay()
    assert ran.verdicts == ["passed"], (tape.text, ran.failures)


def test_a_refusal_whose_reason_is_known_is_written_with_it() -> None:
    with recording(taught_words(PROFILES["vendor"])) as tape:
        refusals(tape)
    assert [step for step in tape.steps if "status:" in step] == ["expect: {status: 400}"]  # raw
    assert "expect: {refused: slot-empty}" in tape.steps
    assert "expect: {refused: slot-full}" in tape.steps
    ran = tape.replay()
    assert ran.verdicts == ["passed"], (tape.text, ran.failures)


def test_waits_stand_for_the_time_that_went_by() -> None:
    with recording() as tape:
        the_time_out(tape)
    waits = [line for line in tape.steps if line.startswith("- wait")]
    assert [round(float(wait[8:-1])) for wait in waits] == [179, 2, 30]


@pytest.mark.parametrize("answered", [True, False])
def test_calls_from_past_the_proxy_are_asked_about(*, answered: bool) -> None:
    with recording() as tape:
        body = {"extension": 341, "from": "+78120000443", "answered": answered}
        call = tape.outside.ask("POST", "/mock/calls", body).json
        other = tape.outside.ask("POST", "/mock/calls", {"extension": 342, "to": "1"}).json
        tape.client.valet(call, "park")
        assert len(calls_of(tape, 34415)["call_list"]) == 1
        tape.outside.ask("DELETE", f"/mock/calls/{other['uuid']}")
        calls_of(tape, 34415)
    assert tape.steps[0].startswith('- call: {as: call1, extension: 341, from: "+78120000443"')
    assert "- call: {as: call2, extension: 342, to: 1}" in tape.steps
    assert tape.replay().verdicts == ["passed"], tape.text


def test_polling_is_told_once() -> None:
    with recording() as tape:
        customer = tape.client.call()
        for _ in range(5):
            tape.client.in_slot(customer)
    assert len([line for line in tape.steps if line.startswith("- slots")]) == 1


def test_a_recording_of_nothing_is_refused() -> None:
    with pytest.raises(UsageError, match="there is nothing to make a scenario of"), recording():
        pass


def test_a_pbx_that_is_gone_is_told_to_the_client_and_not_recorded() -> None:
    access = RestAccess(url="http://127.0.0.1:1", client_id="", client_secret="")
    transport = HttpTransport(access, "gone")
    proxy = RecordingProxy(transport, API, lambda: 0)

    async def ask() -> Answer:
        answered: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        proxy.take(Request(method="GET", path=f"{API}/x"), answered.set_result)
        answer = await answered
        await transport.close()
        return answer

    response = asyncio.run(ask()).response
    assert response.status == 502
    assert b"connection refused" in response.body
    assert proxy.exchanges == []


class Silent:
    """A transport that never answers, or fails in a way that nobody expects."""

    def __init__(self, error: Exception | None = None) -> None:
        self._error = error
        self.ended = 0

    async def send(self, request: Request, within: float) -> Response:
        del request, within
        if self._error is not None:
            raise self._error
        try:
            await asyncio.Event().wait()
        finally:
            self.ended += 1
        raise AssertionError


def test_closing_the_proxy_ends_what_is_under_way() -> None:
    transport = Silent()
    proxy = RecordingProxy(transport, API, lambda: 0)

    async def ask() -> int:
        for _ in range(3):
            proxy.take(Request(method="GET", path=f"{API}/x"), lambda _: None)
        await asyncio.sleep(0)
        await proxy.close()
        return len(asyncio.all_tasks())

    assert asyncio.run(ask()) == 1
    assert transport.ended == 3
    assert proxy.exchanges == []


def test_closing_the_proxy_raises_what_nobody_expected() -> None:
    async def ask() -> None:
        proxy = RecordingProxy(Silent(ZeroDivisionError("by nought")), API, lambda: 0)
        proxy.take(Request(method="GET", path=f"{API}/x"), lambda _: None)
        for _ in range(3):
            await asyncio.sleep(0)
        await proxy.close()

    with pytest.raises(ZeroDivisionError):
        asyncio.run(ask())


def test_passwords_and_tokens_in_raw_bodies_are_not_written() -> None:
    with recording() as tape:
        token = tape.client.token
        body = {"user": "anna", "password": "k33p-it$hidden", "more": [{"api_key": 123456}]}
        tape.client.ask("POST", f"{API}/extension/34414/settings/", body)
        tape.client.ask("POST", f"{API}/extension/34414/notes/", {"note": f"I am {token}!"})
        tape.client.ask("GET", f"{API}/extension/34414/notes/?access_token={token}")
        headers = {"Authorization": f"Bearer {token}"}
        form = b"a=1&refresh_token=a+live%2Fone"
        tape.client.connection.request("POST", f"{API}/extension/34414/forms/", form, headers)
        tape.client.connection.getresponse().read()
    for secret in (token, "k33p-it", "123456", "a+live%2Fone"):
        assert secret not in tape.text
    assert '"password": "$secret.PASSWORD"' in tape.text
    assert '"api_key": "$secret.API_KEY"' in tape.text
    assert "I am ${secret.TOKEN}!" in tape.text
    assert "refresh_token=${secret.REFRESH_TOKEN}" in tape.text
