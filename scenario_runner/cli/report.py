"""The command `report`: any report after the fact, from the events of one or several runs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from scenario_runner.cli.options import report_options, showing

if TYPE_CHECKING:
    from scenario_runner.cli.options import Showing
    from scenario_runner.reporters import Reporter


@click.command("report")
@click.argument("events", nargs=-1, required=True, metavar="EVENTS...")
@click.option(
    "--ladder",
    "ladder_form",
    type=click.Choice(("text", "mermaid", "svg")),
    help="Draw each scenario: who said what to whom.",
)
@click.option("--ladder-to", metavar="FOLDER", help="Draw into files in this folder.")
@report_options
def command(events: tuple[str, ...], **given: Any) -> int:  # noqa: ANN401 -- click's parsed values
    """Write reports of what the files EVENTS tell; 'run --events FILE' writes such files.

    Several files are made one run: shards are added up, and a scenario that ran again in a later
    file is a retry. The exit code says whether the reports could be written, not how the runs went.
    """
    from scenario_runner.cli.reporting import Listening
    from scenario_runner.reporters.merge import read_events

    shown = showing(given)
    _refuse_own_input(events, shown)
    others = _ladders(given["ladder_form"], given["ladder_to"])
    with Listening(shown, others, under_ci=False) as listening:
        for event in read_events(events):
            listening.emit(event)
    return 0


def _refuse_own_input(events: tuple[str, ...], shown: Showing) -> None:
    """Refuse to write to a file that is still to be read."""
    read = {Path(path).resolve() for path in events}
    for _, path in shown.files:
        if Path(path).resolve() in read:
            raise click.UsageError(f"{path} is read, and can't be written at the same time")


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
        Path(folder).mkdir(parents=True, exist_ok=True)
    return [Ladders(LadderForm(form), Path(folder) if folder is not None else None)]
