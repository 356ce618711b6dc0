"""Bridging, hanging up and listing over the event socket."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from scenario_runner.errors import BadAnswer, NotPossible, TimedOut
from scenario_runner.exchange import Request
from scenario_runner.language.vocabulary import CallState, Party
from scenario_runner.pbx.commands import (
    AnySlot,
    AskSlot,
    BridgeCall,
    CallAddress,
    FindPlaced,
    HangUp,
    ParkCall,
    SendRequest,
    ShowCall,
    ShowCalls,
)
from scenario_runner.pbx.protocol import Done, PlacedCall, Refused

from .playing import Player
from .switch import Token, event, response
from .talking import SOON, WITHIN, Seen, at, called, reason, session, target

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from scenario_runner.pbx.protocol import CallIds, Outcome, Session

LOT = "main"


def run(
    player: Player,
    act: Callable[[Session, CallIds, CallIds, Player], Awaitable[Outcome]],
    seen: Seen | None = None,
    **settings: object,
) -> Outcome:
    """Park a customer of 341 in slot 6, let an agent at 342 be on another call, and act."""

    async def play() -> Outcome:
        async with player, session(target(player.port, **settings), seen or Seen()) as on:
            customer = await called(on)
            assert reason(await on.do(ParkCall(call=at(customer), slot=6), WITHIN)) == "done"
            agent = await called(on, "342", flow="out", party="+74950000200")
            return await act(on, customer, agent, player)

    return asyncio.run(play())


async def take(on: Session, _: CallIds, agent: CallIds, __: Player) -> Outcome:
    return await on.do(BridgeCall(call=at(agent), slot=6), WITHIN)


async def state_of(on: Session, ids: CallIds) -> CallState | None:
    status = await on.do(ShowCall(call=at(on.ids(ids.uuid) or ids)), WITHIN)
    assert isinstance(status, Done)
    return status.state


@pytest.mark.parametrize("piece", [0, 1])
def test_a_parked_call_is_taken(piece: int) -> None:
    async def act(on: Session, customer: CallIds, agent: CallIds, player: Player) -> Outcome:
        outcome = await on.do(BridgeCall(call=at(agent), slot=6), WITHIN)
        assert isinstance(outcome, Done)
        assert (outcome.slot, outcome.uuid) == ("6", customer.uuid)
        assert "by the driver" in outcome.driver_word
        assert await state_of(on, customer) is CallState.BRIDGED
        assert await state_of(on, agent) is CallState.BRIDGED
        now = on.ids(customer.uuid)
        assert now is not None
        assert now.extension == "342"
        asked = await on.do(AskSlot(call=at(agent), slot=6), WITHIN)
        assert isinstance(asked, Done)
        assert asked.uuid is None
        assert agent.uuid not in player.switch.live
        return outcome

    run(Player(piece=piece), act)


def test_the_slot_is_not_dialled_to_take_the_call() -> None:
    player = Player()
    run(player, take)
    (sent,) = player.commands("api uuid_bridge")
    assert len(player.commands("api uuid_transfer")) == 1
    assert sent.split(" ")[3] == player.commands("api uuid_transfer")[0].split(" ")[2]


def test_an_empty_slot_is_refused_and_the_call_goes_on() -> None:
    player = Player()

    async def act(on: Session, _: CallIds, agent: CallIds, __: Player) -> Outcome:
        outcome = await on.do(BridgeCall(call=at(agent), slot=7), WITHIN)
        assert await state_of(on, agent) is CallState.UP
        return outcome

    outcome = run(player, act)
    assert isinstance(outcome, Refused)
    assert outcome.reason == "slot-empty"
    assert "refused by the driver" in outcome.driver_word
    assert not player.commands("api uuid_bridge")


def test_a_ghost_is_not_taken() -> None:
    player = Player()

    async def act(on: Session, _: CallIds, agent: CallIds, __: Player) -> Outcome:
        player.switch.lots[LOT]["7"] = Token("ghost")
        return await on.do(BridgeCall(call=at(agent), slot=7), WITHIN)

    assert reason(run(player, act, lot=LOT)) == "slot-empty"
    assert not player.commands("api uuid_bridge")


@pytest.mark.parametrize(("gone", "why"), [("customer", "slot-empty"), ("desk", "no-such-call")])
def test_a_channel_is_gone_when_the_two_are_joined(gone: str, why: str) -> None:
    player = Player()

    def invalid(command: str) -> bytes:
        desk, parked = command.split(" ")[2:]
        player.switch.live.pop(parked if gone == "customer" else desk)
        return player.usual(command)

    player.answers["api uuid_bridge"] = [invalid]
    outcome = run(player, take)
    assert isinstance(outcome, Refused)
    assert (outcome.reason, outcome.message) == (why, "-ERR Invalid uuid")
    assert "looking again" in outcome.driver_word


def test_the_customer_hangs_up_while_being_taken() -> None:
    player = Player()

    def hangs_up(command: str) -> bytes:
        parked = command.split(" ")[3]
        return response(f"+OK {parked}\n") + player.switch.gone(parked, "ORIGINATOR_CANCEL")

    player.answers["api uuid_bridge"] = [hangs_up]
    outcome = run(player, take)
    assert isinstance(outcome, Refused)
    assert outcome.reason == "slot-empty"
    assert "left after the driver had looked" in outcome.driver_word


def test_the_agent_hangs_up_before_taking() -> None:
    """The desk's channel ends first, the rest of its call some milliseconds later."""

    async def act(on: Session, _: CallIds, agent: CallIds, player: Player) -> Outcome:
        desk = next(uid for uid, dialled in player.switch.live.items() if dialled == "null/342")
        await player.say(event("CHANNEL_HANGUP", Unique_ID=desk, Hangup_Cause="NORMAL_CLEARING"))
        assert reason(await on.do(ShowCalls(extension="342"), WITHIN)) == "done"
        return await on.do(BridgeCall(call=at(agent), slot=6), WITHIN)

    outcome = run(Player(), act)
    assert isinstance(outcome, Refused)
    assert outcome.reason == "no-such-call"
    assert "the extension's phone has left this call" in outcome.message


