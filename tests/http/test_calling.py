from __future__ import annotations

import asyncio
import json

import pytest

from scenario_runner.errors import AnswerLost, BadAnswer, NotPossible, TimedOut
from scenario_runner.pbx.commands import CallAddress, PlaceCall
from scenario_runner.pbx.protocol import CallIds
from scenario_runner.pbx.ringme.answers import dashed, uuid_of
from scenario_runner.pbx.ringme.dialers import (
    CallbackCallers,
    Callers,
    Looking,
    Placed,
    Placing,
    WaitCallers,
)
from scenario_runner.references import Json
from tests.http.test_patience import Answer, Script, World, said

UUID = "37b98fb2-a66c-11ea-ae69-6fd86d94a0e0"
API_ID = f"3232240860-{UUID}"
PARTY = "+78120000443"


def listed(*entries: dict[str, Json]) -> Answer:
    return said(200, {"call_list": list(entries)})


def entry(
    api_id: str = API_ID, *, answered: bool = True, flow: str = "OUT", party: str = PARTY
) -> dict[str, Json]:
    other = "caller_id_number" if flow == "IN" else "called_number"
    return {
        "call_api_id": api_id,
        "call_flow": flow,
        "answer_time_gmt": "2026-01-01" if answered else None,
        other: party,
    }


class Meeting:
    """A call that is brought up against a script of answers."""

    def __init__(self, answers: list[Answer], **request: object) -> None:
        self.script = Script(answers)
        self.world = World(self.script, again=0)
        self.owned: list[CallIds] = []
        self.announced: list[str] = []
        more = {"extension": "341", "flow": "out", "party": PARTY, "window": 3_000_000} | request
        self.placing = Placing(
            rest=self.world.rest,
            request=PlaceCall(**more),  # type: ignore[arg-type]
            extension_id="34414",
            own=self.owned.append,
            unsent=lambda: None,
            strangers=set(),
            within=30_000_000,
        )
        self.look = Looking(sleep=self.world._sleep, every=1_000_000)

    def place(self, callers: Callers) -> Placed:
        return asyncio.run(callers.place(self.placing))

    def call_back(self, pickup: int = 0) -> Placed:
        return self.place(CallbackCallers(self.look, pickup))

    def wait(self) -> Placed:
        return self.place(WaitCallers(self.look, self.announced.append))

    def body(self, number: int) -> dict[str, Json]:
        parsed: dict[str, Json] = json.loads(self.script.asked[number].body)
        return parsed


@pytest.mark.parametrize("told", [API_ID, UUID, UUID.replace("-", "")])
def test_a_callback_is_found_by_its_uuid(told: str) -> None:
    answer = said(201, {"call_api_id": told, "call_id": "c"})
    meeting = Meeting([listed(), answer, listed(), listed(entry(party="x"))])
    placed = meeting.call_back()
    assert placed.ids is not None
    assert (placed.ids.call_api_id, placed.ids.uuid, placed.word) == (API_ID, UUID, "")
    assert [ids.uuid for ids in meeting.owned] == [UUID, UUID]
    assert [one.path.rpartition("34414")[2] for one in meeting.script.asked] == [
        "/current_calls/", "/callback/", "/current_calls/", "/current_calls/"
    ]  # fmt: skip


def test_an_outgoing_call_rings_the_extension_first_and_an_incoming_one_the_party() -> None:
    answer = said(201, {"call_api_id": API_ID})
    out = Meeting([listed(), answer, listed(entry())])
    out.call_back(pickup=20_000_000)
    assert out.body(1) == {"src_num": ["341"], "dst_num": PARTY, "wait_for_pickup": 20}
    leg = entry("3232240860-00000000-0000-0000-0000-000000000001", flow="IN")
    into = Meeting([listed(), answer, listed(leg)], flow="in")
    placed = into.call_back()
    assert into.body(1) == {"src_num": [PARTY], "dst_num": "341"}
    assert placed.ids is not None
    assert placed.ids.uuid.endswith("0001")


