"""The pytest plugin: scenario files are collected, each scenario is a test.

Nothing of the runner is imported before the first scenario file is seen, so that the plugin costs
nothing where there is none.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from scenario_runner.errors import ScenarioRunnerError
    from scenario_runner.events import Event
    from scenario_runner.execution.run import RunRequest
    from scenario_runner.execution.testing import SyncPbx
    from scenario_runner.language.scenario import Scenario
    from scenario_runner.loading.documents import LoadOptions
    from scenario_runner.reporters.results import ResultCollector, ScenarioResult

_SUFFIXES = (".scenario.yaml", ".scenario.yml")
_WIDTH = 100
_OWN_MARKS = frozenset(
    {"filterwarnings", "parametrize", "skip", "skipif", "tryfirst", "trylast", "usefixtures"}
    | {"xfail", "xdist_group"}
)
"""Tags of these names are no marks, since marks of these names do something."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options that scenarios have."""
    group = parser.getgroup("scenario-runner", "call-parking scenarios in YAML")
    group.addoption("--scenario-target", metavar="NAME", help="Target to run scenarios against.")
    group.addoption(
        "--scenario-targets", metavar="FILE", help="Targets file [default: the nearest one]."
    )
    group.addoption(
        "--scenario-allow-protected",
        metavar="HOST",
        action="append",
        default=[],
        help="Permit scenarios to run against a protected target on this host.",
    )
    group.addoption(
        "--scenario-var",
        metavar="NAME=VALUE",
        action="append",
        default=[],
        help="Replace a variable of scenarios.",
    )
    group.addoption(
        "--scenario-seed",
        metavar="N",
        type=int,
        default=0,
        help="Random seed of the scenarios [default: 0].",
    )


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Collect a scenario file."""
    if file_path.name.endswith(_SUFFIXES):
        collected: ScenarioFile = ScenarioFile.from_parent(parent, path=file_path)
        return collected
    return None


def pytest_configure(config: pytest.Config) -> None:
    """Read the variables, if there are any."""
    if config.getoption("scenario_var"):
        from scenario_runner.errors import UsageError

        try:
            _load_options(config)
        except UsageError as error:
            raise pytest.UsageError(f"--scenario-var: {error.message}") from None


def pytest_collection_finish(session: pytest.Session) -> None:
    """Refuse a variable that no scenario declares, and a target that can't be used."""
    items = [item for item in session.items if isinstance(item, ScenarioItem)]
    if not items:
        return
    from scenario_runner.errors import ScenarioRunnerError

    try:
        _refuse_unknown_variables(session.config)
        session.config.stash[_REQUEST] = _request(session.config, items)
    except ScenarioRunnerError as error:
        if not hasattr(session.config, "workerinput"):
            raise pytest.UsageError(_error_text(error)) from None
        # To pytest-xdist a worker that raises here has crashed: its scenarios tell the error.
        session.config.stash[_REFUSED] = error


def _error_text(error: ScenarioRunnerError) -> str:
    from scenario_runner.errors import InvalidFiles, render_problem

    if isinstance(error, InvalidFiles):
        return "\n\n".join(render_problem(problem, {}) for problem in error.problems)
    return f"{error.message}\n  {error.hint}" if error.hint else error.message


def _refuse_unknown_variables(config: pytest.Config) -> None:
    from scenario_runner.errors import UsageError, suggestion

    declared = config.stash[_DECLARED]
    for name, _ in _load_options(config).overrides:
        if name not in declared:
            hint = suggestion(name, sorted(declared), "declared are")
            raise UsageError(f"no scenario declares the variable '{name}'", hint=hint)


@pytest.fixture
def scenario_pbx() -> Iterator[SyncPbx]:
    """A mock PBX of the test's own, in virtual time; see `scenario_runner.SyncPbx`."""
    from scenario_runner.execution.testing import SyncPbx

    with SyncPbx() as pbx:
        yield pbx


_DECLARED = pytest.StashKey[set[str]]()
_LOADING = pytest.StashKey["LoadOptions"]()
_REQUEST = pytest.StashKey["RunRequest"]()
_REFUSED = pytest.StashKey["ScenarioRunnerError"]()


class ScenarioFile(pytest.File):
    """A file of scenarios."""

    def collect(self) -> Iterable[ScenarioItem]:
        """Load the file; its problems are shown where it has any."""
        from scenario_runner.errors import render_problem
        from scenario_runner.loading.documents import load

        name = os.path.relpath(self.path, self.config.invocation_params.dir)
        (loaded,) = load([name], _load_options(self.config))
        self.config.stash.setdefault(_DECLARED, set()).update(loaded.declared)
        if any(not problem.warning for problem in loaded.problems):
            sources = {source.file: source for source in loaded.sources}
            told = (render_problem(problem, sources) for problem in loaded.problems)
            raise self.CollectError("\n\n".join(told))
        for scenario in loaded.scenarios:
            item: ScenarioItem = ScenarioItem.from_parent(
                self, name=" ".join(scenario.name.split()), scenario=scenario
            )
            yield item


