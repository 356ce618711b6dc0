"""The plan of faults: what a specification means, when a fault strikes, what it does to events."""

from __future__ import annotations

import json

import pytest

from scenario_runner.durations import SECOND
from scenario_runner.exchange import Request, header
from scenario_runner.mock_pbx import Answer, Delivery, Fault, Loss, MockPbx, fault_from_text
from scenario_runner.mock_pbx.faults import (
    ACTIONS,
    BY,
    EVENTS,
    SAYS,
    EventKind,
    FaultPlan,
    Kind,
    Striking,
    action_of,
    fault_from,
    fault_view,
)

URL = "http://127.0.0.1/hook"


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("500", Fault(kind=Kind.SERVER_ERROR)),
        ("latency", Fault(kind=Kind.LATENCY, by_us=5 * SECOND)),
        ("latency,by=250ms,on=park", Fault(kind=Kind.LATENCY, by_us=250_000, on="park")),
        ("drop-after, on=bridge, times=2, after=1",
         Fault(kind=Kind.DROP_AFTER, on="bridge", times=2, after=1)),
        ("429,probability=0.25", Fault(kind=Kind.TOO_MANY, by_us=60 * SECOND, probability=0.25)),
        ("event-late,on=dial-in,by=1m",
         Fault(kind=EventKind.LATE, on="dial-in", by_us=60 * SECOND)),
    ],
)  # fmt: skip
def test_what_a_specification_means(text: str, fault: Fault) -> None:
    assert fault_from_text(text) == fault
    shown = fault_view(Striking(fault, 1))
    assert (shown.pop("met"), shown.pop("struck")) == (0, 0)
    assert fault_from(shown) == fault


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no fault is named; there are: latency, 429"),
        ("drop-befor", "unknown fault 'drop-befor': did you mean 'drop-before'?"),
        ("nonsense", "unknown fault 'nonsense': there are: latency"),
        ("500,park", "'park' says nothing: options look like on=park"),
        ("500,on=park,on=slots", "on is said twice"),
        ("500,when=now", "unknown option 'when': there are: fault, on, by"),
        ("500,on=parks", "unknown action 'parks': did you mean 'park'?"),
        ("event-lost,on=park", "unknown event 'park': there are: dial-in"),
        ("500,by=3s", "500 takes no time, so it has no 'by'"),
        ("latency,by=3", "by is a duration such as 5s, not 3"),
        ("500,probability=2", "probability is a number above 0 and up to 1, not 2"),
        ("500,probability=often", "probability is a number above 0 and up to 1, not often"),
        ("500,times=-1", "times is a whole number, not -1"),
        ("500,after=1.5", "after is a whole number, not 1.5"),
    ],
)
def test_what_is_wrong_with_a_specification(text: str, words: str) -> None:
    with pytest.raises(ValueError) as wrong:  # noqa: PT011 -- the words are compared
        fault_from_text(text)
    assert str(wrong.value).startswith(words)


@pytest.mark.parametrize(
    ("option", "value"), [("times", True), ("probability", True), ("probability", None)]
)
def test_json_of_the_wrong_type_is_refused(option: str, value: object) -> None:
    with pytest.raises(ValueError, match="number"):
        fault_from({"fault": "500", option: value})


def struck(text: str, count: int = 6, seed: int = 0, action: str = "park") -> list[bool]:
    plan = FaultPlan(seed, (fault_from_text(text),))
    return [plan.strike(action, in_api=True) is not None for _ in range(count)]


def test_when_a_fault_strikes() -> None:
    assert struck("500", 3) == [True] * 3
    assert struck("500,times=2", 3) == [True, True, False]
    assert struck("500,after=1,times=1", 3) == [False, True, False]
    assert struck("500,on=bridge", 1) == [False]
    by_chance = struck("500,probability=0.5", 400)
    assert 150 < sum(by_chance) < 250
    assert by_chance == struck("500,probability=0.5", 400)
    assert by_chance != struck("500,probability=0.5", 400, seed=1)


