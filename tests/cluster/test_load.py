"""Load from the workers of a Dask cluster, each a generator of its own process."""

from __future__ import annotations

import os
import pickle
import signal
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

pytest.importorskip("distributed", reason="NOT CHECKED ON A CLUSTER: distributed is not installed")

from scenario_runner.cli import scenario_runner
from scenario_runner.cli.exit_codes import exit_code_of
from scenario_runner.execution import cluster
from scenario_runner.execution.cluster_worker import Work, WorkSetup
from scenario_runner.execution.options import Stop
from scenario_runner.execution.targets import TargetRecipe
from scenario_runner.loadtest import cluster_worker
from scenario_runner.loadtest.arrivals import Rate, Schedule
from scenario_runner.loadtest.generator import GeneratorOptions
from scenario_runner.loadtest.measuring import Share
from scenario_runner.loadtest.report import read_report
from scenario_runner.mock_pbx import PROFILES
from tests.cluster.processes import SECRET, PbxLog, Processes
from tests.http.serving import served_mock
from tests.load.virtual import suite_of

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.cluster

IDS = ", ".join(f'"{n}": {PROFILES["vendor"].extension_id(n)}' for n in range(341, 361))
PARK = """
scenario: Park
needs: {slots: [slot], extensions: [desk]}
steps:
  - call: {as: customer, extension: $desk, from: "+78120000443"}
  - park: {call: customer, slot: $slot}
    expect: {refused: none}
  - wait: WAIT
"""
TARGETS = """
default: served
targets:
  served:
    driver: ringme
    url: {url}
    client_id: load
    client_secret: $secret.PBX_SECRET
    calls: control
    slots: 1-20
    extensions: {{{ids}}}
    allow: {{load: true, max_calls: {calls}}}
"""
WORDS = ("x.scenario.yaml", "--arrivals", "constant", "--max-lag", "10s", "--json", "l.json")


@pytest.fixture(scope="module")
def processes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Processes]:
    started = Processes(tmp_path_factory.mktemp("cluster"))
    try:
        started.start_scheduler()
        started.start_workers()
        yield started
    finally:
        started.stop()


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[PbxLog]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PBX_SECRET", SECRET)
    (tmp_path / "x.scenario.yaml").write_text(PARK.replace("WAIT", "10ms"))
    log = PbxLog()
    with served_mock(log=log) as url:
        text = TARGETS.format(url=url, ids=IDS, calls=30)
        (tmp_path / "scenario-targets.yaml").write_text(text)
        yield log


def load(processes: Processes, *words: str) -> int:
    line = ["load", *WORDS, "--cluster", processes.address, *words]
    return exit_code_of(lambda: scenario_runner.main(line, standalone_mode=False))


def test_three_generators_make_one_report(
    processes: Processes, log: PbxLog, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = load(processes, "--rate", "30/s", "--for", "2s")
    shown = capsys.readouterr()
    assert code == 0, shown
    report = read_report("l.json")
    assert report.plan.generators == 3
    assert report.tally.passed == report.tally.arrived == log.parks == 60
    assert report.checks.placed == 60
    assert [moment.rate for moment in report.moments] == [30, 30]
    row = report.row("park")
    assert row is not None
    assert row.count == 60
    assert log.overlaps == []
    assert log.slots == {}
    assert "3 workers" in shown.err
    assert "3 generators" in shown.out
    assert SECRET not in shown.out + shown.err
    assert not list(tmp_path.rglob(".scenario-runner/journal/*"))
    assert not list(processes.folder.rglob(".scenario-runner/journal/*"))


def test_ctrl_c_ends_all_generators_after_their_cleanups(
    processes: Processes, log: PbxLog, tmp_path: Path
) -> None:
    (tmp_path / "x.scenario.yaml").write_text(PARK.replace("WAIT", "1m"))

    def press() -> None:
        assert log.parked.wait(30)
        os.kill(os.getpid(), signal.SIGINT)

    presser = threading.Thread(target=press)
    presser.start()
    code = load(processes, "--rate", "5/s", "--for", "1m")
    presser.join()
    report = read_report("l.json")
    assert code == 130
    assert report.interrupted
    assert report.checks.leaks == []
    assert log.slots == {}


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (("max_calls: 30", "max_calls: 2"), "max_calls is less than one call for each of 3"),
        (
            ("slots: 1-20", "slots: 1-2"),
            "'Park' can't run on each of 3 generators: it",
        ),
        (("slot: $slot", "slot: 6"), "'Park' can't run on 3 generators at once: it names"),
        (("needs: {", "needs: {alone: true, "), "it wants the target alone"),
    ],
)
def test_what_several_generators_can_not_share(
    edit: tuple[str, str],
    said: str,
    processes: Processes,
    log: PbxLog,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name in ("scenario-targets.yaml", "x.scenario.yaml"):
        Path(name).write_text(Path(name).read_text().replace(*edit))
    assert load(processes, "--rate", "5/s", "--for", "1s") == 3
    assert said in capsys.readouterr().err
    assert log.parks == 0


def test_a_scheduler_that_does_not_answer(
    log: PbxLog, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster, "_CONNECT", 0.2)
    line = ["load", *WORDS, "--rate", "5/s", "--for", "1s", "--cluster", "tcp://127.0.0.1:9"]
    assert exit_code_of(lambda: scenario_runner.main(line, standalone_mode=False)) == 3
    assert "no Dask scheduler answers at tcp://127.0.0.1:9" in capsys.readouterr().err
    assert log.parks == 0


def share() -> Share:
    options = GeneratorOptions(environment={"PBX_SECRET": SECRET}, max_calls=7)
    schedule = Schedule(rate=Rate(1, 1), duration=1)
    suite = suite_of(PARK.replace("WAIT", "10ms"))
    return Share(suite=suite, schedule=schedule, weights={}, options=options)


def test_no_secret_is_in_a_share() -> None:
    part = share().part(1, 3)
    assert (part.options.part, part.options.parts, part.options.max_calls) == (1, 3, 2)
    assert SECRET.encode() not in pickle.dumps(part)


def test_a_generator_ends_that_nobody_asks_any_more(monkeypatch: pytest.MonkeyPatch) -> None:
    now, stop = 1000.0, Stop()
    monkeypatch.setattr(cluster_worker, "monotonic", lambda: now)
    work = Work(WorkSetup(run="x", recipe=TargetRecipe(name="mock")), Any)
    part = cluster_worker._Part(work, share().part(0, 1))
    tick = part._tick(stop)
    now += cluster_worker.UNASKED
    tick(1)
    assert pickle.loads(part.look())[0] == 1
    now += cluster_worker.UNASKED
    tick(2)
    assert not stop.wished()
    now += 1
    tick(3)
    assert stop.wished()


def test_a_generator_that_is_lost_is_not_replaced(
    processes: Processes, log: PbxLog, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The last one: afterwards there are two workers."""
    (tmp_path / "x.scenario.yaml").write_text(PARK.replace("WAIT", "1s"))

    def kill() -> None:
        for _ in processes.workers:  # arrivals go round, so that each has parked a call then
            assert log.parked.wait(30)
            log.parked.clear()
        processes.workers[0].kill()

    killer = threading.Thread(target=kill)
    killer.start()
    code = load(processes, "--rate", "15/s", "--for", "1s")
    killer.join()
    report = read_report("l.json")
    assert code == 4
    assert "was lost" in report.aborted
    assert report.checks.leaks
    assert "broken off: the generator on tcp://" in capsys.readouterr().out
