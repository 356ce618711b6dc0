"""The mock's REST face: recorded conversations, tokens, limits, and the profile's options."""

from __future__ import annotations

import json
import os
import re
from dataclasses import fields
from pathlib import Path

import pytest

from scenario_runner.exchange import Request, header
from scenario_runner.mock_pbx import PROFILES, RULES, Client, Loss, MockPbx, Profile, Refusals, Said
from scenario_runner.mock_pbx import profile as profiles
from scenario_runner.mock_pbx.calls import Calls, InSlot, ListCalls
from scenario_runner.mock_pbx.notifications import Notifier
from scenario_runner.mock_pbx.profile import SECOND
from scenario_runner.mock_pbx.switch import Switch
from scenario_runner.mock_pbx.world import World
from tests.mock_pbx.rule_cases import RULES_BY_REST
from tests.mock_pbx.talking import CREDENTIALS, Phone, converse

EXCHANGES = sorted((Path(__file__).parent / "exchanges").glob("*.txt"))
LIST = "/api/ver1.0/client/@me/current_calls/"


@pytest.mark.parametrize("path", EXCHANGES, ids=lambda path: path.stem)
def test_conversation(path: Path) -> None:
    recorded = path.read_text(encoding="utf-8")
    played = converse(recorded)
    if "REWRITE_GOLDEN" in os.environ:
        path.write_text(played, encoding="utf-8")
    assert played == recorded


def test_there_are_conversations() -> None:
    assert len(EXCHANGES) >= 6


@pytest.mark.parametrize(
    "option", [field.name for field in fields(Profile) if field.name != "name"]
)
def test_every_option_is_read(option: str) -> None:
    package = Path(profiles.__file__).parent
    code = "".join(path.read_text(encoding="utf-8") for path in package.glob("*.py"))
    assert re.search(rf"(self|profile)\.{option}\b", code)


def test_every_refusal_is_told_somewhere() -> None:
    told = {field.name for field in fields(Refusals)}
    assert told - {rule.field for rule in RULES} == {"client_unknown", "malformed"}


def token_request(form: bytes, path: str = "/oauth/token") -> Request:
    return Request(method="POST", path=path, body=form)


@pytest.mark.parametrize(
    ("form", "status", "error"),
    [
        (b"", 400, "invalid_request"),
        (b"grant_type=client_credentials&client_id=a", 400, "invalid_request"),
        (b"client_id=a&client_secret=b", 400, "unsupported_grant_type"),
        (b"grant_type=magic&client_id=a&client_secret=b", 400, "unsupported_grant_type"),
        (b"grant_type=password&client_id=a&client_secret=b", 400, "invalid_request"),
        (b"grant_type=refresh_token&client_id=a&client_secret=b", 401, "invalid_grant"),
        (b"grant_type=refresh_token&client_id=a&client_secret=b&refresh_token=x", 401,
         "invalid_grant"),
        (b"\xff\xfe", 400, "invalid_request"),
    ],
)  # fmt: skip
def test_token_refused(form: bytes, status: int, error: str) -> None:
    response = MockPbx().handle(token_request(form), 0).response
    assert response.status == status
    assert json.loads(response.body) == {"error": error}
    assert header(response.headers, "X-RateLimit-Limit") is None


def test_a_token_of_a_trusted_application() -> None:
    response = MockPbx(seed=3).handle(token_request(CREDENTIALS), 0).response
    token = json.loads(response.body)
    assert len(token.pop("access_token")) == 32
    assert token == {"token_type": "Bearer", "expires_in": 3600, "scope": "all"}
    in_query = token_request(b"", "/oauth/token?" + CREDENTIALS.decode())
    assert MockPbx(seed=3).handle(in_query, 0).response == response


def test_a_user_refreshes_a_token_once_with_each_refresh_token() -> None:
    mock = MockPbx()
    form = b"grant_type=password&client_id=a&client_secret=b&username=u&password=p"
    first = json.loads(mock.handle(token_request(form), 0).response.body)
    again = f"grant_type=refresh_token&client_secret=b&refresh_token={first['refresh_token']}"
    stranger = mock.handle(token_request(f"{again}&client_id=z".encode()), 0).response
    assert stranger.status == 401
    mine = token_request(f"{again}&client_id=a".encode())
    second = json.loads(mock.handle(mine, 0).response.body)
    assert second["access_token"] != first["access_token"]
    assert second["refresh_token"] != first["refresh_token"]
    assert mock.handle(mine, 0).response.status == 401


