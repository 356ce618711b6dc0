"""How fast the live page is, in a headless Chromium against a server of its own process.

    python benchmarks/live_page.py [--quick]

Prints, one line each: opening the page, a gesture until its picture is drawn, moving the slider in
a session of 5,000 events, and running 200 scenarios again after one was saved.
"""

from __future__ import annotations

import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from playwright.sync_api import sync_playwright

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

ARGUMENTS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update",
]  # fmt: skip
SCENARIO = """scenario: Park in slot {slot}, case {number}
steps:
  - call: {{as: customer, extension: 341, from: "+78120000443"}}
  - park: {{call: customer, slot: {slot}}}
  - slots: {{call: customer, slot: {slot}}}
    expect: {{holds: customer}}
"""


LONG = """scenario: Many calls, one after the other
timeout: 2h
steps:
  - repeat:
      times: {rounds}
      steps:
        - call: {{as: customer, extension: 341, from: "+78120000443"}}
        - park: {{call: customer, slot: 6}}
        - slots: {{call: customer, slot: 6}}
          expect: {{holds: customer}}
        - wait: 2s
        - hangup: {{call: customer}}
"""


def served(*arguments: str) -> tuple[subprocess.Popen[str], str]:
    """Start the page's server, and return it with its address."""
    command = [sys.executable, "-m", "scenario_runner", "ui", *arguments, "--no-open"]
    command += ["--port", "0"]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    assert process.stdout is not None
    return process, process.stdout.readline().strip()


def say(what: str, times: list[float], goal: float) -> None:
    median, worst = statistics.median(times), max(times)
    sign = "✓" if median <= goal else "✗"
    spread = f"median {median:.0f} ms, worst {worst:.0f} ms of {len(times)}"
    print(f"{sign} {what}: {spread} (goal {goal:.0f} ms)", flush=True)


# The page's own view of a change: what was clicked, and when the picture had it. Asking from
# outside would add the time of two more processes that talk to each other.
CLICKED = """(([press, seen]) => new Promise((done) => {
  const begin = performance.now();
  const look = () => document.querySelector(seen) && done(performance.now() - begin);
  new MutationObserver(look).observe(document.body,
    {subtree: true, childList: true, attributes: true, characterData: true});
  document.querySelector(press).click();
  look();
}))"""
TIME = ".time-text"


def gestures(page: Page, count: int) -> list[float]:
    """Park a call and take it out again, by letting it hang up; each until the slot shows it."""
    times = []
    for number in range(count):
        slot = number % 20 + 1
        page.click("text=Somebody calls")
        page.click(".dialog .q-toggle")
        page.click(".dialog button[type=submit]")
        page.wait_for_selector(".dialog", state="detached")
        page.wait_for_selector(".card.up")
        pressed = f".slot[data-slot='{slot}']"
        times.append(page.evaluate(CLICKED, [pressed, f".slot.taken[data-slot='{slot}']"]))
        hang_up = ".card.parked .actions .press:nth-child(2)"
        page.wait_for_selector(hang_up)
        times.append(page.evaluate(CLICKED, [hang_up, f".slot.free[data-slot='{slot}']"]))
    return times[:50]


JUMPED = """(([x, where]) => new Promise((done) => {
  const begin = performance.now();
  const text = () => document.querySelector(where).textContent;
  const before = text();
  new MutationObserver(() => text() !== before && done(performance.now() - begin)).observe(
    document.body, {subtree: true, childList: true, attributes: true, characterData: true});
  const slider = document.querySelector(".time-slider");
  const box = slider.getBoundingClientRect();
  const at = {clientX: box.left + box.width * x, clientY: box.top + box.height / 2};
  const more = {...at, bubbles: true, cancelable: true, button: 0};
  const track = slider.querySelector(".q-slider__track-container");
  track.dispatchEvent(new MouseEvent("mousedown", more));
  document.dispatchEvent(new MouseEvent("mouseup", more));
}))"""


def jumps(page: Page, count: int) -> list[float]:
    """Click on the slider here and there, until the picture of that moment is drawn."""
    places = [0.05 + 0.9 * ((number * 37) % 100) / 100 for number in range(count)]
    return [page.evaluate(JUMPED, [place, TIME]) for place in places]


def reruns(page: Page, folder: Path, count: int) -> list[float]:
    """Save a file that 200 scenarios stand in, and wait until all have been run again."""
    page.click("text=Run on save")
    times = []
    (file,) = folder.glob("*.yaml")
    text = file.read_text()
    for number in range(1, count + 1):
        begin = time.perf_counter()
        file.write_text(f"{text}# {number}\n")
        status = page.wait_for_selector(f".files [role=status][data-runs='{number}']")
        times.append((time.perf_counter() - begin) * 1000)
        assert status is not None
        assert status.inner_text() == "200 passed"
    return times


def recorded(folder: Path, events: int) -> Path:
    """Return a file of so many events."""
    file, told = folder / "long.scenario.yaml", folder / "events.jsonl"
    file.write_text(LONG.format(rounds=events // 16))
    command = [sys.executable, "-m", "scenario_runner", "run", "-q", "--no-cache"]
    subprocess.run([*command, "--events", str(told), str(file)], check=True, capture_output=True)
    file.unlink()
    return told


@contextmanager
def page_of(browser: Browser, *arguments: str) -> Iterator[tuple[Page, str]]:
    """Open the page of a server of its own."""
    process, url = served(*arguments)
    page = browser.new_page(viewport={"width": 1280, "height": 860})
    try:
        page.goto(url)
        page.wait_for_selector(".slot")
        yield page, url
    finally:
        page.close()
        process.terminate()
        process.wait()


def opened(browser: Browser, url: str, count: int) -> list[float]:
    """Open the page in a fresh browser context, until the lot is there."""
    times = []
    for _ in range(count):
        context = browser.new_context(viewport={"width": 1280, "height": 860})
        page = context.new_page()
        begin = time.perf_counter()
        page.goto(url)
        page.wait_for_selector(".slot")
        times.append((time.perf_counter() - begin) * 1000)
        context.close()
    return times


def main() -> None:
    quick = "--quick" in sys.argv
    chromium = shutil.which("chromium")
    assert chromium is not None, "chromium is not installed"
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        folder = Path(name)
        told = recorded(folder, 5_000)
        count = len(told.read_text().splitlines())
        cases = (SCENARIO.format(slot=n % 20 + 1, number=n) for n in range(200))
        (folder / "all.scenario.yaml").write_text("---\n".join(cases))
        browser = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        with page_of(browser, name) as (page, url):
            say("the page is open", opened(browser, url, 3 if quick else 10), 2000)
            say("a gesture is drawn", gestures(page, 5 if quick else 25), 100)
            say("200 scenarios are run again on save", reruns(page, folder, 5), 1000)
        with page_of(browser, "--events", str(told)) as (page, _):
            say(f"the slider moves among {count} events", jumps(page, 10 if quick else 50), 100)
        browser.close()


if __name__ == "__main__":
    main()
