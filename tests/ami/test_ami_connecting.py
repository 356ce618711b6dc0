"""Connecting over AMI, and calls that come up, do not, or come by themselves."""

from __future__ import annotations

import asyncio
from contextlib import nullcontext, suppress
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from scenario_runner.errors import (
    AnswerLost,
    BadCredentials,
    NotPossible,
    PbxError,
    TargetError,
    TimedOut,
    Unreachable,
)
from scenario_runner.pbx.asterisk.access import log_in
from scenario_runner.pbx.asterisk.ami import Ami, action_text, write_action
from scenario_runner.pbx.commands import AskSlot, ParkCall, PlaceCall, ShowCalls
from scenario_runner.pbx.tracked.wire import Endpoint

from .playing import LOTS, SUCCESS, Fields, Player, came_up
from .talking import SOON, WITHIN, Seen, at, called, reason, session, target

if TYPE_CHECKING:
    from pathlib import Path


def opened(player: Player, **settings: object) -> Seen:
    """Open a session; what goes wrong is raised."""
    seen = Seen()

    async def play() -> None:
        async with player, session(target(player.port, **settings), seen):
            pass

    asyncio.run(play())
    return seen


def test_a_wrong_password_is_told_and_masked() -> None:
    no = "Response: Error\nActionID: {id}\nMessage: Authentication failed"
    seen = Seen()

    async def play() -> None:
        async with (
            Player(answers={"Login": [no]}) as player,
            session(target(player.port), seen),
        ):
            pass

    with pytest.raises(BadCredentials, match="does not let 'runner' in: Authentication failed"):
        asyncio.run(play())
    (trace,) = seen.traces
    assert trace.sent == "Action: Login\nUsername: runner\nSecret: ***\nEvents: on"
    assert "word-of-honour" not in repr(seen)


CHALLENGE = "Response: Success\nActionID: {id}\nChallenge: 131415"


def test_a_password_is_not_sent_where_a_challenge_is_offered() -> None:
    player = Player(answers={"Challenge": [CHALLENGE]})
    opened(player)
    (login,) = player.actions("Login")
    # The digest of "131415word-of-honour", by md5sum.
    assert login["Key"] == "7386631f00493a551c10514cff2b9653"
    assert (login["AuthType"], "Secret" in login) == ("MD5", False)


def test_the_answer_to_a_challenge_is_masked() -> None:
    assert action_text("Login", (("Key", "0f1e"),)) == "Action: Login\nKey: ***"


@pytest.mark.parametrize(("insecure", "sent"), [(False, 0), (True, 1)])
def test_a_password_goes_to_another_machine_unencrypted_only_on_request(
    insecure: bool, sent: int
) -> None:
    player = Player()

    async def play() -> None:
        async with player:
            here = Endpoint("127.0.0.1", player.port)
            ami = await Ami.connect(here, lambda _: None, lambda _: None, WITHIN)
            settings = replace(target(player.port).settings, host="pbx.example.com")
            with nullcontext() if insecure else pytest.raises(BadCredentials, match="unencrypted"):
                await log_in(ami, settings, lambda *_: None, insecure=insecure)  # type: ignore[arg-type]
            ami.close()

    asyncio.run(play())
    assert len(player.actions("Login")) == sent


def test_certificates_that_cannot_be_read(tmp_path: Path) -> None:
    file = tmp_path / "ca.pem"
    file.write_text("nothing")
    with pytest.raises(TargetError, match=r"ca\.pem can't be read"):
        opened(Player(), tls=True, ca_file=str(file))


def test_a_password_that_cannot_be_sent_is_not_told() -> None:
    with pytest.raises(NotPossible, match="Secret can't be what it is for Asterisk") as caught:
        write_action("Login", "1", (("Secret", "word\u00a0of honour"),))
    assert "honour" not in str(caught.value)


@pytest.mark.parametrize("action", ["Parkinglots", "ShowDialPlan", "CoreShowChannels"])
def test_a_user_without_permission_is_told_which(action: str) -> None:
    no = "Response: Error\nActionID: {id}\nMessage: Permission denied"
    with pytest.raises(BadCredentials, match=f"use the action {action}") as caught:
        opened(Player(answers={action: [no]}))
    assert "manager.conf" in (caught.value.hint or "")


def test_a_user_who_hears_of_no_call_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scenario_runner.pbx.asterisk.rights._PAUSE_S", 0.0)
    with pytest.raises(BadCredentials, match="does not tell this manager user what becomes"):
        opened(Player(deaf=True))


