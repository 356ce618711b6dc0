"""What a Dask worker does for a run: batches on the in-process mock, scenarios on a real PBX.

Of secrets only the names come here; their values are read from the worker's own environment. A
scenario on a real PBX asks the client before it begins and before it dials, see `cluster.Claims`.
"""

from __future__ import annotations

import asyncio
import os
import pickle
import queue
import threading
import time
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, replace
from itertools import count
from typing import TYPE_CHECKING, Any, NamedTuple

from distributed import Client, Queue, WorkerPlugin, get_worker
from msgspec import structs

from scenario_runner.clock import LoopClock
from scenario_runner.engine.run import RunContext, execute
from scenario_runner.errors import InvalidFiles, PbxError, ScenarioRunnerError
from scenario_runner.events import encode_lines
from scenario_runner.execution.batches import BatchRun, BatchRunner, BatchSetup
from scenario_runner.execution.options import Stop
from scenario_runner.execution.targets import open_target
from scenario_runner.masking import Mask
from scenario_runner.pbx.drivers import Context, Notice

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from distributed import Worker

    from scenario_runner.events import Event, Verdict
    from scenario_runner.execution.targets import TargetRecipe
    from scenario_runner.language.scenario import Scenario
    from scenario_runner.language.target import Target
    from scenario_runner.pbx.commands import PlaceCall
    from scenario_runner.pbx.journal import Journaling
    from scenario_runner.pbx.protocol import CallIds, Connection


ANSWER = 20.0
"""How long a worker waits for the client's leave to dial, in seconds."""


_LAST = 5.0
"""How long its last notes may take, in seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkSetup:
    """What a worker has to know of a run; no secret and no variable of the environment is in it."""

    run: str
    recipe: TargetRecipe
    seed: int = 0
    insecure: bool = False

    @property
    def plugin(self) -> str:
        """What the plug-in of the run is called on each worker."""
        return f"scenario-runner-{self.run}"


class Share(NamedTuple):
    """A scenario to be run on a real PBX, and what the client leased for it."""

    key: str
    scenario: Scenario
    seed: int
    attempt: int
    leased: tuple[tuple[str, str], ...]


class ShareRun(NamedTuple):
    """What became of it: its events as lines of JSON; without a verdict `problem` says why."""

    events: bytes = b""
    verdict: Verdict | None = None
    problem: str = ""
    notices: tuple[Notice, ...] = ()


# Called by the client, or as tasks


def run_batch(plugin: str, parcel: bytes) -> BatchRun:
    """Run a batch on the mock in this process."""
    return _work(plugin).batch(parcel)


def run_share(plugin: str, share: bytes) -> ShareRun:
    """Run a scenario on the target."""
    return _work(plugin).share(share)


def problem_of(plugin: str, dask_worker: Worker) -> str:
    """Say why the worker can't take part, or nothing."""
    return work_of(plugin, dask_worker).problem


def stop_work(plugin: str, dask_worker: Worker) -> None:
    """End what runs here, after the cleanup of each scenario."""
    if plugin in dask_worker.plugins:  # not yet in one that is just joining
        work_of(plugin, dask_worker).stop()


def _work(name: str) -> Work:
    return _plugin(get_worker(), name).work


def work_of(plugin: str, dask_worker: Worker) -> Work:
    """Return the part of a run that a worker does."""
    return _plugin(dask_worker, plugin).work


def _plugin(worker: Worker, name: str) -> RunPlugin:
    plugin: RunPlugin = worker.plugins[name]
    return plugin


class RunPlugin(WorkerPlugin):
    """Makes a Dask worker one of a run, for as long as the run lasts, or the worker."""

    work: Work

    def __init__(self, setup: WorkSetup) -> None:
        self.name = setup.plugin
        self._setup = setup

    def setup(self, worker: Worker) -> None:
        """Take part; what keeps it from that is kept for `problem_of`."""
        self.work = Work(self._setup, worker)

    async def teardown(self, worker: Worker) -> None:
        """End after the cleanups: the run is over, or the worker is, perhaps without scheduler."""
        del worker
        await asyncio.to_thread(self.work.end)