def test_a_call_that_was_there_before_is_not_taken_for_it() -> None:
    old = entry("3232240860-00000000-0000-0000-0000-000000000001")
    meeting = Meeting([listed(old), AnswerLost("lost"), listed(old), listed(old, entry())])
    placed = meeting.call_back()
    assert placed.ids is not None
    assert placed.ids.uuid == UUID
    assert placed.word == "up: lost; such a call is listed since"


def test_a_call_is_owned_while_it_rings_and_waited_for_until_it_is_answered() -> None:
    answer = said(201, {"call_api_id": API_ID})
    ringing = listed(entry(answered=False))
    meeting = Meeting([listed(), answer, ringing, ringing, listed(entry())])
    assert meeting.call_back().ids is not None
    assert len(meeting.world.slept) == 2
    unanswered = Meeting([listed(), answer, ringing], answered=False)
    assert unanswered.call_back().ids is not None


@pytest.mark.parametrize(
    ("looks", "told"),
    [
        ([listed()] * 4, "no call within 3s"),
        ([listed(entry(answered=False))] * 4, "it rang, and nobody answered in 3s"),
        ([listed(entry(answered=False)), listed()], "the call ended before it was answered"),
    ],
)
def test_a_call_that_does_not_come_up_is_told_and_owned(looks: list[Answer], told: str) -> None:
    meeting = Meeting([listed(), said(201, {"call_api_id": API_ID}), *looks])
    with pytest.raises(TimedOut) as error:
        meeting.call_back()
    assert error.value.message == f"target staging, call at 341 to {PARTY}: {told}"
    assert meeting.owned[0].uuid == UUID


def test_a_refused_callback_is_a_refusal() -> None:
    placed = Meeting([listed(), said(400, {"message": "no"})]).call_back()
    assert (placed.raw.status, placed.ids) == (400, None)


def test_an_extension_that_the_pbx_does_not_know_is_told() -> None:
    with pytest.raises(BadAnswer) as error:
        Meeting([said(404, {"message": "Record not found"})]).call_back()
    assert "does not list the calls of extension 341 (status 404): Record" in error.value.message
    assert error.value.hint is not None
    assert "'extensions'" in error.value.hint


def test_a_person_is_asked_to_dial_and_the_call_is_waited_for() -> None:
    meeting = Meeting(
        [listed(), *[listed()] * 60, listed(entry(answered=False, flow="IN")),
         listed(entry(flow="IN"))],
        flow="in", window=120_000_000, instruction="A customer calls",
    )  # fmt: skip
    placed = meeting.wait()
    assert placed.ids is not None
    assert meeting.announced == [
        f"A customer calls: call extension 341 from {PARTY} and answer it (within 2m)",
        "still waiting: 1m left",
        f"The call is there: {PARTY} at 341",
    ]


@pytest.mark.parametrize(("party", "found"), [("any", True), ("8120000443", False)])
def test_any_takes_whoever_calls(party: str, found: bool) -> None:
    meeting = Meeting([listed(), *[listed(entry(flow="IN"))] * 4], flow="in", party=party)
    if found:
        assert meeting.wait().ids is not None
    else:
        with pytest.raises(TimedOut):
            meeting.wait()


def test_telephones_are_answered_by_people() -> None:
    meeting = Meeting([])
    address = CallAddress(call_api_id=API_ID, extension="341")
    for callers in (CallbackCallers(meeting.look), WaitCallers(meeting.look, print)):
        with pytest.raises(NotPossible, match="can't answer a telephone"):
            asyncio.run(callers.answer(meeting.world.rest, UUID, 1))
        remote = callers.hangup_remote(meeting.world.rest, address, 1)
        assert asyncio.run(remote) is None


@pytest.mark.parametrize(
    ("text", "uuid"),
    [
        (API_ID, UUID),
        (UUID, UUID),
        ("12345678-a66c-11ea-ae69-6fd86d94a0e0", "12345678-a66c-11ea-ae69-6fd86d94a0e0"),
        ("3232240860-abc", "abc"),
        ("abc", "abc"),
    ],
)
def test_the_uuid_is_what_follows_the_number(text: str, uuid: str) -> None:
    assert uuid_of(text) == uuid
    assert dashed(UUID.replace("-", "")) == UUID
