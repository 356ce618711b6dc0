"""Service level objectives: what must hold under load, as `park p99 < 300ms` says it."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import TypeAlias

from msgspec import Struct

from scenario_runner.durations import duration_text, parse_duration
from scenario_runner.errors import did_you_mean
from scenario_runner.language.actions import ACTION_WORDS
from scenario_runner.language.vocabulary import Reason


class InvalidSlo(ValueError):
    """The text is no objective; `hint` says how to write one."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


class Statistic(StrEnum):
    """What is taken of many latencies."""

    MEAN = "mean"
    MAX = "max"
    P50 = "p50"
    P75 = "p75"
    P90 = "p90"
    P95 = "p95"
    P99 = "p99"
    P99_9 = "p99.9"

    @property
    def percent(self) -> float | None:
        """The percentile, where it is one."""
        return float(self.value[1:]) if self.value.startswith("p") else None


class Count(StrEnum):
    """What is counted among the arrivals, and refusals among the commands."""

    ERRORS = "errors"
    FAILURES = "failures"
    BLOCKED = "blocked"
    REFUSED = "refused"


class LatencySlo(Struct, frozen=True, kw_only=True, tag="latency"):
    """A bound for the latency of an action, of a step by its name, or of whole scenarios.

    Exactly one of `action` and `step` is given, or neither: the whole scenario. `bound` is in
    microseconds; `inclusive` says that it may be reached.
    """

    statistic: Statistic
    bound: int
    inclusive: bool
    action: str = ""
    step: str = ""

    def __str__(self) -> str:
        subject = f'step "{self.step}"' if self.step else self.action or "scenario"
        return f"{subject} {self.statistic} {_sign(self)} {duration_text(self.bound)}"

    def holds(self, microseconds: float) -> bool:
        """Tell whether a latency keeps the bound."""
        return microseconds <= self.bound if self.inclusive else microseconds < self.bound


class CountSlo(Struct, frozen=True, kw_only=True, tag="count"):
    """A bound for how many of the arrivals end so, or for how many commands are refused.

    `bound` is a share from 0 to 1 where `share` says so, else a number. `reason` narrows refusals.
    """

    count: Count
    bound: float
    share: bool
    inclusive: bool
    reason: str = ""

    def __str__(self) -> str:
        subject = f"{self.count} {self.reason}".rstrip()
        bound = f"{self.bound * 100:g}%" if self.share else f"{self.bound:g}"
        return f"{subject} {_sign(self)} {bound}"

    def holds(self, value: float) -> bool:
        """Tell whether a number, or a share, keeps the bound."""
        return value <= self.bound if self.inclusive else value < self.bound


Slo: TypeAlias = LatencySlo | CountSlo


def _sign(slo: Slo) -> str:
    return "<=" if slo.inclusive else "<"


_SLO = re.compile(
    r"\s*(?P<subject>.+?)(?:\s+(?P<statistic>mean|max|p[0-9.]+))?"
    r"\s*(?P<sign><=|<|>=|>|==|=)\s*(?P<bound>\S+)\s*"
)
_STEP = re.compile(r"""step\s+(?:"(?P<name>[^"]+)"|'(?P<quoted>[^']+)'|(?P<bare>\S.*))""")
_NUMBER = re.compile(r"[0-9]+(?:\.[0-9]+)?", re.ASCII)
_EXAMPLE = "write 'park p99 < 300ms', 'scenario p95 < 2s' or 'errors < 1%'"

MEASURED = tuple(
    word
    for word, kinds in ACTION_WORDS.items()
    if any(kind.facts.exchange or kind.facts.waits for kind in kinds)
)
"""The actions whose latency is measured."""


def parse_slo(text: str) -> Slo:
    """Read an objective; raise InvalidSlo where it is none."""
    found = _SLO.fullmatch(text)
    if found is None:
        raise InvalidSlo(f"'{text}' is not an objective", _EXAMPLE)
    if found["sign"] not in ("<", "<="):
        raise InvalidSlo(
            f"'{text}': an objective is an upper bound, and '{found['sign']}' sets none",
            "write < or <=",
        )
    subject, inclusive = found["subject"], found["sign"] == "<="
    if found["statistic"] is None:
        return _count(text, subject, found["bound"], inclusive=inclusive)
    if found["statistic"] not in tuple(Statistic):
        raise InvalidSlo(
            f"'{text}': '{found['statistic']}' is not measured",
            f"write one of {', '.join(Statistic)}",
        )
    bound = parse_duration(found["bound"])
    if bound is None:
        hint = "write a duration with its unit: 300ms, 2s"
        raise InvalidSlo(f"'{text}': '{found['bound']}' is not a duration", hint)
    action, step = _subject(text, subject)
    statistic = Statistic(found["statistic"])
    return LatencySlo(
        statistic=statistic, bound=bound, inclusive=inclusive, action=action, step=step
    )


def _subject(text: str, subject: str) -> tuple[str, str]:
    """Return the action and the step that are meant, both empty for the whole scenario."""
    step = _STEP.fullmatch(subject)
    if step is not None:
        return "", step["name"] or step["quoted"] or step["bare"]
    if subject == "scenario":
        return "", ""
    if subject in MEASURED:
        return subject, ""
    known = (*MEASURED, "scenario", "step")
    hint = did_you_mean(subject, known) or f"measured are {', '.join(MEASURED)}, scenario, step"
    what = "takes no time of the PBX's" if subject in ACTION_WORDS else "is not an action"
    raise InvalidSlo(f"'{text}': '{subject}' {what}", hint)


def _count(text: str, subject: str, bound: str, *, inclusive: bool) -> CountSlo:
    word, _, reason = subject.partition(" ")
    if word not in tuple(Count):
        if word in (*MEASURED, "scenario", "step"):
            raise InvalidSlo(f"'{text}': of {word} which latency?", f"write {word} p99 < {bound}")
        hint = did_you_mean(word, Count) or f"counted are {', '.join(Count)}; {_EXAMPLE}"
        raise InvalidSlo(f"'{text}': '{word}' is not counted", hint)
    _refuse_reason(text, word, reason)
    share = bound.endswith("%")
    number = bound.removesuffix("%")
    if not _NUMBER.fullmatch(number) or (share and float(number) > 100):
        raise InvalidSlo(f"'{text}': '{bound}' is neither a share nor a number", "write 1% or 5")
    return CountSlo(
        count=Count(word),
        bound=float(number) / 100 if share else float(number),
        share=share,
        inclusive=inclusive,
        reason=reason,
    )


def _refuse_reason(text: str, word: str, reason: str) -> None:
    if not reason:
        return
    if word != Count.REFUSED:
        raise InvalidSlo(f"'{text}': {word} have no reasons", f"write {word} < 1%")
    if reason not in tuple(Reason):
        hint = did_you_mean(reason, Reason) or f"reasons are {', '.join(Reason)}"
        raise InvalidSlo(f"'{text}': '{reason}' is not a reason", hint)
