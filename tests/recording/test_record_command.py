"""The command `record`: where it listens, what it writes, what it refuses."""

from __future__ import annotations

import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from scenario_runner.cli import scenario_runner
from scenario_runner.cli.exit_codes import exit_code_of
from tests.recording.test_event_log import IN, line
from tests.running import run_text
from tests.serving.served import Client, serving

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

RUNNER = (sys.executable, "-m", "scenario_runner")


@pytest.fixture
def run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str]]:
    """Run the command in this process, in an empty folder."""
    monkeypatch.chdir(tmp_path)

    def command(*words: str) -> tuple[int, str]:
        arguments = ["record", *words]
        code = exit_code_of(lambda: scenario_runner.main(arguments, standalone_mode=False))
        return code, capsys.readouterr().err

    return command


def test_a_client_s_conversation_is_written(tmp_path: Path) -> None:
    (tmp_path / "scenario-targets.yaml").write_text(
        "targets:\n  staging:\n    driver: ringme\n    url: ${env.PBX_URL}\n    client_id: crm\n"
        "    client_secret: s3cret\n    calls: callback\n    extensions: {'701': 34414}\n"
    )
    with serving() as url:
        process = subprocess.Popen(
            (*RUNNER, "record", "talk.scenario.yaml", "--target", "staging", "--listen", ":0"),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=tmp_path,
            env={"PBX_URL": url},
        )
        assert process.stdout is not None
        proxy = process.stdout.readline().strip()
        client = Client(proxy)
        client.login()
        call = client.call()
        client.valet(call, "park")
        client.connection.close()
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=30)
    assert process.returncode == 0, told
    assert f"recording what goes through {proxy} to {url}" in told
    assert "scenario-runner run talk.scenario.yaml" in told
    text = (tmp_path / "talk.scenario.yaml").read_text()
    assert run_text(text).verdicts == ["passed"]
    assert "s3cret" not in text + told


def test_a_log_is_read(tmp_path: Path, run: Callable[..., tuple[int, str]]) -> None:
    (tmp_path / "access.log").write_text(line("answer", 0, IN))
    again = ("a.scenario.yaml", "--from", "access.log")
    assert run(*again)[0] == 0
    assert run_text((tmp_path / "a.scenario.yaml").read_text()).verdicts == ["passed"]
    code, told = run(*again)
    assert (code, told.splitlines()[0]) == (3, "error: a.scenario.yaml is there already")
    assert run(*again, "--force")[0] == 0


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("x.yaml",), "say which PBX: either --target NAME or --url URL"),
        (("x.yaml", "--url", "http://a", "--target", "b"), "say which PBX: either"),
        (("x.yaml", "--url", "pbx"), "pbx is not an address like https://pbx.example.com"),
        (("x.yaml", "--url", "http://a", "--listen", "here"), "looks like 127.0.0.1:8081"),
        (("x.yaml", "--url", "http://a", "--shortest-wait", "1"), "a duration looks like 1s"),
        (("x.yaml", "--target", "a"), "there is no targets file here"),
        (("x.yaml", "--from", "no.log"), "can't read no.log"),
        (("x.yaml", "--from", "a.log", "--url", "http://a"), "not both"),
        (("no/folder/x.yaml", "--url", "http://a"), "there is no folder no/folder"),
    ],
)
def test_what_is_wrong_is_said(
    words: tuple[str, ...], told: str, run: Callable[..., tuple[int, str]]
) -> None:
    code, error = run(*words)
    assert (code, told in error) == (3, True), error


def test_a_target_that_is_no_http(tmp_path: Path, run: Callable[..., tuple[int, str]]) -> None:
    (tmp_path / "scenario-targets.yaml").write_text("targets:\n  mock: {driver: mock}\n")
    code, told = run("x.yaml", "--target", "mock")
    assert code == 3
    assert "the target mock has the driver mock" in told


def test_a_file_that_can_t_be_written(tmp_path: Path, run: Callable[..., tuple[int, str]]) -> None:
    (tmp_path / "access.log").write_text(line("answer", 0, IN))
    (tmp_path / "x.yaml").mkdir()
    code, told = run("x.yaml", "--from", "access.log", "--force")
    assert (code, "can't write x.yaml" in told) == (3, True)
