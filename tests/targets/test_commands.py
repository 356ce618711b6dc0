from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from scenario_runner.cli import scenario_runner
from scenario_runner.cli.exit_codes import exit_code_of
from tests.http.serving import served_mock

TARGETS = """
default: staging
targets:
  staging:
    driver: ringme
    description: The PBX of the test team
    url: $env.MOCK_URL
    client_id: runner
    client_secret: $secret.PBX_CLIENT_SECRET
    extensions: {"341": 34414, "342": 34415}
    calls: control
  far:
    driver: ringme
    url: https://pbx.example.com
    client_id: runner
    client_secret: not-so-secret
  absent:
    driver: ringme
    url: https://pbx.example.com
    client_id: $env.ABSENT
    client_secret: $secret.PBX_CLIENT_SECRET
"""
SCENARIO = """
scenario: Park
steps:
  - call: {as: one, extension: 341, to: "+78120000443"}
  - park: {call: one, slot: 6}
  - slots: {call: one, slot: 6}
    expect: {holds: one}
"""

TOOK = """
scenario: How long it took, in real time
steps:
  - call: {as: one, extension: 341, to: "+78120000443"}
  - park: {call: one, slot: 6}
    save: {t: took}
  - check: {that: $t, at_least: 0.000001s, at_most: 30s}
"""


def run(*words: str) -> int:
    return exit_code_of(lambda: scenario_runner.main(list(words), standalone_mode=False))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    inner = tmp_path / "scenarios"
    inner.mkdir()
    (tmp_path / "scenario-targets.yaml").write_text(TARGETS, encoding="utf-8")
    (inner / "a.scenario.yaml").write_text(SCENARIO, encoding="utf-8")
    monkeypatch.setenv("PBX_CLIENT_SECRET", "k33p-it-hidden")
    monkeypatch.setenv("MOCK_URL", "http://127.0.0.1:1")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_targets_are_listed_with_what_they_lack(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert folder.exists()
    assert run("targets") == 3
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "staging: driver ringme, 127.0.0.1:1"
    assert lines[1] == "  slots 1 to 20, parked for 3m, extensions 341 to 342 (2)"
    assert lines[2] == "far: driver ringme, pbx.example.com, protected"
    assert lines[4] == (
        "absent: the target 'absent' needs the environment variable ABSENT, which is not set"
    )
    assert lines[6] == "mock: driver mock, in this process"
    assert run("targets", "staging") == 0


def test_a_target_is_checked_and_run_against(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with served_mock() as url:
        monkeypatch.setenv("MOCK_URL", url)
        assert run("targets", "--check", "staging") == 0
        assert "✓ 2 extensions can be used" in capsys.readouterr().out
        assert run("run", "scenarios") == 0
        assert f"target staging ({url.partition('://')[2]})" in capsys.readouterr().out
        assert run("cleanup") == 0
        assert capsys.readouterr().out == "nothing is left on the target staging\n"
        (folder / "took.scenario.yaml").write_text(TOOK)
        assert run("run", "took.scenario.yaml") == 0
    assert list((folder / ".scenario-runner" / "journal").iterdir()) == []


def test_the_mock_needs_neither_check_nor_cleanup(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert folder.exists()
    assert run("targets", "--check", "mock") == 0
    assert run("cleanup", "--target", "mock") == 0
    assert run("run", "--target", "mock", "scenarios") == 0
    assert "target mock (in this process)" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--target", "stagin"), "did you mean 'staging'?"),
        (("--targets", "nowhere.yaml"), "there is no targets file 'nowhere.yaml'"),
        (("--target", "far"), "add --allow-protected pbx.example.com"),
        (("--target", "far", "--allow-protected", "localhost"), "is protected"),
        (("--target", "absent"), "the environment variable ABSENT"),
    ],
)
def test_what_is_missing_or_forbidden_is_exit_3(
    words: tuple[str, ...], told: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert folder.exists()
    assert run("run", *words, "scenarios") == 3
    assert told in capsys.readouterr().err
    assert run("cleanup", *words) == 3


def test_an_invalid_targets_file_is_exit_2(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = folder / "scenario-targets.yaml"
    file.write_text("targets: {x: {driver: rngme}}", encoding="utf-8")
    assert run("run", "scenarios") == 2
    assert "did you mean 'ringme'?" in capsys.readouterr().out


def test_a_run_on_the_mock_never_loads_what_a_network_needs(folder: Path) -> None:
    code = (
        "import sys; from scenario_runner.cli import scenario_runner as main\n"
        "try: main.main(['run', '--target', 'mock', 'scenarios'], standalone_mode=False)\n"
        "finally: print(sorted({'httpx', 'uvicorn'} & sys.modules.keys()))"
    )
    root = str(Path(__file__).parents[2])
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True,
        cwd=folder, env={"PYTHONPATH": root, "PATH": ""},
    )  # fmt: skip
    assert done.stdout.splitlines()[-1] == "[]"
