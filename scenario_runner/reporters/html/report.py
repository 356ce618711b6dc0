"""Listens to a run and writes the HTML report; of a finished scenario nothing stays in memory."""

from __future__ import annotations

import tempfile
import zlib
from binascii import b2a_base64
from collections import Counter
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Raw, Struct

from scenario_runner.durations import rounded_text
from scenario_runner.events import Event, InvalidFile, SourceRead, Verdict, Warned
from scenario_runner.masking import Mask
from scenario_runner.reporters.failures import headline, invalid_headline
from scenario_runner.reporters.html.page import head, tail
from scenario_runner.reporters.html.record import (
    InvalidView,
    ScenarioView,
    invalid_view,
    scenario_view,
)
from scenario_runner.reporters.output import open_output
from scenario_runner.reporters.results import ResultCollector, ScenarioResult

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scenario_runner.references import Json
    from scenario_runner.reporters.output import Output


_FULL = 256 * 1024
_LEVEL = 3
_PIECE = 1024 * 1024
_INVALID = "invalid"
_ENCODER = msgspec.json.Encoder()


class Place(Struct, frozen=True, array_like=True):
    """Where a record is: the number of its block, and its place inside."""

    block: int
    place: int


class Blocks:
    """Takes records of JSON, and keeps all but the last few in a temporary file.

    Each block is a JSON array of about 256 KiB before it is deflated. Base64 has no letter that
    means something to HTML, so nothing in a record can end the block or start a tag.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._file = tempfile.TemporaryFile("w+", encoding="ascii")  # noqa: SIM115 -- see `write_to`
        self._number = 0
        self._records: list[bytes] = []
        self._size = 0

    def add(self, record: Struct | str) -> Place:
        """Take a record; return where it will be found."""
        if self._size >= _FULL:
            self._put_block()
        try:
            encoded = _ENCODER.encode(record)
        except UnicodeEncodeError:
            encoded = _ENCODER.encode(Mask().event(record))
        self._records.append(encoded)
        self._size += len(encoded)
        return Place(self._number, len(self._records) - 1)

    def _put_block(self) -> None:
        data = b"[%b]" % b",".join(self._records)
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

    def discard(self) -> None:
        """Forget all records."""
        self._file.close()


class Row(Struct, frozen=True, array_like=True, kw_only=True):
    """A line of the list: a scenario, or an invalid file."""

    id: str
    name: str
    verdict: str
    took: int
    took_text: str
    tags: tuple[str, ...] = ()
    values: tuple[tuple[str, str], ...] = ()
    file: str
    line: int
    why: str = ""
    attempt: int = 1
    place: Place


class TableRow(Struct, frozen=True, kw_only=True):
    """A row of a table: its tone, what stands in its cells, and the scenario that it leads to."""

    tone: str
    cells: tuple[str, ...]
    scenario: str = ""


class Table(Struct, frozen=True, kw_only=True):
    """A table about the run as a whole, which a command adds to its report."""

    id: str
    title: str
    columns: tuple[str, ...]
    rows: tuple[TableRow, ...]


class Facts(Struct, frozen=True, kw_only=True):
    """What the page knows about the run as a whole."""

    target: str
    driver: str
    started_at: int
    took: str
    seed: int
    version: str
    missing: int
    interrupted: bool
    verdicts: tuple[tuple[str, str, int, bool], ...]
    warnings: tuple[tuple[str, str, str], ...]
    files: tuple[tuple[str, Place], ...]
    comparison: Raw
    tables: tuple[Table, ...]


def _verdicts() -> tuple[tuple[str, str, int, bool], ...]:
    """Return of each verdict its symbol, its gravity, and whether it tells what went wrong."""
    known = [(one.value, one.symbol, one.gravity, one.bad) for one in Verdict]
    return (*known, (_INVALID, "!", 1 + max(one.gravity for one in Verdict), True))


class HtmlReport:
    """Writes each scenario to a temporary file when it is finished, and the page when closed."""

    def __init__(self, output: Output) -> None:
        self._output = output
        self._gathered = ResultCollector()
        self._records = Blocks("records")
        self._rows = Blocks("rows")
        self._files: dict[str, Place] = {}
        self._warnings: list[tuple[str, str, str]] = []
        self._counts: Counter[str] = Counter()
        self._comparison = Raw(b"null")
        self._tables: list[Table] = []

    def handle(self, event: Event) -> None:
        """Take in one event."""
        try:
            self._handle(event)
        except Exception:
            self._discard()
            raise

    def _handle(self, event: Event) -> None:
        result = self._gathered.handle(event)
        match event:
            case SourceRead():
                if event.file not in self._files:
                    self._files[event.file] = self._records.add(event.text)
            case Warned():
                where = f"{event.span.file}:{event.span.line}" if event.span.file else ""
                self._warnings.append((where, event.message, event.hint or ""))
            case InvalidFile():
                self._invalid(event)
            case _ if result is not None:
                self._scenario(result)

    def _scenario(self, result: ScenarioResult) -> None:
        """Write a scenario: its row in the list, and what is shown to whoever opens it."""
        started, finished = result.started, result.finished
        values = ", ".join(f"{name}={value}" for name, value in started.row)
        self._add_row(
            scenario_view(result, self._gathered.run),
            id=started.scenario,
            name=started.name.replace(f" [{values}]", "", 1),
            verdict=result.verdict.value,
            took=finished.took,
            tags=started.tags,
            values=started.row,
            file=started.span.file,
            line=started.span.line,
            why=headline(result) if result.verdict.bad else "",
            attempt=started.attempt,
        )

    def _invalid(self, invalid: InvalidFile) -> None:
        self._add_row(
            invalid_view(invalid.problems),
            id=f"{invalid.file}::",
            name=invalid.file,
            verdict=_INVALID,
            took=0,
            file=invalid.file,
            line=invalid.problems[0].span.line,
            why=invalid_headline(invalid),
        )

    def _add_row(self, view: ScenarioView | InvalidView, **row: Any) -> None:  # noqa: ANN401
        place = self._records.add(view)
        self._counts[row["verdict"]] += 1
        self._rows.add(Row(**row, took_text=rounded_text(row["took"]), place=place))

    def compare(self, comparison: Mapping[str, Json]) -> None:
        """Take in in what two targets differ, whose scenarios are "A: ID" and "B: ID"."""
        self._comparison = Raw(_ENCODER.encode(comparison))

    def add(self, table: Table) -> None:
        """Take in a table to show on the page of the run as a whole."""
        self._tables.append(table)

    def close(self) -> None:
        """Write the page; scenarios that never came to their end are shown as interrupted."""
        try:
            self._write()
        except Exception:
            self._discard()
            raise
        self._output.close()

    def _write(self) -> None:
        for result in self._gathered.unfinished():
            self._scenario(result)
        self._output.write(head(self._title(), self._summary()))
        facts = Blocks("facts")
        facts.add(self._facts())
        for blocks in (facts, self._rows, self._records):
            blocks.write_to(self._output)
        self._output.write(tail())

    def _discard(self) -> None:
        self._output.discard()
        self._records.discard()
        self._rows.discard()

    def _title(self) -> str:
        target = self._gathered.run.target
        return f"Scenario report: {target}" if target else "Scenario report"

    def _summary(self) -> str:
        counts = ", ".join(f"{count} {verdict}" for verdict, count in self._counts.items())
        return f"Scenarios: {counts or 'none'}"

    def _facts(self) -> Facts:
        gathered, run = self._gathered, self._gathered.run
        return Facts(
            target=f"{run.target} ({run.host})" if run.host else run.target,
            driver=run.driver,
            started_at=run.started_at,
            took=rounded_text(gathered.end.took) if gathered.end and gathered.end.took else "",
            seed=run.seed,
            version=run.version,
            missing=gathered.missing,
            interrupted=gathered.interrupted,
            verdicts=_verdicts(),
            warnings=tuple(self._warnings),
            files=tuple(self._files.items()),
            comparison=self._comparison,
            tables=tuple(self._tables),
        )


def to_file(path: str) -> HtmlReport:
    """Return the reporter that writes to `path`; `-` is standard output."""
    return HtmlReport(open_output(path))
