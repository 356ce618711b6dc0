"""Real SIP phones at a real Asterisk: people call, park, give up, and grab one call together."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

import pytest

from scenario_runner.durations import SECOND
from scenario_runner.errors import PbxError, TimedOut
from scenario_runner.language.vocabulary import CallState
from scenario_runner.pbx.commands import (
    AskSlot,
    BridgeCall,
    ParkCall,
    PlaceCall,
    ShowCall,
    ShowCalls,
)
from scenario_runner.pbx.protocol import Done
from tests.ami.talking import Seen, at, called, reason, session

from .running_there import target

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine
    from pathlib import Path

    from scenario_runner.language.target import Target
    from scenario_runner.pbx.protocol import CallIds, PbxEvent, Session

    from .instance import Instance
    from .sip_phones import Phones

pytestmark = pytest.mark.real

WITHIN = 10 * SECOND
_T = TypeVar("_T")


def play(of: Target, act: Callable[[Session, Seen], Coroutine[None, None, _T]]) -> _T:
    """Do something in a session; nothing may be left behind."""

    async def whole() -> _T:
        seen = Seen()
        async with session(of, seen, slots=("3", "4")) as on:
            try:
                return await act(on, seen)
            finally:
                assert await on.close() == ()

    return asyncio.run(asyncio.wait_for(whole(), 30))


async def until(look: Callable[[], Awaitable[_T | None]]) -> _T:
    """Look again and again; the phones take their own time."""
    async with asyncio.timeout(WITHIN / SECOND):
        while True:
            found = await look()
            if found:
                return found
            await asyncio.sleep(0.02)


async def event(seen: Seen, kind: str, extension: str, after: int = 0) -> PbxEvent:
    """Wait for an event at an extension that comes after so many others."""

    async def look() -> PbxEvent | None:
        wanted = (e for e in seen.events[after:] if (e.type, e.extension) == (kind, extension))
        return next(wanted, None)

    return await until(look)


async def occupant(on: Session, ids: CallIds, slot: int) -> str | None:
    outcome = await on.do(AskSlot(call=at(ids), slot=slot), WITHIN)
    assert isinstance(outcome, Done)
    return outcome.uuid


async def dialled_in(on: Session, phones: Phones, script: str = "calls") -> CallIds:
    """Let the customer's phone call the agent's, and wait for it as a person would be."""
    request = PlaceCall(extension="2001", flow="in", party="any", window=WITHIN)
    coming = asyncio.ensure_future(on.do(request, WITHIN))
    await asyncio.sleep(0)
    getattr(phones, script)("2001", "customer")
    outcome = await coming
    assert isinstance(outcome, Done)
    assert outcome.ids is not None
    return outcome.ids


def test_a_customer_is_parked_and_another_phone_dials_the_slot(
    asterisk: Instance, phones: Phones, tmp_path: Path
) -> None:
    phones.answers(asterisk.ports.agent)

    async def act(on: Session, seen: Seen) -> None:
        ids = await dialled_in(on, phones)
        assert reason(await on.do(ParkCall(call=at(ids), slot=3), WITHIN)) == "done"
        assert await occupant(on, ids, 3) == ids.uuid
        await event(seen, "hangup", "2001")
        phones.calls("3", "agent2")

        async def moved() -> CallIds | None:
            now = on.ids(ids.uuid)
            return now if now is not None and now.extension == "2002" else None

        now = await until(moved)
        assert await occupant(on, now, 3) is None
        status = await on.do(ShowCall(call=at(now)), WITHIN)
        assert isinstance(status, Done)
        assert status.state is CallState.UP

    play(target(asterisk, tmp_path, "people"), act)


def test_the_driver_sends_an_agents_phone_to_the_slot(
    asterisk: Instance, phones: Phones, tmp_path: Path
) -> None:
    phones.answers(asterisk.ports.agent)
    phones.answers(asterisk.ports.agent2)

    async def act(on: Session, _: Seen) -> None:
        customer = await called(on, "2001")
        assert reason(await on.do(ParkCall(call=at(customer), slot=3), WITHIN)) == "done"
        for flow in ("in", "out"):
            agent = await called(on, "2002", flow=flow, party="+74950000200")
            outcome = await on.do(BridgeCall(call=at(agent), slot=3), WITHIN)
            assert isinstance(outcome, Done)
            assert outcome.uuid == customer.uuid
            now = on.ids(customer.uuid)
            assert now is not None
            assert now.extension == "2002"
            assert reason(await on.do(ParkCall(call=at(now), slot=3), WITHIN)) == "done"

    play(target(asterisk, tmp_path, "phones"), act)


def test_after_the_time_out_the_parkers_phone_rings_and_answers(
    asterisk: Instance, phones: Phones, tmp_path: Path
) -> None:
    phones.answers(asterisk.ports.agent)

    async def act(on: Session, seen: Seen) -> None:
        ids = await dialled_in(on, phones)
        parked = await on.do(ParkCall(call=at(ids), slot=3), WITHIN)
        before = len(seen.events)
        rung = await event(seen, "dial-in", "2001", before)
        assert rung.uuid == ids.uuid
        assert 3.5 * SECOND < rung.at - parked.raw.at < 4.5 * SECOND
        await event(seen, "answer", "2001", before)
        status = await on.do(ShowCall(call=at(ids)), WITHIN)
        assert isinstance(status, Done)
        assert status.state is CallState.UP
        assert await occupant(on, ids, 3) is None

    play(target(asterisk, tmp_path, "people"), act)


def test_a_customer_who_hangs_up_in_the_slot_leaves_it_empty(
    asterisk: Instance, phones: Phones, tmp_path: Path
) -> None:
    phones.answers(asterisk.ports.agent)

    async def act(on: Session, seen: Seen) -> None:
        ids = await dialled_in(on, phones, "calls_and_gives_up")
        witness = await called_by_hand(on)
        assert reason(await on.do(ParkCall(call=at(ids), slot=3), WITHIN)) == "done"
        await event(seen, "hangup", "2001")
        before = len(seen.events)
        over = await event(seen, "hangup", "2001", before)
        assert dict(over.fields)["Uniqueid"] == ids.uuid
        status = await on.do(ShowCall(call=at(ids)), WITHIN)
        assert isinstance(status, Done)
        assert status.state is CallState.ENDED
        assert await occupant(on, witness, 3) is None

    async def called_by_hand(on: Session) -> CallIds:
        request = PlaceCall(extension="2001", flow="in", party="any", window=WITHIN)
        coming = asyncio.ensure_future(on.do(request, WITHIN))
        await asyncio.sleep(0)
        phones.calls("2001", "customer")
        outcome = await coming
        assert isinstance(outcome, Done)
        assert outcome.ids is not None
        return outcome.ids

    play(target(asterisk, tmp_path, "people"), act)


def test_of_two_agents_phones_that_dial_the_slot_one_gets_the_call(
    asterisk: Instance, phones: Phones, tmp_path: Path
) -> None:
    phones.answers(asterisk.ports.agent)

    async def act(on: Session, _: Seen) -> None:
        ids = await dialled_in(on, phones)
        assert reason(await on.do(ParkCall(call=at(ids), slot=3), WITHIN)) == "done"
        phones.calls("3", "agent")
        phones.calls("3", "agent2")

        async def taken() -> bool:
            status = await on.do(ShowCall(call=at(on.ids(ids.uuid) or ids)), WITHIN)
            return isinstance(status, Done) and status.state is CallState.UP

        await until(taken)
        listed = [await on.do(ShowCalls(extension=number), WITHIN) for number in ("2001", "2002")]
        where = [call for one in listed if isinstance(one, Done) for call in one.listed]
        assert [call.uuid for call in where] == [ids.uuid]

    play(target(asterisk, tmp_path, "people"), act)


def test_an_endpoint_that_does_not_answer_is_one_clear_error(
    asterisk: Instance, phones: Phones, tmp_path: Path
) -> None:
    phones.only_rings(asterisk.ports.silent)

    async def act(on: Session, _: Seen) -> None:
        for flow in ("in", "out"):
            request = PlaceCall(extension="2003", flow=flow, party="+74950000200")
            with pytest.raises(
                (TimedOut, PbxError), match=r"PJSIP/silent.* did not answer|no answer"
            ):
                await on.do(request, SECOND // 2)

    play(target(asterisk, tmp_path, "phones"), act)
    assert asterisk.console("core", "show", "channels", "count").startswith("0 active channels")
