"""Runs scenarios on a Dask cluster: batches of the in-process mock, or single ones on a real PBX.

    suite ──batches──▶ tasks ──▶ workers ──events, encoded──▶ in order, as from one process
    leases (here) ──one scenario, bound──▶ task ──claim, journal──▶ allowed here ──▶ dialled there

Dask runs a task again where a worker is lost, and can't know what the lost one had done by then.
So whoever dials asks first, and is allowed only while no earlier execution has placed anything.
"""

from __future__ import annotations

import asyncio
import pickle
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from itertools import count
from threading import Event as Flag
from threading import Lock, Thread
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from distributed import Client, Queue

from scenario_runner.errors import ScenarioRunnerError, UsageError
from scenario_runner.events import Verdict, decode_lines
from scenario_runner.execution.cleanup import undo
from scenario_runner.execution.cluster_worker import (
    RunPlugin,
    Share,
    WorkSetup,
    problem_of,
    run_batch,
    run_share,
    stop_work,
)
from scenario_runner.execution.options import Stop, unheard
from scenario_runner.execution.selection import report_unrun
from scenario_runner.loading.suite import Suite
from scenario_runner.pbx.commands import PlaceCall
from scenario_runner.pbx.journal import FOLDER, Journal
from scenario_runner.pbx.protocol import CallIds
from scenario_runner.reporters.text import count_text
from scenario_runner.version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from distributed import Future as Task

    from scenario_runner.engine.run import RunContext
    from scenario_runner.events import Event
    from scenario_runner.execution.batches import BatchRun
    from scenario_runner.execution.cluster_worker import ShareRun
    from scenario_runner.execution.network import NetworkRun
    from scenario_runner.execution.options import RunOptions
    from scenario_runner.execution.results import Results
    from scenario_runner.execution.targets import ClusterChoice
    from scenario_runner.language.scenario import Scenario
    from scenario_runner.language.target import Target
    from scenario_runner.pbx.drivers import Context
    from scenario_runner.pbx.protocol import Connection


_CONNECT = 5.0
"""How long a scheduler may take to answer, in seconds."""

_LOOK = 1.0
"""How often the status of the cluster is asked for, in seconds."""

_VERSION = "__import__('scenario_runner.version', fromlist=['']).__version__"


