"""The command `ui`: opens the live page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from scenario_runner.cli.options import TargetOptions, argument, group, option, takes

if TYPE_CHECKING:
    from collections.abc import Callable

    from scenario_runner.ui.page.server import Address
    from scenario_runner.ui.studio import Studio

EXTRA = 'in the checkout of scenario-runner: pip install ".[ui]"'


@dataclass(frozen=True, slots=True, kw_only=True)
class UiLine:
    """The command line of `ui`."""

    path: str = argument(default=".", metavar="[PATH]")
    events: tuple[str, ...] = option(
        multiple=True, metavar="FILE", help="Look at a run that is over; repeat for shards."
    )
    host: str = option(
        default="127.0.0.1",
        show_default=True,
        help="Address to listen at; off this machine a token is asked for.",
    )
    port: int = option(
        type=click.IntRange(0, 65535),
        default=8090,
        show_default=True,
        help="Port to listen at; 0 takes any free one.",
    )
    no_open: bool = option(is_flag=True, help="Do not open a browser.")
    target: TargetOptions = group(TargetOptions)


@click.command("ui")
@takes(UiLine)
def command(line: UiLine) -> int:
    """Open a page with the lot, the scenarios below PATH, and a run to watch and rewind.

    Calls are clicked and dragged there, and become a scenario; scenarios are edited, run, and
    looked at moment by moment. The page is served on this machine only and prints its address.
    """
    require_extra()
    studio = _studio(line)
    from scenario_runner.ui.page.server import Address

    address = Address.at(line.host, line.port)
    serve(studio, address, None if line.no_open else _open)
    return 0


def require_extra() -> None:
    """Raise UsageError where what the page is drawn with is not installed."""
    from importlib.util import find_spec

    from scenario_runner.errors import UsageError

    if find_spec("nicegui") is None:
        raise UsageError("the live page is not installed", hint=EXTRA)


def _studio(line: UiLine) -> Studio:
    import os

    from scenario_runner.execution.targets import choose
    from scenario_runner.ui.studio import Studio
    from scenario_runner.ui.workspace import Workspace

    if line.events:
        return _recorded(line.events)
    workspace = Workspace(line.path)
    context = line.target.context()
    target = choose(line.target.choice((line.path,)), context.mask)
    return Studio(workspace=workspace, target=target, environment=dict(os.environ), context=context)


def _recorded(events: tuple[str, ...]) -> Studio:
    """Return a studio that shows a run that is over."""
    from scenario_runner.errors import UsageError
    from scenario_runner.reporters.merge import read_events
    from scenario_runner.ui.runs import RunLog
    from scenario_runner.ui.studio import Studio

    log = RunLog()
    for event in read_events(events):
        log.take(event)
    if not log.scenarios:
        raise UsageError(f"no scenario has run in {', '.join(events)}")
    studio = Studio(acts=False)
    studio.open_log(log)
    return studio


def serve(studio: Studio, address: Address, opened: Callable[[str], None] | None) -> None:
    """Serve the page until SIGTERM or Ctrl-C; `opened` is given its address."""
    import asyncio

    from scenario_runner.http.server import told_to_stop
    from scenario_runner.ui.page.server import listen, serving

    sock = listen(address)

    async def serving_until_told() -> None:
        async with serving(studio, address, sock) as url:
            click.echo(url)
            click.echo("the page is open until Ctrl-C", err=True)
            if opened is not None:
                opened(url)
            await told_to_stop()

    asyncio.run(serving_until_told())


def _open(url: str) -> None:
    import webbrowser
    from threading import Thread

    # A browser on the console would hold up the page that it is to show.
    Thread(target=webbrowser.open, args=(url,), daemon=True).start()
