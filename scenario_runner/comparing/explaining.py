"""Why two PBXs may differ: whose word a difference rests on, by the rules of call parking."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from scenario_runner.mock_pbx import RULES, rules

if TYPE_CHECKING:
    from scenario_runner.comparing.seen import StepSeen

_REFUSES: Final = {
    ("park", "slot-full"): rules.PARK_FULL,
    ("park", "slot-required"): rules.PARK_SLOT_REQUIRED,
    ("park", "call-not-answered"): rules.PARK_NOT_RINGING,
    ("park", "call-already-parked"): rules.PARK_NOT_TWICE,
    ("slots", "slot-required"): rules.SLOTS_SLOT_REQUIRED,
    ("slots", "slot-empty"): rules.SLOTS_EMPTY,
    ("bridge", "slot-empty"): rules.BRIDGE_EMPTY,
    ("bridge", "nothing-parked"): rules.BRIDGE_NOTHING,
    ("bridge", "call-not-answered"): rules.BRIDGE_NOT_RINGING,
    ("bridge", "call-already-parked"): rules.BRIDGE_NOT_PARKED,
    ("answer", "other"): rules.ANSWER_RINGING,
    ("call", "no-capacity"): rules.CAPACITY,
}
_ALWAYS_REFUSES: Final = {
    "slot-unknown": rules.PARK_RANGE,
    "slot-invalid": rules.SLOT_TYPE,
    "no-such-call": rules.CALL_UNKNOWN,
    "not-found": rules.EXTENSION_UNKNOWN,
}
_RULES: Final = {rule.id: rule for rule in RULES}


@dataclass(slots=True, kw_only=True)
class History:
    """What both sides did in a scenario so far, as far as it explains what comes later.

    `assumptions` says whether it is an explanation that the mock had to assume something: it is
    none for a profile that claims to do what the other side does.
    """

    assumptions: bool
    done: list[str] = field(default_factory=list)
    chance: bool = False
    back: bool = False

    def outlasted(self) -> None:
        """Remember a wait in which a call that was parked before has come back."""
        self.back |= "park" in self.done

    def note(self, step: StepSeen) -> None:
        """Remember a step that both sides took."""
        if step.finished is not None and step.finished.outcome == "ok":
            self.done.append(step.started.action)

    def why_refused(self, a: StepSeen, b: StepSeen) -> str:
        """Explain another outcome, or return nothing."""
        action = a.started.action
        if action == "call" and "not-found" in _outcomes(a, b):
            return "who can be dialled is a setting of each PBX"
        for step in (a, b):
            reason = step.finished.outcome if step.finished is not None else ""
            rule = _REFUSES.get((action, reason), _ALWAYS_REFUSES.get(reason))
            why = self._assumed(rule)
            if why:
                return why
        return self._by_driver_or_chance(a, b)

    def why_answered(self, a: StepSeen, b: StepSeen) -> str:
        """Explain another answer, or return nothing."""
        rule = None
        if a.finished is not None and any(name == "state" for name, _ in a.finished.answer):
            rule = self._about_state()
        return self._assumed(rule) or self._by_driver_or_chance(a, b)

    def why_shaped(self, a: StepSeen) -> str:
        """Explain other fields or types, or return nothing."""
        empty = a.finished is not None and ("call", "nobody") in a.finished.answer
        return self._assumed(rules.SLOTS_EMPTY if empty else None)

    def why_unseen(self, a: StepSeen, b: StepSeen) -> str:
        """Explain another verdict where the PBX's answers were the same, or return nothing."""
        failures = [f for s in (a, b) if s.finished is not None for f in s.finished.failures]
        keys = {failure.key.partition(".")[0] for failure in failures}
        if keys and keys <= _WIRE and a.protocol != b.protocol:
            return f"the scenario looks at the answer of one protocol ({', '.join(sorted(keys))})"
        if self.assumptions and a.started.action == "event" and "park" in self.done:
            return "assumed, since the vendor does not say it: the events that parking brings"
        return ""

    def why_late(self, a: StepSeen) -> str:
        """Explain another time, or return nothing."""
        ended = a.finished is not None and ("state", "ended") in a.finished.answer
        if self.back and ended:
            return "how long a returned call rings is a setting of each PBX"
        return ""

    def _about_state(self) -> str | None:
        if "bridge" in self.done:
            return rules.HANGUP_BRIDGED if "hangup" in self.done else rules.BRIDGE_PARTIES
        return rules.PARK_RETURN_UNANSWERED if "park" in self.done else None

    def _assumed(self, rule: str | None) -> str:
        if rule is None or not self.assumptions or _RULES[rule].source != "assumed":
            return ""
        return f"assumed, since the vendor does not say it: {rule}"

    def _by_driver_or_chance(self, a: StepSeen, b: StepSeen) -> str:
        for step in (a, b):
            if step.finished is not None and step.finished.note:
                return f"the driver's word: {step.finished.note}"
        return "left to chance before" if self.chance else ""


def _outcomes(*steps: StepSeen) -> set[str]:
    return {step.finished.outcome for step in steps if step.finished is not None}


_WIRE: Final = frozenset({"status", "headers", "body", "message", "save"})