class Cluster:
    """A connection to a Dask scheduler whose workers take part in a run."""

    def __init__(self, client: Client, setup: WorkSetup) -> None:
        self._client = client
        self._setup = setup
        self._keys = count(1)
        self._over = False
        self._joined: set[str] = set()
        self._again = 0

    @property
    def run(self) -> str:
        """What the run is called on the cluster."""
        return self._setup.run

    @property
    def client(self) -> Client:
        """The connection."""
        return self._client

    def workers(self) -> list[str]:
        """Return the addresses of the workers."""
        return sorted(self._client.nthreads())

    def threads(self) -> int:
        """Return how many scenarios the workers run at once."""
        return sum(self._client.nthreads().values())

    def describe(self) -> str:
        """Say what the cluster is."""
        threads = self._client.nthreads()
        self._joined |= threads.keys()
        workers = count_text(len(threads), "worker")
        address = self._client.scheduler.address
        return f"cluster {address}: {workers}, {sum(threads.values())} scenarios at once"

    def ran_again(self) -> None:
        """Count a scenario that runs again, since its worker was lost."""
        self._again += 1

    def status(self) -> str:
        """Say how many workers there are, how many were lost, and what ran again."""
        with suppress(Exception):
            workers = self._client.nthreads().keys()
            self._joined |= workers
            losses = self._losses(len(self._joined - workers))
            return ", ".join([f"cluster: {count_text(len(workers), 'worker')}", *losses])
        return "cluster: the scheduler does not answer"

    def losses(self) -> str:
        """Say how many workers were lost since `describe`, and what ran again; empty if none."""
        with suppress(Exception):  # without a scheduler nobody knows
            lost = len(self._joined - self._client.nthreads().keys())
            return f"cluster: {', '.join(self._losses(lost))}" if lost else ""
        return ""

    def _losses(self, lost: int) -> list[str]:
        said = [f"{count_text(lost, 'worker')} lost"] if lost else []
        again = [f"{count_text(self._again, 'scenario')} ran again"] if self._again else []
        return said + again

    @property
    def alive(self) -> bool:
        """Whether the scheduler still answers."""
        return bool(self._client.status == "running")

    def submit(self, function: Callable[[str, bytes], Any], work: object) -> Future[Any]:
        """Have a function of `cluster_worker` run on some worker."""
        number = next(self._keys)
        task = self._client.submit(
            function, self._setup.plugin, pickle.dumps(work), key=f"{self.run}-{number}", pure=False
        )
        return _bridged(task)

    def each(self, function: Callable[..., Any], *more: object) -> dict[str, Any]:
        """Have every worker call a function, once: no worker does it for one that is lost.

        Returns what came of it by the address of the worker, where it was raised an exception.
        Raises ScenarioRunnerError where the scheduler is gone.
        """
        try:
            done = self._client.run(function, self._setup.plugin, *more, on_error="return")
        except (OSError, TimeoutError, RuntimeError) as error:
            raise ScenarioRunnerError(f"the cluster is gone: {_one_line(error)}") from None
        return dict(done)

    def stop(self) -> None:
        """Have every worker end after the cleanups of what it is running."""
        with suppress(OSError, TimeoutError):
            self._client.run(stop_work, self._setup.plugin)

    def let_go(self) -> None:
        """End the workers' part in the run, after their cleanups."""
        with suppress(Exception):  # the scheduler may be gone; the workers then end by themselves
            if self.alive and not self._over:
                self._over = True
                self._client.unregister_worker_plugin(self._setup.plugin)

    def close(self) -> None:
        """End the workers' part, and the connection."""
        self.let_go()
        self._client.close(timeout=2)


def _bridged(task: Task[Any]) -> Future[Any]:
    """Return a task as a future of the standard library; one that was lost is BrokenProcessPool."""
    future: Future[Any] = Future()

    def take(task: Task[Any]) -> None:
        try:
            future.set_result(task.result())
        except ScenarioRunnerError as error:
            future.set_exception(error)
        except BaseException as error:  # noqa: BLE001 -- whatever it is, there is no result
            future.set_exception(BrokenProcessPool(_one_line(error)))

    task.add_done_callback(take)
    return future


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__


@contextmanager
def joined(choice: ClusterChoice, options: RunOptions, context: Context) -> Iterator[Cluster]:
    """Connect to a cluster and make its workers part of a run, for as long as the block lasts.

    Raises UsageError where there is no scheduler or no worker, where versions differ, and where a
    worker can't make the target.
    """
    setup = WorkSetup(
        run=uuid4().hex[:12], recipe=choice.recipe, seed=options.seed, insecure=context.insecure
    )
    client = _connected(choice.address)
    cluster = Cluster(client, setup)
    try:
        _refuse_other_versions(client)
        _register(client, setup)
        context.announce(cluster.describe())
        with _watched(cluster, choice.status):
            yield cluster
        if said := cluster.losses():
            context.announce(said)
    finally:
        cluster.close()


@contextmanager
def _watched(cluster: Cluster, show: Callable[[str], None]) -> Iterator[None]:
    """Show the status of a cluster again and again, as long as the block lasts."""
    over = Flag()

    def watch() -> None:
        while not over.wait(_LOOK):
            show(cluster.status())

    thread = Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(_LOOK)  # one that waits for a scheduler that is gone is left behind


def _connected(address: str) -> Client:
    try:
        return Client(address, timeout=_CONNECT, set_as_default=False)
    except (OSError, ValueError, TypeError, ImportError, TimeoutError) as error:
        raise UsageError(
            f"no Dask scheduler answers at {address}: {_one_line(error)}",
            hint="start one: dask scheduler; its address looks like tcp://10.0.0.5:8786",
        ) from None