def test_accepted_is_not_joined() -> None:
    async def act(on: Session, _: CallIds, agent: CallIds, __: Player) -> Outcome:
        return await on.do(BridgeCall(call=at(agent), slot=6), SOON)

    with pytest.raises(TimedOut, match="did not come together within 50ms"):
        run(Player(answers={"api uuid_bridge": [response("+OK x\n")]}), act)


def test_a_refusal_to_join_that_means_nothing() -> None:
    with pytest.raises(BadAnswer, match="does not join the two: -ERR Cannot"):
        run(Player(answers={"api uuid_bridge": [response("-ERR Cannot\n")]}), take)


def test_calls_in_other_lots_are_nobody_to_take() -> None:
    player = Player()
    player.switch.live["stranger"] = "user/9"
    player.switch.lots = {LOT.upper(): {"7": Token("stranger")}}

    async def act(on: Session, _: CallIds, agent: CallIds, __: Player) -> Outcome:
        assert reason(await on.do(BridgeCall(call=at(agent), slot=AnySlot()), WITHIN)) == "done"
        player.switch.lots[LOT]["lost property"] = Token("stranger")
        return await on.do(BridgeCall(call=at(agent), slot=AnySlot()), WITHIN)

    assert reason(run(player, act, lot=LOT)) == "nothing-parked"


def test_two_agents_at_once_and_one_gets_the_call() -> None:
    player = Player()

    async def act(on: Session, _: CallIds, agent: CallIds, __: Player) -> Outcome:
        other = await called(on, "343", flow="out", party="+74950000300")
        both = await asyncio.gather(
            on.do(BridgeCall(call=at(agent), slot=6), WITHIN),
            on.do(BridgeCall(call=at(other), slot=6), WITHIN),
        )
        assert sorted(map(reason, both)) == ["done", "slot-empty"]
        return both[0]

    run(player, act)
    assert len(player.commands("api uuid_bridge")) == 1


