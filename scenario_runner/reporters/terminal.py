"""The console on a terminal: colours and a live line; the only user of rich."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console as RichConsole
from rich.live import Live
from rich.text import Text

from scenario_runner.events import Tone
from scenario_runner.reporters.progress import Progress

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import TextIO

    from scenario_runner.events import Event
    from scenario_runner.reporters.text import Line

_STYLES = {
    Tone.GOOD: "green",
    Tone.BAD: "red",
    Tone.ODD: "yellow",
    Tone.KNOWN: "cyan",
    Tone.DIM: "dim",
    Tone.STRONG: "bold",
}


class Terminal:
    """A screen with colours, and a line at its foot that lives while the run goes on."""

    def __init__(self, stream: TextIO, *, colours: bool = True) -> None:
        self._rich = RichConsole(
            file=stream, no_color=not colours, highlight=False, markup=False, emoji=False
        )
        self._progress = Progress()
        self._closed = False
        self._live = Live(
            console=self._rich,
            get_renderable=self._foot,
            refresh_per_second=8,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )

    @property
    def width(self) -> int:
        """How many columns the terminal has now."""
        return max(20, self._rich.width)

    def show(self, lines: Iterable[Line]) -> None:
        """Write lines above the live line."""
        text = Text("\n").join([_coloured(line) for line in lines])
        if text.plain:
            if self._live.is_started:
                self._live.refresh()  # else the line that is drawn below is that of its last tick
            self._rich.print(text, soft_wrap=True)

    def hear(self, event: Event) -> None:
        """Take in what has just happened; the live line is drawn again by its own clock."""
        self._progress.hear(event, self._rich.get_time())
        if not self._closed:
            self._live.start()

    def show_status(self, line: str) -> None:
        """Show a line about whatever runs the scenarios elsewhere at the foot, too."""
        self._progress.status = line

    def _foot(self) -> Text:
        line = self._progress.line(self._rich.get_time())
        text = Text(line, style="bold", no_wrap=True)
        text.truncate(self.width - 1, overflow="ellipsis")
        return text

    def close(self) -> None:
        """Take the live line away."""
        self._closed = True
        self._live.stop()


class LiveLine:
    """Listens to a run as it happens, and lets a terminal's live line show it."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal

    def handle(self, event: Event) -> None:
        """Show what has just happened."""
        self._terminal.hear(event)

    def close(self) -> None:
        """Do nothing: the terminal takes the line away."""


def _coloured(line: Line) -> Text:
    text = Text(line.text)
    if line.tone:
        text.stylize(_STYLES[line.tone], 0, line.upto)
    return text