def _refuse_other_versions(client: Client) -> None:
    workers = client.run(eval, _VERSION, on_error="return")
    if not workers:
        raise UsageError(
            "the cluster has no worker", hint="start some: dask worker tcp://SCHEDULER:8786"
        )
    versions = {f"the worker {name}": version for name, version in workers.items()}
    try:
        versions["the scheduler"] = client.run_on_scheduler(eval, _VERSION)
    except ImportError as error:
        versions["the scheduler"] = error
    for who, version in versions.items():
        if version != __version__:
            has = "no scenario-runner" if isinstance(version, Exception) else version
            raise UsageError(
                f"{who} has {has}, and here is scenario-runner {__version__}",
                hint="install the same there, from a checkout: pip install '.[dask]'",
            )


def _register(client: Client, setup: WorkSetup) -> None:
    try:
        client.register_plugin(RunPlugin(setup))
    except Exception as error:
        # Dask passes on what it could not unpickle as an Exception with the text of the real one.
        if not isinstance(error, ImportError) and "ModuleNotFoundError" not in str(error):
            raise
        raise UsageError(
            f"a worker lacks what the target needs: {_one_line(error)}",
            hint="install the package with the driver on every worker",
        ) from None
    for name, problem in client.run(problem_of, setup.plugin).items():
        if problem:
            raise UsageError(f"the worker {name} can't take part: {problem}", hint=_OWN)


_OWN = "a worker reads $env and $secret from its own environment, where it was started"


class ClusterPool:
    """Workers of a cluster for the batches of `workers.WorkersRun`."""

    def __init__(self, cluster: Cluster, options: RunOptions) -> None:
        self.cluster = cluster
        # The environment holds secrets, and so may the command line that repeats a run.
        self._options = replace(options, environment={}, stop=Stop(), live=unheard, rerun="")
        self._running: set[Future[BatchRun]] = set()

    def submit(self, scenarios: Suite) -> Future[BatchRun]:
        """Have a batch run."""
        future = self.cluster.submit(run_batch, (self._options, scenarios))
        self._running.add(future)
        future.add_done_callback(self._running.discard)
        return future

    def restart(self) -> None:
        """Go on with the workers that are left; raises ScenarioRunnerError without a scheduler."""
        if not self.cluster.alive:
            raise ScenarioRunnerError(
                "the scheduler of the cluster is gone", hint="the rest of the scenarios did not run"
            )

    def stop(self) -> None:
        """Have every worker end after the cleanup of the scenario that it is running."""
        self.cluster.stop()

    def leave(self) -> None:
        """End at once; workers clean up by themselves."""

    def close(self) -> None:
        """End everything that still runs."""
        if self._running:
            self.cluster.stop()


# Scenarios on a real PBX


@dataclass(slots=True)
class _Claim:
    key: str
    worker: str
    placed: bool = False


