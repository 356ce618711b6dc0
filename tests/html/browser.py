"""A headless Chromium that opens reports, and tells what it complained about and asked for."""

from __future__ import annotations

import json
import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from selenium import webdriver
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.support.wait import WebDriverWait

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from selenium.webdriver.remote.webelement import WebElement

_CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome") or shutil.which("chrome")
_DRIVER = shutil.which("chromedriver")
_POLL = 0.02
_READY = "return document.readyState === 'complete' && document.documentElement.dataset.ready"


class Browser:
    """One tab of Chromium."""

    def __init__(self, driver: webdriver.Chrome) -> None:
        self.driver = driver

    def open(self, file: Path, address: str = "") -> None:
        """Open a report from a disk, and forget what was complained about before."""
        self.driver.get("about:blank")
        self.complaints()
        self.requests()
        self.driver.get(f"file://{file}{address}")
        WebDriverWait(self.driver, 20, _POLL).until(lambda _: self.run(_READY))

    def run(self, script: str, *arguments: object) -> Any:
        return self.driver.execute_script(script, *arguments)

    def all(self, css: str) -> list[WebElement]:
        found: list[WebElement] = self.driver.find_elements(By.CSS_SELECTOR, css)
        return found

    def one(self, css: str) -> WebElement:
        return self.driver.find_element(By.CSS_SELECTOR, css)

    def texts(self, css: str) -> list[str]:
        """Return the texts as they are at one moment; the page may draw itself anew."""
        script = (
            "return [...document.querySelectorAll(arguments[0])].map((e) => e.innerText.trim())"
        )
        found: list[str] = self.run(script, css)
        return found

    def until(self, css: str) -> WebElement:
        """Wait for an element, and return it."""
        shown = WebDriverWait(self.driver, 10, _POLL, [StaleElementReferenceException]).until(
            lambda _: [found for found in self.all(css) if found.is_displayed()]
        )
        return shown[0]

    def press(self, keys: str) -> None:
        self.driver.switch_to.active_element.send_keys(keys)

    def size(self, width: int, height: int) -> None:
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)

    def scheme(self, name: str) -> None:
        features = [{"name": "prefers-color-scheme", "value": name}]
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})

    def complaints(self) -> list[str]:
        log = self.driver.get_log("browser")
        return [entry["message"] for entry in log]

    def requests(self) -> list[str]:
        log = self.driver.get_log("performance")
        sent = [json.loads(entry["message"])["message"] for entry in log]
        return [
            message["params"]["request"]["url"]
            for message in sent
            if message["method"] == "Network.requestWillBeSent"
        ]


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start a Chromium of its own, and end it; without one the test is skipped, aloud."""
    if _CHROMIUM is None or _DRIVER is None:
        pytest.skip("NOT CHECKED IN A BROWSER: chromium and chromedriver are not installed")
    options = webdriver.ChromeOptions()
    options.binary_location = _CHROMIUM
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(_DRIVER))
    try:
        browser = Browser(driver)
        browser.size(1280, 900)
        yield browser
    finally:
        driver.quit()
