"""Asks again: `within` until an expectation holds, `stays` as long as it must hold."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, TypeAlias

from scenario_runner.durations import SECOND, duration_text
from scenario_runner.events import Attempt, Failure
from scenario_runner.model.steps import Poll, Stays
from scenario_runner.model.vocabulary import Reason
from scenario_runner.pbx.protocol import Refused

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from scenario_runner.engine.checks import Checker
    from scenario_runner.engine.frame import Frame
    from scenario_runner.engine.seen import Seen
    from scenario_runner.model.steps import Step

MAY_TURN = frozenset(
    {
        Reason.SLOT_FULL,
        Reason.SLOT_EMPTY,
        Reason.NOTHING_PARKED,
        Reason.CALL_NOT_ANSWERED,
        Reason.CALL_ALREADY_PARKED,
        Reason.NO_CAPACITY,
        Reason.RATE_LIMITED,
        Reason.OTHER,
    }
)

Asked: TypeAlias = "tuple[Seen, tuple[Failure, ...]]"


async def ask(
    step: Step,
    look: Callable[[], Awaitable[Seen]],
    checker: Checker,
    frame: Frame,
    attempts: list[Attempt],
) -> Asked:
    """Look again and again, as the step says; every look is kept in `attempts`, equal ones folded.

    Returns the last look and its failures.
    """
    begin = frame.now()
    match step.repeating:
        case Poll(within, every):
            until, stop_when_held = begin + frame.scope.duration(within), True
            pause = frame.scope.duration(every)
        case Stays(during, every):
            until, stop_when_held = begin + frame.scope.duration(during), False
            pause = frame.scope.duration(every)
        case None:
            raise AssertionError("a step that asks once does not ask again")
    while True:
        seen = await look()
        failures = checker.failures(seen)
        _keep(attempts, Attempt(at=seen.sent, saw=seen.saw, held=not failures))
        left = until - frame.now()
        if left <= 0 or stop_when_held is not bool(failures) or _hopeless(seen, failures):
            lasted = seen.sent - begin
            return seen, _told(failures, step, attempts, lasted)
        await asyncio.sleep(min(pause, left) / SECOND)


def _keep(attempts: list[Attempt], look: Attempt) -> None:
    if attempts and (attempts[-1].saw, attempts[-1].held) == (look.saw, look.held):
        last = attempts[-1]
        attempts[-1] = Attempt(at=last.at, saw=last.saw, held=last.held, times=last.times + 1)
    else:
        attempts.append(look)


def _hopeless(seen: Seen, failures: tuple[Failure, ...]) -> bool:
    """Tell whether the PBX refused for a reason that time will not change."""
    refused = seen.outcome
    return bool(failures) and isinstance(refused, Refused) and refused.reason not in MAY_TURN


def _told(
    failures: tuple[Failure, ...], step: Step, attempts: list[Attempt], lasted: int
) -> tuple[Failure, ...]:
    times = sum(attempt.times for attempt in attempts)
    looks = f"{times} look{'s' if times > 1 else ''}"
    how = "never held" if isinstance(step.repeating, Poll) else "did not keep holding"
    return tuple(
        replace(
            failure,
            message=f"{failure.message} ({how} in {looks} over {duration_text(lasted)})",
        )
        for failure in failures
    )
