"""Joining calls over AMI, hanging up, listing: what is sent, and what the events decide."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from scenario_runner.errors import NotPossible, TimedOut
from scenario_runner.exchange import Request
from scenario_runner.language.vocabulary import CallState, Party
from scenario_runner.pbx.commands import (
    AnswerCall,
    AnySlot,
    AskSlot,
    BridgeCall,
    CallAddress,
    HangUp,
    ParkCall,
    SendRequest,
    ShowCall,
    ShowCalls,
)
from scenario_runner.pbx.protocol import Done, Holding, Refused

from .playing import HUNG_UP, SUCCESS, Fields, Player
from .talking import SOON, WITHIN, Seen, at, called, reason, session, target

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from scenario_runner.pbx.commands import BridgeSlot
    from scenario_runner.pbx.protocol import CallIds, Outcome, Session

PLACE = "Parkinglot: default\nParkingSpace: 6"


def taken(desk: str, parkee: str = "stranger", by: str = "") -> str:
    return (
        f"Event: UnParkedCall\nParkeeUniqueid: {parkee}\nRetrieverUniqueid: {by or desk}\n{PLACE}"
    )


def together(desk: str, parkee: str = "stranger") -> str:
    bridge = "BridgeUniqueid: b-9\nBridgeType: basic\nUniqueid"
    return f"Event: BridgeEnter\n{bridge}: {parkee}\n\nEvent: BridgeEnter\n{bridge}: {desk}"


def retrieves(action: Fields) -> str:
    desk = action["Channel"]
    return f"{SUCCESS}\n\n{taken(desk)}\n\n{together(desk)}"


def retrieves_backwards(action: Fields) -> str:
    desk = action["Channel"]
    return f"{together(desk)}\n\n{taken(desk)}\n\n{SUCCESS}"


def somebody_else_was_faster(action: Fields) -> str:
    return f"{SUCCESS}\n\n{taken(action['Channel'], by='another')}"


def the_parked_one_left(_: Fields) -> str:
    return f"{SUCCESS}\n\nEvent: ParkedCallGiveUp\nParkeeUniqueid: stranger\n{PLACE}"


def the_time_was_over(_: Fields) -> str:
    return f"{SUCCESS}\n\nEvent: ParkedCallTimeOut\nParkeeUniqueid: stranger\n{PLACE}"


def the_agent_hung_up(action: Fields) -> str:
    return f"{SUCCESS}\n\n{HUNG_UP % action['Channel']}"


def bridge(
    player: Player,
    slot: BridgeSlot,
    *,
    within: int = WITHIN,
    seed: int = 0,
    seen: Seen | None = None,
) -> Outcome:
    """Bring an agent's call up at 342 and join it."""

    async def play() -> Outcome:
        async with player, session(target(player.port), seen or Seen(), seed=seed) as on:
            ids = await called(on, "342", party="+74950000200")
            return await on.do(BridgeCall(call=at(ids), slot=slot), within)

    return asyncio.run(play())


@pytest.mark.parametrize("answer", [retrieves, retrieves_backwards])
@pytest.mark.parametrize("piece", [0, 1])
def test_a_call_is_joined_when_both_channels_are_in_one_bridge(
    answer: Callable[[Fields], str], piece: int
) -> None:
    player = Player(parked={"6": "stranger"}, answers={"Redirect": [answer]}, piece=piece)
    outcome = bridge(player, 6)
    assert isinstance(outcome, Done)
    assert (outcome.slot, outcome.uuid, outcome.driver_word) == ("6", "stranger", "")
    (redirect,) = player.actions("Redirect")
    assert redirect["Channel"].endswith("-342")
    assert (redirect["Context"], redirect["Exten"]) == ("parkedcalls", "6")


@pytest.mark.parametrize(
    ("slot", "why"),
    [(6, "slot-empty"), (99, "slot-unknown"), ("x", "slot-invalid"), (AnySlot(), "nothing-parked")],
)
def test_nobody_is_sent_to_an_empty_space(slot: BridgeSlot, why: str) -> None:
    player = Player()
    outcome = bridge(player, slot)
    assert isinstance(outcome, Refused)
    assert outcome.reason == why
    assert "driver" in outcome.driver_word
    assert not player.actions("Redirect")


def the_customer_hung_up_when_taken(action: Fields) -> str:
    return f"{SUCCESS}\n\n{taken(action['Channel'])}\n\n{HUNG_UP % 'stranger'}"


def the_customer_hung_up_and_the_agent_was(action: Fields) -> str:
    return f"{SUCCESS}\n\n{taken(action['Channel'])}\n\n{HUNG_UP % action['Channel']}"


def the_agent_hung_up_when_he_took(action: Fields) -> str:
    asked = f"Event: HangupRequest\nUniqueid: {action['Channel']}\nCause: 16"
    return f"{SUCCESS}\n\n{taken(action['Channel'])}\n\n{asked}\n\n{HUNG_UP % 'stranger'}"


