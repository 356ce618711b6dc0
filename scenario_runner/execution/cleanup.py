"""Undoes what runs that were killed have left on a target, by their journals."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from scenario_runner.clock import LoopClock
from scenario_runner.durations import SECOND
from scenario_runner.errors import PbxError, ScenarioRunnerError
from scenario_runner.execution.targets import masked
from scenario_runner.language.vocabulary import Party, Reason
from scenario_runner.masking import MASK
from scenario_runner.pbx.commands import CallAddress, HangUp, ShowCalls, Unsubscribe
from scenario_runner.pbx.drivers import find_driver
from scenario_runner.pbx.journal import FOLDER, PlacedCall, left_behind
from scenario_runner.pbx.protocol import Done, NullWatcher, Plan, Refused

if TYPE_CHECKING:
    from pathlib import Path

    from scenario_runner.language.target import Target
    from scenario_runner.pbx.drivers import Context
    from scenario_runner.pbx.journal import Left
    from scenario_runner.pbx.protocol import Session


_WITHIN = 10 * SECOND


@dataclass(frozen=True, slots=True, kw_only=True)
class Undone:
    """One thing that was left: undone, or why not."""

    good: bool
    message: str


async def undo(target: Target, context: Context, journal: Path = FOLDER) -> tuple[Undone, ...]:
    """Hang up the calls and remove the subscriptions left on a target; say what was done.

    Journals of which everything is undone are removed. Raises what opening the target raises.
    """
    mine = [left for left in left_behind(journal) if left.target == target.name]
    if not mine:
        return ()
    told: list[Undone] = []
    try:
        async with find_driver(target.driver).opened(target, context) as connection:
            clock = LoopClock(asyncio.get_running_loop())
            async with connection.session(
                Plan(scenario="cleanup"), NullWatcher(), clock
            ) as session:
                for left in mine:
                    done = await _undone(left, session)
                    told += done
                    if all(one.good for one in done):
                        left.file.unlink(missing_ok=True)
    except ScenarioRunnerError as error:
        raise masked(error, context.mask) from None
    return tuple(told)


async def _undone(left: Left, session: Session) -> list[Undone]:
    told: list[Undone] = []
    for call in left.calls:
        told += await _hung_up(call, session)
    for path, url in left.watched:
        told.append(await _unwatched(path, url, session))
    return told


async def _hung_up(call: PlacedCall, session: Session) -> list[Undone]:
    """Hang a call up; one whose ids never became known is looked for by its party."""
    named = f"the call at {call.extension} with {call.party}"
    if call.ids is None and MASK in call.party:
        message = f"{named} can't be looked for, since its number is a secret: look yourself"
        return [Undone(good=False, message=message)]
    try:
        addresses = await _addresses(call, session)
        outcomes = [
            await session.do(HangUp(call=one, by=Party.EXTENSION), _WITHIN) for one in addresses
        ]
    except PbxError as error:
        return [Undone(good=False, message=f"{named} can't be hung up: {error.message}")]
    refused = [
        outcome
        for outcome in outcomes
        if isinstance(outcome, Refused)
        and outcome.raw.status != 404
        and outcome.reason is not Reason.NO_SUCH_CALL
    ]
    if refused:
        return [Undone(good=False, message=f"{named} can't be hung up: {refused[0].message}")]
    ended = any(isinstance(outcome, Done) for outcome in outcomes)
    return [Undone(good=True, message=f"{named} {'was hung up' if ended else 'was over already'}")]


async def _addresses(call: PlacedCall, session: Session) -> list[CallAddress]:
    if call.ids is not None:
        return [CallAddress(call_api_id=call.ids.call_api_id, extension=call.ids.extension)]
    listed = await session.do(ShowCalls(extension=call.extension), _WITHIN)
    if isinstance(listed, Refused):
        return []
    return [
        CallAddress(call_api_id=one.call_api_id or one.uuid, extension=call.extension)
        for one in listed.listed
        if one.party == call.party
    ]


async def _unwatched(path: str, url: str, session: Session) -> Undone:
    """Remove the subscriptions below `path` that deliver to `url`."""
    try:
        outcome = await session.do(Unsubscribe(path=path, url=url), _WITHIN)
    except PbxError as error:
        text = f"subscriptions at {path} can't be removed: {error.message}"
        return Undone(good=False, message=text)
    removed = outcome.raw.body
    count = len(removed) if isinstance(removed, list) else 0
    return Undone(good=True, message=f"{count} subscriptions at {path} were removed")
