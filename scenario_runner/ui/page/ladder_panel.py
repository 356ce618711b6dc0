"""Draws the ladder around the moment that is looked at; arrows can be looked into."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, TypeAlias

from nicegui import ui

from scenario_runner.reporters.ladder import Arrow, ArrowKind
from scenario_runner.ui.page.elements import Press, Shape, Words, attribute, region, say

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from scenario_runner.reporters.ladder.drawing import Box, Drawing, Head, Line
    from scenario_runner.reporters.ladder.drawing import Words as DrawnWords
    from scenario_runner.ui.ladder_view import LadderWindow
    from scenario_runner.ui.page.state import State

Key: TypeAlias = tuple[str, object]
"""The layer of a shape, and the shape."""

_LAYERS = ("boxes", "lines", "bars", "heads", "words")
_ROW_TOP = 50
_HEIGHTS = {"Heading": 34, "Arrow": 28, "Remark": 24, "Pause": 26}


class LadderPanel:
    """A window on the ladder: only the shapes that are new are sent to the browser."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._drawn: object = None
        self._first = 0
        self._shapes: dict[object, Shape] = {}
        self._layers: dict[str, Shape] = {}
        self._svg: Shape | None = None
        self._mark: Shape | None = None
        self._veil: Shape | None = None
        with ui.element("div").classes("panel-head"):
            self._http = Press("HTTP", self._fold, icon="unfold_less", classes="press small")
            self._count = Words("span", "", "muted")
        self._sheet = region("div", "Ladder diagram", "ladder-sheet")
        self._sheet.props("tabindex=0")

    def _fold(self) -> None:
        self._state.http = not self._state.http
        self._state.redraw()

    def draw(self) -> None:
        """Bring it up to date."""
        state = self._state
        self._http.pressed(pressed=state.http)
        window = state.ladder.window(state.position.index)
        say(self._count, _count_text(window))
        if not window.ladder.rows:
            self._draw_nothing()
            return
        if self._svg is None or self._first != window.first:
            self._begin(window.first)
        if self._drawn is not window.ladder:
            self._drawn = window.ladder
            self._bring_up_to_date(window)
        self._move_mark(window)

    def _draw_nothing(self) -> None:
        if self._drawn == "nothing":
            return
        self._drawn, self._svg = "nothing", None
        self._sheet.clear()
        self._shapes.clear()
        with self._sheet:
            Words("p", "Nothing has happened yet.", "muted empty")

    def _begin(self, first: int) -> None:
        self._first = first
        self._drawn = None
        self._sheet.clear()
        self._shapes.clear()
        with self._sheet, Shape("svg", class_="ladder") as self._svg:
            self._layers = {name: Shape("g") for name in _LAYERS}
            self._veil = Shape("rect", class_="veil", x=0, y=0, width=0, height=0)
            self._mark = Shape("line", class_="mark", x1=0, x2=0, y1=0, y2=0)
            self._layers["targets"] = Shape("g")

    def _bring_up_to_date(self, window: LadderWindow) -> None:
        assert self._svg is not None
        drawing = window.drawing
        attribute(self._svg, "width", drawing.width)
        attribute(self._svg, "height", drawing.height)
        wanted = dict(_shapes(drawing)) | dict(self._targets(window))
        for key in [key for key in self._shapes if key not in wanted]:
            self._shapes.pop(key).delete()
        for layer in self._layers.values():
            with layer:
                for key, make in wanted.items():
                    if key not in self._shapes and self._layers[key[0]] is layer:
                        self._shapes[key] = make()

    def _targets(self, window: LadderWindow) -> Iterator[tuple[Key, Callable[[], Shape]]]:
        """Lay something to press over each arrow that tells more."""
        top = _ROW_TOP
        for number, row in enumerate(window.ladder.rows, window.first):
            height = _HEIGHTS[type(row).__name__]
            if isinstance(row, Arrow) and row.kind is not ArrowKind.CALL:
                size = (top, window.drawing.width, height)
                yield ("targets", (number, size, row.label)), self._target(number, size, row.label)
            top += height

    def _target(self, row: int, size: tuple[int, int, int], label: str) -> Callable[[], Shape]:
        def make() -> Shape:
            top, width, height = size
            target = Shape(
                "rect", class_="target", x=0, y=top, width=width, height=height, role="button",
                tabindex=0, aria_label=label,
            )  # fmt: skip
            press = self._pressed(row)
            target.on("click", press, [])
            target.on("keydown.enter", press, [])
            return target

        return make

    def _pressed(self, row: int) -> Callable[[object], None]:
        def press(_: object) -> None:
            view = self._state.ladder
            event = view.event_of(row)
            self._state.move(float(view.moment_of(row)))
            self._state.event = event
            self._state.redraw()

        return press

    def _move_mark(self, window: LadderWindow) -> None:
        assert self._mark is not None
        assert self._veil is not None
        rows = window.ladder.rows[: window.mark]
        y = _ROW_TOP + sum(_HEIGHTS[type(row).__name__] for row in rows)
        drawing = window.drawing
        moved = self._mark._props["y1"] != y  # noqa: SLF001 -- where it was drawn last
        for name, value in (("x2", drawing.width), ("y1", y), ("y2", y)):
            attribute(self._mark, name, value)
        hidden = 0 if self._state.at_end else max(0, drawing.height - y)
        for name, value in (("y", y), ("width", drawing.width), ("height", hidden)):
            attribute(self._veil, name, value)
        if moved:
            self._state.client.run_javascript(
                f"getHtmlElement({self._mark.id})"
                "?.scrollIntoView({block: 'nearest', inline: 'nearest'})"
            )


def _count_text(window: LadderWindow) -> str:
    parts = []
    if window.hidden_before:
        parts.append(f"{window.hidden_before} rows before")
    if window.hidden_after:
        parts.append(f"{window.hidden_after} rows after")
    return ", ".join(parts)


def _shapes(drawing: Drawing) -> Iterator[tuple[Key, Callable[[], Shape]]]:
    """Yield each shape of a ladder with what makes it; the layers are drawn one over the other."""
    for box in drawing.boxes:
        layer = "bars" if box.kind in ("bar", "gap") else "boxes"
        yield (layer, box), partial(_box, box)
    for line in drawing.lines:
        yield ("lines", line), partial(_line, line)
    for head in drawing.heads:
        yield ("heads", head), partial(_head, head)
    for words in drawing.words:
        yield ("words", words), partial(_words, words)


def _box(box: Box) -> Shape:
    return Shape(
        "rect", class_=box.kind, x=box.x, y=box.y, width=box.width, height=box.height, rx=3
    )


def _line(line: Line) -> Shape:
    return Shape("line", class_=line.kind, x1=line.x1, y1=line.y1, x2=line.x2, y2=line.y2)


def _head(head: Head) -> Shape:
    back = head.x - 8 * head.way
    points = f"{head.x},{head.y} {back},{head.y - 4} {back},{head.y + 4}"
    return Shape("polygon", class_=head.kind, points=points)


def _words(words: DrawnWords) -> Shape:
    return Shape(
        "text", words.text, class_=words.kind, x=words.x, y=words.y, text_anchor=words.anchor
    )