@pytest.mark.parametrize(
    ("answer", "why", "message"),
    [
        (somebody_else_was_faster, "slot-empty", "somebody else took the parked call"),
        (the_parked_one_left, "slot-empty", "the parked call left its slot"),
        (the_time_was_over, "slot-empty", "the parked call's time was over: it returned"),
        (the_customer_hung_up_when_taken, "slot-empty", "the parked caller hung up"),
        (the_customer_hung_up_and_the_agent_was, "slot-empty", "the parked caller hung up"),
        (the_agent_hung_up, "no-such-call", "the extension hung up"),
        (the_agent_hung_up_when_he_took, "no-such-call", "the extension hung up"),
    ],
)
def test_a_race_that_was_lost_is_a_refusal(
    answer: Callable[[Fields], str], why: str, message: str
) -> None:
    player = Player(parked={"6": "stranger"}, answers={"Redirect": [answer]})
    outcome = bridge(player, 6)
    assert isinstance(outcome, Refused)
    assert (outcome.reason, outcome.message) == (why, message)
    assert "after the driver had looked" in outcome.driver_word


def test_a_redirect_that_nothing_follows_is_an_error() -> None:
    player = Player(parked={"6": "stranger"})
    with pytest.raises(TimedOut, match="nobody took the call out of space 6"):
        bridge(player, 6, within=SOON)


def test_a_redirect_that_is_refused() -> None:
    no = "Response: Error\nActionID: {id}\nMessage: Channel does not exist: x"
    outcome = bridge(Player(parked={"6": "stranger"}, answers={"Redirect": [no]}), 6)
    assert reason(outcome) == "no-such-call"


@pytest.mark.parametrize("seed", range(4))
def test_the_seed_chooses_among_the_parked(seed: int) -> None:
    def chosen() -> str:
        player = Player(parked={"3": "a", "6": "stranger", "9": "b", "700": "out of range"})

        def any_of(action: Fields) -> str:
            desk, space = action["Channel"], action["Exten"]
            who = player.parked[space]
            return f"{SUCCESS}\n\n{taken(desk, who)}\n\n{together(desk, who)}"

        player.answers["Redirect"] = [any_of]
        outcome = bridge(player, AnySlot(), seed=seed)
        assert isinstance(outcome, Done)
        assert "by the seed" in outcome.driver_word
        assert outcome.slot is not None
        return outcome.slot

    first = chosen()
    assert first in {"3", "6", "9"}
    assert chosen() == first


def test_different_seeds_choose_differently() -> None:
    from random import Random

    choices = {Random(f"{seed}:by hand").choice(["3", "6", "9"]) for seed in range(4)}
    assert len(choices) > 1


def joined(act: Callable[[Session, CallIds, CallIds], Awaitable[None]], seen: Seen) -> Player:
    """Park a customer at 341, let 342 pick the call up, and go on from there."""
    player = Player()

    def parks(action: Fields) -> str:
        uid = action["Channel"]
        player.parked = {"6": uid}
        return f"{SUCCESS}\n\nEvent: ParkedCall\nParkeeUniqueid: {uid}\n{PLACE}\n\n" + (
            HUNG_UP % f"{uid}-341"
        )

    def picks_up(action: Fields) -> str:
        desk, uid = action["Channel"], player.parked.pop("6")
        own = desk.removesuffix("-342")
        return "\n\n".join([SUCCESS, HUNG_UP % own, taken(desk, uid), together(desk, uid)])

    player.answers |= {"Park": [parks], "Redirect": [picks_up]}

    async def play() -> None:
        async with player, session(target(player.port), seen) as on:
            customer = await called(on)
            agent = await called(on, "342", party="+74950000200")
            assert reason(await on.do(ParkCall(call=at(customer), slot=6), WITHIN)) == "done"
            assert reason(await on.do(BridgeCall(call=at(agent), slot=6), WITHIN)) == "done"
            await act(on, customer, agent)

    asyncio.run(play())
    return player


def test_joined_calls_are_both_at_the_agent() -> None:
    async def act(on: Session, customer: CallIds, agent: CallIds) -> None:
        now = on.ids(customer.uuid)
        assert now is not None
        assert now.extension == "342"
        for ids in (now, agent):
            status = await on.do(ShowCall(call=at(ids)), WITHIN)
            assert isinstance(status, Done)
            assert status.state is CallState.BRIDGED

    seen = Seen()
    joined(act, seen)
    assert seen.told.count(("hangup", "341")) == 1


def test_the_parked_party_can_be_parked_under_the_name_of_the_agents_call() -> None:
    async def act(on: Session, customer: CallIds, agent: CallIds) -> None:
        outcome = await on.do(ParkCall(call=at(agent), slot=6), WITHIN)
        assert isinstance(outcome, Done)
        assert outcome.uuid == agent.uuid
        slots = await on.do(AskSlot(call=at(agent), slot=6), WITHIN)
        assert isinstance(slots, Done)
        assert slots.uuid == agent.uuid
        now = on.ids(customer.uuid)
        assert now is not None
        status = await on.do(ShowCall(call=at(now)), WITHIN)
        assert isinstance(status, Done)
        assert status.state is CallState.ENDED

    joined(act, Seen())


