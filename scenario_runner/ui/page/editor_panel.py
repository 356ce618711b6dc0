"""The editor of one scenario file: problems as one types, saving, running as far as one likes."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

from nicegui import ui

from scenario_runner.errors import InvalidFiles, UsageError
from scenario_runner.loading.messages import catalogue
from scenario_runner.loading.suite import Suite
from scenario_runner.ui.page.elements import Press, Words, attribute, lines, region, say
from scenario_runner.ui.page.questions import ask
from scenario_runner.ui.page.state import complain, tell
from scenario_runner.ui.runner import WHOLE, Extent, place_at, scenario_at
from scenario_runner.ui.workspace import Conflict, Document

if TYPE_CHECKING:
    from nicegui.events import GenericEventArguments

    from scenario_runner.errors import Problem
    from scenario_runner.loading.documents import LoadedFile
    from scenario_runner.source import Span
    from scenario_runner.ui.page.state import State

MOST_ORDERS = 200


class EditorPanel:
    """One file at a time."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._document: Document | None = None
        self._loaded: LoadedFile | None = None
        self._unreadable: tuple[Problem, ...] = ()
        self._line = 1
        self._marked: tuple[object, ...] = ()
        self._asking = False
        self._refused: bytes | None = None
        with ui.element("div").classes("panel-head"):
            self._file = Words("h2", "No file is open")
            ui.element("span").classes("grow")
            self._save = Press("Save", self.save, icon="save", classes="press small")
        with ui.element("div").classes("panel-head"):
            self._run = Press("Run this", self.run_this, icon="play_arrow", classes="press small")
            self._cursor = Press("To the cursor", self.run_to_cursor, icon="start",
                                 classes="press small")  # fmt: skip
            self._stepping = Press("Step", self.step, icon="redo", classes="press small")
            self._go = Press("Go on", self.go_on, icon="fast_forward", classes="press small")
            self._stop = Press("Stop", self.stop, icon="stop", classes="press small")
            self._orders = Press("All orders", self.run_orders, icon="shuffle",
                                 classes="press small")  # fmt: skip
        self._held = Words("p", "", "muted")
        self._editor = ui.codemirror(
            "", language="YAML", theme="vscodeLight", indent="  ", on_change=self._changed,
            keymap={"Mod-s": lambda _: self.save(), "Mod-Enter": lambda _: self.run_this()},
        ).classes("editor")  # fmt: skip
        ui.run_javascript(f"extendEditor({self._editor.id}, 'Scenario file', true)")
        ui.on("editor-cursor", self._moved)
        self._problems = region("div", "Problems of this file", "problems")
        self._problems.props("role=status")
        self._check_soon = ui.timer(0.15, self._check, active=False)

    @property
    def file(self) -> str:
        """The file that is open; empty for none."""
        return "" if self._document is None else self._document.file

    @property
    def dirty(self) -> bool:
        """Whether the text is another one than on the disk."""
        return self._document is not None and self._editor.value != self._document.text

    def shade(self, *, dark: bool) -> None:
        """Use colours for a dark or a light page."""
        self._editor.set_theme("vscodeDark" if dark else "vscodeLight")

    def open(self, file: str, line: int = 0) -> None:
        """Open a file, at a line; what is not saved of another one stays if it is wished."""
        if file == self.file:
            self._show_line(line)
            return
        if self.dirty:
            self._ask_to_leave(file, line)
            return
        self._open(file, line)

    def _open(self, file: str, line: int) -> None:
        workspace = self._state.studio.workspace
        try:
            if workspace is None:
                self._document = self._recorded(file)
            else:
                self._document = workspace.read(file)
        except UsageError as error:
            complain(error.message, error.hint or "")
            return
        except InvalidFiles as error:
            self._show_unreadable(file, error.problems)
            return
        self._unreadable = ()
        self._set(self._document.text)
        self._check()
        self._show_line(line)

    def _show_unreadable(self, file: str, problems: tuple[Problem, ...]) -> None:
        """Show why a file can't be shown."""
        self._document, self._loaded, self._unreadable = Document(file, "", b""), None, problems
        self._set("")
        self._check()

    def _recorded(self, file: str) -> Document:
        """Return the text of a file as a finished run tells it."""
        for log in self._state.studio.logs:
            if file in log.sources:
                return Document(file, log.sources[file].text, b"")
        return Document(file, "", b"")

    def _set(self, text: str) -> None:
        self._editor.value = text
        self._marked = ()

    def _show_line(self, line: int) -> None:
        if line:
            self._line = line
            ui.timer(0.05, lambda: self._editor.reveal_line(line), once=True)
        self.draw()

    def draw(self) -> None:
        """Bring buttons and marks up to date."""
        studio = self._state.studio
        running = studio.running
        going = running is not None and not running.over
        held = running.held if running is not None else None
        say(
            self._file,
            f"{self.file}{' •' if self.dirty else ''}" if self.file else "No file is open",
        )
        valid = bool(self._scenarios())
        self._save.enable(enabled=self.dirty and studio.workspace is not None)
        for press in (self._run, self._cursor, self._orders):
            press.enable(enabled=valid and not going)
        self._stepping.enable(enabled=(valid and not going) or held is not None)
        self._go.enable(enabled=held is not None)
        self._stop.enable(enabled=going)
        say(self._held, f"Before step {held.step}: {held.title}" if held is not None else "")
        attribute(self._editor, "disable", studio.workspace is None)
        self._draw_marks()

    # Problems and marks

    def _changed(self) -> None:
        self._check_soon.activate()

    def _check(self) -> None:
        self._check_soon.deactivate()
        workspace = self._state.studio.workspace
        if workspace is None or self._document is None:
            return
        if self._unreadable and not self.dirty:
            self._draw_problems(self._unreadable)
        else:
            self._loaded = workspace.check(self.file, self._editor.value or "")
            self._draw_problems(self._loaded.problems)
        self.draw()

    def _draw_problems(self, problems: tuple[Problem, ...]) -> None:
        self._marked = ()
        self._problems.clear()
        with self._problems:
            for problem in problems:
                self._draw_problem(problem)
        self._draw_marks()

    def _draw_problem(self, problem: Problem) -> None:
        kind = "warning" if problem.warning else "error"
        span = problem.span
        with ui.element("details").classes(f"problem-item {kind}"):
            with ui.element("summary") as summary:
                Words("span", f"{span.line}:{span.column}", "number")
                Words("span", problem.message)
                Words("code", problem.code)
            summary.on("click", lambda _: self._editor.reveal_line(span.line), [])
            if problem.hint:
                Words("p", problem.hint)
            for note in problem.notes:
                Words("p", f"{note.message}{f' ({note.span})' if note.span else ''}")
            entry = catalogue().get(problem.code)
            if entry is not None:
                Words("p", entry.meaning, "muted")
                Words("h3", "Right")
                lines(entry.right.rstrip())

    def _draw_marks(self) -> None:
        problems = () if self._loaded is None else self._loaded.problems
        spans = [
            (problem.span, "mark-warning" if problem.warning else "mark-error")
            for problem in problems
            if problem.span.file == self.file
        ]
        spans += [(span, "mark-failed") for span in self._failed_spans()]
        here = self._step_line()
        key = (tuple(spans), here, self._editor.value)
        if key == self._marked:
            return
        self._marked = key
        text = self._editor.value or ""
        marks = [mark for span, kind in spans if (mark := _mark(text, span, kind)) is not None]
        count = text.count("\n") + 1
        marks += [
            {"kind": "line", "line": span.line, "class": "line-failed"}
            for span, kind in spans
            if kind == "mark-failed" and span.line <= count
        ]
        if 0 < here <= count:
            marks.append({"kind": "line", "line": here, "class": "line-here"})
            self._editor.reveal_line(here)
        self._mark(marks, len(text))

    def _mark(self, marks: list[dict[str, object]], length: int) -> None:
        """Mark the text in the browser, past NiceGUI's property.

        To set a property sends the whole element, and its text would undo what is typed meanwhile.
        """
        call = f"markEditor({self._editor.id}, {json.dumps(marks)}, {length})"
        self._editor.client.run_javascript(call)

    def _failed_spans(self) -> list[Span]:
        """Return the places of what does not hold, where the text is the one that was run."""
        run = self._state.run
        if run is None or self.dirty:
            return []
        return [one.span for _, one in run.failures if one.span.file == self.file]

    def _step_line(self) -> int:
        """Return the line of the step at the moment that is looked at."""
        run = self._state.run
        if run is None:
            return 0
        span = run.span_of(self._state.moment.step)
        return span.line if span is not None and span.file == self.file else 0

    # Saving

    def save(self) -> None:
        """Write the file; asks where another program has changed it."""
        workspace = self._state.studio.workspace
        if workspace is None or self._document is None:
            return
        text = self._editor.value or ""
        try:
            done = workspace.save(self._document, text)
        except UsageError as error:
            complain(error.message, error.hint or "")
            return
        if isinstance(done, Conflict):
            self._ask_whose(done.theirs)
            return
        self._saved(done.document)

    def _saved(self, document: Document) -> None:
        studio = self._state.studio
        self._document, self._refused = document, None
        tell(f"Saved {document.file}", timeout=1500)
        self.draw()
        if studio.watching:
            studio.run_files([document.file])
        studio.changed()

    def look_at_disk(self) -> None:
        """Take over what another program wrote; ask where the text here is another one, too.

        A question that was left open is not asked again before the file is another one again.
        """
        workspace = self._state.studio.workspace
        if workspace is None or self._document is None or self._asking:
            return
        try:
            there = workspace.read(self.file)
        except UsageError:
            return
        except InvalidFiles as error:
            if not self.dirty and not self._unreadable:
                self._show_unreadable(self.file, error.problems)
            return
        if there.data in (self._document.data, self._refused):
            return
        if self.dirty:
            self._ask_whose(there)
        else:
            self._take_over(there)

    def _take_over(self, there: Document) -> None:
        self._document, self._unreadable, self._refused = there, (), None
        self._set(there.text)
        self._check()

    def _ask_whose(self, theirs: Document) -> None:
        """Ask whether the text here or the one on the disk stays; nothing is overwritten before."""
        if self._asking:
            return
        self._asking = True
        self._refused = theirs.data

        def keep_mine() -> None:
            assert self._document is not None
            self._document = replace(self._document, data=theirs.data)
            self.save()

        def over() -> None:
            self._asking = False
            self.look_at_disk()  # it may have changed while the question stood there

        ask(
            f"{theirs.file} was changed by another program",
            "What is written here and what is on the disk are two different texts.",
            {"Keep mine": keep_mine, "Take theirs": lambda: self._take_over(theirs)},
            over,
        )

    def _ask_to_leave(self, file: str, line: int) -> None:
        def leave() -> None:
            self._document = None
            self._open(file, line)

        def save_first() -> None:
            self.save()
            if not self.dirty:
                self._open(file, line)

        ask(
            f"{self.file} is not saved",
            "What was changed in it is lost when another file is opened.",
            {"Save": save_first, "Do not save": leave},
            lambda: None,
        )

    # Running

    def _scenarios(self) -> Suite:
        return Suite() if self._loaded is None else self._loaded.scenarios

    def _here(self) -> Suite:
        return scenario_at(self._scenarios(), self._line)

    def _moved(self, event: GenericEventArguments) -> None:
        if event.args.get("id") == self._editor.id:
            self._line = int(event.args.get("line", 1))

    def run_this(self) -> None:
        """Run the scenario at the cursor, all rows of it."""
        self._start()

    def run_to_cursor(self) -> None:
        """Run the scenario at the cursor up to the step there."""
        self._start(Extent(until=place_at(self.file, self._editor.value or "", self._line)))

    def run_orders(self) -> None:
        """Run every order of what happens at the same moment in the scenario at the cursor."""
        self._start(Extent(all_orders=MOST_ORDERS))

    def step(self) -> None:
        """Take the next step, of a run that waits or of a new one."""
        running = self._state.studio.running
        if running is not None and running.held is not None:
            running.step()
        else:
            self._start(Extent(step=True))

    def go_on(self) -> None:
        """Let a run that waits go on to its end."""
        running = self._state.studio.running
        if running is not None:
            running.go_on()

    def stop(self) -> None:
        """End a run, after its cleanup."""
        running = self._state.studio.running
        if running is not None:
            running.stop()

    def _start(self, extent: Extent = WHOLE) -> None:
        if self._check_soon.active:  # what was typed last is run, and not what stood there before
            self._check()
        scenarios = self._here()
        if not scenarios:
            complain("there is no valid scenario at the cursor")
            return
        if self.dirty and self._state.studio.workspace is not None:
            self.save()
            if self.dirty:
                return
        self._state.follow = scenarios[0].id
        self._state.run_scenarios(scenarios, extent)


def _mark(text: str, span: Span, kind: str) -> dict[str, object] | None:
    """Return what marks a place in a text; None where the text has no such place."""
    first, last = (
        _offset(text, span.line, span.column),
        _offset(text, span.end_line, span.end_column),
    )
    if first is None or last is None or last <= first:
        return None
    return {"kind": "mark", "from": first, "to": last, "class": kind}


def _offset(text: str, line: int, column: int) -> int | None:
    start = 0
    for _ in range(line - 1):
        end = text.find("\n", start)
        if end < 0:
            return None
        start = end + 1
    end = text.find("\n", start)
    return min(start + column - 1, len(text) if end < 0 else end)
