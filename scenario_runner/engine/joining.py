"""Asks after a bridge whether the call that it joined has left its slot.

That a bridge answers "done" proves little: a PBX may do nothing, or join another call. So where a
step expects `with`, the slot that the answer named is asked, and must no longer hold that call. The
question is the runner's own: it belongs to no step, and its time is not in that of the step.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from scenario_runner.engine.actions import address_of
from scenario_runner.engine.context import CURRENT_STEP, Frame
from scenario_runner.engine.event_log import StepMark
from scenario_runner.errors import BadAnswer, RateLimited
from scenario_runner.events import Failure
from scenario_runner.language.actions import Bridge, Step
from scenario_runner.language.expectations import With
from scenario_runner.language.vocabulary import Reason
from scenario_runner.pbx.commands import AskSlot, CallAddress
from scenario_runner.pbx.protocol import Done, Refused
from scenario_runner.source import Span

if TYPE_CHECKING:
    from scenario_runner.engine.result import ActionResult


class Join(Struct, frozen=True, kw_only=True):
    """A bridge whose answer names the call and the slot that it took it from.

    `changed` is when the last command to change that call was sent: the bridge itself.
    """

    frame: Frame
    address: CallAddress
    uuid: str
    slot: str
    within: int
    span: Span
    changed: StepMark | None

    async def failures(self) -> tuple[Failure, ...]:
        """Ask the slot; one failure where it still holds the call.

        Raises PbxError where that can't be found out. Where another step has changed the call
        meanwhile, it may be in the slot again, and nothing is asked.
        """
        if self.frame.shared.changes.get(self.uuid) != self.changed:
            return ()
        step = CURRENT_STEP.get()
        CURRENT_STEP.set("")
        try:
            question = AskSlot(call=self.address, slot=self.slot)
            outcome = await self.frame.session.do(question, self.within)
        finally:
            CURRENT_STEP.set(step)
        match outcome:
            case Done(uuid=uuid):
                return (self._still_there(),) if uuid == self.uuid else ()
            case Refused(reason=Reason.SLOT_EMPTY):
                return ()
            case Refused():
                raise self._not_known(outcome)

    def _still_there(self) -> Failure:
        who = self.frame.who(self.uuid)
        return Failure(
            key="with",
            message=f"with: the PBX says it joined {who}, and slot {self.slot} still holds it",
            expected=f"slot {self.slot} no longer holds {who}",
            actual=f"slot {self.slot} holds {who}",
            span=self.span,
            hint="the runner asked the slot after the bridge",
            via=self.frame.via,
        )

    def _not_known(self, refused: Refused) -> RateLimited | BadAnswer:
        kind = RateLimited if refused.reason is Reason.RATE_LIMITED else BadAnswer
        return kind(
            f"whether slot {self.slot} still holds {self.frame.who(self.uuid)} after the bridge "
            f'can\'t be found out: refused ({refused.reason}): "{refused.message}"',
            hint=refused.driver_word
            or "if that means an empty slot, teach the target its words: "
            f"reasons: {{slot-empty: {{contains: {refused.message[:40]!r}}}}}",
        )


def join_of(step: Step, seen: ActionResult, frame: Frame) -> Join | None:
    """Return what is to be asked after a step; None after one that expects no `with`."""
    action, done = step.action, seen.outcome
    span = next((clause.span for clause in step.expect if isinstance(clause, With)), None)
    if span is None or not isinstance(action, Bridge) or not isinstance(done, Done):
        return None
    if done.uuid is None or done.slot is None:
        return None
    return Join(
        frame=frame,
        address=address_of(action.call, action.extension, frame),
        uuid=done.uuid,
        slot=done.slot,
        within=frame.scope.duration(step.timeout),
        span=span,
        changed=frame.shared.changes.get(done.uuid),
    )


async def look_behind(
    step: Step, seen: ActionResult, frame: Frame
) -> tuple[ActionResult, tuple[Failure, ...]]:
    """Ask about the step's bridge now, or inside a `together` once all its branches are over."""
    join = join_of(step, seen, frame)
    if join is None:
        return seen, ()
    if frame.late is not None:
        frame.late.append(join.failures)
        return seen, ()
    begin = frame.now()
    failures = await join.failures()
    return replace(seen, own=frame.now() - begin), failures
