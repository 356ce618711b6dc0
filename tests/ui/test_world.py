"""A world driven by hand: what comes of a gesture, and that copies share nothing that changes."""

from __future__ import annotations

import json

import pytest

from scenario_runner.durations import HOUR, MINUTE, SECOND
from scenario_runner.exchange import Request
from scenario_runner.language.vocabulary import Reason
from scenario_runner.mock_pbx import fault_from_text
from scenario_runner.ui.answers import source_text
from scenario_runner.ui.gestures import (
    LetTimePass,
    LookAtCall,
    LookIntoSlot,
    ParkCall,
    PickUp,
    PutDown,
    SendRequest,
    SomebodyCalls,
    TakeFromSlot,
)
from scenario_runner.ui.requests import curl_of
from scenario_runner.ui.timeline import Branches, Timeline, TimerFired, timeline_of
from scenario_runner.ui.world import World, new_world
from tests.ui.hand import CALLS_IN, COMES_UP, DIALS_OUT, PARKS, played


def world_of(line: Timeline) -> World:
    assert line.now.world is not None
    return line.now.world


def answered(line: Timeline) -> dict[str, object]:
    """Return what a person is told of the last gesture, without what is empty."""
    answer = line.now.answer
    assert answer is not None
    told = {"saw": answer.saw, "words": answer.words, "reason": answer.reason}
    if answer.rule is not None:
        told["rule"] = f"{answer.rule.id}: {source_text(answer.rule)}"
    return {name: value for name, value in told.items() if value}


def test_a_refusal_tells_the_words_the_rule_and_whose_word_it_is() -> None:
    line = played(COMES_UP, PARKS, DIALS_OUT, ParkCall(call="colleague", slot=6))
    assert answered(line) == {
        "saw": "refused: slot already have parked member, slot is full",
        "words": "slot already have parked member, slot is full",
        "reason": Reason.SLOT_FULL,
        "rule": "park.full: documented; assumed: the status code",
    }
    assert line.now.title == "342 parks the colleague, but the slot is full"


@pytest.mark.parametrize(
    ("gesture", "reason", "rule"),
    [
        (ParkCall(call="customer", slot=99), Reason.SLOT_UNKNOWN, "park.range"),
        (ParkCall(call="customer", slot="six"), Reason.SLOT_INVALID, "slot.type"),
        (ParkCall(call="customer", slot=None), Reason.SLOT_REQUIRED, "park.slot-required"),
        (TakeFromSlot(call="customer", slot=6), Reason.SLOT_EMPTY, "bridge.empty"),
        (TakeFromSlot(call="customer"), Reason.NOTHING_PARKED, "bridge.nothing"),
        (PickUp(call="customer"), Reason.OTHER, "answer.ringing"),
        (
            SomebodyCalls(name="b", extension="999", number="+7"),
            Reason.NOT_FOUND,
            "extension.unknown",
        ),
    ],
)
def test_every_refusal_names_its_rule(gesture: ParkCall, reason: Reason, rule: str) -> None:
    answer = played(COMES_UP, gesture).now.answer
    assert answer is not None
    assert answer.rule is not None
    assert (answer.outcome, answer.reason, answer.rule.id) == ("refused", reason, rule)


def test_a_call_that_never_was_is_not_asked_about() -> None:
    with pytest.raises(KeyError):
        played(ParkCall(call="nobody", slot=6))


def test_a_call_that_is_over_is_gone_and_no_refusal() -> None:
    line = played(COMES_UP, PutDown(call="customer"), LookAtCall(call="customer"))
    assert answered(line) == {"saw": "the call is ended"}
    assert line.now.picture.calls == ()