class Claims:
    """Which execution of a scenario may dial, and what each worker has placed.

    The newest may, and only where no earlier one has placed anything; the token that it gets is
    void as soon as there is a newer one, or its worker is taken for lost. Once `stopped`, none may.
    """

    def __init__(self, journal: Callable[[], Journal], ran_again: Callable[[], None]) -> None:
        self._new_journal = journal
        self._ran_again = ran_again
        self._lock = Lock()
        self._tokens = count(1)
        self._claims: dict[int, _Claim] = {}
        self._current: dict[str, int] = {}
        self._journals: dict[str, Journal] = {}
        self._placings: dict[tuple[str, str], str] = {}
        self._lost: list[str] = []
        self.stopped = False

    def take(self, note: dict[str, Any]) -> int:
        """Take a note of a worker, and return the answer: 0 for no."""
        with self._lock:
            match note:
                case {"note": "claim", "key": str(key), "worker": str(worker)}:
                    return self._claim(key, worker)
                case {"note": "calling", "token": int(token), "worker": str(worker)}:
                    return self._calling(token, worker, note)
                case {"worker": str(worker)} if worker not in self._lost:
                    self._noted(worker, note)
                    return 1
                case _:
                    return 0

    def _claim(self, key: str, worker: str) -> int:
        earlier = self._claims.get(self._current.get(key, 0))
        if earlier is not None and earlier.worker != worker:
            self._lose(earlier.worker)
        placed = earlier is not None and earlier.placed
        if self.stopped or placed or worker in self._lost:
            return 0
        if earlier is not None:
            self._ran_again()
        token = next(self._tokens)
        self._claims[token] = _Claim(key, worker)
        self._current[key] = token
        return token

    def _calling(self, token: int, worker: str, note: dict[str, Any]) -> int:
        claim = self._claims.get(token)
        if claim is None or self._current.get(claim.key) != token or worker in self._lost:
            return 0
        claim.placed = True
        call = PlaceCall(extension=note["extension"], flow=note["flow"], party=note["party"])
        self._placings[worker, note["placing"]] = self._journal(worker).calling(call)
        return 1

    def _noted(self, worker: str, note: dict[str, Any]) -> None:
        journal = self._journal(worker)
        match note:
            case {"note": "chosen", "call": str(call), "channels": list(channels)}:
                journal.chosen(self._placings.get((worker, call), call), tuple(channels))
            case {"note": "called", "placing": str(placing), "ids": dict(ids)}:
                journal.called(self._placings.pop((worker, placing)), CallIds(**ids))
            case {"note": "refused", "placing": str(placing)}:
                journal.refused(self._placings.pop((worker, placing)))
            case {"note": "ended", "uuid": str(uuid)}:
                journal.ended(uuid)
            case {"note": "watching", "path": str(path), "url": str(url)}:
                journal.watching(path, url)
            case {"note": "unwatched", "path": str(path), "url": str(url)}:
                journal.unwatched(path, url)

    def _journal(self, worker: str) -> Journal:
        if worker not in self._journals:
            self._journals[worker] = self._new_journal()
        return self._journals[worker]

    def _lose(self, worker: str) -> None:
        if worker not in self._lost:
            self._lost.append(worker)

    def lose_whoever_has(self, key: str) -> None:
        """Take the worker for lost that claimed a scenario last, if any did."""
        with self._lock:
            claim = self._claims.get(self._current.get(key, 0))
            if claim is not None:
                self._lose(claim.worker)

    def left_by_lost(self) -> list[Path]:
        """Close the journals of workers that are lost; return those in which something is left."""
        with self._lock:
            return [file for worker in self._lost if (file := self._closed(worker)) is not None]

    def close(self) -> list[Path]:
        """Close all journals; return those in which something is left."""
        with self._lock:
            files = [self._closed(worker) for worker in list(self._journals)]
            return [file for file in files if file is not None]

    def _closed(self, worker: str) -> Path | None:
        journal = self._journals.pop(worker, None)
        return None if journal is None or journal.close() else journal.file


class _Notes:
    """Answers what workers ask, in a thread, until it is closed."""

    def __init__(self, cluster: Cluster, claims: Claims) -> None:
        self._client = cluster.client
        self._queue = Queue(f"{cluster.run}-notes", client=self._client)
        self._answers: dict[str, Queue] = {}
        self._claims = claims
        self._thread = Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        with suppress(Exception):  # the scheduler is gone, and with it whoever would ask
            while (note := self._queue.get()) is not None:
                answer = self._claims.take(note)
                if note["ask"]:
                    self._answer(note["worker"]).put(answer)

    def _answer(self, worker: str) -> Queue:
        if worker not in self._answers:
            self._answers[worker] = Queue(worker, client=self._client)
        return self._answers[worker]

    def close(self) -> None:
        """Take what was sent so far, and end."""
        with suppress(Exception):
            self._queue.put(None, timeout=2)
        self._thread.join(5)


