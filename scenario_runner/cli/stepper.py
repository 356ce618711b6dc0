"""Pauses before each step and shows what will be sent: a newcomer's way to watch a scenario."""

from __future__ import annotations

import shutil
import signal
import sys
from typing import TYPE_CHECKING

import click

from scenario_runner.events import Exchange, ScenarioStarted, SourceRead, StepFinished, StepStarted
from scenario_runner.language.actions import ACTION_WORDS
from scenario_runner.source import Source

if TYPE_CHECKING:
    from scenario_runner.events import Event
    from scenario_runner.execution.options import Stop
    from scenario_runner.source import Span


_WIDTH = 100


class StepDebugger:
    """Listens to a run and holds it up before each step, until Enter is pressed.

    The first request of a step is shown before it is sent, where the target can show it; the pause
    is then before that request. `c` goes on without pauses, `q` ends the run after its cleanup.
    """

    def __init__(self, stop: Stop, *, shows_requests: bool) -> None:
        self._stop = stop
        self._shows = shows_requests
        self._sources: dict[str, Source] = {}
        self._pausing = True
        self._due = False
        self._in_step = False

    def handle(self, event: Event) -> None:
        """Show what happens, and wait where a step begins."""
        match event:
            case SourceRead():
                self._sources[event.file] = Source(event.file, event.text)
            case ScenarioStarted():
                click.echo(f"\n{event.name}")
                if self._pausing:
                    click.echo("Enter takes the next step, c goes on without pauses, q ends.")
            case StepStarted():
                self._step(event)
            case Exchange() if event.step:
                click.echo(_lead("<", event.received))
            case StepFinished():
                self._in_step = False
                click.echo(f"  {event.verdict}{f': {event.summary}' if event.summary else ''}")
                for failure in event.failures:
                    click.echo(f"  {failure.message}")
            case _:
                pass

    def _step(self, event: StepStarted) -> None:
        click.echo(f"\nstep {event.step}: {event.title}")
        click.echo(self._lines(event.span))
        self._due = self._in_step = True
        sends = ACTION_WORDS[event.action][0].facts.exchange
        if not sends or not self._shows:
            self._pause()

    def sending(self, text: str) -> None:
        """Show a request that is about to be sent; the driver calls this."""
        if self._in_step:
            click.echo(_lead(">", text))
        if self._due:
            self._pause()

    def _lines(self, span: Span) -> str:
        source = self._sources.get(span.file)
        lines = source.text.splitlines()[span.line - 1 : span.end_line] if source else []
        return "\n".join(f"  {number:>4} | {line}" for number, line in enumerate(lines, span.line))

    def _pause(self) -> None:
        self._due = False
        if not self._pausing:
            return
        match _typed().strip().lower():
            case "c":
                self._pausing = False
            case "q":
                self._pausing = False
                self._stop.wish()
            case _:
                pass

    def close(self) -> None:
        """Do nothing: there is nothing left to show."""


def _typed() -> str:
    """Read a line; Ctrl-C is `q`, and an input that is over is `c`."""
    click.echo("  [Enter] ", nl=False)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        line = sys.stdin.readline()
    except KeyboardInterrupt:
        return "q"
    finally:
        signal.signal(signal.SIGINT, before)
        if not sys.stdin.isatty():
            click.echo()
    return line or "c"


def _lead(mark: str, text: str) -> str:
    """Show the first line of a request or an answer, and its body; headers are for -v."""
    head, _, body = text.partition("\n\n")
    lines = [head.partition("\n")[0], *(line for line in body.splitlines() if line.strip())]
    room = shutil.get_terminal_size((_WIDTH, 24)).columns - 5
    return "\n".join(
        f"  {mark} {line if len(line) <= room else line[: room - 1] + '…'}" for line in lines
    )
