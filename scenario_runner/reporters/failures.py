"""Says what went wrong: places, excerpts, expected and actual, how to repeat it."""

from __future__ import annotations

import re
from shlex import quote
from typing import TYPE_CHECKING, NamedTuple

from scenario_runner.durations import moment_text, rounded_text
from scenario_runner.errors import problem_parts
from scenario_runner.events import Tone
from scenario_runner.masking import MASK
from scenario_runner.printable import one_line, printable
from scenario_runner.reporters.results import INTERRUPTED
from scenario_runner.reporters.text import Line, count_text, quoted, wrapped

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from scenario_runner.errors import Problem
    from scenario_runner.events import (
        Attempt,
        Exchange,
        Failure,
        InvalidFile,
        PbxSnapshot,
        RunStarted,
    )
    from scenario_runner.reporters.results import ResultCollector, ScenarioResult, StepResult
    from scenario_runner.source import Source, Span


def curl_line(exchange: Exchange, base_url: str, indent: str = "") -> str:
    """Return the command that sends this request again, one line for each part of it.

    The token is read from the shell's `$TOKEN`, any other secret from `$SECRET`. Empty for
    exchanges over other protocols, and where the PBX can't be reached from a shell, such as the
    built-in mock. Lines inside of a quoted body are not indented, since that would change it.
    """
    head, _, body = exchange.sent.partition("\n\n")
    first, *headers = head.splitlines() or [""]
    method, _, path = first.partition(" ")
    if exchange.protocol != "http" or not base_url or not path:
        return ""
    parts = [f"{_command(method, path)} {_shell(base_url.rstrip('/') + path)}"]
    parts += [f"-H {_header(header)}" for header in headers]
    parts += [f"--data-raw {_shell(body)}"] if body else []
    return indent + f" \\\n{indent}  ".join(parts)


def _command(method: str, path: str) -> str:
    """Tell curl not to read ranges and sets out of brackets in the address."""
    globbing = " -g" if set(path) & set("[]{}") else ""
    return f"curl{globbing} -X {quote(method)}"


def _header(header: str) -> str:
    name, _, _ = header.partition(":")
    return _shell(header, "$TOKEN" if name.lower() == "authorization" else "$SECRET")


def _shell(text: str, secret: str = "$SECRET") -> str:
    """Quote for a POSIX shell; a secret stays a variable that the shell fills in."""
    text = printable(text)
    if MASK not in text:
        return quote(text)
    escaped = "".join(f"\\{letter}" if letter in '\\"$`' else letter for letter in text)
    return f'"{escaped.replace(MASK, secret)}"'


_MOST_SHOWN = 4_000
_MOST_CHOICES = 100  # the seed makes the same choices; of more the line would be unreadable
_ID = re.compile(r"[0-9A-Fa-f-]{17,}")


class Fault(NamedTuple):
    """Something that went wrong, in a step or (without one) in the scenario as a whole."""

    step: StepResult | None
    failure: Failure


def faults(result: ScenarioResult) -> list[Fault]:
    """Return all that went wrong, in the order of the steps; the scenario's own comes last."""
    return [
        *(
            Fault(step, failure)
            for step in result.steps()
            if step.finished.verdict.bad
            for failure in step.finished.failures
        ),
        *(Fault(None, failure) for failure in result.finished.failures),
    ]


def cause(result: ScenarioResult) -> tuple[str, ...]:
    """Return what is the same for scenarios that went wrong for the same reason."""
    found = faults(result)
    said = [f"{fault.failure.key}: {_ID.sub('…', fault.failure.message)}" for fault in found]
    return (result.verdict, *(said or [result.finished.reason]))


def headline(result: ScenarioResult) -> str:
    """Say in one line what went wrong first."""
    for step, failure in faults(result):
        where = f"step {step.started.label}, {step.started.title}: " if step is not None else ""
        return one_line(where + failure.message)
    return one_line(result.finished.reason or result.verdict)


