"""How long the HTML report of many scenarios takes to write and to open, and how big it is.

    python -m benchmarks.html_report [SCENARIOS]

Beside each number stands the machine's own reference: the same events written as lines of JSON, and
an empty page opened in the same browser. Needs Chromium and playwright for the second half.
"""

from __future__ import annotations

import sys
import tempfile
import tracemalloc
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from shutil import which
from time import perf_counter, process_time
from typing import TYPE_CHECKING, Protocol

from msgspec.structs import replace

from scenario_runner.events import (
    CallChanged,
    Event,
    Exchange,
    PbxReported,
    RunFinished,
    RunStarted,
    ScenarioFinished,
    ScenarioStarted,
    SourceRead,
    StepFinished,
    StepStarted,
    Verdict,
)
from scenario_runner.execution.options import RunOptions
from scenario_runner.execution.results import Results
from scenario_runner.execution.targets import MOCK
from scenario_runner.execution.virtual import VirtualRun
from scenario_runner.exit_code import Exit
from scenario_runner.loading.documents import LoadOptions, load_text
from scenario_runner.masking import Mask
from scenario_runner.reporters import open_reporter

if TYPE_CHECKING:
    from collections.abc import Iterator

EXAMPLE = Path(__file__).parent.parent / "examples/01-park-and-pick-up.scenario.yaml"
KIB = 1024


class Listener(Protocol):
    def handle(self, event: Event) -> None: ...


def one_scenario() -> tuple[list[Event], str]:
    """Run the example once; return its events and its text."""
    text = EXAMPLE.read_text(encoding="utf-8")
    loaded = load_text(text, "example.scenario.yaml", LoadOptions())
    events: list[Event] = []
    run = VirtualRun(target=MOCK, options=RunOptions(), mask=Mask(), emit=events.append)
    run.run(loaded.scenarios, Results())
    return events, text


def copies(events: list[Event], text: str, numbers: range) -> Iterator[list[Event]]:
    """Give the events of many scenarios, each in a file of its own and with ids of its own."""
    for number in numbers:
        file = f"cases/{number % 100}/park-{number}.scenario.yaml"
        yield [SourceRead(file=file, text=text), *(renamed(e, file, number) for e in events)]


def renamed(event: Event, file: str, number: int) -> Event:
    name = f"{file}::Park a caller and pick the call up from the known slot"
    match event:
        case ScenarioStarted() | StepStarted():
            return replace(event, scenario=name, span=replace(event.span, file=file))
        case Exchange():
            sent, received = (other_ids(t, number) for t in (event.sent, event.received))
            return replace(event, scenario=name, sent=sent, received=received)
        case CallChanged() | PbxReported() | StepFinished() | ScenarioFinished():
            return replace(event, scenario=name)
        case _:
            return event


def other_ids(text: str, number: int) -> str:
    """Write another UUID in place of each, so that no two scenarios have one in common."""
    digits = f"{number * 2654435761 % 16**8:08x}"
    return "".join(
        digits + word[8:] if len(word) > 30 and word.count("-") >= 4 else word
        for word in text.replace('"', ' " ').split(" ")
    )


@dataclass
class Watch:
    """Adds up how long something took: by the wall's clock, and of the processor alone."""

    wall: float = 0.0
    processor: float = 0.0

    @contextmanager
    def running(self) -> Iterator[None]:
        wall, processor = perf_counter(), process_time()
        yield
        self.wall += perf_counter() - wall
        self.processor += process_time() - processor

    def __str__(self) -> str:
        return f"{self.wall:>9.2f}s   (processor {self.processor:.2f}s)"


def listening(listener: Listener, scenarios: list[list[Event]]) -> None:
    for events in scenarios:
        for event in events:
            listener.handle(event)


def written(name: str, path: Path, count: int) -> Watch:
    """Write a report; return how long it took, without the making of the events."""
    events, text = one_scenario()
    report = open_reporter(name, str(path))
    report.handle(
        RunStarted(
            version="0",
            target="mock",
            host="in this process",
            driver="mock",
            base_url="",
            seed=0,
            started_at=0,
            total=count,
        )
    )
    watch = Watch()
    for first in range(0, count, 500):
        part = list(copies(events, text, range(first, min(count, first + 500))))
        with watch.running():
            listening(report, part)
    report.handle(RunFinished(counts=((Verdict.PASSED, count),), exit_code=Exit.PASSED, took=1))
    with watch.running():
        report.close()
    return watch


def growth(path: Path) -> float:
    """Return by how many bytes memory grows with each scenario while the report is written."""
    events, text = one_scenario()
    report = open_reporter("html", str(path))
    tracemalloc.start()
    sizes: list[int] = []
    for batch in (range(500), range(500, 2500)):
        for scenario in copies(events, text, batch):
            listening(report, [scenario])
        sizes.append(tracemalloc.get_traced_memory()[0])
    tracemalloc.stop()
    report.close()
    return (sizes[1] - sizes[0]) / 2000


def opened(path: Path) -> tuple[float, float] | None:
    """Return the seconds to the load event, and to the first view; None without a browser."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        return None
    chromium = which("chromium")
    if chromium is None:
        return None
    with sync_playwright() as playwright:
        arguments = ["--headless", "--no-sandbox", "--disable-dev-shm-usage"]
        browser = playwright.chromium.launch(executable_path=chromium, args=arguments)
        page = browser.new_page()
        begin = perf_counter()
        page.goto(path.as_uri(), wait_until="commit")
        page.wait_for_selector(".row, body.empty", state="attached")
        shown = perf_counter() - begin
        page.wait_for_load_state("load")
        loaded = page.evaluate("performance.getEntriesByType('navigation')[0].loadEventEnd")
        browser.close()
    return float(loaded) / 1000, shown


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    with tempfile.TemporaryDirectory() as folder:
        html, lines, empty = (Path(folder) / name for name in ("r.html", "r.jsonl", "e.html"))
        empty.write_text("<!doctype html><title>empty</title><body class=empty>")
        reference = written("events", lines, count)
        took = written("html", html, count)
        size = html.stat().st_size
        grown = growth(Path(folder) / "g.html")
        print(f"scenarios                  {count:>10,}")
        print(f"written in                 {took}, at most 5 s")
        print(f"  as lines of JSON         {reference}, reference")
        print(f"size                       {size / KIB / KIB:>7.2f} MiB   at most 10 MiB")
        print(f"  of a scenario            {size / count / KIB:>7.2f} KiB   at most 3 KiB")
        print(f"memory for each scenario   {grown / KIB:>7.2f} KiB   at most 2 KiB")
        found, bare = opened(html), opened(empty)
        if found is None or bare is None:
            print("opened in                  not measured: no Chromium, or no playwright")
            return
        print(f"load event after           {found[0]:>9.2f}s   at most 2 s")
        print(f"  of an empty page         {bare[0]:>9.2f}s   reference")
        print(f"rows shown after           {found[1]:>9.2f}s")


if __name__ == "__main__":
    main()
