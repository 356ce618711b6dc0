"""The console on a terminal: colours and a live line; the only user of rich."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console as RichConsole
from rich.live import Live
from rich.text import Text

from scenario_runner.durations import SECOND
from scenario_runner.events import Tone
from scenario_runner.printable import one_line
from scenario_runner.reporters.text import count_text

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import TextIO

    from scenario_runner.reporters.console import Progress
    from scenario_runner.reporters.text import Line

_STYLES = {
    Tone.GOOD: "green",
    Tone.BAD: "red",
    Tone.ODD: "yellow",
    Tone.KNOWN: "cyan",
    Tone.DIM: "dim",
    Tone.STRONG: "bold",
}


_WORTH_TELLING = 5.0
"""Seconds before which a guess at the time left would only flicker."""


class Terminal:
    """A screen with colours, and a line at its foot that lives while the run goes on."""

    def __init__(self, stream: TextIO, *, colours: bool = True) -> None:
        self._rich = RichConsole(
            file=stream, no_color=not colours, highlight=False, markup=False, emoji=False
        )
        self._now: Progress | None = None
        self._begin = self._since = self._rich.get_time()
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
            self._rich.print(text, soft_wrap=True)

    def progress(self, progress: Progress) -> None:
        """Show how far the run is; the line is drawn again by its own clock."""
        if self._now is None:
            self._live.start()
        self._now = progress
        self._since = self._rich.get_time()

    def _foot(self) -> Text:
        if self._now is None or not self._now.doing:
            return Text("")
        now = self._rich.get_time()
        parts = [how_far(self._now, now - self._begin), *waiting(self._now, now - self._since)]
        line = Text(" · ".join([*parts, one_line(self._now.doing)]), style="bold", no_wrap=True)
        line.truncate(self.width - 1, overflow="ellipsis")
        return line

    def close(self) -> None:
        """Take the live line away."""
        self._live.stop()


def how_far(progress: Progress, spent: float) -> str:
    """Write `3 of 10 done, 1 failure, 42s, about 98s left`; times are seconds of the real clock."""
    text = f"{progress.finished:,} of {progress.total:,} done"
    if progress.failures:
        text += f", {count_text(progress.failures, 'failure')}"
    text += f", {_seconds(spent)}"
    left = progress.total - progress.finished
    if progress.finished and left > 0 and spent >= _WORTH_TELLING:
        text += f", about {_seconds(spent / progress.finished * left)} left"
    return text


def waiting(progress: Progress, spent: float) -> list[str]:
    """Write how much longer a step may wait, where it says so and it is long."""
    left = progress.patience / SECOND - spent
    return [f"waits {_seconds(left)} at most"] if left >= 1 else []


def _seconds(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}m{rest:02}s" if minutes else f"{rest}s"


def _coloured(line: Line) -> Text:
    text = Text(line.text)
    if line.tone:
        text.stylize(_STYLES[line.tone], 0, line.upto)
    return text
