"""The command `mock`: serves a mock PBX over HTTP."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from scenario_runner.cli.options import option, takes

if TYPE_CHECKING:
    from collections.abc import Callable

    from scenario_runner.mock_pbx.profile import Client, Profile
    from scenario_runner.mock_pbx.server.app import MockHandler, MockOptions
    from scenario_runner.mock_pbx.server.webhooks import Log
    from scenario_runner.ui.page.beside import PageBeside


@dataclass(frozen=True, slots=True, kw_only=True)
class MockLine:
    """The command line of `mock`."""

    host: str = option(default="127.0.0.1", show_default=True, help="Address to listen at.")
    port: int = option(
        type=click.IntRange(0, 65535),
        default=8080,
        show_default=True,
        help="Port to listen at; 0 takes any free one.",
    )
    clients: tuple[str, ...] = option(
        "--client",
        multiple=True,
        metavar="ID:SECRET",
        help="Give tokens to this client only; repeat for more [default: any client].",
    )
    profile: str = option(default="vendor", show_default=True, help="What the PBX is like.")
    slots: int | None = option(
        type=click.IntRange(1, 100_000), help="Number of slots, and of calls."
    )
    extensions: str | None = option(metavar="FIRST-LAST", help="The extensions [default: 341-360].")
    park_timeout: str | None = option(metavar="DURATION", help="How long a call stays parked.")
    hourly_limit: int | None = option(type=click.IntRange(1), help="Requests that an hour allows.")
    seed: int = option(default=0, show_default=True, help="Random seed.")
    virtual_time: bool = option(is_flag=True, help="Time moves only by /mock/clock/advance.")
    faults: tuple[str, ...] = option(
        "--fault",
        multiple=True,
        metavar="FAULT",
        help="Let something go wrong: drop-after,on=park,times=1; repeat for more.",
    )
    webhook_hosts: tuple[str, ...] = option(
        "--allow-webhooks-to",
        multiple=True,
        metavar="HOST",
        help="Deliver events to this host, too, not only to this machine.",
    )
    access_log: bool = option(
        "--access-log/--no-access-log", default=True, help="A line for each request."
    )
    ready_file: str | None = option(
        metavar="FILE", help="Write the URL there once the mock listens."
    )


@click.command("mock")
@takes(MockLine)
def command(line: MockLine) -> int:
    """Serve a mock of a RingMe-compatible PBX until SIGTERM or Ctrl-C.

    The first line of standard output is the URL, written once the mock listens; everything else
    goes to standard error. Each client id has a PBX of its own. `/openapi.json` describes what is
    served; `POST /mock/calls` brings in a call from outside.
    """
    from scenario_runner.mock_pbx.server.app import serve_mock

    options = _options(line)
    serve_mock(options, _telling(line, options))
    return 0


def _options(line: MockLine) -> MockOptions:
    from scenario_runner.mock_pbx.faults import fault_from_text
    from scenario_runner.mock_pbx.server.app import MockOptions
    from scenario_runner.mock_pbx.server.webhooks import Silent

    try:
        faults = tuple(fault_from_text(text) for text in line.faults)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--fault") from error
    return MockOptions(
        host=line.host,
        port=line.port,
        profile=_profile(line),
        seed=line.seed,
        faults=faults,
        virtual_time=line.virtual_time,
        webhook_hosts=line.webhook_hosts,
        page=_Page(),
        log=_log() if line.access_log else Silent(),
    )


class _Page:
    """The live page beside the mock, which is imported when it is asked for."""

    def __init__(self) -> None:
        self._beside: PageBeside | None = None

    async def open(self, handler: MockHandler, lot: str, root: str) -> str:
        """Open the page; raises UsageError where it is not installed."""
        from scenario_runner.cli.ui import require_extra

        require_extra()
        from scenario_runner.ui.page.beside import PageBeside

        self._beside = self._beside or PageBeside()
        return await self._beside.open(handler, lot, root)

    async def close(self) -> None:
        """Close the page, if it is open."""
        if self._beside is not None:
            await self._beside.close()


def _profile(line: MockLine) -> Profile:
    from dataclasses import replace

    from scenario_runner.errors import suggestion
    from scenario_runner.mock_pbx.profile import PROFILES

    profile = PROFILES.get(line.profile)
    if profile is None:
        hint = suggestion(line.profile, PROFILES, "there are")
        raise click.BadParameter(
            f"unknown profile '{line.profile}': {hint}", param_hint="--profile"
        )
    return replace(
        profile,
        clients=tuple(_client(text) for text in line.clients),
        slots=line.slots or profile.slots,
        hourly_limit=line.hourly_limit or profile.hourly_limit,
        extensions=_range(line.extensions) or profile.extensions,
        park_timeout=_duration(line.park_timeout) or profile.park_timeout,
    )


def _client(text: str) -> Client:
    from scenario_runner.mock_pbx.profile import Client

    client_id, _, secret = text.partition(":")
    if not client_id or not secret:
        raise click.BadParameter("a client looks like ID:SECRET", param_hint="--client")
    return Client(client_id=client_id, client_secret=secret)


def _range(text: str | None) -> tuple[int, int] | None:
    if text is None:
        return None
    first, _, last = text.partition("-")
    numbers = (first, last or first)
    if not all(n.isascii() and n.isdigit() and len(n) <= 8 for n in numbers):
        raise click.BadParameter("extensions look like 341-360", param_hint="--extensions")
    if int(numbers[0]) > int(numbers[1]) or not int(numbers[0]):
        raise click.BadParameter("the first extension comes first", param_hint="--extensions")
    return int(numbers[0]), int(numbers[1])


def _duration(text: str | None) -> int | None:
    from scenario_runner.durations import parse_duration

    if text is None:
        return None
    duration = parse_duration(text)
    if not duration:
        raise click.BadParameter(
            f"a duration looks like 3m or 250ms, not {text}", param_hint="--park-timeout"
        )
    return duration


def _log() -> Log:
    import sys
    import time

    from scenario_runner.mock_pbx.server.webhooks import AccessLog

    return AccessLog(sys.stderr.write, lambda: time.strftime("%H:%M:%S"))


def _telling(line: MockLine, options: MockOptions) -> Callable[[str], None]:
    """Return what is done once the mock listens: the URL is told where scripts wait for it."""

    def tell(url: str) -> None:
        from scenario_runner.durations import duration_text
        from scenario_runner.http.hosts import is_this_machine
        from scenario_runner.reporters.output import write_whole

        click.echo(url)
        profile = options.profile
        passing = "virtual time" if options.virtual_time else "real time"
        click.echo(
            f"a mock PBX listens at {url} in {passing}: extensions "
            f"{profile.extensions[0]}-{profile.extensions[1]}, {profile.slots} slots, calls stay "
            f"parked for {duration_text(profile.park_timeout)}; Ctrl-C ends it",
            err=True,
        )
        click.echo(targets_snippet(url, options), err=True)
        if not is_this_machine(options.host):
            click.secho(_reachable(options), err=True, fg="yellow")
        if line.ready_file:
            write_whole(line.ready_file, f"{url}\n", "the ready file")

    return tell


def targets_snippet(url: str, options: MockOptions) -> str:
    """Return a targets file for this mock."""
    profile = options.profile
    client = next(iter(profile.clients), None)
    first, last = profile.extensions
    return f"""\
to run scenarios on it, write this into scenario-targets.yaml:

    default: served
    targets:
      served:
        driver: ringme
        url: {url}
        client_id: {"tester" if client is None else json.dumps(client.client_id)}
        client_secret: {"any" if client is None else "$secret.MOCK_SECRET"}
        calls: control
        slots: 1-{profile.slots}
        extensions: {{{first}-{last}: +{profile.extension_id_offset}}}
"""


def _reachable(options: MockOptions) -> str:
    who = "those who know a --client's secret" if options.profile.clients else "anybody there"
    hint = "" if options.profile.clients else "; --client ID:SECRET keeps others out"
    return (
        f"warning: OTHER MACHINES REACH THIS MOCK at {options.host}, and {who} can use it; below "
        f"/mock it asks for a token, too{hint}"
    )