@pytest.mark.parametrize(
    "authorization", [None, "", "Bearer", "Bearer ", "Bearer x", "Basic YTpi"]
)  # fmt: skip
def test_no_or_a_wrong_token(authorization: str | None) -> None:
    phone = Phone()
    phone.headers = () if authorization is None else (("authorization", authorization),)
    answer = phone.send("GET", LIST)
    assert answer.status == 401
    assert json.loads(answer.body) == {"message": "Unauthorized"}
    assert header(answer.headers, "X-RateLimit-Remaining") == "100000"
    assert "auth.required" in phone.mock.exercised


def test_a_token_expires_after_an_hour() -> None:
    phone = Phone()
    phone.now = 3600 * SECOND - 1
    assert phone.send("GET", LIST).status == 200
    phone.now += 1
    assert phone.send("GET", LIST).status == 401
    token = phone.json("POST", "/oauth/token", CREDENTIALS)["access_token"]
    phone.headers = (("Authorization", f"bearer {token}"),)
    assert phone.send("GET", LIST).status == 200


CLIENTS = (
    Client(client_id="runner", client_secret="s3cret", access="none"),
    Client(client_id="calls", client_secret="s", access="call-api"),
)


def phone_of(client: str, secret: str) -> Phone:
    phone = Phone(Profile(clients=CLIENTS))
    form = f"grant_type=client_credentials&client_id={client}&client_secret={secret}"
    token = phone.json("POST", "/oauth/token", form.encode())["access_token"]
    phone.headers = (("Authorization", f"Bearer {token}"),)
    return phone


@pytest.mark.parametrize(
    ("client", "path", "status"),
    [
        (("runner", "s3cret"), LIST, 403),
        (("calls", "s"), LIST, 200),
        (("calls", "s"), "/api/ver1.0/extension/34414/event/", 403),
    ],
)
def test_access_of_an_application(client: tuple[str, str], path: str, status: int) -> None:
    phone = phone_of(*client)
    answer = phone.send("GET", path)
    assert answer.status == status
    assert ("auth.forbidden" in phone.mock.exercised) == (status == 403)
    if status == 403:
        assert json.loads(answer.body)["status"] == "app_access_type_deny"


@pytest.mark.parametrize("wrong", [b"client_id=runner&client_secret=no",
                                   b"client_id=no&client_secret=s3cret"])  # fmt: skip
def test_wrong_credentials(wrong: bytes) -> None:
    mock = MockPbx(Profile(clients=CLIENTS, bad_client_status=400))
    response = mock.handle(token_request(b"grant_type=client_credentials&" + wrong), 0).response
    assert (response.status, response.body) == (400, b'{"error": "invalid_client"}')


def test_the_hourly_limit_is_counted_and_told() -> None:
    phone = Phone(Profile(hourly_limit=2, token_life=8000 * SECOND))
    phone.now = 10 * SECOND + 1

    def asked() -> tuple[int, list[str | None]]:
        answer = phone.send("GET", LIST)
        names = ("X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset")
        return answer.status, [header(answer.headers, name) for name in names]

    assert asked() == (200, ["2", "1", "3590"])
    assert asked() == (200, ["2", "0", "3590"])
    assert asked() == (429, ["2", "0", "3590"])
    assert "rate.limit" in phone.mock.exercised
    limited = phone.json("GET", LIST)
    assert limited == {"message": "Too Many Requests", "status": "rate_limit_exceeded"}
    assert phone.send("GET", "/mock/state").status == 200
    phone.now = 3600 * SECOND
    assert asked() == (200, ["2", "1", "3600"])