def test_the_first_fault_that_strikes_counts() -> None:
    plan = FaultPlan(0, (fault_from_text("500,times=1"), fault_from_text("502")))
    kinds = [fault.kind for _ in range(2) if (fault := plan.strike("park", in_api=True))]
    assert kinds == [Kind.SERVER_ERROR, Kind.BAD_GATEWAY]
    assert [(one.met, one.struck) for one in plan.all] == [(2, 1), (1, 1)]


def test_what_is_not_of_the_api_is_struck_by_name_only() -> None:
    plan = FaultPlan(0, (fault_from_text("500"),))
    assert plan.strike("call", in_api=False) is None
    plan.add(fault_from_text("502,on=call"))
    assert plan.strike("call", in_api=False) is not None


def notice(number: int, kind: str = "answer") -> Delivery:
    return Delivery(URL, "POST", f"EventType={kind}&Number={number}".encode(), number)


ONE, TWO, THREE = (notice(number) for number in (1, 2, 3))


@pytest.mark.parametrize(
    ("text", "at_once", "later"),
    [
        ("event-lost,times=1", (TWO, THREE), ()),
        ("event-lost,on=hangup", (ONE, TWO, THREE), ()),
        ("event-doubled,times=1", (ONE, ONE, TWO, THREE), ()),
        ("event-late,times=1,by=1s", (TWO, THREE), (ONE,)),
        ("event-late,after=1,by=1s", (ONE,), (TWO, THREE)),
        ("event-reordered,times=1", (TWO, ONE, THREE), ()),
        ("event-reordered,after=2,by=1s", (ONE, TWO), (THREE,)),
    ],
)
def test_what_faults_do_to_events(
    text: str, at_once: tuple[Delivery, ...], later: tuple[Delivery, ...]
) -> None:
    plan = FaultPlan(0, (fault_from_text(text),))
    assert plan.delivered((ONE, TWO, THREE), 0) == at_once
    release = plan.next_release
    assert (release is not None) == bool(later)
    assert plan.delivered((), (release or 0) - 1) == ()
    assert plan.delivered((), release or 0) == later
    assert plan.next_release is None


def test_clearing_keeps_what_is_held_back() -> None:
    plan = FaultPlan(0, (fault_from_text("event-late"), fault_from_text("500")))
    assert plan.delivered((ONE,), 0) == ()
    plan.clear()
    assert plan.all == []
    assert plan.delivered((TWO,), 5 * SECOND) == (TWO, ONE)


@pytest.mark.parametrize(
    ("method", "path", "body", "action"),
    [
        ("PUT", "/api/ver1.0/extension/1/valet_park/2", b'{"action": "park"}', "park"),
        ("PUT", "/api/ver1.0/extension/1/valet_park/2", b'{"action": "slots"}', "slots"),
        ("PUT", "/api/ver1.0/extension/1/valet_park/2", b'{"action": "bridge"}', "bridge"),
        ("PUT", "/api/ver1.0/extension/1/valet_park/2", b'{"action": 3}', "request"),
        ("PUT", "/api/ver1.0/extension/1/valet_park/2", b"nothing", "request"),
        ("GET", "/api/ver1.0/extension/1/current_calls/", b"", "calls"),
        ("GET", "/api/ver1.0/client/@me/current_calls/?x", b"", "calls"),
        ("PUT", "/api/ver1.0/extension/1/current_calls/2", b"", "transfer"),
        ("DELETE", "/api/ver1.0/extension/1/current_calls/2", b"", "hangup"),
        ("POST", "/api/ver1.0/extension/1/callback/", b"", "call"),
        ("POST", "/api/ver1.0/extension/1/event/", b"", "event"),
        ("DELETE", "/api/ver1.0/extension/1/event/9", b"", "event"),
        ("GET", "/api/ver1.0/nothing", b"", "request"),
        ("POST", "/oauth/token?x", b"", "token"),
        ("POST", "/mock/calls", b"", "call"),
        ("POST", "/mock/calls/2/answer", b"", "answer"),
        ("DELETE", "/mock/calls/2", b"", "hangup"),
        ("GET", "/mock/state", b"", ""),
        ("GET", "/other", b"", ""),
    ],
)
def test_which_action_a_request_is(method: str, path: str, body: bytes, action: str) -> None:
    assert action_of(Request(method=method, path=path, body=body)) == action
    assert action in ("", *ACTIONS)


