"""The command `load`, against a mock that is served on this machine, and all that it refuses."""

from __future__ import annotations

import os
import signal
import socket
import threading
from pathlib import Path
from typing import Any

import httpx
import pytest

from scenario_runner.cli import scenario_runner
from scenario_runner.cli.exit_codes import exit_code_of
from scenario_runner.loadtest.report import read_report
from scenario_runner.mock_pbx import PROFILES
from tests.http.serving import served_mock

PARK = """
scenario: Park
needs: {slots: [slot], extensions: [desk]}
steps:
  - call: {as: customer, extension: $desk, from: "+78120000443"}
  - park: {call: customer, slot: $slot}
    expect: {refused: none}
  - hangup: {call: customer}
"""
IDS = ", ".join(f'"{n}": {PROFILES["vendor"].extension_id(n)}' for n in range(341, 361))
TARGETS = """
default: served
targets:
  served:
    driver: ringme
    url: {url}
    client_id: load
    client_secret: a-secret-of-mine
    calls: control
    extensions: {{{ids}}}
    allow: {{{allow}}}
"""


def load(*words: str) -> int:
    return exit_code_of(lambda: scenario_runner.main(["load", *words], standalone_mode=False))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "park.scenario.yaml").write_text(PARK)
    return tmp_path


def targets(folder: Path, url: str, allow: str = "load: true, max_calls: 20") -> None:
    text = TARGETS.format(url=url, ids=IDS, allow=allow)
    (folder / "scenario-targets.yaml").write_text(text)


WORDS = ("park.scenario.yaml", "--rate", "20/s", "--for", "1s", "--max-lag", "10s")


