"""Choosing, ordering, leasing and counting scenarios; interruption."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from scenario_runner.errors import NothingSelected, UsageError
from scenario_runner.events import (
    Event,
    Exchange,
    InvalidFile,
    RunFinished,
    ScenarioFinished,
    SourceRead,
    StepFinished,
    StepStarted,
    Verdict,
    Warned,
)
from scenario_runner.execution.interleavings import given as given_order
from scenario_runner.execution.interleavings import next_order, order_text, scenario_seed, seeded
from scenario_runner.execution.options import RunOptions
from scenario_runner.execution.results import Results
from scenario_runner.execution.run import RunRequest, run_whole
from scenario_runner.execution.selection import Selection, split_ids
from scenario_runner.exit_code import Exit
from scenario_runner.loading.documents import LoadOptions

GOOD = """
scenario: {name}
tags: [{tag}]
steps:
  - call: {{as: customer, extension: 341, from: "+7812"}}
  - park: {{call: customer, slot: {slot}}}
  - slots: {{call: customer, slot: 6}}
    expect: {{holds: customer}}
cleanup:
  - hangup: {{call: customer}}
"""


def write(folder: Path, name: str, tag: str = "smoke", slot: int = 6) -> str:
    file = folder / f"{name}.scenario.yaml"
    file.write_text(GOOD.format(name=name, tag=tag, slot=slot))
    return str(file)


def run(*paths: str, **request: object) -> tuple[Exit, list[Event]]:
    events: list[Event] = []
    whole = RunRequest(paths=paths, **request)  # type: ignore[arg-type]
    return run_whole(whole, events.append), events


def finished(events: list[Event]) -> dict[str, str]:
    return {
        event.scenario.partition("::")[2]: event.verdict
        for event in events
        if isinstance(event, ScenarioFinished)
    }


def test_a_folder_is_run_in_the_order_of_its_files(tmp_path: Path) -> None:
    write(tmp_path, "b")
    write(tmp_path, "a")
    code, events = run(str(tmp_path))
    assert code is Exit.PASSED
    assert list(finished(events)) == ["a", "b"]
    assert len([event for event in events if isinstance(event, SourceRead)]) == 2


@pytest.mark.parametrize(
    ("selection", "chosen"),
    [
        (Selection(words=("A",)), ["a"]),
        (Selection(words=("a", "b")), ["a", "b"]),
        (Selection(tags=("slow",)), ["b"]),
        (Selection(skip_tags=("slow",)), ["a"]),
    ],
)
def test_selection(tmp_path: Path, selection: Selection, chosen: list[str]) -> None:
    folder = tmp_path / "x"
    folder.mkdir()
    write(folder, "a")
    write(folder, "b", tag="slow")
    names = [f"{folder}/a.scenario.yaml", f"{folder}/b.scenario.yaml"]
    if selection.words:
        selection = Selection(words=tuple(f"::{word}" for word in selection.words))
    _, events = run(*names, selection=selection)
    assert list(finished(events)) == chosen


def test_one_scenario_of_a_file_by_its_id(tmp_path: Path) -> None:
    file = write(tmp_path, "a")
    Path(file).write_text(Path(file).read_text() + "---" + GOOD.format(name="z", tag="t", slot=6))
    _, events = run(f"{file}::z")
    assert list(finished(events)) == ["z"]
    assert split_ids(("x", "y::a b", "y::c")) == (("x", "y"), {"y": frozenset({"a b", "c"})})


def test_nothing_selected_says_what_there_is(tmp_path: Path) -> None:
    write(tmp_path, "a")
    with pytest.raises(NothingSelected) as caught:
        run(str(tmp_path), selection=Selection(tags=("smok",)))
    assert caught.value.hint == "did you mean 'smoke'?"
    with pytest.raises(NothingSelected):
        run(str(tmp_path / "a.scenario.yaml") + "::nope")
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError):
        run(str(tmp_path / "empty"))


def test_an_unknown_variable_on_the_command_line(tmp_path: Path) -> None:
    file = write(tmp_path, "a")
    with pytest.raises(UsageError, match="no scenario declares the variable 'slto'"):
        run(file, loading=LoadOptions(overrides=(("slto", 1),)))


def test_invalid_files_keep_the_run_from_beginning(tmp_path: Path) -> None:
    write(tmp_path, "a")
    (tmp_path / "b.scenario.yaml").write_text("scenario: b\nstepz: []\n")
    code, events = run(str(tmp_path))
    assert code is Exit.INVALID
    assert finished(events) == {}
    invalid = [event for event in events if isinstance(event, InvalidFile)]
    assert [Path(event.file).name for event in invalid] == ["b.scenario.yaml"]
    code, events = run(str(tmp_path), keep_going=True)
    assert code is Exit.INVALID
    assert finished(events) == {"a": "passed"}


def test_nothing_is_selected_of_invalid_files_only(tmp_path: Path) -> None:
    (tmp_path / "b.scenario.yaml").write_text("scenario: b\nstepz: []\n")
    for keep_going in (False, True):
        code, events = run(str(tmp_path), keep_going=keep_going)
        assert code is Exit.INVALID
        assert any(isinstance(event, InvalidFile) for event in events)


def test_fail_fast_stops_after_the_first_that_is_not_green(tmp_path: Path) -> None:
    write(tmp_path, "a", slot=7)
    write(tmp_path, "b")
    code, events = run(str(tmp_path), options=RunOptions(fail_fast=True))
    assert code is Exit.FAILED
    assert finished(events) == {"a": "failed"}


def test_a_deterministic_failure_stays_failed_when_retried(tmp_path: Path) -> None:
    write(tmp_path, "a", slot=7)
    code, events = run(str(tmp_path), options=RunOptions(retry_failed=2))
    assert code is Exit.FAILED
    assert len([event for event in events if isinstance(event, ScenarioFinished)]) == 3


RACE = """
scenario: race
steps:
  - call: {as: a, extension: 341, from: "+7812"}
  - call: {as: b, extension: 342, from: "+7812"}
  - call: {as: c, extension: 343, from: "+7812"}
  - park: {call: c, slot: 6}
  - together: [{bridge: {call: a, slot: 6}}, {bridge: {call: b, slot: 6}}]
    expect: {succeeded: 1, refused: 1}
  - calls: {call: a}
    expect: {state: bridged}