def test_a_slot_whose_call_was_taken_may_be_used_at_once() -> None:
    """The slot that the call has left would still pull it away from the agent."""

    async def act(on: Session, customer: CallIds, agent: CallIds, _: Player) -> Outcome:
        await on.do(BridgeCall(call=at(agent), slot=6), WITHIN)
        other = await called(on, "343")
        outcome = await on.do(ParkCall(call=at(other), slot=6), WITHIN)
        assert await state_of(on, customer) is CallState.BRIDGED
        assert await state_of(on, other) is CallState.PARKED
        return outcome

    assert reason(run(Player(), act)) == "done"


def test_the_taken_call_is_parked_again_by_either_name() -> None:
    async def act(on: Session, customer: CallIds, agent: CallIds, player: Player) -> Outcome:
        await on.do(BridgeCall(call=at(agent), slot=6), WITHIN)
        outcome = await on.do(ParkCall(call=at(agent), slot=8), WITHIN)
        assert await state_of(on, agent) is CallState.PARKED
        assert await state_of(on, customer) is CallState.ENDED
        assert player.switch.token_of(customer.uuid)
        asked = await on.do(AskSlot(call=at(agent), slot=8), WITHIN)
        assert isinstance(asked, Done)
        assert asked.uuid == agent.uuid
        return outcome

    assert reason(run(Player(), act)) == "done"


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_any_parked_call_is_chosen_by_the_seed(seed: int) -> None:
    async def play() -> list[str | None]:
        async with Player() as player, session(target(player.port), Seen(), seed=seed) as on:
            for slot in (3, 6, 12):
                await on.do(ParkCall(call=at(await called(on)), slot=slot), WITHIN)
            agent = await called(on, "342")
            taken = [
                await on.do(BridgeCall(call=at(agent), slot=AnySlot()), WITHIN) for _ in range(4)
            ]
            assert reason(taken.pop()) == "nothing-parked"
            assert all("by the seed" in one.driver_word for one in taken)
            return [one.slot for one in taken if isinstance(one, Done)]

    first, again = asyncio.run(play()), asyncio.run(play())
    assert first == again
    assert sorted(map(str, first)) == ["12", "3", "6"]


@pytest.mark.parametrize("by", list(Party))
def test_either_party_hangs_up(by: Party) -> None:
    async def act(on: Session, _: CallIds, agent: CallIds, player: Player) -> Outcome:
        outcome = await on.do(HangUp(call=at(agent), by=by), WITHIN)
        assert len(player.switch.live) == 1
        assert await state_of(on, agent) is CallState.ENDED
        return outcome

    outcome = run(Player(), act)
    assert isinstance(outcome, Done)
    assert "in the party's stead" in outcome.driver_word


def test_a_parked_call_that_is_hung_up_has_left_its_slot() -> None:
    async def act(on: Session, customer: CallIds, agent: CallIds, _: Player) -> Outcome:
        await on.do(HangUp(call=at(customer), by=Party.REMOTE), WITHIN)
        listed = await on.do(ShowCalls(extension="341"), WITHIN)
        assert isinstance(listed, Done)
        assert not listed.listed
        return await on.do(BridgeCall(call=at(agent), slot=6), WITHIN)

    seen = Seen()
    assert reason(run(Player(), act, seen)) == "slot-empty"
    assert seen.told.count(("hangup", "341")) == 2