@pytest.mark.parametrize("by", list(Party))
def test_hanging_up_either_side_ends_both_calls(by: Party) -> None:
    async def act(on: Session, customer: CallIds, agent: CallIds) -> None:
        now = on.ids(customer.uuid)
        assert now is not None
        outcome = await on.do(HangUp(call=at(now), by=by), WITHIN)
        assert isinstance(outcome, Done)
        assert "stead" in outcome.driver_word
        for ids in (now, agent):
            assert reason(await on.do(ParkCall(call=at(ids), slot=7), WITHIN)) == "no-such-call"

    player = joined_that_ends_both(act)
    (hangup, *_) = player.actions("Hangup")
    assert hangup["Channel"].endswith("-342") is (by is Party.EXTENSION)


def joined_that_ends_both(
    act: Callable[[Session, CallIds, CallIds], Awaitable[None]],
) -> Player:
    channels: list[str] = []

    async def prepared(on: Session, customer: CallIds, agent: CallIds) -> None:
        channels.extend([customer.uuid, f"{agent.uuid}-342"])
        await act(on, customer, agent)

    original = Player._chosen

    def ends_both(self: Player, action: Fields) -> object:
        if action["Action"] == "Hangup" and action["Channel"] in channels:
            return "\n\n".join([SUCCESS, *(HUNG_UP % channel for channel in channels)])
        return original(self, action)

    patch = pytest.MonkeyPatch()
    patch.setattr(Player, "_chosen", ends_both)
    try:
        return joined(prepared, Seen())
    finally:
        patch.undo()


def test_a_call_that_is_gone_can_not_be_hung_up() -> None:
    no = "Response: Error\nActionID: {id}\nMessage: No such channel"
    player = Player(answers={"Hangup": [no]})

    async def play() -> Outcome:
        async with player, session(target(player.port), Seen()) as on:
            return await on.do(HangUp(call=at(await called(on)), by=Party.REMOTE), WITHIN)

    outcome = asyncio.run(play())
    assert isinstance(outcome, Refused)
    assert (outcome.reason, outcome.message) == ("no-such-call", "No such channel")


def test_calls_are_listed_where_asterisk_still_has_their_channels() -> None:
    player = Player()

    def channels(_: Fields) -> str:
        uids = [action["ChannelId"] for action in player.actions("Originate")[:1]]
        items = "".join(
            f"Event: CoreShowChannel\nActionID: {{id}}\nUniqueid: {uid}\nChannel: c\n\n"
            for uid in uids
        )
        start = "Response: Success\nActionID: {id}\nEventList: start"
        end = "Event: CoreShowChannelsComplete\nActionID: {id}\nEventList: Complete"
        return f"{start}\n\n{items}{end}"

    player.answers["CoreShowChannels"] = [channels]

    async def play() -> tuple[Outcome, Outcome, CallIds]:
        async with player, session(target(player.port), Seen()) as on:
            first, _ = await called(on), await called(on)
            return (
                await on.do(ShowCalls(extension="341"), WITHIN),
                await on.do(ShowCalls(extension="342"), WITHIN),
                first,
            )

    here, there, first = asyncio.run(play())
    assert isinstance(here, Done)
    assert isinstance(there, Done)
    assert [call.uuid for call in here.listed] == [first.uuid]
    assert there.listed == ()


def test_what_is_not_to_be_had_says_so() -> None:
    player = Player()

    async def play() -> None:
        async with player, session(target(player.port), Seen()) as on:
            with pytest.raises(NotPossible, match="no raw requests"):
                await on.do(SendRequest(request=Request(method="GET", path="/")), WITHIN)
            with pytest.raises(NotPossible, match="is not a number"):
                await called(on, party="1&2")
            with pytest.raises(NotPossible, match="anybody"):
                await called(on, party="any")
            nobody = CallAddress(call_api_id="x", extension="341")
            for outcome in (
                await on.do(AnswerCall(call=nobody), WITHIN),
                await on.do(HangUp(call=nobody, by=Party.REMOTE), WITHIN),
                await on.do(ShowCall(call=nobody), WITHIN),
                await on.do(AskSlot(call=nobody, slot=6), WITHIN),
                await on.do(BridgeCall(call=nobody, slot=6), WITHIN),
            ):
                assert reason(outcome) == "no-such-call"
            assert reason(await on.do(AnswerCall(call=at(await called(on))), WITHIN)) == "other"

    asyncio.run(play())


def test_what_asterisk_holds_is_told_for_the_report() -> None:
    player = Player(parked={"6": "stranger"})

    async def play() -> Holding:
        async with player, session(target(player.port), Seen()) as on:
            await called(on)
            return await on.holding()

    holding = asyncio.run(play())
    assert holding.slots == (("6", "stranger"),)
    assert [(call.extension, call.state.value) for call in holding.calls] == [
        ("349", "parked"),
        ("341", "up"),
    ]