"""


def test_what_passes_only_when_retried_is_flaky_and_red(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # the file's name is a part of the seed
    file = Path("race.scenario.yaml")
    file.write_text(RACE)
    flaky = []
    for seed in range(8):
        options = RunOptions(seed=seed, retry_failed=3)
        code, events = run(str(file), options=options)
        if "flaky" in finished(events).values():
            flaky.append(seed)
            assert code is Exit.FAILED
            counts = [dict(e.counts) for e in events if isinstance(e, RunFinished)]
            assert counts == [{"flaky": 1}]
    assert flaky


@pytest.mark.parametrize(
    ("verdicts", "options", "code"),
    [
        ([Verdict.PASSED, Verdict.XFAILED, Verdict.NOT_APPLICABLE], {}, 0),
        ([Verdict.PASSED, Verdict.FAILED], {}, 1),
        ([Verdict.XPASSED], {}, 1),
        ([Verdict.SKIPPED], {}, 1),
        ([Verdict.SKIPPED], {"allow_skips": True}, 0),
        ([Verdict.FLAKY], {}, 1),
        ([Verdict.FLAKY], {"allow_flaky": True}, 0),
        ([Verdict.FAILED, Verdict.ERRORED], {}, 4),
        ([Verdict.NOT_APPLICABLE], {"shard": True}, 0),
    ],
)
def test_exit_codes(verdicts: list[Verdict], options: dict[str, bool], code: int) -> None:
    results = Results()
    for verdict in verdicts:
        results.add(verdict)
    assert results.exit_code(**options) == code
    results.invalid = True
    assert results.exit_code(**options) == (4 if code == 4 else 2)
    results.interrupted = True
    assert results.exit_code(**options) == 130


@pytest.mark.parametrize(("others", "code"), [((), 3), ((Verdict.PASSED,), 0)])
def test_a_run_in_which_nothing_applied_is_no_success(
    others: tuple[Verdict, ...], code: int
) -> None:
    results = Results()
    for verdict in (Verdict.NOT_APPLICABLE, *others, Verdict.NOT_APPLICABLE):
        results.add(verdict)
    assert results.exit_code() == code


ROWS = """
scenario: a
when: {that: $slot, at_least: 10}
matrix: {slot: [6, 7]}
steps:
  - call: {as: customer, extension: 341, from: "+7812"}
  - park: {call: customer, slot: $slot}
