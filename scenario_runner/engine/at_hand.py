"""The actions that need no PBX: `wait`, `set`, `check`."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, assert_never

from scenario_runner.durations import SECOND, duration_text
from scenario_runner.engine.seen import NotSeen, Seen
from scenario_runner.events import Failure
from scenario_runner.matching import describe, matches, typed
from scenario_runner.model.steps import Check, Set, Wait

if TYPE_CHECKING:
    from scenario_runner.engine.frame import Frame


async def take_at_hand(action: Wait | Set | Check, frame: Frame) -> Seen:
    """Take the action; raise NotSeen where a check does not hold."""
    sent = frame.now()
    match action:
        case Wait(duration):
            microseconds = frame.scope.duration(duration)
            await asyncio.sleep(microseconds / SECOND)
            return Seen(sent=sent, at=frame.now(), saw=f"waited {duration_text(microseconds)}")
        case Set(bindings):
            for binding in bindings:
                frame.scope.bind(binding.name, frame.scope.resolve(binding.value))
            saw = ", ".join(binding.name for binding in bindings)
        case Check():
            saw = _checked(action, frame)
        case _:
            assert_never(action)
    await asyncio.sleep(0)  # lets Ctrl-C in between steps that never wait
    return Seen(sent=sent, at=sent, saw=saw)


def _checked(check: Check, frame: Frame) -> str:
    value = frame.scope.resolve(check.that)
    matcher, span = check.matcher.matcher, check.matcher.span
    if matches(matcher, value, frame.scope.resolve):
        return typed(value)
    expected = describe(matcher, frame.scope.resolve)
    message = f"check: expected {expected}, got {typed(value)}"
    failure = Failure(
        key="check", message=message, expected=expected, actual=typed(value), span=span
    )
    raise NotSeen(failure)