def test_applications_are_counted_together_and_each_has_a_limit_of_its_own() -> None:
    clients = (
        Client(client_id="seldom", client_secret="s", hourly_limit=2),
        Client(client_id="often", client_secret="s"),
    )
    mock = MockPbx(Profile(clients=clients, hourly_limit=5))

    def asked(client: str) -> tuple[int, str | None]:
        form = f"grant_type=client_credentials&client_id={client}&client_secret=s".encode()
        token = json.loads(mock.handle(token_request(form), 0).response.body)["access_token"]
        headers = (("Authorization", f"Bearer {token}"),)
        answer = mock.handle(Request(method="GET", path=LIST, headers=headers), 0).response
        return answer.status, header(answer.headers, "X-RateLimit-Remaining")

    assert [asked("often") for _ in range(2)] == [(200, "4"), (200, "3")]
    assert asked("seldom") == (429, "0")
    assert [asked("often") for _ in range(3)] == [(200, "2"), (200, "1"), (200, "0")]
    assert asked("seldom") == (429, "0")
    assert asked("often") == (429, "0")


def test_rules_that_decided_are_told_once_and_remembered() -> None:
    phone, path = parked(Profile())
    phone.mock.take_met()
    phone.send("PUT", path, b'{"action": "slots", "slot": 6}')
    assert {rule.id for rule in phone.mock.take_met()} == {"slots.reports", "slot.shared"}
    assert phone.mock.take_met() == ()
    assert {"slots.reports", "park.occupies"} <= phone.mock.exercised


def test_an_unknown_action_is_a_rule_too() -> None:
    phone = Phone()
    phone.send("PUT", "/api/ver1.0/extension/34414/valet_park/x", b"{}")
    assert phone.mock.exercised == {"action.unknown"}
    assert {"action.unknown", "auth.required", "auth.forbidden", "rate.limit"} == RULES_BY_REST


def test_deep_json_is_malformed() -> None:
    phone = Phone()
    answer = phone.send(
        "PUT", "/api/ver1.0/extension/34414/valet_park/x", b'{"a":' + b"[" * 100_000
    )
    assert answer.status == 400
    assert phone.send("POST", "/mock/calls", b'{"extension": "341\xff"}').status == 400


@pytest.mark.parametrize("extension", ["0341", "00341", "341 ", "\\u0663\\u0664\\u0661"])
def test_an_extension_written_otherwise_is_another_one(extension: str) -> None:
    phone = Phone()
    body = f'{{"extension": "{extension}", "from": "+7812"}}'.encode()
    assert phone.send("POST", "/mock/calls", body).status in (400, 404)
    assert b'"alive": 0' in phone.send("GET", "/mock/state", b"").body


def test_a_leading_zero_of_an_extension_counts_in_paths_and_transfers_too() -> None:
    phone = Phone()
    api_id = phone.json("POST", "/mock/calls", {"extension": 341, "from": "+7"})["call_api_id"]
    root = "/api/ver1.0/extension"
    assert phone.send("GET", f"{root}/34414/current_calls/{api_id}", b"").status == 200
    assert phone.send("GET", f"{root}/034414/current_calls/{api_id}", b"").status == 404
    assert phone.send("GET", f"{root}/034414/current_calls/", b"").status == 404
    transfer = b'{"action": "transfer", "send_dst": "0342"}'
    assert phone.send("PUT", f"{root}/34414/current_calls/{api_id}", transfer).status == 404
    transfer = transfer.replace(b"0342", b"342")
    assert phone.send("PUT", f"{root}/34414/current_calls/{api_id}", transfer).status == 200


def parked(profile: Profile) -> tuple[Phone, str]:
    """Park a call in slot 6, and return the path by which another call asks."""
    phone = Phone(profile)
    first = phone.json("POST", "/mock/calls", {"extension": 341, "from": "+7"})
    second = phone.json("POST", "/mock/calls", {"extension": 342, "from": "+7"})
    root = "/api/ver1.0/extension"
    path = f"{root}/{first['extension_id']}/valet_park/{first['call_api_id']}"
    assert phone.send("PUT", path, b'{"action": "park", "slot": 6}').status == 200
    return phone, f"{root}/{second['extension_id']}/valet_park/{second['call_api_id']}"