def _load_options(config: pytest.Config) -> LoadOptions:
    if _LOADING not in config.stash:
        from scenario_runner.loading.documents import LoadOptions
        from scenario_runner.loading.files import parse_var

        overrides = tuple(parse_var(text) for text in config.getoption("scenario_var"))
        config.stash[_LOADING] = LoadOptions(overrides=overrides)
    return config.stash[_LOADING]


class NotGreen(Exception):
    """A scenario failed, errored, or passed although it is known to fail; carries what is told."""


class ScenarioItem(pytest.Item):
    """One scenario, or one row of one with a matrix."""

    def __init__(self, *, scenario: Scenario, **rest: object) -> None:
        super().__init__(**rest)  # type: ignore[arg-type]
        self.scenario = scenario
        for tag in scenario.tags:
            self._tagged(tag)

    def _tagged(self, tag: str) -> None:
        self.extra_keyword_matches.add(tag)
        if tag.isidentifier() and not tag.startswith("_") and tag not in _OWN_MARKS:
            self.config.addinivalue_line("markers", f"{tag}: a tag of scenarios")
            self.add_marker(tag)

    def reportinfo(self) -> tuple[Path, int, str]:
        """Return the place of the scenario; lines count from 0 here."""
        return self.path, self.scenario.span.line - 1, self.name

    def runtest(self) -> None:
        """Run the scenario and turn its verdict into pytest's words."""
        from scenario_runner.events import Verdict
        from scenario_runner.reporters.results import ResultCollector

        gathered = ResultCollector()
        story = self._story(gathered)
        match story.verdict:
            case Verdict.PASSED:
                return
            case Verdict.SKIPPED:
                pytest.skip(f"{story.started.span}: {story.finished.reason}")
            case Verdict.NOT_APPLICABLE:
                pytest.skip(f"{story.started.span}: not applicable to this target")
            case Verdict.XFAILED:
                pytest.xfail(story.finished.reason or "known to fail")
        self._exchanges(story)
        raise NotGreen(_told(story, gathered))

    def _story(self, gathered: ResultCollector) -> ScenarioResult:
        from scenario_runner.execution.run import Gathered, run_scenarios
        from scenario_runner.exit_code import Exit

        stories: list[ScenarioResult] = []

        def emit(event: Event) -> None:
            story = gathered.handle(event)
            if story is not None:
                stories.append(story)

        if _REFUSED in self.config.stash:
            raise self.config.stash[_REFUSED]
        request = self.config.stash[_REQUEST]
        alone = Gathered.of([self.scenario])
        if run_scenarios(request, alone, emit) is Exit.INTERRUPTED:
            raise KeyboardInterrupt
        return stories[-1]

    def _exchanges(self, story: ScenarioResult) -> None:
        from scenario_runner.reporters.failures import exchange_lines

        lines: list[str] = []
        for step in story.steps():
            if step.exchanges:
                lines.append(f"step {step.started.label}: {step.started.title}")
            for exchange in step.exchanges:
                lines += [line.text for line in exchange_lines(exchange, "  ")]
        if lines:
            self.add_report_section("call", "exchanges", "\n".join(lines))

    def repr_failure(  # type: ignore[override]
        self, excinfo: pytest.ExceptionInfo[BaseException]
    ) -> object:
        """Tell what is to be mended in the file, without Python's frames."""
        from scenario_runner.errors import ScenarioRunnerError

        match excinfo.value:
            case NotGreen() as error:
                return str(error)
            case ScenarioRunnerError() as error:
                return _error_text(error)
            case _:
                return super().repr_failure(excinfo)


def _told(story: ScenarioResult, gathered: ResultCollector) -> str:
    from scenario_runner.reporters.failures import account, headline

    lines = [f"{story.verdict}: {headline(story)}"]
    lines += [line.text for line in account(story, gathered, _WIDTH)]
    return "\n".join(lines)


def _request(config: pytest.Config, items: list[ScenarioItem]) -> RunRequest:
    from time import time_ns

    from scenario_runner.execution.options import RunOptions
    from scenario_runner.execution.run import RunRequest, rerun_command
    from scenario_runner.execution.targets import TargetChoice, choose
    from scenario_runner.pbx.drivers import Context

    environment = dict(os.environ)
    choice = TargetChoice(
        paths=tuple(dict.fromkeys(item.scenario.file for item in items)),
        file=config.getoption("scenario_targets"),
        name=config.getoption("scenario_target"),
        allow_protected=tuple(config.getoption("scenario_allow_protected")),
        environment=environment,
    )
    seed = config.getoption("scenario_seed")
    options = RunOptions(
        environment=environment, seed=seed, rerun=rerun_command(_named(config), seed=seed)
    )
    context = Context()
    return RunRequest(
        paths=(),
        options=options,
        target=choose(choice, context.mask),
        context=context,
        started_at=time_ns() // 1000,
    )


def _named(config: pytest.Config) -> list[tuple[str, str]]:
    """Return the options that `scenario-runner run` needs to do the same."""
    single = (("--targets", "scenario_targets"), ("--target", "scenario_target"))
    several = (("--allow-protected", "scenario_allow_protected"), ("--var", "scenario_var"))
    return [
        *((option, config.getoption(name)) for option, name in single if config.getoption(name)),
        *((option, value) for option, name in several for value in config.getoption(name)),
    ]
