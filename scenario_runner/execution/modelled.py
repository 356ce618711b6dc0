"""A reference model beside the PBX: each answer must be one that the rules allow.

The model is fed with the commands of one scenario and what was answered. At the first answer that
no order of the commands explains it contradicts, at the step that asked. It judges a PBX that
nobody else uses, such as the built-in mock, of which every scenario has its own.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import replace as with_options
from typing import TYPE_CHECKING

from msgspec.structs import replace

from scenario_runner.engine.context import CURRENT_STEP
from scenario_runner.errors import Contradiction, PbxError
from scenario_runner.language.vocabulary import Party
from scenario_runner.mock_pbx import calls as switch
from scenario_runner.model.history import UNTOLD, Done, Lost, Operation, Refused
from scenario_runner.model.judging import Contradicted, Undecided, judge
from scenario_runner.model.reference import Reference, Terms
from scenario_runner.pbx import protocol
from scenario_runner.pbx.commands import (
    AnswerCall,
    AnySlot,
    AskExtension,
    AskSlot,
    BridgeCall,
    CallAddress,
    HangUp,
    ParkCall,
    PlaceCall,
    SendRequest,
    ShowCall,
    ShowCalls,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from scenario_runner.clock import Clock
    from scenario_runner.mock_pbx import Profile
    from scenario_runner.model.history import Answer
    from scenario_runner.pbx.commands import Command
    from scenario_runner.pbx.protocol import (
        CallIds,
        Connection,
        Holding,
        Leftover,
        Outcome,
        Plan,
        Session,
        Traits,
        Watcher,
    )


_PARTS = 1000
"""In how many parts a microsecond is cut for the model.

Commands that follow each other come at the same moment of virtual time, and must not count as sent
at once: each beginning and each end has a part of its own.
"""


class _Moments:
    """Tells the time in parts of microseconds, each later than the one before."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._last = 0

    def now(self) -> int:
        """Return the time, a part later than what was returned before."""
        self._last = max(self._last + 1, self._clock.now() * _PARTS)
        return self._last


MOST_COMMANDS = 100
"""How many commands of one scenario are judged: each answer is judged with all before it."""


class ModelledConnection:
    """A connection to a PBX of a profile, each of whose sessions is judged by a model.

    `gave_up` is told why, where a session is not judged any more.
    """

    def __init__(self, inner: Connection, profile: Profile, gave_up: Callable[[str], None]) -> None:
        self._inner = inner
        self._gave_up = gave_up
        scaled = with_options(
            profile,
            park_timeout=profile.park_timeout * _PARTS,
            ring_timeout=profile.ring_timeout * _PARTS,
        )
        self._reference = Reference(Terms(profile=scaled, tolerance=_PARTS, vague=True))

    @property
    def traits(self) -> Traits:
        """What the target is like."""
        return self._inner.traits

    @asynccontextmanager
    async def session(self, plan: Plan, watcher: Watcher, clock: Clock) -> AsyncIterator[Session]:
        """Open one scenario's session."""
        async with self._inner.session(plan, watcher, clock) as inner:
            yield ModelledSession(inner, self._reference, clock, self._gave_up)


class ModelledSession:
    """A session whose answers are judged as they come.

    From the first command on that the model can't follow, such as a raw request, nothing is.
    """

    def __init__(
        self,
        inner: Session,
        reference: Reference,
        clock: Clock,
        gave_up: Callable[[str], None],
    ) -> None:
        self._inner = inner
        self._gave_up = gave_up
        self._reference = reference
        self._moments = _Moments(clock)
        self._history: list[Operation] = []
        self._follows = True

    async def do(self, command: Command, within: int) -> Outcome:
        """Do what is asked; raises Contradiction where the answer can't be right."""
        told = _told(command)
        if told is None:
            if not _changes_nothing(command):
                self._stop("a raw request may have changed anything")
            return await self._inner.do(command, within)
        number, begun = len(self._history), self._moments.now()
        step = CURRENT_STEP.get()
        self._history.append(
            Operation(
                command=told, answer=Lost(), invoked_at=begun, returned_at=begun,
                client=str(number), label=step,
            )
        )  # fmt: skip
        try:
            outcome = await self._inner.do(command, within)
        except PbxError:
            self._over(number, Lost())
            raise
        answer = _answer(command, outcome)
        self._over(number, answer)
        self._judge()
        return outcome

    def _over(self, number: int, answer: Answer) -> None:
        self._history[number] = replace(
            self._history[number], answer=answer, returned_at=self._moments.now()
        )

    def _judge(self) -> None:
        if not self._follows:
            return
        judged = judge(self._history, self._reference)
        if isinstance(judged, Undecided):
            self._stop("finding an order that explains the answers is too much work")
        elif len(self._history) >= MOST_COMMANDS:
            self._stop(f"{MOST_COMMANDS} commands were judged, which is enough")
        if isinstance(judged, Contradicted):
            self._follows = False
            raise _contradiction(judged)

    def _stop(self, why: str) -> None:
        """Judge no more; what comes may be right or wrong."""
        if self._follows:
            self._gave_up(f"from step {CURRENT_STEP.get()} on the model does not judge: {why}")
        self._follows = False

    def ids(self, uuid: str) -> CallIds | None:
        """Return the ids of a call as last known."""
        return self._inner.ids(uuid)

    async def close(self) -> tuple[Leftover, ...]:
        """Hang up what was placed; what the runner does by itself is not judged."""
        self._follows = False
        return await self._inner.close()

    async def holding(self) -> Holding:
        """Look at what the PBX holds now."""
        return await self._inner.holding()