def test_a_run(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with served_mock() as url:
        targets(folder, url)
        files = ["--json", "l.json", "--html", "l.html", "--prometheus", "l.prom"]
        code = load(*WORDS, *files, "--slo", "park p99 < 10s", "--warm-up", "500ms")
        shown = capsys.readouterr()
        assert code == 0, shown
        report = read_report("l.json")
        assert load(*WORDS, "--compare", "l.json", "-q") == 0
        compared = capsys.readouterr()
    assert report.tally.passed == report.tally.arrived > 5
    assert report.checks.placed >= report.tally.passed
    assert report.target == "served"
    assert report.plan.warm_up == 500_000
    assert "✓ park p99 < 10s" in shown.out
    assert shown.out.endswith("✓ passed\n")
    assert (folder / "l.html").read_text().count("<svg") == 7
    assert "objective_met" in (folder / "l.prom").read_text()
    assert "compared with l.json" in compared.out
    assert "a-secret-of-mine" not in shown.out + shown.err + (folder / "l.json").read_text()
    assert not list(folder.glob(".scenario-runner/journal/*"))


def test_an_objective_that_is_not_met(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with served_mock() as url:
        targets(folder, url)
        assert load(*WORDS, "--slo", "park p50 < 1ms", "--slo", "bridge p50 < 1h") == 1
    shown = capsys.readouterr().out
    assert "objective not met: bridge p50 < 1h: never measured" in shown


def test_a_late_generator_makes_a_run_invalid(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with served_mock() as url:
        targets(folder, url)
        words = ("park.scenario.yaml", "--rate", "20/s", "--for", "1s", "--max-lag", "1ms")
        (folder / "l.json").touch()
        code = load(*words, "--json", "l.json")
    late = read_report("l.json").late.p99 > 1000 or read_report("l.json").stalls.p99 > 1000
    assert code == (4 if late else 0)
    assert ("invalid: the generator was late" in capsys.readouterr().out) == late


def test_ctrl_c_cleans_up_and_reports_what_there_is(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from scenario_runner.loadtest.generator import Generator

    begin = Generator._begin

    def pressing(self: Generator, number: int, *more: Any) -> None:
        begin(self, number, *more)
        if number == 5:
            os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(Generator, "_begin", pressing)
    assert threading.current_thread() is threading.main_thread()
    with served_mock() as url:
        targets(folder, url)
        assert (
            load("park.scenario.yaml", "--rate", "20/s", "--for", "1h", "--json", "l.json") == 130
        )
    shown = capsys.readouterr()
    assert "cleaning up" in shown.err
    assert "! interrupted" in shown.out
    report = read_report("l.json")
    assert report.interrupted
    assert report.checks.leaks == []
    assert report.checks.unknown == []
    assert 6 <= report.tally.started < 20


def test_a_call_that_is_left_behind_fails_the_run(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody else dials while the run goes on, and stays."""
    from scenario_runner.loadtest.generator import Generator

    run = Generator.run

    async def leaving(self: Generator, *more: Any) -> None:
        await run(self, *more)
        async with httpx.AsyncClient(base_url=url) as client:
            given = {"client_id": "load", "client_secret": "a-secret-of-mine"}
            given["grant_type"] = "client_credentials"
            token = (await client.post("/oauth/token", data=given)).json()["access_token"]
            client.headers["Authorization"] = f"Bearer {token}"
            placed = await client.post("/mock/calls", json={"extension": "341", "from": "+7"})
            assert placed.is_success, placed.text

    monkeypatch.setattr(Generator, "run", leaving)
    with served_mock() as url:
        targets(folder, url)
        assert load(*WORDS, "--json", "l.json") == 1
    (left,) = read_report("l.json").checks.leaks
    assert left.endswith("at 341")
    assert f"1 left behind: {left}" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("allow", "said"),
    [
        ("max_calls: 5", "the target 'served' does not allow load"),
        ("max_calls: 5, load: false", "the target 'served' does not allow load"),
        ("load: true", "does not say how many calls may be up at once"),
    ],
)
def test_a_target_that_forbids_load_is_not_touched(
    folder: Path, allow: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    targets(folder, "http://127.0.0.1:9", allow)
    assert load(*WORDS) == 3
    assert said in capsys.readouterr().err


def test_a_protected_target_needs_its_host_named(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    targets(folder, "https://pbx.example.com")
    assert load(*WORDS) == 3
    assert "add --allow-protected pbx.example.com" in capsys.readouterr().err


def test_the_built_in_mock_has_no_real_time(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert (folder / "park.scenario.yaml").exists()
    assert load(*WORDS) == 3
    assert "load needs real time, and the built-in mock has none" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--rate", "0/s"], "nothing can arrive at a rate of 0/s"),
        (["--rate", "fast"], "'fast' is not a rate"),
        (["--for", "0s"], "'0s' is not a time"),
        (["--for", "10"], "'10' is not a time"),
        (["--warm-up", "soon"], "'soon' is not a time"),
        (["--think", "3s..1s"], "ends before it begins"),
        (["--slo", "prak p99 < 1s"], "'prak' is not an action; did you mean 'park'?"),
        (["--slo", "park p99"], "'park p99' is not an objective"),
        (["--weight", "park.scenario.yaml"], "is not FILE=WEIGHT"),
        (["--weight", "prak.scenario.yaml=2"], "did you mean 'park.scenario.yaml'?"),
        (["--abort-errors", "often"], "'often' is not a share"),
        (["--abort-errors", "0%"], "'0%' is not a share"),
        (["--compare", "nowhere.json"], "nowhere.json can't be read"),
        (["--json", "nowhere/l.json"], "nowhere/l.json"),
        (["--json", "l", "--html", "l"], "named for two reports"),
        (["--json", "park.scenario.yaml"], "park.scenario.yaml is read"),
        (["--html", "scenario-targets.yaml"], "scenario-targets.yaml is read"),
    ],
)
def test_bad_input_dials_nothing(
    folder: Path, words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        targets(folder, f"http://127.0.0.1:{listening.getsockname()[1]}")
        assert load(*WORDS, *words) == 3
        listening.settimeout(0)
        with pytest.raises(BlockingIOError):
            listening.accept()
    assert said in capsys.readouterr().err


def test_a_scenario_that_the_target_can_not_run(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    more = PARK.replace("slots: [slot]", f"slots: [slot, {', '.join(f's{n}' for n in range(30))}]")
    (folder / "more.scenario.yaml").write_text(more)
    with served_mock() as url:
        targets(folder, url)
        assert load("more.scenario.yaml", "--rate", "1/s", "--for", "1s") == 3
    assert "can't run on served: it needs 31 slots" in capsys.readouterr().err


def test_objectives_of_a_scenario_are_about_itself(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    slos = 'slo: ["park p50 < 10s", "bridge p50 < 1h", "blocked < 100%"]\n'
    (folder / "park.scenario.yaml").write_text(PARK + slos)
    (folder / "other.scenario.yaml").write_text(PARK.replace("Park", "Other", 1))
    with served_mock() as url:
        targets(folder, url)
        assert load(*WORDS, "other.scenario.yaml", "--json", "l.json") == 1
    shown = capsys.readouterr().out
    assert "✓ park p50 < 10s (park.scenario.yaml::Park)" in shown
    judged = {one.objective: one for one in read_report("l.json").objectives}
    assert len(judged) == 3
    blocked = judged["blocked < 100% (park.scenario.yaml::Park)"]
    assert read_report("l.json").tally.arrived > int(blocked.value.split()[-1].rstrip(")"))
