"""Asks a person who has to decide; closing the question decides nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nicegui import ui

from scenario_runner.ui.page.elements import Press, Words, attribute

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def ask(
    title: str,
    text: str,
    answers: Mapping[str, Callable[[], None]],
    over: Callable[[], None] = lambda: None,
) -> None:
    """Ask a question with these answers; `over` is called when it is closed, answered or not.

    It belongs to the page: a question that an answer leads to outlives the one before.
    """
    with ui.context.client.content, ui.dialog() as dialog, ui.element("div").classes("dialog"):
        Words("h2", title)
        Words("p", text)
        with ui.element("div").classes("dialog-foot"):
            Press("Cancel", dialog.close)
            for words, action in answers.items():
                Press(words, _answering(dialog, action), classes="press main")
    attribute(dialog, "aria-label", title)
    dialog.open()
    dialog.on_value_change(lambda _: over())  # at once: to fade away takes a while
    dialog.on("hide", dialog.delete, [])


def _answering(dialog: ui.dialog, action: Callable[[], None]) -> Callable[[], None]:
    def answer() -> None:
        with ui.context.client.content:
            action()
        dialog.close()

    return answer
