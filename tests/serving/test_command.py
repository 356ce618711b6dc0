"""The command `mock`: told where it listens, ended in order, clear about what is wrong."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from scenario_runner.cli import scenario_runner
from scenario_runner.cli.exit_codes import exit_code_of
from scenario_runner.mock_pbx.server.webhooks import AccessLog, masked, printable
from tests.serving.served import Client

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MOCK = (sys.executable, "-m", "scenario_runner", "mock")


@contextmanager
def started(*options: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    process = subprocess.Popen(
        (*MOCK, "--port", "0", *options), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        yield process, process.stdout.readline().strip()
    finally:
        process.kill()
        process.communicate()


def refused(*options: str) -> int:
    """Run the command in this process, which it must refuse, and return its exit code."""
    return exit_code_of(
        lambda: scenario_runner.main(args=["mock", *options], standalone_mode=False)
    )


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT])
def test_it_says_where_it_listens_and_ends_in_order(ending: signal.Signals, tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    options = ("--ready-file", str(ready), "--client", "crm:s3cret", "--slots", "2", "--fault",
               "500,on=bridge", "--extensions", "701-702", "--park-timeout", "5m",
               "--virtual-time")  # fmt: skip
    with started(*options) as (process, url):
        assert url.startswith("http://127.0.0.1:")
        client = Client(url)
        assert client.login("crm", "other").status == 401
        assert client.login("crm", "s3cret").status == 200
        call = client.call(702)
        assert client.valet(call, "park", 3).status == 400
        assert client.valet(call, "park", 2).status == 200
        assert client.ask("GET", "/mock/clock").json["next_timer_in"] == "5m"
        assert client.ask("GET", "/mock/faults").json["faults"][0]["fault"] == "500"
        # A connection that is still open does not keep the mock from ending.
        process.send_signal(ending)
        _, told = process.communicate(timeout=30)
        client.connection.close()
    assert process.returncode == 0
    assert ready.read_text() == url + "\n"
    assert f"a mock PBX listens at {url} in virtual time: extensions 701-702, 2 slots" in told
    assert "crm POST /mock/calls → 201" in told
    assert "s3cret" not in told


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--host", "0.0.0.0"), "anybody there can use it"),
        (("--host", "0.0.0.0", "--client", "a:b"), "those who know a --client's secret can use it"),
        (("--host", "127.0.0.2"), None),
    ],
)
def test_a_mock_that_other_machines_reach_says_so(
    options: tuple[str, ...], told: str | None
) -> None:
    with started(*options) as (process, url):
        client = Client(url.replace("0.0.0.0", "127.0.0.1"))
        assert client.login("a", "b").status == 200
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=30)
    client.connection.close()
    assert ("warning: OTHER MACHINES REACH THIS MOCK" in errors) is (told is not None)
    assert told is None or told in errors


def test_a_port_in_use(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        assert refused("--port", port) == 3
    assert capsys.readouterr().err == (
        f"error: something else listens at 127.0.0.1:{port} already\n"
        "  choose another --port; 0 takes any free one\n"
    )


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--host", "192.0.2.1"), "192.0.2.1 is not an address of this machine"),
        (("--host", "no.such.host.invalid"), "the host no.such.host.invalid is not known"),
        (("--port", "70000"), "70000 is not in the range"),
        (("--client", "crm"), "a client looks like ID:SECRET"),
        (("--profile", "vender"), "unknown profile 'vender': did you mean 'vendor'?"),
        (("--extensions", "a-b"), "extensions look like 341-360"),
        (("--extensions", "360-341"), "the first extension comes first"),
        (("--park-timeout", "3"), "a duration looks like 3m or 250ms, not 3"),
        (("--fault", "latancy"), "unknown fault 'latancy': did you mean 'latency'?"),
        (("--port", "0", "--ready-file", "/no/such/folder/f"), "the ready file can't be written"),
    ],
)
def test_what_is_wrong_is_said(
    options: tuple[str, ...], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert refused(*options) == 3
    assert words in capsys.readouterr().err


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("/a", "/a"),
        ("/oauth?client_id=a&client_secret=b&x=1", "/oauth?client_id=a&client_secret=***&x=1"),
        ("/?ACCESS_TOKEN=b", "/?ACCESS_TOKEN=***"),
    ],
)
def test_the_log_has_no_credentials(path: str, shown: str) -> None:
    assert masked(path) == shown


def test_the_log_can_t_change_the_terminal() -> None:
    lines: list[str] = []
    AccessLog(lines.append, lambda: "now").note("a\x1b[2Jb\nc" + "x" * 400)
    (line,) = lines
    assert line.startswith("now a?[2Jb?cxxx")
    assert len(line) == 305
    assert printable("plain") == "plain"