"""


def test_a_matrix_whose_rows_are_all_excluded_says_so_and_ends_with_3(tmp_path: Path) -> None:
    (tmp_path / "a.scenario.yaml").write_text(ROWS)
    events: list[Event] = []
    assert run_whole(RunRequest(paths=(str(tmp_path),)), events.append) == 3
    said = [event.message for event in events if isinstance(event, Warned)]
    assert said[-1] == "nothing was run: not one of 2 scenarios applies to mock"


@pytest.fixture
def ctrl_c() -> Iterator[None]:
    """Let Ctrl-C do what it does in a terminal; a shell's jobs in the background ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("ctrl_c")
def test_ctrl_c_cleans_up_and_leaves_nothing(tmp_path: Path) -> None:
    write(tmp_path, "a")
    write(tmp_path, "b")
    events: list[Event] = []

    def emit(event: Event) -> None:
        events.append(event)
        if isinstance(event, StepStarted) and event.step == "3":
            signal.raise_signal(signal.SIGINT)

    code = run_whole(RunRequest(paths=(str(tmp_path),)), emit)
    assert code is Exit.INTERRUPTED
    assert finished(events) == {"a": "errored"}
    steps = {e.step: e.verdict for e in events if isinstance(e, StepFinished)}
    assert steps["cleanup.1"] == "passed"
    last = [e for e in events if isinstance(e, Exchange)][-1]
    assert '"call_list": []' in last.received
    assert isinstance(events[-1], RunFinished)
    assert events[-1].interrupted


def test_orders_are_enumerated_depth_first() -> None:
    seen = []
    choices: tuple[int, ...] | None = ()
    while choices is not None:
        choose = given_order(choices)
        order = tuple((choose(count), count) for count in (3, 2))
        seen.append(order_text(order))
        choices = next_order(order)
    assert seen == ["0-0", "0-1", "1-0", "1-1", "2-0", "2-1"]


def test_seeds_are_a_scenarios_own() -> None:
    assert scenario_seed(1, "a") == scenario_seed(1, "a")
    assert scenario_seed(1, "a") != scenario_seed(1, "b")
    assert scenario_seed(1, "a") != scenario_seed(2, "a")
    assert [seeded(5)(9) for _ in range(3)] == [seeded(5)(9)] * 3


def test_a_scenario_that_needs_too_much_is_skipped_and_not_green(tmp_path: Path) -> None:
    names = ", ".join(f"s{n}" for n in range(21))
    (tmp_path / "a.scenario.yaml").write_text(
        f"scenario: a\nneeds: {{slots: [{names}]}}\nsteps:\n"
        '  - call: {as: c, extension: 341, from: "+7"}\n  - park: {call: c, slot: $s0}\n'
    )
    code, events = run(str(tmp_path))
    assert finished(events) == {"a": "skipped"}
    assert code is Exit.FAILED
    code, _ = run(str(tmp_path), options=RunOptions(allow_skips=True))
    assert code is Exit.PASSED


def test_needs_bind_names(tmp_path: Path) -> None:
    (tmp_path / "a.scenario.yaml").write_text(
        "scenario: a\nneeds: {slots: [mine], extensions: [desk]}\nsteps:\n"
        '  - call: {as: c, extension: $desk, from: "+7"}\n  - park: {call: c, slot: $mine}\n'
        "  - slots: {call: c, slot: $mine}\n    expect: {holds: c}\n"
    )
    code, events = run(str(tmp_path))
    assert code is Exit.PASSED, finished(events)


def test_a_secret_is_hidden_whichever_scenario_names_it(tmp_path: Path) -> None:
    first, second = write(tmp_path, "a"), write(tmp_path, "b")
    for file, reference in ((first, "$env.TOKEN"), (second, "$secret.TOKEN")):
        text = Path(file).read_text() + f'  - check: {{that: "{reference}", equals: x}}\n'
        Path(file).write_text(text)
    _, events = run(first, second, options=RunOptions(environment={"TOKEN": "hunter2"}))
    assert "hunter2" not in repr(events)
    assert repr(events).count("***") >= 2
