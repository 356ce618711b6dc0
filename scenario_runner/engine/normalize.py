"""Says what a step's answer was in words that are the same in every run and on every PBX."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, TypeAlias

from scenario_runner.language.facts import Part
from scenario_runner.pbx.protocol import Done, Refused

if TYPE_CHECKING:
    from scenario_runner.engine.context import Frame
    from scenario_runner.engine.result import ActionResult, Tally
    from scenario_runner.language.actions import Action
    from scenario_runner.pbx.protocol import PbxEvent


Pairs: TypeAlias = tuple[tuple[str, str], ...]

NOBODY = "nobody"
STRANGER = "somebody else"


def outcome_of(seen: ActionResult | None) -> str:
    """Return `ok`, the reason of a refusal, or nothing where the PBX was not asked."""
    if seen is None or seen.outcome is None:
        return ""
    return seen.outcome.reason.value if isinstance(seen.outcome, Refused) else "ok"


def answer_of(action: Action, seen: ActionResult | None, frame: Frame) -> Pairs:
    """Return the answer's fields that a scenario can read, calls by their names; no id, no time."""
    if seen is None:
        return ()
    if seen.event is not None:
        return _event(seen.event, frame)
    if seen.tally is not None:
        return _tally(seen.tally)
    if isinstance(seen.outcome, Done):
        return _done(action, seen.outcome, frame)
    return ()


def _done(action: Action, done: Done, frame: Frame) -> Pairs:
    parts = action.facts.parts
    if Part.SLOT in parts:
        return (("slot", done.slot or ""), ("call", _name(done.uuid, frame)))
    if Part.STATE in parts:
        return (("state", done.state.value if done.state is not None else ""),)
    if Part.EXTENSION in parts:
        return (("state", done.extension_state.value if done.extension_state is not None else ""),)
    if Part.LISTED in parts:
        return tuple(sorted(("call", _name(call.uuid, frame)) for call in done.listed))
    return ()


def _event(event: PbxEvent, frame: Frame) -> Pairs:
    name = _name(event.uuid, frame)
    return (("type", event.type.value), ("call", name), ("extension", event.extension))


def _tally(tally: Tally) -> Pairs:
    succeeded = Counter(f"succeeded.{word}" for word in tally.succeeded)
    refused = Counter(f"refused.{reason}" for _, reason in tally.refused)
    return tuple((name, str(count)) for name, count in sorted((succeeded + refused).items()))


def _name(uuid: str | None, frame: Frame) -> str:
    if uuid is None:
        return NOBODY
    call = frame.shared.calls.get(uuid)
    return STRANGER if call is None else call.name
