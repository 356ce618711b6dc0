"""Writes a sequence of commands as a scenario file that expects what the rules allow."""

from __future__ import annotations

import hashlib
import json
import textwrap
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from scenario_runner.exploring.foretelling import Foretelling, Foretold
from scenario_runner.exploring.plans import (
    BridgeAny,
    ListAt,
    OnCall,
    OnSlot,
    Place,
    Race,
    Wait,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scenario_runner.exploring.foretelling import Branch, Lot
    from scenario_runner.exploring.plans import AboutCall, Plan
    from scenario_runner.mock_pbx.rules import Rule


class Written(Struct, frozen=True):
    """A scenario's text, and for each of its lines the move that it belongs to."""

    name: str
    text: str
    moves: tuple[Foretold, ...]
    lines: tuple[int, ...]

    def rules_at(self, line: int) -> tuple[Rule, ...]:
        """Return the rules that decide the step at a line of the text, counted from 1.

        Where it only shows what was decided before, such as a call's state, they are those that
        decided last.
        """
        inside = [move for begin, move in zip(self.lines, self.moves, strict=True) if begin <= line]
        return next((move.rules for move in reversed(inside) if move.rules), ())

    def annotated(self, line: int, comments: Sequence[str], head: Sequence[str]) -> str:
        """Return the text with comments above the step at a line, and others at its head."""
        begin = max((one for one in self.lines if one <= line), default=1)
        lines = self.text.splitlines()
        lines[begin - 1 : begin - 1] = [f"  {one}" for one in _commented(comments)]
        return "\n".join([*_commented(head), *lines]) + "\n"


def _commented(texts: Sequence[str]) -> list[str]:
    return [f"# {line}" for text in texts for line in textwrap.wrap(text, 94)]


def written(plan: Plan, lot: Lot) -> Written:
    """Write a plan as a scenario; its name is one for each plan."""
    name = f"Explored {hashlib.sha256(msgspec.json.encode(plan)).hexdigest()[:8]}"
    foretelling = Foretelling(lot)
    lines = [f"scenario: {name}", "timeout: 24h", "steps:"]
    moves, begins = [], []
    for foretold in foretelling.follow(plan):
        moves.append(foretold)
        begins.append(len(lines) + 1)
        lines += _step(foretold, lot)
    return Written(name, "\n".join(lines) + "\n", tuple(moves), tuple(begins))


def _step(foretold: Foretold, lot: Lot) -> list[str]:
    match foretold.move:
        case Wait(time):
            return [f"  - wait: {lot.time(time) // 1000}ms"]
        case Place():
            return _with_expect(f"  - {_place(foretold, foretold.move, lot)}", foretold)
        case ListAt(at):
            action = f"  - calls: {{extension: {lot.extension(at)}}}"
            return [action, f"    expect: {{{_listed(foretold.branches[0])}}}"]
        case Race(first, second):
            return _race(foretold, (first, second), lot)
        case OnCall() | OnSlot() | BridgeAny():
            return _with_expect(f"  - {_about(foretold.move, lot)}", foretold)


def _place(foretold: Foretold, move: Place, lot: Lot) -> str:
    alias = foretold.name or "refused"
    party = "from" if move.flow == "in" else "to"
    ringing = "" if move.answered else ", answered: false"
    extension = lot.extension(move.at)
    return f'call: {{as: {alias}, extension: {extension}, {party}: "+78120000443"{ringing}}}'


def _about(move: AboutCall, lot: Lot) -> str:
    call = f"call: call{move.call + 1}"
    match move:
        case OnCall("show"):
            return f"calls: {{{call}}}"
        case OnCall("hangup-extension"):
            return f"hangup: {{{call}, by: extension}}"
        case OnCall(verb):
            return f"{verb}: {{{call}}}"
        case BridgeAny():
            return f"bridge: {{{call}}}"
        case OnSlot(verb, _, slot, foreign):
            other = f", extension: {lot.extensions[-1]}" if foreign else ""
            return f"{verb}: {{{call}, slot: {json.dumps(lot.slot(slot))}{other}}}"


def _race(foretold: Foretold, moves: tuple[AboutCall, AboutCall], lot: Lot) -> list[str]:
    lines = ["  - together:"]
    for move, branch in zip(moves, foretold.branches, strict=True):
        lines.append(f"      - {_about(move, lot)}")
        refused = _refused(branch)
        if refused:
            lines.append(f"        expect: {{{refused}}}")
    return [*lines, *_winners(foretold.branches)]


def _winners(branches: Sequence[Branch]) -> list[str]:
    """Return the expectation of a race that either may win, but with one result for both."""
    if not any(told.refused != branch[0].refused for branch in branches for told in branch):
        return []
    results = {
        tuple(sorted(told.refused or "none" for told in answers))
        for answers in zip(*branches, strict=True)
    }
    if len(results) > 1:
        return []
    (result,) = results
    refused = sorted(set(result) - {"none"})
    counts = ", ".join(f"{reason}: {result.count(reason)}" for reason in refused)
    return [f"    expect: {{succeeded: {result.count('none')}, refused: {{{counts}}}}}"]


def _with_expect(action: str, foretold: Foretold) -> list[str]:
    (branch,) = foretold.branches
    expected = _refused(branch) or _told(foretold, branch)
    return [action, f"    expect: {{{expected}}}"] if expected else [action]


def _refused(branch: Branch) -> str:
    """Return the expectation of a command that is refused, always or sometimes."""
    reasons = sorted({told.refused or "none" for told in branch})
    if reasons == ["none"]:
        return ""
    one = reasons[0] if len(reasons) == 1 else f"{{one_of: [{', '.join(reasons)}]}}"
    return f"refused: {one}"


def _told(foretold: Foretold, branch: Branch) -> str:
    """Return the expectation about what a command that is done tells."""
    found = {told.told for told in branch}
    names = sorted(one for one in found if isinstance(one, str))
    match foretold.move:
        case OnSlot("slots") if len(found) == 1:
            return f"holds: {names[0]}" if names else "empty: true"
        case OnSlot("bridge") | BridgeAny() if None not in found:
            return f"with: {names[0]}" if len(names) == 1 else f"with: {{one_of: {_list(names)}}}"
        case OnCall("show") | Place() if len(found) == 1:
            return f"state: {names[0]}"
        case _:
            return ""


def _listed(branch: Branch) -> str:
    """Return the expectation about a list: what is in it in every world."""
    lists = [told.told for told in branch if isinstance(told.told, frozenset)]
    counts = sorted({len(one) for one in lists})
    sure = sorted(frozenset.intersection(*lists))
    count = f"count: {{between: [{counts[0]}, {counts[-1]}]}}"
    if len(counts) == 1:
        count = f"count: {counts[0]}"
    return f"{count}, includes: {_list(sure)}" if sure else count


def _list(names: Sequence[str]) -> str:
    return f"[{', '.join(names)}]"