@pytest.mark.parametrize(
    ("profile", "asked", "answered"),
    [
        (Profile(), '{"action": "slots", "slot": 7}', '200 {"slot": "7", "UUID": null}'),
        (Profile(empty_slot="empty-text"), '{"action": "slots", "slot": 7}',
         '200 {"slot": "7", "UUID": ""}'),
        (Profile(empty_slot="no-key"), '{"action": "slots", "slot": 7}', '200 {"slot": "7"}'),
        (Profile(empty_slot="refused"), '{"action": "slots", "slot": 7}',
         '404 {"message": "slot has no parked member"}'),
        (Profile(), '{"action": "bridge"}', '200 {"action": "bridge", "slot": 6}'),
        (Profile(random_report="no-slot"), '{"action": "bridge"}', '200 {"action": "bridge"}'),
        (Profile(random_report="no-slot"), '{"action": "bridge", "slot": "6"}',
         '200 {"action": "bridge", "slot": "6"}'),
        (Profile(done_body="empty-object"), '{"action": "bridge", "slot": 6}', "200 {}"),
        (Profile(refusals=Refusals(park_full=Said(409, "full", "busy"))),
         '{"action": "park", "slot": 6}', '409 {"message": "full", "status": "busy"}'),
    ],
)  # fmt: skip
def test_what_a_profile_says(profile: Profile, asked: str, answered: str) -> None:
    phone, path = parked(profile)
    answer = phone.send("PUT", path, asked.encode())
    assert f"{answer.status} {answer.body.decode()}" == answered


def test_a_profile_says_how_an_ended_call_is_told_and_how_events_write_the_flow() -> None:
    phone, path = parked(Profile(ended_status=200, events_flow="upper"))
    hook = b'{"url": "http://x/", "method": "POST", "event_type": "hangup"}'
    phone.send("POST", "/api/ver1.0/extension/34415/event/", hook)
    ended = phone.send("DELETE", path.replace("valet_park", "current_calls"))
    assert (ended.status, ended.body) == (200, b"")
    assert header(ended.headers, "Content-Type") is None
    (told,) = phone.mock.take_deliveries()
    assert b"CallFlow=IN&" in told.form_body
    assert phone.mock.take_deliveries() == ()


def test_the_default_profile_is_the_vendors() -> None:
    assert PROFILES["vendor"] == Profile()
    assert MockPbx().profile == Profile()


def test_time_moves_on_and_never_back() -> None:
    phone, _ = parked(Profile())
    mock = phone.mock
    assert mock.next_deadline() == 180 * SECOND
    mock.tick(180 * SECOND - 1)
    assert mock.state.slots
    mock.tick(180 * SECOND)
    assert not mock.state.slots
    assert mock.next_deadline() == 210 * SECOND
    mock.tick(5)
    assert mock.clock_us == 180 * SECOND
    mock.tick(210 * SECOND)
    assert mock.next_deadline() is None
    assert {"park.returns", "park.return-unanswered"} <= mock.exercised


def test_an_answer_is_neither_late_nor_lost_unless_somebody_says_so() -> None:
    answer = MockPbx().handle(Request(method="GET", path="/mock/state"), 0)
    assert (answer.delay_us, answer.loss) == (0, Loss.NO)


@pytest.mark.parametrize("path", EXCHANGES, ids=lambda path: path.stem)
def test_same_seed_same_bytes(path: Path) -> None:
    recorded = path.read_text(encoding="utf-8")
    assert converse(recorded) == converse(recorded)


def test_other_seeds_give_other_names() -> None:
    def placed(seed: int) -> dict[str, str]:
        body: dict[str, object] = {"extension": 341, "from": "+7"}
        return Phone(seed=seed).json("POST", "/mock/calls", body)

    assert placed(1) == placed(1)
    assert placed(1)["uuid"] != placed(2)["uuid"]


def test_an_answer_of_another_kind_is_a_fault_of_ours() -> None:
    world = World(Profile(), 0, Notifier(Profile(), 0), Switch)
    assert world.do(ListCalls(None), Calls) == Calls(())
    with pytest.raises(TypeError, match="was answered by Calls"):
        world.do(ListCalls(None), InSlot)


def test_times_beyond_the_year_9999_are_written_as_its_end() -> None:
    phone = Phone()
    phone.now = 10_000 * 366 * 86_400 * SECOND
    token = phone.json("POST", "/oauth/token", CREDENTIALS)["access_token"]
    phone.headers = (("Authorization", f"Bearer {token}"),)
    phone.json("POST", "/mock/calls", {"extension": 341, "from": "+7"})
    listed = phone.send("GET", "/api/ver1.0/extension/34414/current_calls/", b"").body
    assert b"9999-12-31 23:59:59" in listed
