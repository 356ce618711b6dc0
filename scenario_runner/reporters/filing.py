"""Listens for all formats that are written to a file: it tells them stories, and files the text."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from scenario_runner.events import Event, RunStarted, Warned
from scenario_runner.reporters.stories import Gatherer, Story

if TYPE_CHECKING:
    from scenario_runner.reporters.output import Output


class Format(Protocol):
    """How a kind of file is written; each method returns the next piece of its text."""

    def begin(self, gathered: Gatherer) -> str:
        """Return the head of the file; of the run only the beginning is known."""
        ...

    def warning(self, warned: Warned) -> str:
        """Return what a warning adds."""
        ...

    def scenario(self, story: Story, gathered: Gatherer) -> str:
        """Return what a scenario adds, after its last attempt."""
        ...

    def end(self, gathered: Gatherer) -> str:
        """Return the rest of the file; what was not run has to be seen there."""
        ...


class Filed:
    """Listens to a run and writes a file in some format.

    What passes is written at once and forgotten. Other scenarios are kept until the end, since a
    later attempt may follow, which then knows its earlier ones.
    """

    def __init__(self, form: Format, output: Output) -> None:
        self._form = form
        self._output = output
        self._gathered = Gatherer()
        self._kept: dict[str, Story] = {}
        self._begun = False

    def handle(self, event: Event) -> None:
        """Write what the event adds."""
        story = self._gathered.handle(event)
        if story is not None:
            self._scenario(story)
        elif isinstance(event, RunStarted):
            self._begin()
        elif isinstance(event, Warned):
            self._begin()
            self._output.write(self._form.warning(event))

    def _begin(self) -> None:
        if not self._begun:
            self._begun = True
            self._output.write(self._form.begin(self._gathered))

    def _scenario(self, story: Story) -> None:
        self._begin()
        before = self._kept.pop(story.finished.scenario, None)
        if before is not None:
            story = replace(story, earlier=(*before.earlier, replace(before, earlier=())))
        if story.verdict == "passed":
            self._output.write(self._form.scenario(story, self._gathered))
        else:
            self._kept[story.finished.scenario] = story

    def close(self) -> None:
        """Write the rest, and put the file in its place."""
        for story in self._gathered.unfinished():
            self._scenario(story)
        self._begin()
        for story in self._kept.values():
            self._output.write(self._form.scenario(story, self._gathered))
        self._output.write(self._form.end(self._gathered))
        self._output.close()
