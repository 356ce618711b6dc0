"""Shows what scenarios met: as text, as Markdown, as a table of the HTML report."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from scenario_runner.coverage.table import Coverage, RuleRow, Seen, rule_rows
from scenario_runner.events import Tone
from scenario_runner.reporters.html.report import Table, TableRow, to_file

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from scenario_runner.coverage.table import Killed
    from scenario_runner.events import Event


_SOURCES = {
    "documented": "documented",
    "partly assumed": "documented in part",
    "assumed": "assumed",
}


def text(coverage: Coverage, killed: Mapping[str, Killed] | None) -> str:
    """Return the table as lines."""
    return "\n".join(_lines(coverage, killed)) + "\n"


def _lines(coverage: Coverage, killed: Mapping[str, Killed] | None) -> Iterator[str]:
    rows = rule_rows(coverage, killed)
    yield f"{', '.join(coverage.targets)}: {_counted(coverage.scenarios, 'scenario')}"
    for source, group in groupby(rows, key=lambda row: row.rule.source):
        inside = list(group)
        yield ""
        yield f"{_SOURCES[source]}: {sum(bool(row.seen) for row in inside)} of {len(inside)} met"
        yield from (f"{row.mark} {row.rule.id:24} {_where(row)}" for row in inside)
    yield ""
    for title, words in _words(coverage):
        yield _met_words(title, words)
    yield ""
    if coverage.not_green:
        count = _counted(coverage.not_green, "scenario")
        yield f"{count} did not pass: scenario-runner run shows why"
    yield summary(coverage, rows)


def summary(coverage: Coverage, rows: list[RuleRow]) -> str:
    """Return the last line: how many rules were met, and checked where that is known."""
    line = f"{coverage.met} of {len(rows)} rules met ({coverage.percent} %)"
    if any(row.killed is not None for row in rows):
        line += f", {sum(row.status == 'checked' for row in rows)} checked"
    return line


def _where(row: RuleRow) -> str:
    if not row.seen:
        return f"never: {row.rule.says}"
    scenarios = len({seen.scenario for seen in row.seen})
    return f"{_checked(row)}{_counted(scenarios, 'scenario')}, first {row.seen[0]}"


def _checked(row: RuleRow) -> str:
    if row.killed is None:
        return ""
    return f"{row.killed} of {row.tried} mutants killed; " if row.tried else "no mutant tried; "


def _words(coverage: Coverage) -> Iterator[tuple[str, dict[str, tuple[Seen, ...]]]]:
    yield "refusal reasons", coverage.reasons
    yield "call states", coverage.states
    yield "event types", coverage.events


def _met_words(title: str, words: dict[str, tuple[Seen, ...]]) -> str:
    missing = [word for word, seen in words.items() if not seen]
    never = f"; never: {', '.join(missing)}" if missing else ""
    return f"{title}: {len(words) - len(missing)} of {len(words)}{never}"


def _counted(number: int, what: str) -> str:
    return f"{number} {what}{'s' * (number != 1)}"


def markdown(coverage: Coverage, killed: Mapping[str, Killed] | None) -> str:
    """Return the table in Markdown."""
    return "\n".join(_markdown(coverage, killed)) + "\n"


def _markdown(coverage: Coverage, killed: Mapping[str, Killed] | None) -> Iterator[str]:
    rows = rule_rows(coverage, killed)
    yield f"**{summary(coverage, rows)}**"
    yield ""
    yield "| | rule | what the PBX does | source | met by |"
    yield "|---|---|---|---|---|"
    for row in rows:
        where = _where(row) if row.seen else "never"
        source = _SOURCES[row.rule.source]
        cells = (row.mark, f"`{row.rule.id}`", row.rule.says, source, where.replace("|", "\\|"))
        yield f"| {' | '.join(cells)} |"
    yield ""
    for title, words in _words(coverage):
        yield f"- {_met_words(title, words)}"


_TONES = {"✓": Tone.GOOD, "~": Tone.ODD, "✗": Tone.BAD}


def html_table(coverage: Coverage, killed: Mapping[str, Killed] | None) -> Table:
    """Return the table as it stands in the HTML report."""
    rows = rule_rows(coverage, killed)
    return Table(
        id="rules",
        title=summary(coverage, rows),
        columns=("Status", "Rule", "What the PBX does", "Source", "Met by"),
        rows=tuple(_html_row(row) for row in rows),
    )


def _html_row(row: RuleRow) -> TableRow:
    where = _where(row) if row.seen else ""
    source = _SOURCES[row.rule.source]
    return TableRow(
        tone=_TONES[row.mark],
        cells=(f"{row.mark} {row.status}", row.rule.id, row.rule.says, source, where),
        scenario=row.seen[0].scenario if row.seen else "",
    )


def write_html(
    path: str,
    events: Iterable[Event],
    coverage: Coverage,
    killed: Mapping[str, Killed] | None,
) -> None:
    """Write the HTML report of a run with the table in it.

    Raises UsageError where the file can't be written.
    """
    report = to_file(path)
    for event in events:
        report.handle(event)
    report.add(html_table(coverage, killed))
    report.close()
