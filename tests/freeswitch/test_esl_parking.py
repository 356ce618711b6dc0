"""Parking over the event socket: what FreeSWITCH really does, and the rules it does not keep."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from scenario_runner.errors import BadAnswer, TimedOut
from scenario_runner.language.vocabulary import CallState, Party
from scenario_runner.pbx.commands import AnswerCall, AskSlot, HangUp, ParkCall, ShowCall
from scenario_runner.pbx.protocol import Done, Refused

from .playing import SILENCE, Player
from .switch import Token, response
from .talking import SOON, WITHIN, Seen, at, called, reason, session, target

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from scenario_runner.pbx.protocol import CallIds, Outcome, Session

LOT = "main"
UP = [("dial-in", "341"), ("answer", "341")]


def run(
    player: Player,
    act: Callable[[Session, CallIds, Player], Awaitable[Outcome]],
    seen: Seen | None = None,
    **settings: object,
) -> Outcome:
    """Bring a call up at 341 and act on it."""

    async def play() -> Outcome:
        async with player, session(target(player.port, **settings), seen or Seen()) as on:
            return await act(on, await called(on), player)

    return asyncio.run(play())


async def park_in_6(on: Session, ids: CallIds, _: Player) -> Outcome:
    return await on.do(ParkCall(call=at(ids), slot=6), WITHIN)


async def state_of(on: Session, ids: CallIds) -> CallState | None:
    status = await on.do(ShowCall(call=at(on.ids(ids.uuid) or ids)), WITHIN)
    assert isinstance(status, Done)
    return status.state


@pytest.mark.parametrize("piece", [0, 1, 7], ids=["whole", "byte by byte", "pieces of 7"])
def test_a_call_is_parked_when_the_event_says_so(piece: int) -> None:
    seen = Seen()
    outcome = run(Player(piece=piece), park_in_6, seen)
    assert isinstance(outcome, Done)
    assert (outcome.slot, outcome.driver_word) == ("6", "")
    assert isinstance(outcome.raw.body, dict)
    assert outcome.raw.body["Action"] == "hold"
    assert seen.told == [*UP, ("hangup", "341")]


def test_what_is_sent_to_park() -> None:
    player = Player()
    run(player, park_in_6, lot=LOT)
    since = player.received.index(f"api valet_info {LOT}")
    look, wish, park = player.received[since : since + 3]
    uid = wish.split(" ")[2]
    values = dict(pair.split("=", 1) for pair in wish.split(" ", 3)[3].split(";"))
    back = values.pop("valet_parking_orbit_exten")
    assert look == f"api valet_info {LOT}"
    assert values == {
        "valet_parking_timeout": "60",
        "valet_parking_orbit_dialplan": "inline",
        "valet_parking_orbit_context": "default",
    }
    assert back.startswith("m:^:bridge:{origination_uuid=")
    assert back.endswith(",null_enable_auto_answer=false,null_pre_answer=true}null/341")
    assert ",originate_timeout=31,ignore_early_media=true," in back
    assert park == f"api uuid_transfer {uid} 'valet_park:{LOT} 6' inline"


def test_a_call_returns_through_the_dialplan_where_the_target_says_so() -> None:
    player = Player()
    run(player, park_in_6, return_context="internal")
    (wish,) = player.commands("api uuid_setvar_multi")
    assert wish.endswith(
        "valet_parking_timeout=60;valet_parking_orbit_exten=341;"
        "valet_parking_orbit_dialplan=XML;valet_parking_orbit_context=internal"
    )


def test_an_occupied_slot_is_refused_without_asking_freeswitch_to_park() -> None:
    player = Player()
    player.switch.live["stranger"] = "user/9"
    player.switch.lots[LOT] = {"6": Token("stranger")}
    outcome = run(player, park_in_6, lot=LOT)
    assert isinstance(outcome, Refused)
    assert outcome.reason == "slot-full"
    assert "driver" in outcome.driver_word
    assert not player.commands("api uuid_transfer")


@pytest.mark.parametrize(
    ("slot", "why"),
    [
        (None, "slot-required"),
        ("abc", "slot-invalid"),
        ("9" * 5000, "slot-unknown"),
        ('6"<x', "slot-invalid"),
        ("auto", "slot-invalid"),
        ("ask", "slot-invalid"),
        (1.5, "slot-invalid"),
        (True, "slot-invalid"),
        (0, "slot-unknown"),
        ("21", "slot-unknown"),
    ],
)
def test_freeswitch_is_never_asked_for_a_slot_that_is_none(slot: object, why: str) -> None:
    player = Player()

    async def act(on: Session, ids: CallIds, _: Player) -> Outcome:
        return await on.do(ParkCall(call=at(ids), slot=slot), WITHIN)  # type: ignore[arg-type]

    assert reason(run(player, act)) == why
    assert not player.commands("api uuid_setvar_multi")
    assert not player.commands("api uuid_transfer")


def test_a_parked_call_is_never_sent_to_its_own_slot_again() -> None:
    player = Player()

    async def act(on: Session, ids: CallIds, _: Player) -> Outcome:
        await on.do(ParkCall(call=at(ids), slot=6), WITHIN)
        return await on.do(ParkCall(call=at(ids), slot=6), WITHIN)

    assert reason(run(player, act)) == "call-already-parked"
    assert len(player.commands("api uuid_transfer")) == 1


def test_a_ghost_in_a_slot_is_nobody() -> None:
    player = Player()
    player.switch.lots[LOT] = {"6": Token("ghost")}

    async def act(on: Session, ids: CallIds, _: Player) -> Outcome:
        asked = await on.do(AskSlot(call=at(ids), slot=6), WITHIN)
        assert isinstance(asked, Done)
        assert asked.uuid is None
        return await on.do(ParkCall(call=at(ids), slot=6), WITHIN)

    assert reason(run(player, act, lot=LOT)) == "done"


def test_names_that_differ_in_case_are_different_lots() -> None:
    player = Player()
    player.switch.live["stranger"] = "user/9"
    player.switch.lots = {LOT.upper(): {"6": Token("stranger")}, 'a<&b"': {"6": Token("x")}}
    assert reason(run(player, park_in_6, lot=LOT)) == "done"


def test_somebody_else_was_faster() -> None:
    player = Player()
    stranger = Token("stranger")

    def too_late(command: str) -> bytes:
        player.switch.live["stranger"] = "user/9"
        player.switch.lots[LOT] = {"6": stranger}
        return player.usual(command)

    player.answers["api uuid_transfer"] = [too_late]
    outcome = run(player, park_in_6, lot=LOT)
    assert isinstance(outcome, Refused)
    assert outcome.reason == "slot-full"
    assert "somebody else was faster" in outcome.driver_word


def test_a_call_that_ends_meanwhile_is_not_parked() -> None:
    player = Player()

    def hangs_up(command: str) -> bytes:
        uid = command.split(" ")[2]
        return response("+OK\n") + player.switch.gone(uid, "ORIGINATOR_CANCEL")

    player.answers["api uuid_transfer"] = [hangs_up]
    outcome = run(player, park_in_6)
    assert isinstance(outcome, Refused)
    assert (outcome.reason, outcome.message) == (
        "no-such-call",
        "the call ended: ORIGINATOR_CANCEL",
    )


@pytest.mark.parametrize("command", ["api uuid_setvar_multi", "api uuid_transfer"])
def test_a_channel_that_freeswitch_does_not_have(command: str) -> None:
    none = response("-ERR No such channel!\n")
    outcome = run(Player(answers={command: [none]}), park_in_6)
    assert isinstance(outcome, Refused)
    assert (outcome.reason, outcome.message) == ("no-such-call", "-ERR No such channel!")
    assert not outcome.driver_word


def test_accepted_is_not_parked() -> None:
    player = Player(answers={"api uuid_transfer": [response("+OK\n")]})

    async def act(on: Session, ids: CallIds, _: Player) -> Outcome:
        return await on.do(ParkCall(call=at(ids), slot=6), SOON)

    with pytest.raises(TimedOut, match="did not tell what became of the call within 50ms"):
        run(player, act)


@pytest.mark.parametrize("command", ["api valet_info", "api uuid_transfer"])
def test_an_answer_that_means_nothing(command: str) -> None:
    answers = {command: [response("-ERR valet_info Command not found!\n")]}
    with pytest.raises(BadAnswer, match=r"FreeSWITCH does not .*: -ERR valet_info Command not"):
        run(Player(answers=answers), park_in_6)  # type: ignore[arg-type]


def test_commands_for_one_slot_take_turns() -> None:
    player = Player()

    async def act(on: Session, ids: CallIds, _: Player) -> Outcome:
        other = await called(on, "342", party="+78120000555")
        both = await asyncio.gather(
            on.do(ParkCall(call=at(ids), slot=6), WITHIN),
            on.do(ParkCall(call=at(other), slot="6"), WITHIN),
        )
        assert sorted(map(reason, both)) == ["done", "slot-full"]
        return both[0]

    run(player, act)
    assert len(player.commands("api uuid_transfer")) == 1


def test_each_scenario_has_a_fresh_lot() -> None:
    player = Player()

    async def play() -> None:
        async with player:
            for _ in range(2):
                async with session(target(player.port), Seen()) as on:
                    ids = await called(on)
                    assert reason(await on.do(ParkCall(call=at(ids), slot=6), WITHIN)) == "done"

    asyncio.run(play())
    assert len(player.switch.lots) == 2


async def returned(on: Session, ids: CallIds, player: Player) -> None:
    """Park the call and let its time be over."""
    await on.do(ParkCall(call=at(ids), slot=6), WITHIN)
    await player.say(player.switch.times_out(ids.uuid))
    assert await state_of(on, ids) is CallState.RINGING


def test_a_call_that_nobody_takes_returns_and_is_answered() -> None:
    seen = Seen()

    async def act(on: Session, ids: CallIds, player: Player) -> Outcome:
        await returned(on, ids, player)
        asked = await on.do(AskSlot(call=at(ids), slot=6), WITHIN)
        assert isinstance(asked, Done)
        assert asked.uuid is None
        answered = await on.do(AnswerCall(call=at(ids)), WITHIN)
        assert await state_of(on, ids) is CallState.UP
        return answered

    assert reason(run(Player(), act, seen)) == "done"
    assert seen.told == [*UP, ("hangup", "341"), *UP]


def test_a_call_that_returned_while_the_connection_was_lost_still_rings() -> None:
    seen = Seen()

    async def act(on: Session, ids: CallIds, player: Player) -> Outcome:
        await on.do(ParkCall(call=at(ids), slot=6), WITHIN)
        player.hang_up_on_client()
        player.switch.times_out(ids.uuid)
        await asyncio.wait_for(seen.heard_again.wait(), 5)
        assert await state_of(on, ids) is CallState.RINGING
        return await on.do(AnswerCall(call=at(ids)), WITHIN)

    assert reason(run(Player(), act, seen)) == "done"


def test_a_call_that_returns_through_the_dialplan_is_recognised() -> None:
    seen = Seen()

    async def act(on: Session, ids: CallIds, player: Player) -> Outcome:
        await on.do(ParkCall(call=at(ids), slot=6), WITHIN)
        await player.say(player.switch.times_out(ids.uuid))
        assert await state_of(on, ids) is CallState.UP
        return await on.do(ParkCall(call=at(ids), slot=7), WITHIN)

    assert reason(run(Player(), act, seen, return_context="internal")) == "done"
    assert seen.told == [*UP, ("hangup", "341"), *UP, ("hangup", "341")]


@pytest.mark.parametrize("lot", ["", LOT], ids=["own lot", "named lot"])
def test_a_slot_is_not_haunted_by_the_call_that_returned_from_it(lot: str) -> None:
    """Parking there too soon would pull the returned call back and join the two."""
    seen = Seen()

    async def act(on: Session, ids: CallIds, player: Player) -> Outcome:
        await returned(on, ids, player)
        other = await called(on, "342", party="+78120000555")
        if lot:
            player.answers["api uuid_setvar_multi"] = [swept]
        outcome = await on.do(ParkCall(call=at(other), slot=6), WITHIN)
        asked = await on.do(AskSlot(call=at(other), slot=6), WITHIN)
        assert isinstance(asked, Done)
        assert (asked.slot, asked.uuid) == ("6", other.uuid)
        assert await state_of(on, ids) is CallState.RINGING
        return outcome

    player = Player()

    def swept(command: str) -> bytes:
        if seen.slept:
            player.switch.sweep()
        return player.usual(command)

    assert reason(run(player, act, seen, lot=lot)) == "done"
    assert [round(seconds) for seconds in seen.slept] == ([6] if lot else [])


def test_the_same_slot_may_be_used_at_once_after_a_hangup() -> None:
    seen = Seen()

    async def act(on: Session, ids: CallIds, player: Player) -> Outcome:
        await on.do(ParkCall(call=at(ids), slot=6), WITHIN)
        await player.say(player.switch.gone(ids.uuid, "NORMAL_CLEARING"))
        other = await called(on, "342")
        return await on.do(ParkCall(call=at(other), slot=6), WITHIN)

    assert reason(run(Player(), act, seen, lot=LOT)) == "done"
    assert not seen.slept


def test_a_call_that_still_rings_is_not_parked() -> None:
    player = Player()

    async def play() -> None:
        async with player, session(target(player.port), Seen()) as on:
            ids = await called(on, answered=False)
            assert await state_of(on, ids) is CallState.RINGING
            assert (
                reason(await on.do(ParkCall(call=at(ids), slot=6), WITHIN)) == "call-not-answered"
            )
            assert reason(await on.do(AnswerCall(call=at(ids)), WITHIN)) == "done"
            assert reason(await on.do(AnswerCall(call=at(ids)), WITHIN)) == "other"
            assert reason(await on.do(ParkCall(call=at(ids), slot=6), WITHIN)) == "done"

    asyncio.run(play())


def test_an_outgoing_call_is_parked_by_its_remote_end() -> None:
    player, seen = Player(), Seen()

    async def play() -> None:
        async with player, session(target(player.port), seen) as on:
            ids = await called(on, flow="out", party="+74950000200")
            assert player.switch.live[ids.uuid] == "null/+74950000200"
            await on.do(ParkCall(call=at(ids), slot=6), WITHIN)
            asked = await on.do(AskSlot(call=at(ids), slot=6), WITHIN)
            assert isinstance(asked, Done)
            assert asked.uuid == ids.uuid
            await player.say(player.switch.times_out(ids.uuid))
            assert await state_of(on, ids) is CallState.RINGING

    asyncio.run(play())
    kinds = [kind for kind, _ in seen.told]
    assert kinds == ["dial-out", "answer", "hangup", "dial-in"]


def test_nothing_is_ever_parked_automatically() -> None:
    """`auto out` may park the retriever, and can hang FreeSWITCH for good."""
    player = Player()

    async def act(on: Session, ids: CallIds, _: Player) -> Outcome:
        await on.do(ParkCall(call=at(ids), slot=6), WITHIN)
        return await on.do(HangUp(call=at(ids), by=Party.REMOTE), WITHIN)

    run(player, act)
    assert not [command for command in player.received if "auto in" in command]
    assert not [command for command in player.received if "auto out" in command]


def test_no_answer_at_all_to_a_look() -> None:
    async def act(on: Session, ids: CallIds, _: Player) -> Outcome:
        return await on.do(AskSlot(call=at(ids), slot=6), SOON)

    with pytest.raises(TimedOut, match="did not answer 'api valet_info scenario-"):
        run(Player(answers={"api valet_info": [SILENCE]}), act)
