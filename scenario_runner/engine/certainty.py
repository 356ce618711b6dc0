"""Tells a refusal that answers the step from one that leaves it open what the PBX would do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scenario_runner.errors import BadAnswer, BadCredentials, RateLimited
from scenario_runner.model.expectations import MessageIs, StatusIs
from scenario_runner.model.expectations import Refused as ExpectRefused
from scenario_runner.model.vocabulary import Reason
from scenario_runner.references import as_text

if TYPE_CHECKING:
    from scenario_runner.engine.frame import Frame
    from scenario_runner.model.steps import Step
    from scenario_runner.pbx.protocol import Refused

_NOT_ABOUT_THE_CALL = {
    Reason.UNAUTHORIZED: (BadCredentials, "the PBX does not accept the runner's credentials"),
    Reason.RATE_LIMITED: (RateLimited, "the PBX accepts no more requests for now"),
}


def certain(refused: Refused, step: Step, frame: Frame) -> None:
    """Raise BadAnswer for a refusal that says nothing about what was asked.

    A fault of the server, a full rate limit or bad credentials leave it open what the PBX would
    have done; only a step that expects just that may go on with it.
    """
    expects = {type(clause) for clause in step.expect}
    if refused.raw.status >= 500 and StatusIs not in expects:
        text = f"the PBX failed with status {refused.raw.status}: {refused.message}"
        raise BadAnswer(text, hint="what it did with the command is not known")
    kind, text = _NOT_ABOUT_THE_CALL.get(refused.reason, (BadAnswer, ""))
    expected = bool(expects & {StatusIs, MessageIs}) or _expects(refused.reason, step, frame)
    if text and not expected:
        raise kind(f"{text}: {refused.message}", hint=refused.driver_word or None)


def _expects(reason: Reason, step: Step, frame: Frame) -> bool:
    reasons = [r for clause in step.expect if isinstance(clause, ExpectRefused)
               for r in clause.reasons]  # fmt: skip
    named = {as_text(frame.scope.resolve(expression)) for expression in reasons}
    return not named.isdisjoint(("any", reason.value))
