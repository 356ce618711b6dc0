"""The page served in this process, and a tab of Chromium that shows it."""

from __future__ import annotations

import asyncio
from threading import Thread
from typing import TYPE_CHECKING, Any

from scenario_runner.ui.page.server import PAGES, Address, listen, serving
from scenario_runner.ui.studio import Studio

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Page

SIZES = {1280: {"width": 1280, "height": 860}, 390: {"width": 390, "height": 844}}


class Served:
    """The page, served from a thread of this process; what it shows can be changed."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._done = asyncio.Event()
        self._thread = Thread(target=self._loop.run_forever, name="page", daemon=True)
        self._thread.start()
        self._serving: Any = None
        self.url = ""
        self.studio = Studio(acts=False)

    def do(self, action: Callable[[], Any]) -> Any:
        """Do something on the page's own event loop, and return what comes of it."""

        async def doing() -> Any:
            made = action()
            return await made if asyncio.iscoroutine(made) else made

        return asyncio.run_coroutine_threadsafe(doing(), self._loop).result(20)

    def start(self) -> None:
        """Serve."""

        async def start() -> None:
            address = Address.at("127.0.0.1", 0)
            self._serving = serving(self.studio, address, listen(address))
            self.url = await self._serving.__aenter__()

        self.do(start)

    def show(self, studio: Studio) -> Studio:
        """Show something else to browsers that come from now on."""

        async def show() -> None:
            await self.studio.stop()
            self.studio = PAGES.studio = studio
            await studio.start()

        self.do(show)
        return studio

    def stop(self) -> None:
        """Stop serving."""
        self.do(lambda: self._serving.__aexit__(None, None, None))
        self.do(_cancel_others)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()


async def _cancel_others() -> None:
    """End what a browser that is gone has left: pings of its socket."""
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)


class Tab:
    """One tab: what it complained about, what it asked for, and words for what a person does."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.url = url
        self.complaints: list[str] = []
        self.requests: list[str] = []
        page.on("console", self._said)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", lambda request: self.requests.append(request.url))

    def _said(self, message: Any) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(message.text)

    def open(self, path: str = "") -> Tab:
        """Open the page, and wait until it is there."""
        self.page.goto(self.url + path)
        self.page.wait_for_selector(".slots .slot")
        return self

    @property
    def left_the_machine(self) -> list[str]:
        """The requests that went elsewhere."""
        own = (self.url, self.url.replace("http", "ws"), "data:", "blob:")
        return [url for url in self.requests if not url.startswith(own)]

    def call_in(self, *, answered: bool = True, **fields: str) -> None:
        """Let somebody call, by the dialog."""
        self.page.click("text=Somebody calls")
        self._fill(fields)
        if answered:
            self.page.click(".dialog .q-toggle")
        self.page.click(".dialog button[type=submit]")
        self.page.wait_for_selector(".dialog", state="detached")

    def dial_out(self, **fields: str) -> None:
        """Let an extension dial, by the dialog."""
        self.page.click("text=Dial out")
        self._fill(fields)
        self.page.click(".dialog button[type=submit]")
        self.page.wait_for_selector(".dialog", state="detached")

    def _fill(self, fields: dict[str, str]) -> None:
        self.page.wait_for_selector(".dialog")
        labels = {"name": "Name of the call", "number": "Their number", "extension": "Extension"}
        for field, value in fields.items():
            self.page.get_by_label(labels[field]).fill(value)

    def slot(self, number: int | str) -> Any:
        return self.page.locator(f".slot[data-slot='{number}']")

    def card(self, call: str) -> Any:
        return self.page.locator(f".card[data-call='{call}']")

    def tab(self, name: str) -> None:
        """Go to one of the tabs."""
        self.page.click(f".q-tab >> text={name}")

    def step(self) -> str:
        """Return what the panel of the step says."""
        return str(self.page.locator(".panel.step").inner_text())

    def wait_for_step(self, text: str) -> None:
        """Wait until the panel of the step says something."""
        self.page.wait_for_selector(f".panel.step >> text={text}")

    def press_enter(self) -> None:
        """Press Enter in the dialog that is open, as soon as it has the focus."""
        self.page.wait_for_function("document.activeElement.closest('.dialog') !== null")
        self.page.keyboard.press("Enter")
        self.page.wait_for_selector(".dialog", state="detached")

    def act(self, call: str, words: str) -> None:
        """Press a button of a call's card, which is chosen first."""
        card = self.card(call)
        if "chosen" not in (card.get_attribute("class") or ""):
            card.locator(".card-head").click()
        self.card(call).locator(f".actions >> text={words}").click()