@dataclass(slots=True, kw_only=True)
class ClusterRun:
    """A run in real time whose scenarios are tasks, each with what was leased for it here."""

    network: NetworkRun
    cluster: Cluster
    target: Target
    context: Context
    folder: Path = FOLDER
    claims: Claims = field(init=False)
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))
    _undoing: asyncio.Lock = field(default_factory=asyncio.Lock)
    _stopped: bool = False

    def __post_init__(self) -> None:
        self.claims = Claims(
            lambda: Journal(self.folder, self.target.name, self.target.host, self.context.mask),
            self.cluster.ran_again,
        )

    def run(self, scenarios: Suite, results: Results) -> None:
        """Run the scenarios; Ctrl-C ends the run after the cleanups of those that are running."""
        jobs = self.network.options.jobs or self.cluster.threads()
        options = replace(self.network.options, jobs=jobs)
        network = replace(self.network, options=options, execute=self.execute)
        with self._serving():
            network.run(scenarios, results)

    @contextmanager
    def _serving(self) -> Iterator[None]:
        """Answer the workers as long as the block lasts; afterwards say what may be left."""
        notes = _Notes(self.cluster, self.claims)
        try:
            yield
        finally:
            notes.close()
            if self.claims.close():
                self.context.notice(
                    "left-behind",
                    f"something of this run may be left on the target {self.target.name}",
                    f"scenario-runner cleanup --target {self.target.name} undoes it",
                )

    async def execute(
        self,
        scenario: Scenario,
        connection: Connection,
        conditions: RunContext,
        emit: Callable[[Event], None],
    ) -> Verdict:
        """Run a scenario on some worker; what it emits is emitted here when it is over."""
        del connection
        key = f"{self.cluster.run}-{next(self._numbers)}"
        (bare,) = Suite(((scenario,),)).parcel([0])
        share = Share(key, bare, conditions.seed, conditions.attempt, conditions.leased)
        running = asyncio.ensure_future(asyncio.wrap_future(self.cluster.submit(run_share, share)))
        try:
            ran = await asyncio.shield(running)
        except asyncio.CancelledError:
            await self._interrupted(running, emit)
            raise
        except (BrokenProcessPool, ScenarioRunnerError) as error:
            self.claims.lose_whoever_has(key)
            return await self._lost(scenario, f"it was lost on the cluster: {error}", emit)
        return await self._taken(scenario, ran, emit)

    async def _taken(
        self, scenario: Scenario, ran: ShareRun, emit: Callable[[Event], None]
    ) -> Verdict:
        for notice in ran.notices:
            self.context.warn(notice)
        if ran.verdict is None:
            return await self._lost(scenario, ran.problem, emit)
        for event in decode_lines(ran.events):
            emit(event)
        return ran.verdict

    async def _lost(
        self, scenario: Scenario, reason: str, emit: Callable[[Event], None]
    ) -> Verdict:
        """Report a scenario as errored, after what its worker left was undone."""
        async with self._undoing:
            left = frozenset(await asyncio.to_thread(self.claims.left_by_lost))
            for undone in await self._undone(left) if left else ():
                self.context.notice("worker-lost", f"a worker was lost: {undone}")
        reported: list[Event] = []
        verdict = report_unrun(scenario, Verdict.ERRORED, reason, reported.append)
        for event in reported:
            emit(self.context.mask.event(event))
        return verdict

    async def _undone(self, left: frozenset[Path]) -> list[str]:
        try:
            done = await undo(self.target, self.context, self.folder, left)
        except ScenarioRunnerError as error:
            return [f"what it placed can't be undone: {error.message}"]
        return [one.message for one in done]

    async def _interrupted(
        self, running: asyncio.Future[ShareRun], emit: Callable[[Event], None]
    ) -> None:
        """Stop everything on the cluster once, and pass on how this scenario ended."""
        if not self._stopped:
            self._stopped = self.claims.stopped = True
            await asyncio.to_thread(self.cluster.stop)
        with suppress(BrokenProcessPool, ScenarioRunnerError):
            for event in decode_lines((await running).events):
                emit(event)