def rerun_line(result: ScenarioResult, run: RunStarted) -> str:
    """Return the command line that repeats exactly this scenario."""
    started = result.started
    choices = [str(chosen) for chosen, _ in result.finished.order]
    order = f" --order {'-'.join(choices)}" if 0 < len(choices) <= _MOST_CHOICES else ""
    name = quote(printable(f"{started.span.file}::{started.name}"))
    return f"{_seeded(run, started.seed)}{order} {name}"


def _seeded(run: RunStarted, seed: int) -> str:
    """Return the run's command with the seed of one scenario: another one where it was retried."""
    last = f" --seed {run.seed}"
    return (
        run.rerun.removesuffix(last) + f" --seed {seed}" if run.rerun.endswith(last) else run.rerun
    )


def account(result: ScenarioResult, gathered: ResultCollector, width: int) -> Iterator[Line]:
    """Tell all about a scenario that did not pass."""
    found = faults(result)
    for step in dict.fromkeys(fault.step for fault in found):
        failures = [fault.failure for fault in found if fault.step is step]
        yield Line("")
        if step is not None:
            yield from _step_account(step, failures, gathered, width)
        else:
            for failure in failures:
                yield from _failure_account(failure, gathered.sources, width)
    if not found:
        yield Line("")
        yield Line(f"  {_without_faults(result)}", result.verdict.tone)
    if result.finished.snapshot is not None:
        yield Line("")
        yield from _snapshot_account(result.finished.snapshot, width)
    yield Line("")
    yield Line("  repeat the scenario:", Tone.DIM)
    yield Line(f"    {rerun_line(result, gathered.run)}")


def _without_faults(result: ScenarioResult) -> str:
    if result.finished.reason == INTERRUPTED:
        return "the run was interrupted before this scenario came to its end"
    return one_line(result.finished.reason) or f"the scenario is {result.verdict}"


def _step_account(
    step: StepResult, failures: list[Failure], gathered: ResultCollector, width: int
) -> Iterator[Line]:
    finished = step.finished
    took = rounded_text(finished.took)
    title = f"{one_line(step.started.title)} ({finished.verdict}, {took})"
    for text in wrapped(title, width, f"  step {one_line(step.started.label)}: ", "    "):
        yield Line(text, finished.verdict.tone)
    for failure in failures:
        yield from _failure_account(failure, gathered.sources, width)
    yield from _attempts_account(finished.attempts, width)
    if finished.note:
        yield from _prose(f"note: {finished.note}", width)
    if step.exchanges:
        yield Line("")
        yield from exchange_lines(step.exchanges[-1], "    ")
        yield from _curl_account(step.exchanges[-1], gathered.run.base_url)


def _failure_account(failure: Failure, sources: Mapping[str, Source], width: int) -> Iterator[Line]:
    yield from place_lines(failure.span, sources, width)
    for span in reversed(failure.via):
        yield Line("    used by:", Tone.DIM)
        yield from place_lines(span, sources, width)
    yield from _prose(_message(failure), width, Tone.STRONG)
    for word, text in (
        ("expected", failure.expected),
        ("actual", failure.actual),
        ("hint", failure.hint),
    ):
        if text is not None:
            yield from _prose(text, width, first=f"      {word + ':':<10}")


def _message(failure: Failure) -> str:
    """Return the message without what the lines `expected` and `actual` say again."""
    again = f": expected {failure.expected}, got {failure.actual}"
    message = failure.message
    return message.replace(again, "", 1) + ":" if again in message else message


def _prose(text: str, width: int, tone: Tone = Tone.PLAIN, first: str = "    ") -> Iterator[Line]:
    for line in wrapped(printable(text), width, first):
        yield Line(line, tone)


