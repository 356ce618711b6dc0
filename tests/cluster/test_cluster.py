"""Runs on a Dask cluster: a scheduler and three workers, each a process of its own."""

from __future__ import annotations

import base64
import os
import pickle
import signal
import threading
from contextlib import contextmanager
from dataclasses import replace
from importlib.metadata import EntryPoint, EntryPoints
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

pytest.importorskip("distributed", reason="NOT CHECKED ON A CLUSTER: distributed is not installed")

from scenario_runner.cli import scenario_runner
from scenario_runner.cli.exit_codes import exit_code_of
from scenario_runner.events import Event, RunFinished, ScenarioFinished, Warned, without_real_time
from scenario_runner.execution import cluster
from scenario_runner.execution.cluster import ClusterPool
from scenario_runner.execution.cluster_worker import WorkSetup
from scenario_runner.execution.options import RunOptions, Stop
from scenario_runner.execution.run import RunRequest, gather, run_whole
from scenario_runner.execution.targets import TargetChoice, choose, cluster_choice
from scenario_runner.mock_pbx import PROFILES
from scenario_runner.pbx import drivers
from scenario_runner.pbx.drivers import Context
from tests.cluster.processes import SECRET, PbxLog, Processes
from tests.http.serving import served_mock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = pytest.mark.cluster

IDS = ", ".join(f'"{n}": {PROFILES["vendor"].extension_id(n)}' for n in range(341, 361))
TARGETS = """
default: served
targets:
  served:
    driver: ringme
    url: {url}
    client_id: cluster
    client_secret: {secret}
    calls: control
    slots: 1-5
    extensions: {{{ids}}}
"""
PARK = """
scenario: Park
matrix: {{n: {rows}}}
needs: {{slots: [slot], extensions: [desk]}}
steps:
  - call: {{as: customer, extension: $desk, from: "+7812000$n"}}
  - park: {{call: customer, slot: $slot}}
    expect: {{refused: none}}
  - wait: {wait}
"""


@pytest.fixture(scope="module")
def processes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Processes]:
    started = Processes(tmp_path_factory.mktemp("cluster"))
    try:
        started.start_scheduler()
        yield started
    finally:
        started.stop()


@pytest.fixture
def workers(processes: Processes) -> Processes:
    """The same, with three workers."""
    missing = 3 - sum(worker.poll() is None for worker in processes.workers)
    if missing:
        processes.start_workers(missing)
    return processes


def test_a_scheduler_without_workers(
    processes: Processes, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "x.scenario.yaml").write_text(PARK.format(rows=[1], wait="10ms"))
    assert command(".", "--cluster", processes.address) == 3
    assert "the cluster has no worker" in capsys.readouterr().err


def command(*words: str) -> int:
    line = ["run", "--no-cache", *words]
    return exit_code_of(lambda: scenario_runner.main(line, standalone_mode=False))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PBX_SECRET", SECRET)
    return tmp_path


def run(
    path: str, address: str | None, choice: TargetChoice | None = None, **more: Any
) -> list[Event]:
    """Run scenarios, here or on a cluster, and return what was emitted."""
    events: list[Event] = []
    context = Context(announce=more.pop("announce", lambda _: None))
    chosen = choice or TargetChoice(paths=(path,))
    request = RunRequest(
        paths=(path,),
        options=RunOptions(environment=chosen.environment, **more),
        target=choose(chosen, context.mask),
        context=context,
        cluster=None if address is None else cluster_choice(address, chosen),
    )
    run_whole(request, events.append)
    return [without_real_time(event) for event in events]


@pytest.mark.parametrize(
    "options",
    [{}, {"seed": 7, "shuffle": True, "repeat": 2}, {"all_orders": 3}, {"fail_fast": True}],
)
def test_the_events_are_those_of_one_process(
    workers: Processes, folder: Path, options: dict[str, Any]
) -> None:
    rows = PARK.format(rows=list(range(60)), wait="1s").replace("0$n", "$n")
    (folder / "x.scenario.yaml").write_text(rows + '  - check: {that: $n, not: "41"}\n')
    assert run(".", workers.address, **options) == run(".", None, **options)


@contextmanager
def parking(folder: Path, rows: int, wait: str = "10ms") -> Iterator[tuple[TargetChoice, PbxLog]]:
    """Serve a mock that keeps a log, and write scenarios that park there."""
    log = PbxLog()
    (folder / "x.scenario.yaml").write_text(PARK.format(rows=list(range(rows)), wait=wait))
    with served_mock(log=log) as url:
        text = TARGETS.format(url=url, ids=IDS, secret="$secret.PBX_SECRET")
        (folder / "scenario-targets.yaml").write_text(text)
        yield TargetChoice(paths=(".",), environment={"PBX_SECRET": SECRET}), log


