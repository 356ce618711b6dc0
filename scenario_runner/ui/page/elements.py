"""The few kinds of elements that the page is drawn with.

Whatever comes from a PBX or a file is given to them as text or as a property, never as HTML.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nicegui import ui
from nicegui.elements.mixins.text_element import TextElement

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


class Words(TextElement):
    """An HTML element with nothing but text in it."""

    def __init__(self, tag: str, text: str = "", classes: str = "") -> None:
        super().__init__(tag=tag, text=text)
        self.classes(classes)


class Shape(ui.element):
    """An element of a drawing; its attributes are given as they are, and its text as text."""

    def __init__(self, tag: str, text: str = "", **attributes: object) -> None:
        super().__init__(tag)
        for name, value in attributes.items():
            self._props[name.strip("_").replace("_", "-")] = value
        if text:
            self._text = text


class Press(TextElement):
    """A native button: an icon, words, or both; `label` is for those who can't see the icon."""

    def __init__(
        self,
        text: str = "",
        on_click: Callable[..., Any] | None = None,
        *,
        icon: str = "",
        label: str = "",
        classes: str = "press",
    ) -> None:
        super().__init__(tag="button", text=text)
        self.classes(classes)
        self._props["type"] = "button"
        if label:
            self._props["aria-label"] = label
            self._props["title"] = label
        if icon:
            with self:
                ui.icon(icon).props("aria-hidden=true")
        if on_click is not None:
            self.on("click", lambda _: on_click(), [])

    def enable(self, *, enabled: bool) -> None:
        """Let it be pressed, or not."""
        if bool(self._props.get("disabled")) is enabled:
            self._props["disabled"] = not enabled

    def pressed(self, *, pressed: bool) -> None:
        """Show whether what it switches is on."""
        word = "true" if pressed else "false"
        if self._props.get("aria-pressed") != word:
            self._props["aria-pressed"] = word


def region(tag: str, label: str, classes: str = "") -> ui.element:
    """Return a part of the page that can be jumped to by its name."""
    made = ui.element(tag).classes(classes)
    made._props["aria-label"] = label  # noqa: SLF001 -- a label may hold any letters
    if tag == "div":
        made._props["role"] = "group"  # noqa: SLF001
    return made


def attribute(element: ui.element, name: str, value: object) -> None:
    """Set an attribute whose value may hold any letters, where it has changed."""
    if element._props.get(name) != value:  # noqa: SLF001
        element._props[name] = value  # noqa: SLF001


def choose(element: ui.element, classes: Sequence[str], chosen: str) -> None:
    """Give an element one of several classes, where it has changed."""
    if chosen not in element.classes:
        element.classes(remove=" ".join(classes), add=chosen)


def say(element: TextElement, text: str) -> None:
    """Set an element's text, where it has changed."""
    if element.text != text:
        element.set_text(text)


def lines(text: str, classes: str = "") -> None:
    """Write text of several lines as it is, in letters of equal width."""
    Words("pre", text, classes=f"code {classes}")