class Work:
    """The part of a run that one worker does."""

    def __init__(self, setup: WorkSetup, worker: Worker) -> None:
        self._setup = setup
        self._worker = worker
        self._mask = Mask()
        self._stops: set[Stop] = set()
        self._lock = threading.Condition()
        self._stopped = False
        self._pbx: PbxWork | None = None
        self.problem = ""
        self._environment = dict(os.environ)
        try:
            self.target: Target = setup.recipe.target(self._environment, self._mask)
        except InvalidFiles as error:
            self.problem = self._mask.text(error.problems[0].message)
        except ScenarioRunnerError as error:
            self.problem = self._mask.text(error.message)

    def context(self, warn: Callable[[Notice], None]) -> Context:
        """Return what the target is opened with here."""
        return Context(
            mask=self._mask,
            seed=self._setup.seed,
            insecure=self._setup.insecure,
            announce=lambda line: warn(Notice("by-hand", line)),
            warn=warn,
        )

    @property
    def environment(self) -> Mapping[str, str]:
        """The variables with which the worker was started."""
        return self._environment

    def batch(self, parcel: bytes) -> BatchRun:
        """Run a batch of scenarios on the mock, in this thread."""
        options, scenarios = pickle.loads(parcel)
        with self.stoppable() as stop:
            setup = BatchSetup(
                target=self.target,
                options=replace(options, environment=self._environment, stop=stop),
                mask=self._mask,
                stopwatch=time.thread_time,
            )
            return BatchRunner(setup).run(scenarios)

    def share(self, share: bytes) -> ShareRun:
        """Run a scenario on the target, beside others of this worker; the thread waits for it."""
        if self.problem:
            return ShareRun(problem=self.problem)
        with self._lock:
            if self._stopped:
                return ShareRun(problem=_STOPPED)
            if self._pbx is None:
                self._pbx = PbxWork(self._setup, self.target, self._environment, self._mask)
                self._pbx.begin(self._worker)
        return self._pbx.run(pickle.loads(share))

    @contextmanager
    def stoppable(self) -> Iterator[Stop]:
        """Give the wish that ends what is done in the block; the worker leaves after its end."""
        stop = Stop()
        with self._lock:
            self._stops.add(stop)
            if self._stopped:
                stop.wish()
        try:
            yield stop
        finally:
            with self._lock:
                self._stops.discard(stop)
                self._lock.notify_all()

    def stop(self) -> None:
        """End what is running after the cleanups; begin nothing more."""
        with self._lock:
            self._stopped = True
            for stop in self._stops:
                stop.wish()
            if self._pbx is not None:
                self._pbx.stop()

    def end(self) -> None:
        """Stop, and wait until the cleanups are over and the target is closed."""
        self.stop()
        with self._lock:
            self._lock.wait_for(lambda: not self._stops)
        if self._pbx is not None:
            self._pbx.end()


_TOKEN: ContextVar[int] = ContextVar("token", default=0)
"""The claim of the scenario that runs in this task, or in one that it began."""