def finished(events: list[Event]) -> list[ScenarioFinished]:
    return [event for event in events if isinstance(event, ScenarioFinished)]


def left(folder: Path) -> list[Path]:
    """The journals in which something is left, here and on the workers."""
    return list(folder.rglob(".scenario-runner/journal/*"))


def test_no_two_workers_meet_on_a_slot(workers: Processes, folder: Path) -> None:
    with parking(folder, 100) as (choice, log):
        events = run(".", workers.address, choice)
    assert [one.verdict for one in finished(events)] == ["passed"] * 100
    assert log.parks == 100
    assert log.overlaps == []
    assert log.slots == {}
    assert left(folder) == left(workers.folder) == []


def in_thread(work: Callable[[], object]) -> threading.Thread:
    thread = threading.Thread(target=work)
    thread.start()
    return thread


def test_a_worker_that_is_killed_is_undone_and_its_scenario_errored(
    workers: Processes, folder: Path
) -> None:
    """Nobody but the client knows any more what the worker placed."""
    found: list[Event] = []
    shown: list[str] = []
    with parking(folder, 1, "1m") as (choice, log):
        thread = in_thread(
            lambda: found.extend(run(".", workers.address, choice, announce=shown.append))
        )
        assert log.parked.wait(30)
        (busy,) = workers.busy()
        os.kill(busy, signal.SIGKILL)
        thread.join(30)
        assert log.slots == {}
    (only,) = finished(found)
    assert only.verdict == "errored"
    assert "its worker was lost after it had placed calls" in only.reason
    (said,) = [
        event.message
        for event in found
        if isinstance(event, Warned) and event.code == "worker-lost"
    ]
    assert "was hung up" in said
    assert "3 workers, 6 scenarios at once" in shown[0]
    assert shown[-1] == "cluster: 1 worker lost"
    assert left(folder) == []
    (own,) = left(workers.folder)  # what the worker wrote on its own disk, before it dialled
    own.unlink()


def test_the_status_counts_workers_lost_ones_and_what_ran_again(
    workers: Processes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster, "_LOOK", 0.05)
    shown: list[str] = []
    changed = threading.Condition()

    def show(line: str) -> None:
        with changed:
            shown.append(line)
            changed.notify_all()

    def shows(line: str) -> bool:
        with changed:
            return changed.wait_for(lambda: shown[-1:] == [line], 30)

    choice = replace(cluster_choice(workers.address, TargetChoice()), status=show)
    with cluster.joined(choice, RunOptions(), Context(announce=lambda _: None)) as joined:
        assert shows("cluster: 3 workers")
        next(one for one in workers.workers if one.poll() is None).kill()
        assert shows("cluster: 2 workers, 1 worker lost")
        joined.ran_again()
        assert shows("cluster: 2 workers, 1 worker lost, 1 scenario ran again")


def test_ctrl_c_is_a_message_and_everything_is_cleaned_up(workers: Processes, folder: Path) -> None:
    stop = Stop()
    with parking(folder, 3, "1m") as (choice, log):
        found: list[Event] = []
        thread = in_thread(lambda: found.extend(run(".", workers.address, choice, stop=stop)))
        assert log.parked.wait(30)
        stop.wish()
        thread.join(30)
        assert log.slots == {}
    assert isinstance(found[-1], RunFinished)
    assert found[-1].interrupted
    assert left(folder) == left(workers.folder) == []


FORMS = {
    "raw": SECRET,
    "URL": quote(SECRET, safe=""),
    "base64": base64.b64encode(SECRET.encode()).decode().rstrip("="),
    "repr": repr(SECRET)[1:-1],
    "escaped": SECRET.encode("unicode_escape").decode(),
}


