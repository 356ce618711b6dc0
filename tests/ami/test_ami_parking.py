"""Parking over AMI: what Asterisk really does, whatever it replies."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from scenario_runner.errors import BadAnswer, TimedOut
from scenario_runner.language.vocabulary import CallState
from scenario_runner.pbx.commands import AskSlot, ParkCall, ShowCall
from scenario_runner.pbx.protocol import Done, Refused

from .playing import HUNG_UP, SUCCESS, Fields, Player, came_up, live_parked
from .talking import SOON, WITHIN, Seen, at, called, reason, session, target

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from scenario_runner.pbx.protocol import CallIds, Outcome, Session

OK = "Response: Success\nActionID: {id}\nMessage: Park successful\n"
NO = "Response: Error\nActionID: {id}\nMessage: "


def parks(action: Fields) -> str:
    return f"{OK}\n{live_parked(action['Channel'], '6')}"


def parks_before_it_replies(action: Fields) -> str:
    return f"{live_parked(action['Channel'], '6')}\n\n{OK}"


def parks_elsewhere(action: Fields) -> str:
    return f"{OK}\n{live_parked(action['Channel'], '7')}"


def hangs_up(action: Fields) -> str:
    return f"{OK}\n{HUNG_UP % action['Channel']}"


def back(action: Fields) -> str:
    enter = f"BridgeUniqueid: b-2\nBridgeType: basic\nUniqueid: {action['Channel']}"
    return f"Event: BridgeLeave\n{enter}\n\nEvent: BridgeEnter\n{enter}"


def puts_back(action: Fields) -> str:
    return f"{OK}\n{back(action)}"


def refuses_and_puts_back(action: Fields) -> str:
    return f"{NO}Park action failed\n\n{back(action)}"


def comes_back(action: Fields) -> str:
    """Answer a Redirect of a call that goes back to its extension."""
    uid = action["Channel"]
    desk = f"{uid}-again"
    pair = (
        f"Channel: c\nUniqueid: {uid}\nDestChannel: Local/341@desk-00000003;1\nDestUniqueid: {desk}"
    )
    enter = "BridgeUniqueid: b-3\nBridgeType: basic\nUniqueid"
    return (
        f"{SUCCESS}\n\nEvent: ParkedCallGiveUp\nParkeeUniqueid: {uid}\nParkinglot: default\n"
        f"ParkingSpace: 7\n\nEvent: DialBegin\n{pair}\n\nEvent: DialEnd\n{pair}\nDialStatus: ANSWER"
        f"\n\nEvent: BridgeEnter\n{enter}: {desk}\n\nEvent: BridgeEnter\n{enter}: {uid}"
    )


def run(
    player: Player,
    act: Callable[[Session, CallIds, Player], Awaitable[Outcome]],
    seen: Seen | None = None,
) -> Outcome:
    """Bring a call up at 341 and act on it."""

    async def play() -> Outcome:
        async with player, session(target(player.port), seen or Seen()) as on:
            return await act(on, await called(on), player)

    return asyncio.run(play())


async def park_in_6(on: Session, ids: CallIds, _: Player) -> Outcome:
    return await on.do(ParkCall(call=at(ids), slot=6), WITHIN)


@pytest.mark.parametrize("piece", [0, 1, 7], ids=["whole", "byte by byte", "pieces of 7"])
@pytest.mark.parametrize("answer", [parks, parks_before_it_replies])
def test_a_call_is_parked_when_the_event_says_so(
    piece: int, answer: Callable[[Fields], str]
) -> None:
    player = Player(answers={"Park": [answer]}, piece=piece)
    outcome = run(player, park_in_6)
    assert isinstance(outcome, Done)
    assert (outcome.slot, outcome.driver_word) == ("6", "")
    assert isinstance(outcome.raw.body, dict)
    assert outcome.raw.body["ParkingSpace"] == "6"


def test_what_is_sent_to_park() -> None:
    player = Player(answers={"Park": [parks]})
    run(player, park_in_6)
    (park,) = player.actions("Park")
    uid = park.pop("Channel")
    park.pop("ActionID")
    assert park == {
        "Action": "Park",
        "Parkinglot": "default",
        "Timeout": "60000",
        "TimeoutChannel": "Local/341@desk-rings/n-0",
    }
    wishes = [(wish["Channel"], wish["Value"]) for wish in player.actions("Setvar")]
    assert wishes == [(uid, "6"), (uid, "")]


def test_an_occupied_space_is_refused_without_asking_asterisk_to_park() -> None:
    player = Player(parked={"6": "somebody"})
    outcome = run(player, park_in_6)
    assert isinstance(outcome, Refused)
    assert outcome.reason == "slot-full"
    assert "driver" in outcome.driver_word
    assert not player.actions("Park")


@pytest.mark.parametrize(
    ("slot", "why"),
    [
        (None, "slot-required"),
        ("abc", "slot-invalid"),
        ("9" * 5000, "slot-unknown"),
        (1.5, "slot-invalid"),
        (True, "slot-invalid"),
        (0, "slot-unknown"),
        (99, "slot-unknown"),
        ("21", "slot-unknown"),
    ],
)
def test_asterisk_is_never_asked_for_a_space_that_is_none(slot: object, why: str) -> None:
    player = Player()

    async def act(on: Session, ids: CallIds, _: Player) -> Outcome:
        return await on.do(ParkCall(call=at(ids), slot=slot), WITHIN)  # type: ignore[arg-type]

    assert reason(run(player, act)) == why
    assert not player.actions("Park")
    assert not player.actions("Setvar")


def fills_up(player: Player, answer: Callable[[Fields], str]) -> Callable[[Fields], str]:
    """Let somebody else be in space 6 by the time of the answer."""

    def answers(action: Fields) -> str:
        player.parked["6"] = "somebody"
        return answer(action)

    return answers


@pytest.mark.parametrize("answer", [parks_elsewhere, puts_back])
def test_a_lot_that_shrank_is_an_error(answer: Callable[[Fields], str]) -> None:
    player = Player(answers={"Park": [answer], "Redirect": [comes_back]})
    with pytest.raises(BadAnswer, match="though nobody is in space 6 of the lot 'default'"):
        run(player, park_in_6)


def test_a_call_that_is_parked_in_another_lot_is_told() -> None:
    player = Player()

    async def act(on: Session, ids: CallIds, _: Player) -> Outcome:
        await player.say(
            f"Event: ParkedCall\nParkeeUniqueid: {ids.uuid}\nParkinglot: sales\nParkingSpace: 701"
        )
        return await on.do(AskSlot(call=at(ids), slot=6), WITHIN)

    outcome = run(player, act)
    assert isinstance(outcome, Done)
    word = "the call at 341 is parked in slot 701 of another lot, 'sales'"
    assert (outcome.uuid, outcome.driver_word) == (None, word)


def test_a_call_that_landed_elsewhere_is_brought_back() -> None:
    player = Player(answers={"Redirect": [comes_back]})
    player.answers["Park"] = [fills_up(player, parks_elsewhere)]
    seen = Seen()

    async def act(on: Session, ids: CallIds, _: Player) -> Outcome:
        outcome = await on.do(ParkCall(call=at(ids), slot=6), WITHIN)
        status = await on.do(ShowCall(call=at(ids)), WITHIN)
        assert isinstance(status, Done)
        assert status.state is CallState.UP
        return outcome

    outcome = run(player, act, seen)
    assert isinstance(outcome, Refused)
    assert outcome.reason == "slot-full"
    assert "faster" in outcome.driver_word
    assert "parked the call in 7" in outcome.driver_word
    (redirect,) = player.actions("Redirect")
    assert (redirect["Context"], redirect["Exten"]) == ("scenario-runner", "dial")
    assert seen.told[-2:] == [("dial-in", "341"), ("answer", "341")]


def test_a_call_that_was_hung_up_instead_is_an_error() -> None:
    with pytest.raises(BadAnswer, match="hung the call up") as caught:
        run(Player(answers={"Park": [hangs_up]}), park_in_6)
    assert caught.value.hint is not None
    assert "full" in caught.value.hint


def test_a_full_lot_that_put_the_call_back_is_a_refusal() -> None:
    player = Player()
    player.answers["Park"] = [fills_up(player, puts_back)]
    outcome = run(player, park_in_6)
    assert isinstance(outcome, Refused)
    assert outcome.reason == "slot-full"
    assert "put the call back" in outcome.driver_word


def test_a_refusal_without_a_reason_is_looked_into() -> None:
    player = Player()

    player.answers["Park"] = [fills_up(player, refuses_and_puts_back)]
    outcome = run(player, park_in_6)
    assert isinstance(outcome, Refused)
    assert (outcome.reason, outcome.message) == ("slot-full", "Park action failed")
    assert "looking again" in outcome.driver_word


def test_a_refusal_that_looking_again_does_not_explain_is_an_error() -> None:
    with pytest.raises(BadAnswer, match="Park action failed"):
        run(Player(answers={"Park": [f"{NO}Park action failed"]}), park_in_6)


def test_a_channel_that_went_away_meanwhile() -> None:
    outcome = run(Player(answers={"Park": [f"{NO}Channel does not exist: x"]}), park_in_6)
    assert reason(outcome) == "no-such-call"


def test_a_reply_that_nothing_follows_proves_nothing() -> None:
    async def act(on: Session, ids: CallIds, _: Player) -> Outcome:
        return await on.do(ParkCall(call=at(ids), slot=6), SOON)

    with pytest.raises(TimedOut, match="did not tell what became of the call"):
        run(Player(answers={"Park": [OK]}), act)


def test_a_parked_call_is_not_parked_again() -> None:
    player = Player(answers={"Park": [parks]})

    async def act(on: Session, ids: CallIds, _: Player) -> Outcome:
        await on.do(ParkCall(call=at(ids), slot=6), WITHIN)
        return await on.do(ParkCall(call=at(ids), slot=6), WITHIN)

    assert reason(run(player, act)) == "call-already-parked"
    assert len(player.actions("Park")) == 1


def test_a_ringing_call_is_not_parked_since_that_would_answer_it() -> None:
    def rings(action: Fields) -> str:
        return came_up(action).partition("\n\nEvent: DialEnd")[0]

    player = Player(answers={"Originate": [rings]})

    async def play() -> Outcome:
        async with player, session(target(player.port), Seen()) as on:
            ids = await called(on, answered=False)
            return await on.do(ParkCall(call=at(ids), slot=6), WITHIN)

    assert reason(asyncio.run(play())) == "call-not-answered"
    assert not player.actions("Park")


@pytest.mark.parametrize(("extension", "api_id"), [("342", None), ("341", "nobody")])
def test_another_extension_or_an_unknown_call(extension: str, api_id: str | None) -> None:
    async def act(on: Session, ids: CallIds, _: Player) -> Outcome:
        address = type(at(ids))(call_api_id=api_id or ids.call_api_id, extension=extension)
        return await on.do(ParkCall(call=address, slot=6), WITHIN)

    assert reason(run(Player(), act)) == "no-such-call"


async def state_after(on: Session, ids: CallIds, player: Player, text: str) -> CallState | None:
    """Park in 6, let something happen, and ask for the call's state."""
    await on.do(ParkCall(call=at(ids), slot=6), WITHIN)
    await player.say(text.replace("{uid}", ids.uuid))
    await on.do(AskSlot(call=at(ids), slot=6), WITHIN)
    status = await on.do(ShowCall(call=at(on.ids(ids.uuid) or ids)), WITHIN)
    assert isinstance(status, Done)
    return status.state