def test_a_call_that_freeswitch_does_not_have_any_more() -> None:
    async def act(on: Session, customer: CallIds, _: CallIds, player: Player) -> Outcome:
        del player.switch.live[customer.uuid]
        assert await state_of(on, customer) is CallState.ENDED
        return await on.do(HangUp(call=at(customer), by=Party.REMOTE), WITHIN)

    outcome = run(Player(), act)
    assert isinstance(outcome, Refused)
    assert (outcome.reason, outcome.message) == ("no-such-call", "-ERR No such channel!")


def test_exactly_the_channels_that_a_run_before_chose_are_hung_up() -> None:
    player = Player()
    player.switch.live |= {"left": "null/8", "back": "null/341", "a-strangers": "null/341"}

    async def act(on: Session, _: CallIds, __: CallIds, ___: Player) -> Outcome:
        channels = ("gone", "left", "back")
        placed = PlacedCall(extension="341", party="+7812", flow="in", channels=channels)
        found = await on.do(FindPlaced(call=placed), WITHIN)
        assert isinstance(found, Done)
        assert [one.uuid for one in found.listed] == ["back", "left"]
        for one in found.listed:
            address = CallAddress(call_api_id=one.uuid, extension="341")
            assert reason(await on.do(HangUp(call=address, by=Party.EXTENSION), WITHIN)) == "done"
        return await on.do(FindPlaced(call=placed), WITHIN)

    outcome = run(player, act)
    assert isinstance(outcome, Done)
    assert outcome.listed == ()
    assert "a-strangers" in player.switch.live


def test_calls_are_listed_without_asking_for_the_list_that_lags() -> None:
    player = Player()

    async def act(on: Session, customer: CallIds, _: CallIds, __: Player) -> Outcome:
        outcome = await on.do(ShowCalls(extension="341"), WITHIN)
        assert isinstance(outcome, Done)
        assert [(one.uuid, one.state) for one in outcome.listed] == [(customer.uuid, "parked")]
        holding = await on.holding()
        assert holding.slots == (("6", customer.uuid),)
        return outcome

    run(player, act)
    assert not player.commands("api show")


def test_calls_of_others_and_of_nobody_are_refused() -> None:
    async def act(on: Session, customer: CallIds, agent: CallIds, _: Player) -> Outcome:
        with pytest.raises(NotPossible, match="no raw requests"):
            await on.do(SendRequest(request=Request(method="GET", path="/")), WITHIN)
        assert (
            reason(await on.do(BridgeCall(call=at(customer), slot=6), WITHIN))
            == "call-already-parked"
        )
        assert reason(await on.do(BridgeCall(call=at(agent), slot=None), WITHIN)) == "slot-empty"
        assert reason(await on.do(BridgeCall(call=at(agent), slot=99), WITHIN)) == "slot-unknown"
        assert on.ids("nobody") is None
        foreign = CallAddress(call_api_id=agent.uuid, extension="341")
        assert reason(await on.do(ShowCall(call=foreign), WITHIN)) == "no-such-call"
        return await on.do(ParkCall(call=foreign, slot=7), WITHIN)

    assert reason(run(Player(), act)) == "no-such-call"


def test_calls_are_placed_in_the_background() -> None:
    player = Player()
    run(player, take, extension="user/{number}", party="loopback/{number}/public")
    first, second = player.commands("bgapi originate ")
    assert "loopback_bowout=false" in first
    assert first.partition("\n")[0].endswith("}user/341)")
    assert "}loopback/+78120000443/public &bridge({origination_uuid=" in first
    assert "}user/342 &bridge({" in second
    assert not player.commands("api originate")


def test_somebody_picks_the_call_up_by_phone() -> None:
    async def act(on: Session, customer: CallIds, agent: CallIds, player: Player) -> Outcome:
        switch = player.switch
        await player.say(switch.created("phone", "user/9"))
        await player.say(switch.transfer("phone", LOT, "6").partition(b"+OK\n")[2])
        assert await state_of(on, customer) is CallState.UP
        return await on.do(BridgeCall(call=at(agent), slot=6), WITHIN)

    assert reason(run(Player(), act, lot=LOT)) == "slot-empty"