def test_no_secret_is_on_the_disk_of_scheduler_and_workers(
    workers: Processes, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with parking(folder, 3):
        failing = "  - check: {that: $secret.PBX_SECRET, equals: other}\n"
        with (folder / "x.scenario.yaml").open("a") as file:
            file.write(failing)
        assert command("-v", "-v", ".", "--cluster", workers.address) == 1
    shown = capsys.readouterr()
    texts = {**workers.texts(), "shown": (shown.out + shown.err).encode()}
    assert any("worker-0.log" in name for name in texts)
    for form, secret in FORMS.items():
        found = [name for name, text in texts.items() if secret.encode() in text]
        assert found == [], form


def test_no_secret_is_in_what_is_sent(folder: Path) -> None:
    with parking(folder, 1) as (choice, _):
        chosen = cluster_choice("tcp://127.0.0.1:1", choice)
        sent: list[object] = [WorkSetup(run="x", recipe=chosen.recipe)]
        options = RunOptions(environment={"PBX_SECRET": SECRET}, rerun=f"run --var x={SECRET}")
        sent.append(vars(ClusterPool(None, options)))  # type: ignore[arg-type]
        sent.append(gather(RunRequest(paths=(".",))).scenarios.parcel([0]))
    for one in sent:
        text = pickle.dumps(one)
        assert all(secret.encode() not in text for secret in FORMS.values())


def test_a_worker_without_the_variable_can_not_take_part(
    workers: Processes,
    folder: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with parking(folder, 1) as (_, log):
        file = folder / "scenario-targets.yaml"
        file.write_text(file.read_text().replace("PBX_SECRET", "ONLY_HERE"))
        monkeypatch.setenv("ONLY_HERE", SECRET)
        assert command(".", "--cluster", workers.address) == 3
        assert log.parks == 0
    said = capsys.readouterr().err
    assert "can't take part: the target 'served' needs the environment variable ONLY_HERE" in said


def test_a_secret_that_is_written_out_does_not_travel(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with parking(folder, 1) as (_, log):
        file = folder / "scenario-targets.yaml"
        file.write_text(file.read_text().replace("$secret.PBX_SECRET", "written-out"))
        assert command(".", "--cluster", "tcp://127.0.0.1:9") == 3
        assert log.parks == 0
    said = capsys.readouterr().err
    assert "scenario-targets.yaml:8:20: a secret that is written out would be sent" in said
    assert "written-out" not in said.replace("written out", "")


PIGEON = '''
from scenario_runner.language.settings import Settings
from scenario_runner.pbx.drivers import Driver


class PigeonSettings(Settings, frozen=True, kw_only=True):
    """A loft of pigeons."""


def opened(target, settings, context):
    raise AssertionError("nothing may be opened")


DRIVER = Driver("carrier-pigeon", PigeonSettings, opened)
'''


def test_a_plugin_that_the_workers_lack_is_named_before_anything_is_dialled(
    workers: Processes,
    folder: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (folder / "only_here_pigeon.py").write_text(PIGEON)
    monkeypatch.syspath_prepend(folder)
    entry = EntryPoint(name="carrier-pigeon", value="only_here_pigeon:DRIVER", group=drivers.GROUP)
    monkeypatch.setattr("importlib.metadata.entry_points", EntryPoints([entry]).select)
    (folder / "x.scenario.yaml").write_text(PARK.format(rows=[1], wait="10ms"))
    file = folder / "scenario-targets.yaml"
    file.write_text("targets: {loft: {driver: carrier-pigeon, protected: false}}\n")
    assert command(".", "--target", "loft", "--cluster", workers.address) == 3
    said = capsys.readouterr().err
    assert "pigeon" in said
    assert "install the package with the driver on every worker" in said


def test_another_version_is_refused(
    workers: Processes,
    folder: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(cluster, "__version__", "99.0")
    with parking(folder, 1) as (_, log):
        assert command(".", "--cluster", workers.address) == 3
        assert log.parks == 0
    assert "has 0.1.0, and here is scenario-runner 99.0" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--cluster", "tcp://127.0.0.1:9"], "no Dask scheduler answers at tcp://127.0.0.1:9"),
        (["--cluster", "nowhere://x"], "no Dask scheduler answers at nowhere://x"),
        (["--cluster", "tcp://127.0.0.1:9", "--workers", "2"], "leave out --workers"),
        (["--cluster", "tcp://127.0.0.1:9", "--step"], "leave out --step"),
    ],
)
def test_bad_input(
    words: list[str],
    said: str,
    folder: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(cluster, "_CONNECT", 0.2)
    (folder / "x.scenario.yaml").write_text(PARK.format(rows=[1], wait="10ms"))
    assert command(".", *words) == 3
    assert said in capsys.readouterr().err


def test_workers_clean_up_by_themselves_when_the_scheduler_is_gone(
    workers: Processes, folder: Path
) -> None:
    """The last one: afterwards there is no cluster."""
    found: list[Event] = []
    with parking(folder, 1, "1m") as (choice, log):
        thread = in_thread(lambda: found.extend(run(".", workers.address, choice)))
        assert log.parked.wait(30)
        log.ended.clear()
        assert workers.scheduler is not None
        workers.scheduler.kill()
        assert log.ended.wait(30)
        thread.join(60)
        for worker in workers.workers:
            worker.wait(60)
        assert log.slots == {}
    (only,) = finished(found)
    assert only.verdict == "errored"
    assert left(workers.folder) == []