def test_channels_that_were_never_heard_of_are_hung_up() -> None:
    """An event filter may leave out any event: what Asterisk lists decides."""
    there = ["child"]

    def status(action: Fields) -> str:
        if "Variables" not in action:
            return SUCCESS
        root = player.actions("Originate")[0]["ChannelId"]
        items = "".join(
            f"Event: Status\nUniqueid: {uid}\nVariable: SCENARIO_RUNNER_CALL={mark}\n"
            "ActionID: {id}\n\n"
            for uid, mark in (*((uid, root) for uid in there), ("a-strangers", ""))
        )
        start = "Response: Success\nActionID: {id}\nEventList: start"
        return f"{start}\n\n{items}Event: StatusComplete\nActionID: {{id}}\nEventList: Complete"

    def hang_up(action: Fields) -> str:
        if action["Channel"] in there:
            there.remove(action["Channel"])
        return SUCCESS

    silent = {"Originate": [SUCCESS], "Status": [status], "Hangup": [hang_up]}
    player = Player(answers=silent)  # type: ignore[arg-type]

    async def play() -> None:
        async with player, session(target(player.port), Seen()) as on:
            call = PlaceCall(extension="341", flow="in", party="+78120000443")
            with pytest.raises(TimedOut):
                await on.do(call, SOON)
            assert await on.close() == ()

    asyncio.run(play())
    assert there == []
    assert "a-strangers" not in {action["Channel"] for action in player.actions("Hangup")}


def test_a_lot_that_is_not_there() -> None:
    with pytest.raises(TargetError, match="parking lot 'defualt', which Asterisk does not have"):
        opened(Player(), lot="defualt")


def test_the_lot_that_is_always_there_is_told_from_the_one_that_is_meant() -> None:
    """Without `lot` a target means 'default', which Asterisk has even if nobody set it up."""
    office = "Event: Parkinglot\nName: office\nStartSpace: 1\nStopSpace: 20\nActionID: {id}\n\n"
    both = LOTS.replace("StopSpace: 20", "StopSpace: 3")
    both = both.replace("Event: ParkinglotsComplete", office + "Event: ParkinglotsComplete")
    with pytest.raises(TargetError, match="the parking lot 'default' has 1-3") as caught:
        opened(Player(answers={"Parkinglots": [both]}))
    assert "it also has: office (lot: office)" in (caught.value.hint or "")


def test_slots_that_the_lot_does_not_have() -> None:
    small = LOTS.replace("StopSpace: 20", "StopSpace: 3")
    with pytest.raises(TargetError, match="spaces 1-20, but the parking lot 'default' has 1-3"):
        opened(Player(answers={"Parkinglots": [small]}))


def test_spaces_numbered_apart_from_slots() -> None:
    shifted = LOTS.replace("StartSpace: 1\n", "StartSpace: 701\n").replace(": 20\n", ": 720\n")
    player = Player(answers={"Parkinglots": [shifted]}, parked={"706": "stranger"})

    async def play() -> None:
        async with player, session(target(player.port, first_space=701), Seen()) as on:
            ids = await called(on)
            assert reason(await on.do(ParkCall(call=at(ids), slot=6), WITHIN)) == "slot-full"
            assert reason(await on.do(ParkCall(call=at(ids), slot=706), WITHIN)) == "slot-unknown"
            assert (await on.holding()).slots == (("6", "stranger"),)

    asyncio.run(play())


def test_a_dialplan_that_lacks_what_is_needed() -> None:
    no = "Response: Error\nActionID: {id}\nMessage: Did not find context scenario-runner"
    with pytest.raises(TargetError, match="no extension 'dial' in the context") as caught:
        opened(Player(answers={"ShowDialPlan": [SUCCESS, no]}))
    assert "docs/asterisk.md" in (caught.value.hint or "")


def test_after_a_lost_connection_what_is_there_is_looked_at_anew() -> None:
    player = Player()

    async def play() -> None:
        async with player, session(target(player.port), Seen()) as on:
            ids = await called(on)
            player.hang_up_on_client()
            while len(player.actions("Login")) == 1:
                with suppress(AnswerLost, Unreachable):
                    await on.do(AskSlot(call=at(ids), slot=6), WITHIN)
            assert reason(await on.do(ParkCall(call=at(ids), slot=6), WITHIN)) == "no-such-call"
            assert len(player.actions("Login")) == 2
            assert len(player.actions("Originate")) == 1
            assert await on.close() == ()

    asyncio.run(play())


SAYS_NO = "Event: OriginateResponse\nResponse: Failure\nReason: %s\nUniqueid: {uid}"
SAYS_YES = "Event: OriginateResponse\nResponse: Success\nReason: 4\nUniqueid: {uid}"
GONE = "Event: Hangup\nUniqueid: {uid}\nCause-txt: %s"
BUSY = "Event: DialEnd\nUniqueid: {uid}\nDestUniqueid: x\nDialStatus: BUSY"


