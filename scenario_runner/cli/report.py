"""The command `report`: any report after the fact, from the events of one or several runs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from scenario_runner.cli.options import ReportOptions, argument, group, option, takes

if TYPE_CHECKING:
    from scenario_runner.exit_code import Exit
    from scenario_runner.reporters import Reporter


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportLine:
    """The command line of `report`."""

    files: tuple[str, ...] = argument(nargs=-1, required=True, metavar="EVENTS...")
    ladder: str | None = option(
        type=click.Choice(("text", "mermaid", "svg")),
        help="Draw the messages of each scenario.",
    )
    ladder_to: str | None = option(metavar="FOLDER", help="Draw into files in this folder.")
    reports: ReportOptions = group(ReportOptions)


@click.command("report")
@takes(ReportLine)
def command(line: ReportLine) -> Exit:
    """Write reports from the files EVENTS; 'run --events FILE' writes such files.

    Several files are made one run: shards are added up, and a scenario that ran again in a later
    file is a retry. The exit code says whether the reports could be written, not how the runs went.
    """
    from scenario_runner.cli.reporting import Listening
    from scenario_runner.exit_code import Exit
    from scenario_runner.reporters.merge import read_events
    from scenario_runner.reporters.output import refuse_overwriting

    refuse_overwriting((path for _, path in line.reports.files()), line.files)
    listening = Listening(line.reports, under_ci=False)
    for ladders in _ladders(line.ladder, line.ladder_to):
        listening.add("--ladder", ladders)
    with listening:
        for event in read_events(line.files):
            listening.emit(event)
    return listening.exit_code(Exit.PASSED)


def _ladders(form: str | None, folder: str | None) -> list[Reporter]:
    if form is None:
        if folder is not None:
            raise click.UsageError("--ladder-to needs --ladder: text, mermaid or svg")
        return []
    if form == "svg" and folder is None:
        raise click.UsageError("--ladder svg needs --ladder-to FOLDER: a drawing is a file")
    from scenario_runner.reporters.ladder.model import LadderForm
    from scenario_runner.reporters.ladder.writing import Ladders

    if folder is not None:
        _make(folder)
    return [Ladders(LadderForm(form), Path(folder) if folder is not None else None)]


def _make(folder: str) -> None:
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        from scenario_runner.errors import UsageError

        why = error.strerror or str(error)
        raise UsageError(
            f"the folder {folder} can't be made: {why}", hint="--ladder-to takes a folder"
        ) from None