def _changes_nothing(command: Command) -> bool:
    if isinstance(command, AskExtension):
        return True
    if not isinstance(command, SendRequest):
        return False
    return command.request.method == "GET" or command.request.path.startswith("/oauth/")


def _told(command: Command) -> switch.Command | None:
    """Return a command as the model knows it; None for one that it can't follow."""
    match command:
        case PlaceCall(extension=extension) if extension.isdecimal():
            return switch.PlaceCall(
                command.flow, int(extension), command.party, answered=command.answered
            )
        case ShowCalls(extension=extension) if extension.isdecimal():
            return switch.ListCalls(int(extension))
        case ParkCall() | BridgeCall() | AskSlot() | AnswerCall() | HangUp() | ShowCall():
            if not command.call.extension.isdecimal():
                return None
            return _about_call(command, command.call)
        case _:
            return None


def _about_call(
    command: ParkCall | BridgeCall | AskSlot | AnswerCall | HangUp | ShowCall, address: CallAddress
) -> switch.Command:
    call, extension = address.call_api_id.partition("-")[2], int(address.extension)
    match command:
        case ParkCall(slot=slot):
            return switch.Park(call, extension, slot)
        case AskSlot(slot=slot):
            return switch.AskSlot(call, extension, slot)
        case BridgeCall(slot=slot):
            return switch.Bridge(call, extension, None if isinstance(slot, AnySlot) else slot)
        case AnswerCall():
            return switch.AnswerCall(call)
        case HangUp(by=Party.REMOTE):
            return switch.HangUp(call, None, "remote")
        case HangUp():
            return switch.HangUp(call, extension, "extension")
        case ShowCall():
            return switch.ShowCall(call, extension)


def _answer(command: Command, outcome: Outcome) -> Answer:
    """Return an outcome as the model knows it: what the driver supplied itself is left out."""
    if isinstance(outcome, protocol.Refused):
        return Refused(outcome.reason)
    if isinstance(command, ShowCalls):
        return Done(listed=frozenset(one.uuid for one in outcome.listed))
    slot = outcome.slot
    return Done(
        call=outcome.ids.uuid if isinstance(command, PlaceCall) and outcome.ids else UNTOLD,
        slot=int(slot) if slot is not None and slot.isdecimal() else UNTOLD,
        uuid=outcome.uuid if isinstance(command, AskSlot) or outcome.uuid else UNTOLD,
        state=outcome.state.value if outcome.state is not None else UNTOLD,
    )


def _contradiction(judged: Contradicted) -> Contradiction:
    at = judged.at
    rules = "; ".join(f"{rule.id}: {rule.says}" for rule in judged.rules)
    would = "" if judged.would is None else f"the model would have answered {_shown(judged.would)}"
    others = [one for one in judged.operations if one is not at]
    behind = ", ".join(f"{_name(one)} of step {one.label or 'none'}" for one in others)
    why = f"no order of the commands explains the answer to {_name(at)}: {_shown(at.answer)}"
    return Contradiction(
        f"{why}{'; it contradicts ' + behind if behind else ''}",
        hint=". ".join(part for part in (would, rules) if part) or None,
    )


_WORDS: dict[type, str] = {
    switch.PlaceCall: "call",
    switch.AnswerCall: "answer",
    switch.Park: "park",
    switch.AskSlot: "slots",
    switch.Bridge: "bridge",
    switch.HangUp: "hangup",
    switch.ShowCall: "calls",
    switch.ListCalls: "calls",
}


def _name(operation: Operation) -> str:
    """Return the word of the action that an operation comes from."""
    return f"'{_WORDS[type(operation.command)]}'"


def _shown(answer: object) -> str:
    match answer:
        case Refused(reason=reason):
            return f"refused ({reason})"
        case switch.Refusal(rule):
            return f"a refusal by {rule.id}"
        case Done():
            told = [f"slot {answer.slot}"] if answer.slot is not UNTOLD else []
            told += [answer.uuid or "nobody"] if answer.uuid is not UNTOLD else []
            told += [str(answer.state)] if answer.state is not UNTOLD else []
            return f"done ({', '.join(told)})" if told else "done"
        case switch.InSlot(slot, uuid):
            return f"slot {slot}, {uuid or 'nobody'}"
        case _:
            return "success"