def test_every_kind_is_explained() -> None:
    kinds = {*Kind, *EventKind}
    assert set(SAYS) == kinds
    assert set(BY) <= kinds
    assert set(EVENTS) == {"dial-in", "dial-out", "answer", "hangup"}


def parking(text: str) -> tuple[MockPbx, Request, Answer]:
    """Park a call on a mock with that fault; return what came of it."""
    mock = MockPbx(faults=(fault_from_text(text),) if text else ())
    form = b"grant_type=client_credentials&client_id=a&client_secret=b"
    token = json.loads(
        mock.handle(Request(method="POST", path="/oauth/token", body=form), 0).response.body
    )["access_token"]
    placed = json.loads(
        mock.handle(
            Request(method="POST", path="/mock/calls", body=b'{"extension":341,"from":"1"}'), 0
        ).response.body
    )
    request = Request(
        method="PUT",
        path=f"/api/ver1.0/extension/34414/valet_park/{placed['call_api_id']}",
        headers=(("Authorization", f"Bearer {token}"),),
        body=b'{"action": "park", "slot": 6}',
    )
    return mock, request, mock.handle(request, 0)


@pytest.mark.parametrize(
    ("text", "status", "took_effect"),
    [
        ("", 200, True),
        ("latency", 200, True),
        ("slow-body", 200, True),
        ("429", 429, False),
        ("500", 500, False),
        ("502", 502, False),
        ("drop-before", 502, False),
        ("drop-after", 200, True),
        ("truncated", 200, True),
        ("oversized", 200, True),
        ("not-json", 200, True),
        ("expired-token", 401, False),
    ],
)
def test_what_takes_effect(text: str, status: int, took_effect: bool) -> None:
    mock, _, answer = parking(text)
    assert answer.response.status == status
    assert bool(mock.state.slots) == took_effect


def test_what_the_answers_look_like() -> None:
    assert parking("latency,by=2s")[2].delay_us == 2 * SECOND
    assert parking("slow-body,by=2s")[2].body_us == 2 * SECOND
    assert parking("drop-before")[2].loss is Loss.BEFORE
    assert parking("drop-after")[2].loss is Loss.AFTER
    assert parking("truncated")[2].response.body == b'{"action": "pa'
    assert len(parking("oversized")[2].response.body) > 11_000_000
    page = parking("not-json")[2].response
    assert page.body.startswith(b"<html>")
    assert header(page.headers, "content-type") == "text/html; charset=utf-8"
    assert header(parking("429,by=90s")[2].response.headers, "x-ratelimit-reset") == "90"


def test_an_expired_token_stays_expired() -> None:
    mock, request, _ = parking("expired-token,times=1")
    assert mock.handle(request, 1).response.status == 401


def test_the_control_route_lists_adds_and_clears() -> None:
    mock = MockPbx()

    def ask(method: str, body: bytes = b"") -> tuple[int, bytes]:
        response = mock.handle(Request(method=method, path="/mock/faults", body=body), 0).response
        return response.status, response.body

    status, body = ask("POST", b'{"fault": "latency", "by": "2s", "on": "park"}')
    assert status == 201
    assert json.loads(body)["by"] == "2s"
    assert len(json.loads(ask("GET")[1])["faults"]) == 1
    assert ask("DELETE")[0] == 204
    assert json.loads(ask("GET")[1]) == {"faults": []}
    assert ask("POST", b"[]")[0] == 400
    assert ask("POST", b'{"fault": "x"}')[0] == 400
    assert ask("PATCH")[0] == 405
