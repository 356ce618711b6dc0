"""Listens to a run and writes the HTML report; of a finished scenario nothing stays in memory."""

from __future__ import annotations

import json
import tempfile
import zlib
from base64 import b64encode
from binascii import b2a_base64
from collections import Counter
from functools import cache
from hashlib import sha256
from html import escape
from importlib.resources import files
from string import Template
from typing import TYPE_CHECKING, NamedTuple

from scenario_runner.events import Event, SourceRead, Verdict, Warned, encode
from scenario_runner.reporters.failures import headline, rerun_line
from scenario_runner.reporters.ladder.drawing import ladder_style
from scenario_runner.reporters.output import open_output
from scenario_runner.reporters.results import ResultCollector, ScenarioResult

if TYPE_CHECKING:
    from scenario_runner.reporters.output import Output


_STYLES = ("page.css", "small.css")
_SCRIPTS = (
    "dom.js",
    "store.js",
    "route.js",
    "list.js",
    "story.js",
    "ladder_rows.js",
    "ladder_sheet.js",
    "steps.js",
    "detail.js",
    "comparison.js",
    "overview.js",
    "start.js",
)


@cache
def script() -> str:
    """Return the whole script of the page, in a scope of its own."""
    parts = "\n".join(_read("script", name) for name in _SCRIPTS)
    return f'"use strict";\n(() => {{\n{parts}}})();\n'


@cache
def style() -> str:
    """Return the whole style sheet of the page."""
    return "".join(_read("style", name) for name in _STYLES) + ladder_style()


def head(title: str, summary: str) -> str:
    """Return everything before the data; `summary` is for readers without scripts."""
    return Template(_read("page.html")).substitute(
        title=escape(title),
        summary=escape(summary),
        style=style(),
        style_hash=_hash(style()),
        script_hash=_hash(script()),
    )


def tail() -> str:
    """Return everything after the data."""
    return f"<script>{script()}</script>\n</body>\n</html>\n"


def _read(*path: str) -> str:
    return files(__package__).joinpath(*path).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return f"sha256-{b64encode(sha256(text.encode()).digest()).decode()}"


_FULL = 256 * 1024
_LEVEL = 3
_PIECE = 1024 * 1024
_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


class Place(NamedTuple):
    """Where a record is: the number of its block, and its place inside."""

    block: int
    place: int


class Blocks:
    """Takes records of JSON text, and keeps all but the last few in a temporary file.

    Each block is a JSON array of about 256 KiB before it is deflated. Base64 has no letter that
    means something to HTML, so nothing in a record can end the block or start a tag.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._file = tempfile.TemporaryFile("w+", encoding="ascii")  # noqa: SIM115 -- see `write_to`
        self._number = 0
        self._records: list[str] = []
        self._size = 0

    def add(self, record: str) -> Place:
        """Take a record of JSON text; return where it will be found."""
        if self._size >= _FULL:
            self._put_block()
        self._records.append(record)
        self._size += len(record)
        return Place(self._number, len(self._records) - 1)

    def _put_block(self) -> None:
        data = f"[{','.join(self._records)}]".encode("utf-8", "replace")
        text = b2a_base64(zlib.compress(data, _LEVEL), newline=False).decode()
        name = self._name
        self._file.write(
            f'<script type="application/octet-stream" id="{name}-{self._number}" '
            f'data-block="{name}">{text}</script>\n'
        )
        self._number += 1
        self._records.clear()
        self._size = 0

    def write_to(self, output: Output) -> None:
        """Write all blocks as elements of the page, and forget them."""
        if self._records:
            self._put_block()
        with self._file as file:
            file.seek(0)
            while piece := file.read(_PIECE):
                output.write(piece)


def json_text(value: object) -> str:
    """Return plain values as compact JSON."""
    return _ENCODER.encode(value)


class HtmlReport:
    """Writes each scenario to a temporary file when it is finished, and the page when closed."""

    def __init__(self, output: Output) -> None:
        self._output = output
        self._gathered = ResultCollector()
        self._records = Blocks("records")
        self._rows = Blocks("rows")
        self._files: dict[str, Place] = {}
        self._warnings: list[str] = []
        self._counts: Counter[Verdict] = Counter()
        self._comparison = "null"

    def handle(self, event: Event) -> None:
        """Take in one event."""
        if isinstance(event, SourceRead):
            if event.file not in self._files:
                self._files[event.file] = self._records.add(json_text(event.text))
        elif isinstance(event, Warned):
            self._warnings.append(encode(event).decode())
        else:
            story = self._gathered.handle(event)
            if story is not None:
                self._scenario(story)

    def _scenario(self, story: ScenarioResult) -> None:
        """Write a scenario: its row in the list, and its events for whoever opens it."""
        started, finished = story.started, story.finished
        inside = ",".join([encode(event).decode() for event in story.inside])
        rerun = json_text(rerun_line(story, self._gathered.run))
        place = self._records.add(
            f"[{encode(started).decode()},{encode(finished).decode()},[{inside}],{rerun}]"
        )
        self._counts[story.verdict] += 1
        row = (
            started.scenario,
            started.name,
            story.verdict,
            finished.took,
            started.tags,
            started.row,
            started.span.file,
            started.span.line,
            headline(story) if story.verdict.bad else "",
            started.attempt,
            place,
        )
        self._rows.add(json_text(row))

    def tell_comparison(self, comparison: str) -> None:
        """Take in, as JSON, in what two targets differ whose scenarios are "A: ID" and "B: ID"."""
        self._comparison = comparison

    def close(self) -> None:
        """Write the page; scenarios that never came to their end are shown as interrupted."""
        for story in self._gathered.unfinished():
            self._scenario(story)
        self._output.write(head(self._title(), self._summary()))
        facts = Blocks("facts")
        facts.add(self._facts())
        for blocks in (facts, self._rows, self._records):
            blocks.write_to(self._output)
        self._output.write(tail())
        self._output.close()

    def _title(self) -> str:
        target = self._gathered.run.target
        return f"Scenario report: {target}" if target else "Scenario report"

    def _summary(self) -> str:
        counts = ", ".join(f"{count} {verdict}" for verdict, count in self._counts.items())
        return f"Scenarios: {counts or 'none'}"

    def _facts(self) -> str:
        gathered = self._gathered
        end = "null" if gathered.end is None else encode(gathered.end).decode()
        return (
            f'{{"run":{encode(gathered.run).decode()},"end":{end},"missing":{gathered.missing},'
            f'"interrupted":{json_text(gathered.interrupted)},'
            f'"warnings":[{",".join(self._warnings)}],"files":{json_text(self._files)},'
            f'"comparison":{self._comparison}}}'
        )


def to_file(path: str) -> HtmlReport:
    """Return the reporter that writes to `path`; `-` is standard output."""
    return HtmlReport(open_output(path))