PLACE = "ParkeeUniqueid: {uid}\nParkinglot: default\nParkingSpace: 6"
GIVEN_UP = f"Event: ParkedCallGiveUp\n{PLACE}"
GONE = HUNG_UP % "{uid}"
BACK = (
    "Event: DialBegin\nChannel: c\nUniqueid: {uid}\n"
    "DestChannel: Local/341@desk-rings-00000009;1\nDestUniqueid: desk-2"
)


TIMED_OUT = f"Event: ParkedCallTimeOut\n{PLACE}"
TAKEN = f"Event: UnParkedCall\n{PLACE}\nRetrieverUniqueid: x\nRetrieverChannel: PJSIP/x-1"
SWAPPED = f"Event: ParkedCallSwap\n{PLACE}".replace("{uid}", "other")
ELSEWHERE = f"Event: ParkedCall\n{PLACE}".replace("Space: 6", "Space: 9")
OVER, RINGS = [("hangup", "341")], [("dial-in", "341")]
OTHER = BACK.replace("Local/341@desk-rings-00000009;1", "PJSIP/desk-102-00000009")
RINGS_THERE = [("dial-in", "PJSIP/desk-102")]


@pytest.mark.parametrize(
    ("texts", "state", "told"),
    [
        pytest.param((GIVEN_UP, GONE), CallState.ENDED, OVER, id="gave up"),
        pytest.param((GONE, GIVEN_UP), CallState.ENDED, OVER, id="gave up, told late"),
        pytest.param((GIVEN_UP,), CallState.UP, [], id="moved"),
        pytest.param((TIMED_OUT, BACK), CallState.RINGING, RINGS, id="came back"),
        pytest.param((TIMED_OUT, OTHER), CallState.RINGING, RINGS_THERE, id="went to another"),
        pytest.param((TIMED_OUT,), CallState.UP, [], id="went into the dialplan"),
        pytest.param((TAKEN,), CallState.UP, [], id="taken by a phone"),
        pytest.param((SWAPPED, GONE), CallState.PARKED, [], id="swapped"),
        pytest.param((GONE, SWAPPED), CallState.PARKED, OVER, id="swapped, told late"),
        pytest.param((ELSEWHERE, GIVEN_UP), CallState.PARKED, [], id="parked anew"),
        pytest.param((GIVEN_UP, ELSEWHERE), CallState.PARKED, [], id="parked anew, told late"),
    ],
)
def test_how_a_parked_call_leaves_its_space(
    texts: tuple[str, ...], state: CallState, told: list[tuple[str, str]]
) -> None:
    player, seen = Player(answers={"Park": [parks]}), Seen()

    async def play() -> CallState | None:
        async with player, session(target(player.port), seen) as on:
            ids = await called(on)
            return await state_after(on, ids, player, "\n\n".join(texts))

    assert asyncio.run(play()) is state
    assert seen.told == [("dial-in", "341"), ("answer", "341"), *told]


@pytest.mark.parametrize(
    ("parked", "who"), [({}, None), ({"6": "stranger"}, "stranger"), ({"7": "stranger"}, None)]
)
def test_who_is_in_a_slot(parked: dict[str, str], who: str | None) -> None:
    async def act(on: Session, ids: CallIds, _: Player) -> Outcome:
        return await on.do(AskSlot(call=at(ids), slot="6"), WITHIN)

    outcome = run(Player(parked=parked), act)
    assert isinstance(outcome, Done)
    assert (outcome.slot, outcome.uuid) == ("6", who)


def test_a_swapped_channel_is_still_the_same_call() -> None:
    player = Player(answers={"Park": [parks]})

    async def act(on: Session, ids: CallIds, played: Player) -> Outcome:
        await on.do(ParkCall(call=at(ids), slot=6), WITHIN)
        played.parked["6"] = "other"
        await played.say(
            "Event: ParkedCallSwap\nParkeeUniqueid: other\nParkinglot: default\nParkingSpace: 6"
        )
        outcome = await on.do(AskSlot(call=at(ids), slot=6), WITHIN)
        assert isinstance(outcome, Done)
        assert outcome.uuid == ids.uuid
        return outcome

    run(player, act)
