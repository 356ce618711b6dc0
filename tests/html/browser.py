"""One tab of Chromium that opens reports, and tells what it complained about and asked for."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from tests.chromium import chromium

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import ConsoleMessage, Locator, Page

_CALLED = "(given) => (function () { SCRIPT }).apply(null, given)"


class Browser:
    """One tab of Chromium."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.complaints: list[str] = []
        self.requests: list[str] = []
        page.on("console", self._said)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", lambda request: self.requests.append(request.url))

    def _said(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(message.text)

    def open(self, file: Path, address: str = "") -> None:
        """Open a report from a disk, and forget what was complained about before."""
        self.page.goto("about:blank")
        self.complaints.clear()
        self.requests.clear()
        self.page.goto(f"file://{file}{address}")
        self.page.wait_for_selector("html[data-ready]", state="attached")

    def run(self, script: str, *arguments: object) -> Any:
        """Run the body of a function in the page; it returns what can be written as JSON."""
        return self.page.evaluate(_CALLED.replace("SCRIPT", script), list(arguments))

    def all(self, css: str) -> list[Locator]:
        found: list[Locator] = self.page.locator(css).all()
        return found

    def one(self, css: str) -> Locator:
        return self.page.locator(css).first

    def text(self, css: str) -> str:
        return str(self.one(css).inner_text()).strip()

    def texts(self, css: str) -> list[str]:
        """Return the texts as they are at one moment; the page may draw itself anew."""
        return [text.strip() for text in self.page.locator(css).all_inner_texts()]

    def until(self, css: str) -> Locator:
        """Wait until an element is shown, and return it."""
        shown = self.page.locator(css).locator("visible=true").first
        shown.wait_for()
        return shown

    def press(self, key: str) -> None:
        self.page.keyboard.press(key)

    def type(self, text: str) -> None:
        self.page.keyboard.type(text)

    @property
    def focused(self) -> str:
        """The id of the element that has the focus."""
        return str(self.run("return document.activeElement.id"))

    def size(self, width: int, height: int) -> None:
        self.page.set_viewport_size({"width": width, "height": height})

    def scheme(self, name: str) -> None:
        self.page.emulate_media(color_scheme=name)


@contextmanager
def one_tab() -> Iterator[Browser]:
    """Start a Chromium of its own with one tab, and end it."""
    with chromium() as started:
        page = started.new_page(viewport={"width": 1280, "height": 900})
        page.set_default_timeout(30_000)
        yield Browser(page)