def place_lines(span: Span, sources: Mapping[str, Source], width: int) -> Iterator[Line]:
    """Show a place: `file:line:column`, and the lines of the file with a caret below."""
    yield Line(f"    {one_line(str(span))}", Tone.DIM)
    source = sources.get(span.file)
    excerpt = source.excerpt(span, width=max(20, width - 14)) if source is not None else ""
    for text in excerpt.splitlines():
        yield Line(f"      {text}", _excerpt_tone(text))


def _excerpt_tone(text: str) -> Tone:
    marked = text.startswith(">") or not text.strip(" |^")
    return Tone.BAD if marked else Tone.PLAIN


def problem_lines(problem: Problem, sources: Mapping[str, Source], width: int) -> Iterator[Line]:
    """Show a problem of a file: its place, the lines there, and how to fix it."""
    tone = Tone.ODD if problem.warning else Tone.BAD
    indent = ""
    for part in problem_parts(problem, sources, max(20, width - 10)):
        if part.excerpt:
            yield Line(f"  {part.text}", _excerpt_tone(part.text))
        else:
            for text in wrapped(one_line(part.text), width, indent, "  "):
                yield Line(text, tone)
        indent, tone = "  ", Tone.PLAIN


def invalid_account(
    invalid: InvalidFile, sources: Mapping[str, Source], width: int
) -> Iterator[Line]:
    """Tell all that is wrong with a file."""
    for problem in invalid.problems:
        yield from problem_lines(problem, sources, width)
        yield Line("")


def invalid_headline(invalid: InvalidFile) -> str:
    """Say in one line what is wrong with a file first."""
    first, *others = invalid.problems
    more = f" (and {count_text(len(others), 'more problem')})" if others else ""
    return one_line(f"{first.code}: {first.message}{more}")


def _attempts_account(attempts: tuple[Attempt, ...], width: int) -> Iterator[Line]:
    if not attempts:
        return
    looks = sum(attempt.times for attempt in attempts)
    yield Line(f"    {count_text(looks, 'look')}:", Tone.DIM)
    for attempt in attempts:
        times = f" ({attempt.times} times)" if attempt.times > 1 else ""
        as_expected = "" if attempt.passed else "not "
        text = f"{attempt.summary}{times}: {as_expected}as expected"
        yield from _prose(text, width, first=f"      at {moment_text(attempt.at)} ")


def _snapshot_account(snapshot: PbxSnapshot, width: int) -> Iterator[Line]:
    yield Line("  PBX state at that moment:", Tone.DIM)
    slots = [f"slot {slot}: {who}" for slot, who in snapshot.slots] or ["no occupied slot"]
    calls = [f"{call}: {state}" for call, state in snapshot.calls]
    if snapshot.others:
        calls.append(f"{count_text(snapshot.others, 'call')} of others")
    if not calls and not snapshot.unasked:
        calls = ["no live call"]
    for text in slots + calls + list(snapshot.unasked):
        yield from _prose(text, width)


def exchange_lines(exchange: Exchange, indent: str) -> Iterator[Line]:
    """Show what was sent (`>`) and received (`<`), to be copied: no line is wrapped."""
    head = f"{exchange.protocol} exchange, {exchange.outcome}, {rounded_text(exchange.took)}:"
    yield Line(indent + one_line(head), Tone.DIM)
    for text in quoted(_shortened(exchange.sent), f"{indent}  > "):
        yield Line(text)
    for text in quoted(_shortened(exchange.received), f"{indent}  < "):
        yield Line(text)


def _shortened(text: str) -> str:
    left = len(text) - _MOST_SHOWN
    return text if left <= 0 else f"{text[:_MOST_SHOWN]}\n… and {left:,} more letters"


def _curl_account(exchange: Exchange, base_url: str) -> Iterator[Line]:
    command = curl_line(exchange, base_url, "      ")
    if command:
        yield Line("")
        yield Line("    repeat the request:", Tone.DIM)
        for text in command.split("\n"):
            yield Line(text)
