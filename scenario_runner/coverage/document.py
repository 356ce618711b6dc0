"""The table as JSON, written and read back; and what a report of mutants says of each rule."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from scenario_runner.coverage.table import Coverage, Killed, RuleRow, Seen, rule_rows
from scenario_runner.errors import UsageError
from scenario_runner.mock_pbx import RULES

if TYPE_CHECKING:
    from collections.abc import Mapping


class RuleDocument(msgspec.Struct, frozen=True, kw_only=True):
    """One rule in the JSON document; `killed` and `mutants` are null where nobody mutated."""

    id: str
    says: str
    source: str
    status: str
    met_by: tuple[Seen, ...]
    killed: int | None = None
    mutants: int | None = None


class Document(msgspec.Struct, frozen=True, kw_only=True):
    """The whole table as JSON."""

    targets: tuple[str, ...]
    scenarios: int
    not_green: int
    percent: int
    rules: tuple[RuleDocument, ...]
    reasons: dict[str, tuple[Seen, ...]]
    states: dict[str, tuple[Seen, ...]]
    events: dict[str, tuple[Seen, ...]]


def document(coverage: Coverage, killed: Mapping[str, Killed] | None) -> Document:
    """Return the table as it is written to JSON."""
    return Document(
        targets=coverage.targets,
        scenarios=coverage.scenarios,
        not_green=coverage.not_green,
        percent=coverage.percent,
        rules=tuple(_rule_document(row) for row in rule_rows(coverage, killed)),
        reasons=coverage.reasons,
        states=coverage.states,
        events=coverage.events,
    )


def _rule_document(row: RuleRow) -> RuleDocument:
    known = row.killed is not None
    return RuleDocument(
        id=row.rule.id,
        says=row.rule.says,
        source=row.rule.source,
        status=row.status,
        met_by=row.seen,
        killed=row.killed,
        mutants=row.tried if known else None,
    )


def from_document(read: Document) -> Coverage:
    """Return the table that a document was made from; raises KeyError where a rule is missing."""
    met = {rule.id: rule.met_by for rule in read.rules}
    return Coverage(
        targets=read.targets,
        scenarios=read.scenarios,
        not_green=read.not_green,
        rules={rule.id: met[rule.id] for rule in RULES},
        reasons=read.reasons,
        states=read.states,
        events=read.events,
    )


def json_text(coverage: Coverage, killed: Mapping[str, Killed] | None) -> str:
    """Return the document as text."""
    encoded = msgspec.json.encode(document(coverage, killed))
    return msgspec.json.format(encoded, indent=2).decode() + "\n"


def read_coverage(path: str) -> Coverage:
    """Read what `coverage --json` wrote; raises UsageError."""
    try:
        document = msgspec.json.decode(_bytes(path), type=Document)
        return from_document(document)
    except (msgspec.MsgspecError, UnicodeDecodeError, KeyError) as error:
        raise UsageError(
            f"{path} is not a coverage table of this version: {error}",
            hint="write it with: scenario-runner coverage PATH --json FILE",
        ) from None


class _Mutant(msgspec.Struct):
    id: str
    status: str


class _File(msgspec.Struct):
    mutants: tuple[_Mutant, ...]


class _Report(msgspec.Struct):
    files: dict[str, _File]


def read_killed(path: str) -> dict[str, Killed]:
    """Read from a report of `mutate --json` what was killed of each rule; raises UsageError."""
    from scenario_runner.mock_pbx.mutants import BY_ID

    try:
        report = msgspec.json.decode(_bytes(path), type=_Report)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise UsageError(
            f"{path} is not a mutation testing report: {error}",
            hint="write it with: scenario-runner mutate PATH --json FILE",
        ) from None
    found: dict[str, Killed] = {}
    for one in (mutant for file in report.files.values() for mutant in file.mutants):
        if one.id in BY_ID and one.status in ("Killed", "Survived", "NoCoverage", "Timeout"):
            rule = BY_ID[one.id].rule.id
            found[rule] = found.get(rule, Killed()).and_one(one.status == "Killed")
    return found


def _bytes(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise UsageError(f"{path} can't be read: {error.strerror or error}") from error