def test_time_passes_through_every_timer() -> None:
    line = played(COMES_UP, PARKS).wait(4 * MINUTE)
    told = [(moment.at // SECOND, moment.title) for moment in line.moments[2:]]
    assert told == [
        (0, "341 parks the customer"),
        (180, "The customer returns to 341"),
        (210, "The customer gives up"),
        (240, "Time passes"),
    ]
    assert [type(moment.cause) for moment in line.moments[3:]] == [
        TimerFired,
        TimerFired,
        LetTimePass,
    ]


def test_waiting_again_only_makes_a_wait_longer() -> None:
    line = played(COMES_UP, PARKS)
    for _ in range(10):
        line = line.wait(SECOND)
    assert len(line.moments) == 4
    assert line.now.cause == LetTimePass(duration=10 * SECOND)
    assert line.now.at == 10 * SECOND


def test_the_next_timer_is_waited_for_and_without_one_nothing_happens() -> None:
    line = played(COMES_UP)
    assert line.wait_for_timer() is line
    assert line.do(PARKS).wait_for_timer().now.at == 3 * MINUTE


def test_a_token_that_has_expired_is_asked_for_again() -> None:
    line = played(COMES_UP, LookIntoSlot(call="customer", slot=6)).wait(2 * HOUR)
    line = line.do(LookIntoSlot(call="customer", slot=6))
    sent = [event.sent.partition("\n")[0] for event in line.now.events if hasattr(event, "sent")]
    assert [text.partition(" ")[0] for text in sent] == ["PUT", "POST", "PUT"]
    assert answered(line)["saw"] == "slot 6 is empty"


def test_no_secret_is_told() -> None:
    line = played(COMES_UP, PARKS)
    token = world_of(line).token
    assert len(token) == 32
    assert token not in repr([moment.events for moment in line.moments])
    assert "client_secret=***" in repr(line.now.events)


def test_a_gesture_is_shown_before_it_is_sent() -> None:
    world = world_of(played(COMES_UP))
    call = world.find("customer").call_api_id
    assert curl_of(world.request(PARKS), "http://127.0.0.1:8080") == (
        f"curl -X PUT http://127.0.0.1:8080/api/ver1.0/extension/34414/valet_park/{call} \\\n"
        "  -H 'Content-Type: application/json' \\\n"
        '  -H "Authorization: Bearer $TOKEN" \\\n'
        """  --data-raw '{"action": "park", "slot": 6}'"""
    )


SUBSCRIBE = SendRequest(
    request=Request(
        method="POST",
        path="/api/ver1.0/extension/34414/event/",
        body=b'{"url": "http://127.0.0.1:9/", "method": "GET", "event_type": "hangup"}',
    )
)
FAULT = SendRequest(
    request=Request(method="POST", path="/mock/faults", body=b'{"fault": "500", "times": 1}')
)
LIST = SendRequest(request=Request(method="GET", path="/api/ver1.0/extension/34414/event/"))
COUNT = SendRequest(request=Request(method="GET", path="/api/ver1.0/client/@me/current_calls/"))


def body_of(line: Timeline) -> object:
    received = [event.received for event in line.now.events if hasattr(event, "received")]
    return json.loads(received[-1].partition("\n\n")[2])


def left(line: Timeline) -> str:
    received = [event.received for event in line.now.events if hasattr(event, "received")]
    return received[-1].partition("X-RateLimit-Remaining: ")[2].partition("\n")[0]


def test_a_branch_has_tokens_subscriptions_rate_and_faults_of_its_own() -> None:
    branches = Branches(played(COMES_UP, COUNT))
    index = len(branches.line.moments) - 1
    before = left(branches.line)
    for gesture in (SUBSCRIBE, FAULT, PARKS, LIST):
        branches.become(branches.line.do(gesture))
    assert len(body_of(branches.line)) == 1  # type: ignore[arg-type]
    first = branches.line

    branches.go_on_from(index)
    assert branches.line.name == "Branch 2"
    assert world_of(branches.line).faults == ()
    branches.become(branches.line.do(LIST))
    assert body_of(branches.line) == []
    assert int(left(branches.line)) == int(before) - 1, "the hour's requests go on from there"
    requests = [event for event in branches.line.now.events if hasattr(event, "sent")]
    assert len(requests) == 1, "the token of that moment is still good"

    branches.switch(0)
    assert branches.line is first
    assert world_of(first).faults == ({"fault": "500", "times": 1, "met": 2, "struck": 1},)


def test_going_on_by_a_branch_is_the_same_as_never_having_gone_further() -> None:
    straight = played(COMES_UP, PARKS, DIALS_OUT)
    branches = Branches(straight)
    branches.become(straight.do(PutDown(call="customer")).wait(HOUR))
    branches.go_on_from(len(straight.moments) - 1)
    one, other = (line.wait(4 * MINUTE) for line in (straight, branches.line))
    assert [moment.picture for moment in one.moments] == [m.picture for m in other.moments]
    assert world_of(one).pbx.state == world_of(other).pbx.state


def test_changes_are_undone_and_done_again() -> None:
    branches = Branches(timeline_of(new_world()))
    assert not branches.undo()
    lines = [branches.line]
    for gesture in (CALLS_IN, PickUp(call="customer"), PARKS):
        branches.become(branches.line.do(gesture))
        lines.append(branches.line)
    assert branches.undo()
    assert branches.undo()
    assert branches.line is lines[1]
    assert branches.redo()
    assert branches.line is lines[2]
    branches.become(branches.line.do(PutDown(call="customer")))
    assert not branches.redo(), "what is done now stands in place of what was undone"


def test_time_that_runs_is_undone_as_a_whole() -> None:
    branches = Branches(played(COMES_UP, PARKS))
    before = branches.line
    branches.become(branches.line.wait(SECOND))
    for _ in range(5):
        branches.become(branches.line.wait(SECOND), merges=True)
    assert branches.undo()
    assert branches.line is before


def test_faults_of_events_hold_time_up_only_until_they_are_released() -> None:
    world = new_world(faults=(fault_from_text("event-late,by=1s"),))
    line = played(COMES_UP, SUBSCRIBE, PutDown(call="customer"), line=timeline_of(world))
    assert line.wait(5 * SECOND).now.at == 5 * SECOND
