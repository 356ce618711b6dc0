"""Undoes what runs that were killed have left on a target, by their journals.

A call is over when the PBX lists it no more, and not because a request about it was refused: such
a refusal may be about its extension.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from scenario_runner.clock import LoopClock
from scenario_runner.durations import SECOND
from scenario_runner.errors import NotPossible, PbxError, ScenarioRunnerError
from scenario_runner.execution.targets import left_on, masked
from scenario_runner.language.vocabulary import Party
from scenario_runner.masking import MASK
from scenario_runner.pbx.commands import CallAddress, FindPlaced, HangUp, ShowCalls, Unsubscribe
from scenario_runner.pbx.drivers import find_driver
from scenario_runner.pbx.journal import FOLDER
from scenario_runner.pbx.protocol import Done, NullWatcher, Plan, Refused

if TYPE_CHECKING:
    from pathlib import Path

    from scenario_runner.language.target import Target
    from scenario_runner.pbx.drivers import Context
    from scenario_runner.pbx.journal import Left
    from scenario_runner.pbx.protocol import Listed, PlacedCall, Session


_WITHIN = 10 * SECOND
_LATE_S = 2.0
_ROUNDS = 8
_PAUSE_S = 0.25
"""A PBX may list a call for a moment after it ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Undone:
    """One thing that was left: undone, or why not."""

    good: bool
    message: str


async def undo(
    target: Target,
    context: Context,
    journal: Path = FOLDER,
    only: frozenset[Path] | None = None,
) -> tuple[Undone, ...]:
    """Hang up the calls and remove the subscriptions left on a target; say what was done.

    `only` are the journals that are meant, without it all in the folder. Journals of which
    everything is undone are removed. Raises what opening the target raises.
    """
    left = left_on(target, journal)
    mine = [one for one in left if only is None or one.file in only]
    if not mine:
        return ()
    told: list[Undone] = []
    try:
        async with find_driver(target.driver).opened(target, context) as connection:
            clock = LoopClock(asyncio.get_running_loop())
            async with connection.session(
                Plan(scenario="cleanup"), NullWatcher(), clock
            ) as session:
                for run in mine:
                    done = await _undone(run, session, context)
                    told += done
                    if all(one.good for one in done):
                        run.file.unlink(missing_ok=True)
    except ScenarioRunnerError as error:
        raise masked(error, context.mask) from None
    return tuple(told)


async def _undone(left: Left, session: Session, context: Context) -> list[Undone]:
    endings = [_Ending(call, session, context) for call in left.calls]
    told = [await ending.ended() for ending in endings]
    if endings:
        # What was sent before the kill may reach the PBX after it, and bring up another call.
        await context.sleep(_LATE_S)
        told = [await ending.ended() for ending in endings]
    for path, url in left.watched:
        told.append(await _unwatched(path, url, session))
    if left.damaged:
        told.append(_damaged(left))
    return told


def _damaged(left: Left) -> Undone:
    return Undone(
        good=False,
        message=f"the journal {left.file} can't be read whole: {left.damaged}; look yourself what "
        "is still up on the PBX, then remove it",
    )


class _Ending:
    """Hangs one call up, wherever the PBX lists it, until it lists nothing of it."""

    def __init__(self, call: PlacedCall, session: Session, context: Context) -> None:
        self._call = call
        self._session = session
        self._sleep = context.sleep
        self._hung_up_any = False
        self._named = f"the call at {call.extension} with {call.party}"

    async def ended(self) -> Undone:
        known = self._call.ids is not None or self._call.channels
        if not known and MASK in self._call.party:
            return self._bad("can't be looked for, since its number is a secret: look yourself")
        try:
            return await self._until_gone()
        except PbxError as error:
            return self._bad(f"could not be asked about: {error.message}")

    def _bad(self, why: str) -> Undone:
        return Undone(good=False, message=f"{self._named} {why}")

    async def _until_gone(self) -> Undone:
        """Each round tries every hang-up; what the last one said is told where nothing helped."""
        said = "is still listed"
        for number in range(_ROUNDS):
            if number:
                await self._sleep(_PAUSE_S)
            found = await self._listed()
            if isinstance(found, Refused):
                return self._bad(f"could not be asked about: {found.message}")
            if not found:
                word = "was hung up" if self._hung_up_any else "was over already"
                return Undone(good=True, message=f"{self._named} {word}")
            for one in found:
                refused = await self._hung_up(one)
                self._hung_up_any |= refused is None
                said = f"can't be hung up: {refused}" if refused is not None else said
        return self._bad(said)

    async def _listed(self) -> tuple[Listed, ...] | Refused:
        """Return what is left of the call; a driver that can't look is asked for all calls."""
        try:
            found = await self._session.do(FindPlaced(call=self._call), _WITHIN)
        except NotPossible:
            everything = ShowCalls(extension=self._call.extension)
            found = await self._session.do(everything, _WITHIN)
            if isinstance(found, Done):
                return tuple(one for one in found.listed if _is_it(one, self._call))
        return found if isinstance(found, Refused) else found.listed

    async def _hung_up(self, one: Listed) -> str | None:
        """Hang up what is listed; return why that did not work."""
        address = CallAddress(call_api_id=one.call_api_id or one.uuid, extension=one.extension)
        try:
            outcome = await self._session.do(HangUp(call=address, by=Party.EXTENSION), _WITHIN)
        except PbxError as error:
            return error.message
        return outcome.message if isinstance(outcome, Refused) else None


def _is_it(one: Listed, call: PlacedCall) -> bool:
    return one.party == call.party if call.ids is None else one.uuid == call.ids.uuid


async def _unwatched(path: str, url: str, session: Session) -> Undone:
    """Remove the subscriptions below `path` that deliver to `url`."""
    try:
        outcome = await session.do(Unsubscribe(path=path, url=url), _WITHIN)
    except PbxError as error:
        text = f"subscriptions at {path} can't be removed: {error.message}"
        return Undone(good=False, message=text)
    if isinstance(outcome, Refused):
        text = f"subscriptions at {path} can't be removed: {outcome.message}"
        return Undone(good=False, message=text)
    removed = outcome.raw.body
    count = len(removed) if isinstance(removed, list) else 0
    return Undone(good=True, message=f"{count} subscriptions at {path} were removed")
