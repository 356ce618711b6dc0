"""Calls that the driver did not place: found when it connects, or when they begin."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from scenario_runner.pbx.commands import AskSlot, BridgeCall, ParkCall, ShowCall, ShowCalls
from scenario_runner.pbx.protocol import Done, Listed

from .playing import HUNG_UP, SUCCESS, Fields, Player, parked_items
from .talking import WITHIN, Seen, at, called, reason, session, target

if TYPE_CHECKING:
    from collections.abc import Callable

    from scenario_runner.pbx.protocol import Session

DESK, PARTY = "Local/345@desk-0000000a;1", "PJSIP/trunk-0000000b"


def channel(uid: str, name: str, bridge: str = "") -> str:
    return (
        f"Event: CoreShowChannel\nActionID: {{id}}\nUniqueid: {uid}\nLinkedid: {uid}\n"
        f"Channel: {name}\nBridgeId: {bridge}\nCallerIDNum: +7999"
    )


def channels(*items: str, then: str = "") -> str:
    start = "Response: Success\nActionID: {id}\nEventList: start"
    end = "Event: CoreShowChannelsComplete\nActionID: {id}\nEventList: Complete"
    return "\n\n".join([start, *items, end, *([then] if then else [])])


PAIR = (channel("party", PARTY, "b"), channel("desk", DESK, "b"))
ALONE = (channel("party", PARTY), channel("desk", DESK))
TRUNKS = (channel("party", PARTY, "b"), channel("other", PARTY, "b"))


async def listed(on: Session, extension: str) -> tuple[Listed, ...]:
    outcome = await on.do(ShowCalls(extension=extension), WITHIN)
    assert isinstance(outcome, Done)
    return outcome.listed


@pytest.mark.parametrize(
    ("answer", "count"),
    [
        (channels(*PAIR), 1),
        (channels(*PAIR[::-1]), 1),
        (channels(*ALONE), 0),
        (channels(*TRUNKS), 0),
        (channels(*PAIR, then=HUNG_UP % "party"), 0),
        (channels(*ALONE, *TRUNKS, channel("third", PARTY, "b")), 0),
    ],
    ids=["pair", "pair backwards", "not bridged", "no extension", "ended meanwhile", "conference"],
)
def test_calls_that_are_there_when_the_driver_connects(answer: str, count: int) -> None:
    async def play() -> tuple[Listed, ...]:
        async with (
            Player(answers={"CoreShowChannels": [answer]}) as player,
            session(target(player.port), Seen()) as on,
        ):
            return await listed(on, "345")

    found = asyncio.run(play())
    assert [(call.uuid, call.state, call.party) for call in found] == [
        ("party", "up", "+7999")
    ] * count


def test_what_happens_while_the_driver_looks_is_not_missed() -> None:
    """A call comes up after the channels were listed, and before the spaces are."""
    pair = "Channel: c\nUniqueid: party\nDestChannel: " + DESK + "\nDestUniqueid: desk"
    dialled = f"Event: DialBegin\n{pair}\n\nEvent: DialEnd\n{pair}\nDialStatus: ANSWER"
    answers = {
        "CoreShowChannels": [channels(then=dialled), channels(*PAIR)],
        "ParkedCalls": [parked_items({})],
    }

    async def play() -> tuple[Listed, ...]:
        async with Player(answers=answers) as player, session(target(player.port), Seen()) as on:  # type: ignore[arg-type]
            return await listed(on, "345")

    assert [call.uuid for call in asyncio.run(play())] == ["party"]


def test_a_call_that_an_extension_begins_itself_is_an_outgoing_one() -> None:
    pair = f"Channel: {DESK}\nUniqueid: desk\nExten: 98\nDestChannel: {PARTY}\nDestUniqueid: party"
    begins = f"Event: DialBegin\n{pair}\n\nEvent: DialEnd\n{pair}\nDialStatus: ANSWER"
    elsewhere = begins.replace(DESK, "PJSIP/x-0000000c").replace("desk", "x").replace("party", "y")

    async def play(on: Session, player: Player) -> None:
        await called(on, "345")
        player.answers["CoreShowChannels"] = [channels(*PAIR)]
        await player.say(f"{begins}\n\n{elsewhere}")
        await player.say("Event: Rename\nUniqueid: desk\nNewname: Local/345@desk-00000009;1")
        found = await listed(on, "345")
        assert [(call.uuid, call.state) for call in found] == [("party", "up")]
        await player.say(f"{HUNG_UP % 'party'}\n\n{HUNG_UP % 'desk'}")
        assert await listed(on, "345") == ()

    run(play)


def test_the_phone_that_answers_first_is_the_desk() -> None:
    """A Dial of two phones begins twice; the one that answered counts, not the one told last."""
    both = "Event: DialBegin\nChannel: c\nUniqueid: party\nDestChannel: {name}\nDestUniqueid: {uid}"
    one = both.format(name=DESK, uid="one")
    two = both.format(name="Local/346@desk-0000000c;1", uid="two")
    answered = one.replace("DialBegin", "DialEnd") + "\nDialStatus: ANSWER"

    async def play(on: Session, player: Player) -> None:
        await called(on, "349")
        player.answers["CoreShowChannels"] = [channels(channel("party", PARTY))]
        await player.say(f"{one}\n\n{two}\n\n{answered}\n\n{HUNG_UP % 'two'}")
        assert [call.uuid for call in await listed(on, "345")] == ["party"]
        assert await listed(on, "346") == ()

    run(play)


def test_other_peoples_parked_calls_come_and_go() -> None:
    place = "Parkinglot: default\nParkingSpace: 9\nParkeeUniqueid: stranger"
    texts = [
        f"Event: ParkedCall\n{place}",
        f"Event: ParkedCallSwap\n{place}",
        f"Event: UnParkedCall\n{place}\nRetrieverUniqueid: x",
        f"Event: ParkedCallTimeOut\n{place}",
        f"Event: ParkedCallGiveUp\n{place}",
        "Event: BridgeLeave\nUniqueid: stranger\nBridgeUniqueid: b",
        "Event: DialEnd\nUniqueid: stranger\nDestUniqueid: x\nDialStatus: BUSY",
        "Event: SomethingNew\nUniqueid: stranger",
    ]

    async def play(on: Session, player: Player) -> None:
        ids = await called(on)
        await player.say("\n\n".join(texts))
        assert reason(await on.do(AskSlot(call=at(ids), slot=9), WITHIN)) == "done"

    run(play)


def run(act: Callable[[Session, Player], object]) -> None:
    async def play() -> None:
        async with Player() as player, session(target(player.port), Seen()) as on:
            await act(on, player)  # type: ignore[misc]

    asyncio.run(play())


def test_an_agent_who_hangs_up_ends_the_joined_calls_too() -> None:
    """The desk's channel goes first: both calls are over when the party's is gone, too."""
    player = Player()

    def parks(action: Fields) -> str:
        uid = action["Channel"]
        player.parked = {"6": uid}
        where = "Parkinglot: default\nParkingSpace: 6"
        return f"{SUCCESS}\n\nEvent: ParkedCall\nParkeeUniqueid: {uid}\n{where}"

    def picks_up(action: Fields) -> str:
        desk, uid = action["Channel"], player.parked.pop("6")
        bridge = "Event: BridgeEnter\nBridgeUniqueid: b-9\nUniqueid"
        return (
            f"{SUCCESS}\n\nEvent: UnParkedCall\nParkeeUniqueid: {uid}\nRetrieverUniqueid: {desk}\n"
            f"Parkinglot: default\nParkingSpace: 6\n\n{bridge}: {uid}\n\n{bridge}: {desk}"
        )

    player.answers |= {"Park": [parks], "Redirect": [picks_up]}
    seen = Seen()

    async def play() -> None:
        async with player, session(target(player.port), seen) as on:
            customer, agent = await called(on), await called(on, "342")
            await on.do(ParkCall(call=at(customer), slot=6), WITHIN)
            await on.do(BridgeCall(call=at(agent), slot=6), WITHIN)
            before = len(seen.told)
            await player.say(HUNG_UP % f"{agent.uuid}-342")
            await player.say(HUNG_UP % customer.uuid)
            await on.do(ShowCalls(extension="342"), WITHIN)
            assert seen.told[before:] == [("hangup", "342"), ("hangup", "342")]
            for ids in (customer, agent):
                now = on.ids(ids.uuid) or ids
                status = await on.do(ShowCall(call=at(now)), WITHIN)
                assert isinstance(status, Done)
                assert status.state == "ended"

    asyncio.run(play())