class PbxWork:
    """A connection to the target that all scenarios of this worker share, in a thread of its own.

    It is opened by the first scenario, and closed when the last has cleaned up.
    """

    def __init__(
        self, setup: WorkSetup, target: Target, environment: Mapping[str, str], mask: Mask
    ) -> None:
        self._setup = setup
        self._target = target
        self._environment = environment
        self._mask = mask
        self._notices: list[Notice] = []
        self._running: set[asyncio.Task[ShareRun]] = set()
        self._stopped = False
        self._loop = asyncio.new_event_loop()
        self._closing = asyncio.Event()
        self._opening: asyncio.Future[Connection] = self._loop.create_future()
        self._thread = threading.Thread(target=self._serve, name="scenario-runner")

    def begin(self, worker: Worker) -> None:
        """Open the target, without waiting for it."""
        self._worker = worker
        self._thread.start()

    def run(self, share: Share) -> ShareRun:
        """Run a scenario to its end; call it from another thread."""
        return asyncio.run_coroutine_threadsafe(self._counted(share), self._loop).result()

    def stop(self) -> None:
        """Cancel what runs: it cleans up."""
        with suppress(RuntimeError):  # the loop is closed, so nothing runs
            self._loop.call_soon_threadsafe(self._cancel)

    def end(self) -> None:
        """Close the target when nothing runs any more, and wait for that."""
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._closing.set)
        self._thread.join()
        self._link.close()

    def _cancel(self) -> None:
        self._stopped = True
        for task in self._running:
            task.cancel()

    def _serve(self) -> None:
        self._link = Link(self._setup.run, self._worker)
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._opened())

    async def _opened(self) -> None:
        context = Context(
            mask=self._mask,
            seed=self._setup.seed,
            insecure=self._setup.insecure,
            announce=lambda line: self._notices.append(Notice("by-hand", line)),
            warn=self._notices.append,
        )
        try:
            async with open_target(
                self._target,
                context,
                noting=lambda inner: ToldJournal(inner, self._link, self._mask),
            ) as connection:
                self._opening.set_result(connection)
                await self._closing.wait()
                while self._running:
                    await asyncio.wait(self._running)
        except ScenarioRunnerError as error:
            if not self._opening.done():
                self._opening.set_exception(error)
            await self._closing.wait()

    async def _counted(self, share: Share) -> ShareRun:
        if self._stopped:
            return ShareRun(problem=_STOPPED)
        task = asyncio.ensure_future(self._run(share))
        self._running.add(task)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            return ShareRun(problem=_STOPPED)
        except ScenarioRunnerError as error:
            return ShareRun(problem=self._mask.text(error.message))
        finally:
            self._running.discard(task)

    async def _run(self, share: Share) -> ShareRun:
        connection = await asyncio.shield(self._opening)
        token = await asyncio.wrap_future(self._link.ask({"note": "claim", "key": share.key}))
        if not token:
            return ShareRun(problem=_TWICE)
        _TOKEN.set(token)
        events: list[Event] = []
        conditions = RunContext(
            environment=self._environment,
            mask=self._mask,
            seed=share.seed,
            attempt=share.attempt,
            leased=share.leased,
        )
        clock = LoopClock(asyncio.get_running_loop())
        try:
            verdict = await execute(share.scenario, connection, clock, events.append, conditions)
        except asyncio.CancelledError:
            return ShareRun(encode_lines(events), problem=_STOPPED)
        notices, self._notices[:] = tuple(self._notices), []
        return ShareRun(encode_lines(events), verdict, notices=notices)


_STOPPED = "the run was stopped"
_TWICE = "its worker was lost after it had placed calls, so it was not run again"