@pytest.mark.parametrize(
    ("ends", "told"),
    [
        (SAYS_NO % 3, "outside/n: it did not answer"),
        (SAYS_NO % 0, "outside/n: it can't be dialled"),
        (GONE % "User alerting, no answer", "outside/n: User alerting"),
        (f"{SAYS_YES}\n\n{GONE % 'No route to destination'}", "341@desk/n: No route"),
        (BUSY, "341@desk/n: it is busy"),
    ],
)
def test_a_call_that_does_not_come_up(ends: str, told: str) -> None:
    def fails(action: Fields) -> str:
        return f"{SUCCESS}\n\n" + ends.replace("{uid}", action["ChannelId"])

    async def play() -> None:
        async with (
            Player(answers={"Originate": [fails]}) as player,
            session(target(player.port), Seen()) as on,
        ):
            with pytest.raises(PbxError, match=told) as caught:
                await called(on)
            assert "what reaches it" in (caught.value.hint or "")
            assert await on.close() == ()

    asyncio.run(play())


def test_nobody_answers_and_nobody_says_so() -> None:
    async def play() -> None:
        async with (
            Player(answers={"Originate": [SUCCESS]}) as player,
            session(target(player.port), Seen()) as on,
        ):
            with pytest.raises(TimedOut, match="did not answer within 1s"):
                await called(on)

    asyncio.run(play())


def test_closing_hangs_up_and_reports_what_stays() -> None:
    player = Player(answers={"Hangup": [SUCCESS]}, parked={"6": "stranger"})

    async def play() -> list[str]:
        from scenario_runner.pbx.tracked import session as module

        patch = pytest.MonkeyPatch()
        patch.setattr(module, "CLOSING", SOON)
        try:
            async with player, session(target(player.port), Seen(), slots=("6", "7")) as on:
                await called(on)
                return [left.what for left in await on.close()]
        finally:
            patch.undo()

    left = asyncio.run(play())
    assert [what for what in left if "does not end" in what]
    assert left[-1] == "slot 6 is occupied"


def test_a_person_dials_and_is_waited_for() -> None:
    told: list[str] = []
    player = Player()

    async def play() -> None:
        from scenario_runner.clock import LoopClock
        from scenario_runner.pbx.asterisk.connection import Asterisk
        from scenario_runner.pbx.drivers import Context
        from scenario_runner.pbx.protocol import Done, Plan

        seen = Seen()
        player.parked = {"9": "old"}
        async with player:
            of = target(player.port, calls="wait")
            connection = Asterisk(of, of.settings, Context(announce=told.append))  # type: ignore[arg-type]
            plan = Plan(scenario="x", events=True)
            clock = LoopClock(asyncio.get_running_loop())
            async with connection.session(plan, seen, clock) as on:
                wanted = PlaceCall(
                    extension="341", flow="in", party="any", instruction="Call 341", window=WITHIN
                )
                assert [call.uuid for call in (await on.holding()).calls] == ["old"]
                waiting = asyncio.ensure_future(on.do(wanted, WITHIN))
                await asyncio.sleep(0)
                dialled = {
                    "ChannelId": "somebody", "Channel": "PJSIP/customer",
                    "Variable": "X=Local/341@desk/n",
                }  # fmt: skip
                await player.say(came_up(dialled).split("\n\n", 1)[1])
                outcome = await waiting
                assert isinstance(outcome, Done)
                assert outcome.ids is not None
                assert (outcome.ids.uuid, outcome.ids.extension) == ("somebody", "341")
                with pytest.raises(TimedOut, match="no call within 50ms"):
                    await on.do(
                        PlaceCall(extension="341", flow="in", party="+1", window=SOON), WITHIN
                    )
                await on.close()
            await connection.close()

    asyncio.run(play())
    assert told == [
        "Call 341: call extension 341 from any telephone and answer it (within 1s)",
        "The call is there: somebody at 341",
        "Please call extension 341 from +1 and answer it (within 50ms)",
    ]
    assert {hangup["Channel"] for hangup in player.actions("Hangup")} == {
        "somebody",
        "somebody-341",
    }


def test_a_call_that_came_before_it_was_asked_for_is_taken_at_once() -> None:
    dialled = {
        "ChannelId": "early",
        "Channel": "PJSIP/customer",
        "Variable": "X=Local/341@desk/n",
    }

    async def play() -> None:
        async with (
            Player() as player,
            session(target(player.port, calls="wait"), Seen()) as on,
        ):
            await player.say(came_up(dialled).split("\n\n", 1)[1])
            await on.do(ShowCalls(extension="341"), WITHIN)
            assert (await called(on, party="any")).uuid == "early"

    asyncio.run(play())
