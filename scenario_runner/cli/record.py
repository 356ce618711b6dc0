"""The command `record`: makes a scenario file of what a client does, or of an event log."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from scenario_runner.cli.options import argument, option, takes
from scenario_runner.printable import printable

if TYPE_CHECKING:
    from pathlib import Path

    from scenario_runner.language.target import Target
    from scenario_runner.pbx.ringme.access import RestAccess
    from scenario_runner.recording.proxy import RecordOptions


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordLine:
    """The command line of `record`."""

    output: str = argument(metavar="FILE")
    target: str | None = option(metavar="NAME", help="The PBX: a target of the targets file.")
    targets: str | None = option(
        metavar="FILE", help="The targets file [default: found from here]."
    )
    url: str | None = option(metavar="URL", help="The PBX: its root, without a targets file.")
    listen: str = option(
        default="127.0.0.1:8081",
        show_default=True,
        metavar="HOST:PORT",
        help="Where the client connects to; port 0 takes any free one.",
    )
    log: str | None = option(
        "--from", metavar="LOG", help="Read an access log of event requests instead."
    )
    shortest_wait: str = option(
        default="1s", show_default=True, help="Pauses of this length become waits."
    )
    force: bool = option(is_flag=True, help="Overwrite FILE.")
    insecure: bool = option(
        is_flag=True, help="Don't verify the PBX's certificate; send credentials over http, too."
    )


@click.command("record")
@takes(RecordLine)
def command(line: RecordLine) -> int:
    """Write the scenario FILE of what a client does with a PBX.

    A proxy listens before the PBX: let the client connect to it in place of the PBX, and end the
    recording with Ctrl-C. Ids become named calls, pauses become waits, credentials are left out.
    The first line of standard output is the proxy's URL, written once it listens.
    """
    path = _output(line)
    text = _from_log(line) if line.log is not None else _through_proxy(line)
    _write(path, text)
    click.echo(f"written: {path}; try it: scenario-runner run {path}", err=True)
    return 0


def _output(line: RecordLine) -> Path:
    """Return where to write, before anything is recorded in vain."""
    from pathlib import Path

    from scenario_runner.errors import UsageError

    path = Path(line.output)
    if not path.parent.is_dir():
        raise UsageError(f"there is no folder {path.parent}", hint="make it first")
    if path.exists() and not line.force:
        raise UsageError(f"{path} is there already", hint="--force overwrites it")
    return path


def _write(path: Path, text: str) -> None:
    from scenario_runner.errors import UsageError

    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"can't write {path}: {error.strerror}") from error


def _from_log(line: RecordLine) -> str:
    from pathlib import Path

    from scenario_runner.errors import UsageError
    from scenario_runner.recording.event_log import read_log, scenario_of_log

    if line.target or line.url:
        raise click.UsageError("a recording is made --from a log, or before a PBX: not both")
    try:
        log = Path(str(line.log)).read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise UsageError(f"can't read {line.log}: {error.strerror}") from error
    text = scenario_of_log(log, _duration(line.shortest_wait))
    _, unread = read_log(log)
    for one in unread[:_MOST_UNREAD]:
        click.echo(printable(f"{line.log}:{one.line}: left out: {one.reason}"), err=True)
    if len(unread) > _MOST_UNREAD:
        click.echo(f"and {len(unread) - _MOST_UNREAD} lines more", err=True)
    return text


_MOST_UNREAD = 10


def _through_proxy(line: RecordLine) -> str:
    from scenario_runner.recording.proxy import record

    options = _options(line)

    def tell(url: str) -> None:
        click.echo(url)
        click.echo(
            f"recording what goes through {url} to {options.access.url}; Ctrl-C ends it", err=True
        )

    return record(options, tell)


def _options(line: RecordLine) -> RecordOptions:
    from scenario_runner.recording.proxy import RecordOptions

    host, port = _address(line.listen)
    shortest = _duration(line.shortest_wait)
    if (line.target is None) == (line.url is None):
        raise click.UsageError("say which PBX: either --target NAME or --url URL")
    if line.url is not None:
        return RecordOptions(
            name="recorded",
            access=_access(line.url),
            host=host,
            port=port,
            shortest_wait=shortest,
            insecure=line.insecure,
        )
    from scenario_runner.execution.virtual import taught

    target, access = _target(line)
    return RecordOptions(
        name=target.name,
        access=access,
        numbers={extension_id: number for number, extension_id in target.extensions},
        park_timeout=target.park_timeout,
        reasons=taught(target).reasons,
        host=host,
        port=port,
        shortest_wait=shortest,
        insecure=line.insecure,
    )


def _access(url: str) -> RestAccess:
    from urllib.parse import urlsplit

    from scenario_runner.pbx.ringme.access import RestAccess

    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise click.BadParameter(
            f"{url} is not an address like https://pbx.example.com", param_hint="--url"
        )
    return RestAccess(url=url.rstrip("/"), client_id="", client_secret="")


def _target(line: RecordLine) -> tuple[Target, RestAccess]:
    import os

    from scenario_runner.errors import TargetError
    from scenario_runner.loading.targets import find_targets, read_targets
    from scenario_runner.masking import Mask
    from scenario_runner.pbx import drivers
    from scenario_runner.pbx.ringme.access import RestAccess

    file = line.targets or find_targets((".",))
    if file is None:
        raise TargetError(
            "there is no targets file here", hint="name one with --targets, or the PBX with --url"
        )
    target = read_targets(file, drivers).target(str(line.target), dict(os.environ), Mask())
    if not isinstance(target.settings, RestAccess):
        raise TargetError(
            f"the target {target.name} has the driver {target.driver}",
            hint="what is recorded is the HTTP of a target with driver: ringme",
        )
    return target, target.settings


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not (port.isascii() and port.isdigit() and int(port) <= 65535):
        raise click.BadParameter("an address looks like 127.0.0.1:8081", param_hint="--listen")
    return host.strip("[]") or "127.0.0.1", int(port)


def _duration(text: str) -> int:
    from scenario_runner.durations import parse_duration

    duration = parse_duration(text)
    if not duration:
        raise click.BadParameter(
            f"a duration looks like 1s or 250ms, not {text}", param_hint="--shortest-wait"
        )
    return duration
