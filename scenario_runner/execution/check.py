"""Looks whether a target can be used, and says in words what is wrong with it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from scenario_runner.clock import LoopClock
from scenario_runner.durations import SECOND, duration_text
from scenario_runner.errors import BadCredentials, PbxError, ScenarioRunnerError, TargetError
from scenario_runner.exchange import header
from scenario_runner.execution.targets import masked
from scenario_runner.pbx.commands import ShowCalls
from scenario_runner.pbx.drivers import find_driver
from scenario_runner.pbx.protocol import NullWatcher, Plan, Refused
from scenario_runner.pbx.rate import read_limit

if TYPE_CHECKING:
    from scenario_runner.language.target import Target
    from scenario_runner.pbx.drivers import Context, Notice
    from scenario_runner.pbx.protocol import Outcome, Raw, Session


SKEW = 5 * SECOND
"""How far the clocks may differ before it is called wrong."""

_WITHIN = 10 * SECOND
_MOST = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was looked at: good or not, in words, and how to mend it."""

    good: bool
    message: str
    hint: str | None = None


@dataclass(slots=True)
class _Findings:
    found: list[Finding] = field(default_factory=list)

    def good(self, message: str) -> None:
        """Add what is as it should be."""
        self.found.append(Finding(good=True, message=message))

    def wrong(self, message: str, hint: str | None = None) -> None:
        """Add what is not."""
        self.found.append(Finding(good=False, message=message, hint=hint))


async def probe(target: Target, context: Context) -> tuple[Finding, ...]:
    """Return what was found about a target: reachable, credentials, clock, limit, extensions."""
    findings = _Findings()

    def heed(notice: Notice) -> None:
        if notice.code == "insecure":
            findings.wrong(notice.message, notice.hint)

    context = replace(context, warn=heed)
    try:
        async with find_driver(target.driver).opened(target, context) as connection:
            clock = LoopClock(asyncio.get_running_loop())
            plan = Plan(scenario="targets --check")
            async with connection.session(plan, NullWatcher(), clock) as session:
                asks = connection.traits.asks_extensions
                await _look(target, session, context, findings, asks=asks)
    except BadCredentials as error:
        findings.good("it is reachable")
        _wrong(findings, masked(error, context.mask))
    except (PbxError, TargetError) as error:
        _wrong(findings, masked(error, context.mask))
    return tuple(findings.found)


def _wrong(findings: _Findings, error: ScenarioRunnerError) -> None:
    findings.wrong(error.message, error.hint)


async def _look(
    target: Target, session: Session, context: Context, findings: _Findings, *, asks: bool
) -> None:
    numbers = [number for number, _ in target.extensions]
    if not numbers:
        findings.wrong(
            "no extensions are named, so nothing more can be looked at",
            "name them in the targets file: extensions: {'341': 34414}",
        )
        return
    first = await session.do(ShowCalls(extension=numbers[0]), _WITHIN)
    findings.good("it is reachable and takes the credentials")
    _look_at_clock(first.raw, context, findings)
    limit = read_limit(first.raw.headers)
    if limit is not None and limit.remaining == 0:
        findings.wrong(f"requests: {limit}", "wait for the next hour")
    elif limit is not None:
        findings.good(f"requests: {limit}")
    if not asks:
        count = f"{len(numbers)} extension{'s' * (len(numbers) != 1)}"
        findings.good(f"{count} named, of which nothing is known until they are dialled")
        return
    outcomes = {numbers[0]: first}
    for number in numbers[1:_MOST]:
        outcomes[number] = await session.do(ShowCalls(extension=number), _WITHIN)
    _look_at_extensions(dict(target.extensions), outcomes, findings)


def _look_at_clock(raw: Raw, context: Context, findings: _Findings) -> None:
    """Compare the `Date` of an answer, which is whole seconds, with the clock of this machine."""
    told = header(raw.headers, "Date")
    try:
        theirs = int(parsedate_to_datetime(told or "").timestamp()) * SECOND
    except (ValueError, OverflowError):
        return
    ahead = theirs + SECOND // 2 - context.wall()
    if abs(ahead) <= SKEW:
        findings.good("its clock and this machine's agree")
        return
    how = "ahead of" if ahead > 0 else "behind"
    findings.wrong(
        f"its clock is {duration_text(abs(ahead) // SECOND * SECOND)} {how} this machine's",
        "set the clocks by NTP: tokens and the times of events depend on them",
    )


def _look_at_extensions(
    ids: dict[str, str], outcomes: dict[str, Outcome], findings: _Findings
) -> None:
    known = 0
    for number, outcome in outcomes.items():
        if not isinstance(outcome, Refused):
            known += 1
            continue
        named = f"extension {number}" + (f" (id {ids[number]})" if ids[number] else "")
        findings.wrong(
            f"{named} can't be used: {outcome.reason}, {outcome.message}", _ids_hint(number, ids)
        )
    if known:
        left = len(ids) - len(outcomes)
        more = f", {left} more were not looked at" if left else ""
        findings.good(f"{known} extension{'s' * (known != 1)} can be used{more}")


def _ids_hint(number: str, ids: dict[str, str]) -> str:
    """Say what to write where an extension is not known: its id is wrong, or none is given."""
    if ids[number]:
        return f"correct {number} under 'extensions' in the targets file"
    return (
        f"the PBX wants its own ids, so write them in the targets file: extensions: "
        f"{{'{number}': ID}}, or what is added to each number: {{341-360: +34073}}"
    )
