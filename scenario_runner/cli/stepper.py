"""Pauses before each step and shows what will be sent: a newcomer's way to watch a scenario."""

from __future__ import annotations

import shutil
import signal
import sys
from typing import TYPE_CHECKING

import click

from scenario_runner.engine.context import CURRENT_STEP
from scenario_runner.errors import HeldBack
from scenario_runner.events import Exchange, ScenarioStarted, SourceRead, StepFinished, StepStarted
from scenario_runner.language.actions import ACTION_WORDS
from scenario_runner.printable import printable
from scenario_runner.source import Source

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scenario_runner.events import Event
    from scenario_runner.execution.options import Stop
    from scenario_runner.source import Span


_WIDTH = 100


_KEYS = "Enter takes the next step, c (continue) goes on without pauses, q (quit) ends the run."
_CHANGES = {word for word, actions in ACTION_WORDS.items() if actions[0].facts.changes}


class StepDebugger:
    """Listens to a run and holds it up before each step, until Enter is pressed.

    The step's own request is shown before it is sent, where the target can show it; the pause is
    then before that request. `c` goes on without pauses; `q` ends the run after its cleanup, and
    what it was asked about is not sent. `people` dial the calls, so that nothing is sent for them.
    """

    def __init__(self, stop: Stop, *, shows_requests: bool, people: bool = False) -> None:
        self._stop = stop
        self._shows = shows_requests
        self._people = people
        self._sources: dict[str, Source] = {}
        self._pausing = True
        self._due: dict[str, str] = {}
        self._shown: set[str] = set()

    def handle(self, event: Event) -> None:
        """Show what happens, and wait where a step begins."""
        match event:
            case SourceRead():
                self._sources[event.file] = Source(event.file, event.text)
            case ScenarioStarted():
                _say(f"\n{event.name}")
                if self._pausing:
                    _say(_KEYS)
            case StepStarted():
                self._step(event)
            case Exchange() if event.sent in self._shown:
                self._shown.discard(event.sent)
                _say(_lead("<", event.received))
            case StepFinished():
                self._due.pop(event.step, None)
                _say(f"  {event.verdict}{f': {event.summary}' if event.summary else ''}")
                for failure in event.failures:
                    _say(f"  {failure.message}")
            case _:
                pass

    def _step(self, event: StepStarted) -> None:
        _say(f"\nstep {event.step}: {event.title}")
        _say(self._lines(event.span))
        sends = ACTION_WORDS[event.action][0].facts.exchange
        if self._people and event.action == "call":
            sends = False
        if sends and self._shows:
            self._due[event.step] = event.action
        else:
            self._pause()

    def sending(self, text: str) -> None:
        """Show a request that is about to be sent; the driver calls this.

        Raises HeldBack where it is not to be sent.
        """
        step = CURRENT_STEP.get()
        if not step:
            return
        if self._stop.wished() and not step.startswith("cleanup"):
            raise HeldBack("the run was ended before this was sent")
        _say(_lead(">", text))
        self._shown.add(text)
        # What merely looks around before it acts is not yet what the step is about.
        if step in self._due and not (self._due[step] in _CHANGES and text.startswith("GET ")):
            del self._due[step]
            self._pause()
            if self._stop.wished() and not step.startswith("cleanup"):
                raise HeldBack("the run was ended before this was sent")

    def _lines(self, span: Span) -> str:
        source = self._sources.get(span.file)
        lines = source.text.splitlines() if source else []
        first, last = _block(lines, span)
        return "\n".join(f"  {n:>4} | {lines[n - 1]}" for n in range(first, last + 1))

    def _pause(self) -> None:
        while self._pausing:
            match _typed().strip().lower():
                case "":
                    return
                case "c" | "continue":
                    self._pausing = False
                case "q" | "quit":
                    self._pausing = False
                    self._stop.wish()
                case _:
                    _say(f"  {_KEYS}")

    def close(self) -> None:
        """Do nothing: there is nothing left to show."""


def _typed() -> str:
    """Read a line; Ctrl-C, Ctrl-D and an input that is over are `q`: nobody said to go on."""
    _say("  [Enter] ", nl=False)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        line = sys.stdin.readline()
    except KeyboardInterrupt:
        return "q"
    finally:
        signal.signal(signal.SIGINT, before)
        if not sys.stdin.isatty():
            _say()
    return line or "q"


def _block(lines: Sequence[str], span: Span) -> tuple[int, int]:
    """Return the first and last line of the step whose action is at `span`, with its `expect`."""
    if not lines:
        return 1, 0
    first, last, column = span.line, span.end_line, span.column - 1
    while last < len(lines) and _belongs(lines[last], column):
        last += 1
    while last > span.end_line and not lines[last - 1].strip():
        last -= 1
    while (
        first > 1
        and lines[first - 1][:column].isspace()
        and _belongs(lines[first - 2].replace("-", " ", 1), column)
    ):
        first -= 1
    return first, last


def _belongs(line: str, column: int) -> bool:
    return not line[:column].strip()


def _lead(mark: str, text: str) -> str:
    """Show the first line of a request or an answer, and its body; headers are for -v."""
    head, _, body = text.partition("\n\n")
    lines = [head.partition("\n")[0], *(line for line in body.splitlines() if line.strip())]
    room = shutil.get_terminal_size((_WIDTH, 24)).columns - 5
    return "\n".join(
        f"  {mark} {line if len(line) <= room else line[: room - 1] + '…'}" for line in lines
    )


def _say(text: str = "", *, nl: bool = True) -> None:
    """Print a text of files and of the PBX, which moves no cursor."""
    click.echo(printable(text), nl=nl)
