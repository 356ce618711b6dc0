"""The command `mock`: serves a mock PBX over HTTP."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Callable

    from scenario_runner.mock_pbx.profile import Client, Profile
    from scenario_runner.mock_pbx.server.app import MockHandler, MockOptions
    from scenario_runner.mock_pbx.server.webhooks import Log
    from scenario_runner.ui.page.beside import PageBeside


@dataclass(frozen=True, slots=True, kw_only=True)
class MockArguments:
    """The command line of `mock`, as parsed."""

    host: str
    port: int
    clients: tuple[str, ...]
    profile: str
    slots: int | None
    extensions: str | None
    park_timeout: str | None
    hourly_limit: int | None
    seed: int
    virtual_time: bool
    faults: tuple[str, ...]
    webhook_hosts: tuple[str, ...]
    access_log: bool
    ready_file: str | None


@click.command("mock")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen at.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8080,
    show_default=True,
    help="Port to listen at; 0 takes any free one.",
)
@click.option(
    "--client",
    "clients",
    multiple=True,
    metavar="ID:SECRET",
    help="Give tokens to this client only; repeat for more [default: any client].",
)
@click.option("--profile", default="vendor", show_default=True, help="What the PBX is like.")
@click.option("--slots", type=click.IntRange(1, 100_000), help="Number of slots, and of calls.")
@click.option("--extensions", metavar="FIRST-LAST", help="The extensions [default: 341-360].")
@click.option("--park-timeout", metavar="DURATION", help="How long a call stays parked.")
@click.option("--hourly-limit", type=click.IntRange(1), help="Requests that an hour allows.")
@click.option("--seed", default=0, show_default=True, help="Seed of all that is left to chance.")
@click.option("--virtual-time", is_flag=True, help="Time moves only by /mock/clock/advance.")
@click.option(
    "--fault",
    "faults",
    multiple=True,
    metavar="FAULT",
    help="Let something go wrong: drop-after,on=park,times=1; repeat for more.",
)
@click.option(
    "--allow-webhooks-to",
    "webhook_hosts",
    multiple=True,
    metavar="HOST",
    help="Deliver events to this host, too, not only to this machine.",
)
@click.option("--access-log/--no-access-log", default=True, help="A line for each request.")
@click.option("--ready-file", metavar="FILE", help="Write the URL there once the mock listens.")
def command(**given: Any) -> int:  # noqa: ANN401 -- click's parsed values, typed by MockArguments
    """Serve a mock of a RingMe-compatible PBX until SIGTERM or Ctrl-C.

    The first line of standard output is the URL, written once the mock listens; everything else
    goes to standard error. Each client id has a PBX of its own. `/openapi.json` describes what is
    served; `POST /mock/calls` brings in a call from outside.
    """
    from scenario_runner.mock_pbx.server.app import serve_mock

    arguments = MockArguments(**{field.name: given[field.name] for field in fields(MockArguments)})
    options = _options(arguments)
    serve_mock(options, _telling(arguments, options))
    return 0


def _options(arguments: MockArguments) -> MockOptions:
    from scenario_runner.mock_pbx.faults import fault_from_text
    from scenario_runner.mock_pbx.server.app import MockOptions
    from scenario_runner.mock_pbx.server.webhooks import Silent

    try:
        faults = tuple(fault_from_text(text) for text in arguments.faults)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--fault") from error
    return MockOptions(
        host=arguments.host,
        port=arguments.port,
        profile=_profile(arguments),
        seed=arguments.seed,
        faults=faults,
        virtual_time=arguments.virtual_time,
        webhook_hosts=arguments.webhook_hosts,
        page=_Page(),
        log=_log() if arguments.access_log else Silent(),
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


def _profile(arguments: MockArguments) -> Profile:
    from dataclasses import replace

    from scenario_runner.errors import did_you_mean
    from scenario_runner.mock_pbx.profile import PROFILES

    profile = PROFILES.get(arguments.profile)
    if profile is None:
        hint = did_you_mean(arguments.profile, PROFILES) or f"there are: {', '.join(PROFILES)}"
        raise click.BadParameter(
            f"unknown profile '{arguments.profile}': {hint}", param_hint="--profile"
        )
    return replace(
        profile,
        clients=tuple(_client(text) for text in arguments.clients),
        slots=arguments.slots or profile.slots,
        hourly_limit=arguments.hourly_limit or profile.hourly_limit,
        extensions=_range(arguments.extensions) or profile.extensions,
        park_timeout=_duration(arguments.park_timeout) or profile.park_timeout,
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


def _telling(arguments: MockArguments, options: MockOptions) -> Callable[[str], None]:
    """Return what is done once the mock listens: the URL is told where scripts wait for it."""

    def tell(url: str) -> None:
        from scenario_runner.durations import duration_text
        from scenario_runner.http.hosts import is_this_machine

        click.echo(url)
        profile = options.profile
        passing = "virtual time" if options.virtual_time else "real time"
        click.echo(
            f"a mock PBX listens at {url} in {passing}: extensions "
            f"{profile.extensions[0]}-{profile.extensions[1]}, {profile.slots} slots, calls stay "
            f"parked for {duration_text(profile.park_timeout)}; Ctrl-C ends it",
            err=True,
        )
        if not is_this_machine(options.host):
            click.secho(_reachable(options), err=True, fg="yellow")
        if arguments.ready_file:
            _write_whole(arguments.ready_file, url)

    return tell


def _reachable(options: MockOptions) -> str:
    who = "those who know a --client's secret" if options.profile.clients else "anybody there"
    hint = "" if options.profile.clients else "; --client ID:SECRET keeps others out"
    return (
        f"warning: OTHER MACHINES REACH THIS MOCK at {options.host}, and {who} can use it; below "
        f"/mock it asks for a token, too{hint}"
    )


def _write_whole(file: str, url: str) -> None:
    """Write the file so that whoever waits for it never sees half of it."""
    from pathlib import Path

    from scenario_runner.errors import UsageError

    path = Path(file)
    half = path.with_name(f".{path.name}.half")
    try:
        half.write_text(url + "\n", encoding="utf-8")
        half.replace(path)
    except OSError as error:
        raise UsageError(
            f"can't write the ready file {file}: {error.strerror}",
            hint="name a file in a folder that is there and may be written to",
        ) from error
