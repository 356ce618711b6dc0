"""A whole exploration: known findings first, then new sequences; a finding becomes a file."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from msgspec import Struct

from scenario_runner.durations import SECOND
from scenario_runner.errors import InvalidFiles, UsageError
from scenario_runner.events import ScenarioFinished, StepFinished, Verdict
from scenario_runner.execution.results import Results
from scenario_runner.execution.virtual import VirtualRun, profile_of
from scenario_runner.exploring.foretelling import Lot
from scenario_runner.exploring.plans import Place
from scenario_runner.exploring.writing import written
from scenario_runner.loading.documents import LoadOptions, load, load_text

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from scenario_runner.events import Event, Failure
    from scenario_runner.execution.options import RunOptions
    from scenario_runner.exploring.plans import Plan
    from scenario_runner.exploring.writing import Written
    from scenario_runner.language.scenario import Scenario
    from scenario_runner.language.target import Target
    from scenario_runner.masking import Mask
    from scenario_runner.mock_pbx.mutants import Mutant

ORDERS = 8
"""In how many orders the commands of races are run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """How much is tried: moves of a sequence, sequences, and microseconds of the real clock."""

    steps: int = 16
    examples: int = 10_000
    time: int = 30 * SECOND


class Known(Struct, frozen=True):
    """A scenario that was found before and fails still, and how."""

    file: str
    message: str


class Finding(Struct, frozen=True, kw_only=True):
    """What is answered wrongly: the scenario that shows it, and its first failure.

    `rules` decide the step at `line`, each with its sentence. `repeat` is the command with which
    the file that was written fails again; it is empty where it could not be repeated.
    """

    file: str
    line: int
    message: str
    rules: tuple[str, ...]
    repeat: str


class Explored(Struct, frozen=True, kw_only=True):
    """What an exploration came to: what fails still, or how many sequences were tried, and found.

    `took` is in microseconds of the real clock.
    """

    known: tuple[Known, ...] = ()
    tried: int = 0
    finding: Finding | None = None
    took: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Exploration:
    """Explores the built-in mock, or a mutant of it; findings are kept in a folder."""

    target: Target
    options: RunOptions
    mask: Mask
    folder: Path
    bounds: Bounds = Bounds()
    mutant: Mutant | None = None

    def run(self) -> Explored:
        """Try what was found before, and then new sequences.

        Raises UsageError for a target that the model does not know, or that takes no calls.
        """
        refuse_other_than_mock(self.target)
        self._must_place_calls()
        known = tuple(self._still_failing())
        return Explored(known=known) if known else self._explored()

    def failure(self, scenarios: Iterable[Scenario]) -> tuple[Verdict, Failure] | None:
        """Run scenarios; return the first verdict that is not green, and the first failure."""
        heard: list[StepFinished | ScenarioFinished] = []

        def emit(event: Event) -> None:
            if isinstance(event, StepFinished | ScenarioFinished) and not event.verdict.green:
                heard.append(event)

        options = replace(self.options, all_orders=ORDERS, fail_fast=True)
        results = Results()
        VirtualRun(
            target=self.target, options=options, mask=self.mask, emit=emit, mutant=self.mutant
        ).run(scenarios, results)
        if results.interrupted:
            raise KeyboardInterrupt
        failures = [one for event in heard for one in event.failures]
        return (heard[0].verdict, failures[0]) if failures else None

    def _must_place_calls(self) -> None:
        plan = (Place(0, "in", answered=True),)
        failed = self._of_plan(plan)[1]
        if failed is not None and failed[0] is Verdict.ERRORED:
            raise UsageError(f"no call can be placed on {self.target.name}: {failed[1].message}")

    def _still_failing(self) -> Iterable[Known]:
        for loaded in load(map(str, sorted(self.folder.glob("*.scenario.yaml"))), LoadOptions()):
            if any(not problem.warning for problem in loaded.problems):
                raise InvalidFiles(loaded.problems)
            failed = self.failure(loaded.scenarios)
            if failed is not None:
                yield Known(f"{loaded.file}:{failed[1].span.line}", failed[1].message)

    def _explored(self) -> Explored:
        # Imported here, since all else does without hypothesis.
        from scenario_runner.exploring.search import Search

        begin, limit = self.options.stopwatch(), self.bounds.time

        def in_time(found: bool) -> bool:
            most = limit + limit // 2 if found else limit
            return self.options.stopwatch() - begin < most

        search = Search(lambda plan: self._of_plan(plan)[1] is not None, in_time)
        plan = search.run(self.bounds.steps, self.bounds.examples, self.options.seed)
        return Explored(
            tried=search.tried,
            finding=None if plan is None else self._finding(plan),
            took=self.options.stopwatch() - begin,
        )

    def _file(self, text: Written) -> Path:
        return self.folder / f"{text.name.replace(' ', '-').lower()}.scenario.yaml"

    def _of_plan(self, plan: Plan) -> tuple[Written, tuple[Verdict, Failure] | None]:
        text = written(plan, Lot.of(profile_of(self.target)))
        if not text.moves:
            return text, None
        loaded = load_text(text.text, str(self._file(text)), LoadOptions())
        return text, self.failure(loaded.scenarios)

    def _finding(self, plan: Plan) -> Finding:
        """Write the scenario of a plan, and run what was written."""
        text, failed = self._of_plan(plan)
        assert failed is not None
        failure, file = failed[1], self._file(text)
        rules = tuple(f"{rule.id}: {rule.says}" for rule in text.rules_at(failure.span.line))
        seed = f" --seed {self.options.seed}" if self.options.seed else ""
        head = [f"Found by: scenario-runner explore{seed}", f"Fails with: {failure.message}"]
        self._write(file, text.annotated(failure.span.line, rules, head))
        (loaded,) = load([str(file)], LoadOptions())
        again = self.failure(loaded.scenarios)
        return Finding(
            file=str(file),
            line=failure.span.line if again is None else again[1].span.line,
            message=failure.message,
            rules=rules,
            repeat="" if again is None else f"scenario-runner run --all-orders{seed} {file}",
        )

    def _write(self, file: Path, text: str) -> None:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
        except OSError as error:
            raise UsageError(f"{file} can't be written: {error.strerror or error}") from error


def refuse_other_than_mock(target: Target) -> None:
    """Raise UsageError for a target that is not the built-in mock."""
    if target.driver != "mock":
        raise UsageError(
            f"explore knows the rules of the built-in mock, and {target.name} is a PBX of its own",
            hint="name a target whose driver is mock: --target mock",
        )