class Link:
    """Speaks to the client of a run, by queues of the scheduler: in order, and answered if asked.

    `name` is what the client knows this worker by, for as long as its process lives.
    """

    def __init__(self, run: str, worker: Worker) -> None:
        self.name = f"{run}-{worker.id}-{os.getpid()}"
        self._client = Client(
            worker.scheduler.address, security=worker.security, set_as_default=False
        )
        self._notes = Queue(f"{run}-notes", client=self._client)
        self._answers = Queue(self.name, client=self._client)
        self._waiting: queue.SimpleQueue[tuple[dict[str, Any], Future[int]] | None] = (
            queue.SimpleQueue()
        )
        self._thread = threading.Thread(target=self._send, daemon=True)
        self._thread.start()

    def ask(self, note: Mapping[str, Any]) -> Future[int]:
        """Send a note that the client answers: with a number, 0 for no."""
        answer: Future[int] = Future()
        self._waiting.put(({**note, "worker": self.name, "ask": True}, answer))
        return answer

    def answer(self, note: Mapping[str, Any]) -> int:
        """Send a note, and wait for its answer; raises PbxError where none comes."""
        try:
            return self.ask(note).result(2 * ANSWER)
        except TimeoutError:
            raise PbxError("the client of the run does not answer") from None

    def tell(self, note: Mapping[str, Any]) -> None:
        """Send a note."""
        self._waiting.put(({**note, "worker": self.name, "ask": False}, Future()))

    def close(self) -> None:
        """Send what is still to be sent, as far as there is somebody to send it to."""
        self._waiting.put(None)
        self._thread.join(_LAST)
        with suppress(Exception):  # the scheduler may be gone, and all that is wanted is to leave
            self._client.close(timeout=1)

    def _send(self) -> None:
        problem = ""
        while (waiting := self._waiting.get()) is not None:
            note, answer = waiting
            if self._client.status != "running":
                problem = "the scheduler of the cluster is gone"
            try:
                if not problem:
                    self._notes.put(note, timeout=ANSWER)
                    answer.set_result(self._answers.get(timeout=ANSWER) if note["ask"] else 1)
            except Exception as error:  # noqa: BLE001 -- whatever the transport raises, it is lost
                problem = f"the client of the run can't be asked ({type(error).__name__})"
            if problem:
                answer.set_exception(PbxError(problem))


_ELSEWHERE = "another worker runs this scenario now, so nothing is dialled here"


class ToldJournal:
    """A journal on this worker's disk whose every note reaches the client, too.

    Before anything is placed the client has written it down, and allowed it.
    """

    def __init__(self, inner: Journaling, link: Link, mask: Mask) -> None:
        self._inner = inner
        self._link = link
        self._mask = mask
        self._numbers = count(1)
        self._inner_of: dict[str, str] = {}

    def calling(self, request: PlaceCall) -> str:
        """A call is about to be placed; raises PbxError where the client does not allow it."""
        placing = str(next(self._numbers))
        self._inner_of[placing] = self._inner.calling(request)
        party = self._mask.text(request.party)
        call = {"extension": request.extension, "party": party, "flow": request.flow}
        note = {"note": "calling", "token": _TOKEN.get(), "placing": placing, **call}
        allowed = False
        try:
            allowed = bool(self._link.answer(note))
        finally:
            if not allowed:
                self._inner.refused(self._inner_of.pop(placing))
        if not allowed:
            raise PbxError(_ELSEWHERE)
        return placing

    def chosen(self, call: str, channels: tuple[str, ...]) -> None:
        """These channels are about to be asked for; raises PbxError where it is not allowed."""
        self._inner.chosen(self._inner_of.get(call, call), channels)
        if not self._link.answer({"note": "chosen", "call": call, "channels": list(channels)}):
            raise PbxError(_ELSEWHERE)

    def called(self, placing: str, ids: CallIds) -> None:
        """The call is there."""
        self._inner.called(self._inner_of.pop(placing), ids)
        self._link.tell({"note": "called", "placing": placing, "ids": structs.asdict(ids)})

    def refused(self, placing: str) -> None:
        """The call did not come about."""
        inner = self._inner_of.pop(placing, None)
        if inner is not None:
            self._inner.refused(inner)
            self._link.tell({"note": "refused", "placing": placing})

    def ended(self, uuid: str) -> None:
        """The call is over."""
        self._inner.ended(uuid)
        self._link.tell({"note": "ended", "uuid": uuid})

    def watching(self, path: str, url: str) -> None:
        """Events are about to be subscribed."""
        self._inner.watching(path, url)
        self._link.answer({"note": "watching", "path": path, "url": url})

    def unwatched(self, path: str, url: str) -> None:
        """Nothing is subscribed any more."""
        self._inner.unwatched(path, url)
        self._link.tell({"note": "unwatched", "path": path, "url": url})
