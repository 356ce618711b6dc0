"""A run cut into shards: every scenario in exactly one, about as much in each."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scenario_runner.cli import scenario_runner
from scenario_runner.cli.exit_codes import exit_code_of
from scenario_runner.errors import UsageError
from scenario_runner.events import (
    Event,
    RunFinished,
    RunStarted,
    ScenarioFinished,
    ScenarioStarted,
    Warned,
    encode,
)
from scenario_runner.execution.last_failed import identity
from scenario_runner.execution.options import RunOptions
from scenario_runner.execution.run import RunRequest, run_whole
from scenario_runner.execution.shards import Shard, part, read_durations
from scenario_runner.loading.documents import LoadOptions, load_text
from scenario_runner.loading.suite import Suite
from scenario_runner.reporters.merge import read_events

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scenario_runner.language.scenario import Scenario

SCENARIO = """scenario: {name}
needs: {{alone: {alone}}}
steps:
  - call: {{as: customer, extension: 341, from: "+78120000443"}}
  - slots: {{call: customer, slot: 6}}
    expect: {{empty: true}}
"""


def suite(files: dict[str, list[str]], alone: Sequence[str] = ()) -> Suite:
    """The scenarios of some files, by the names in each."""
    parts: list[Sequence[Scenario]] = []
    for file, names in files.items():
        documents = (SCENARIO.format(name=n, alone=str(n in alone).lower()) for n in names)
        loaded = load_text("---\n".join(documents), file, LoadOptions())
        assert not loaded.problems
        parts += loaded.scenarios.parts
    return Suite(tuple(parts))


def names(chosen: Suite) -> list[str]:
    return [f"{one.file}::{one.name}" for one in chosen]


def shards(whole: Suite, of: int, durations: dict[str, int] | None = None) -> list[list[str]]:
    return [names(part(whole, Shard(number, of), durations)) for number in range(1, of + 1)]


FILES = st.dictionaries(
    st.sampled_from(["a", "b", "c", "d", "e"]),
    st.lists(st.sampled_from("vwxyz"), min_size=1, unique=True),
    min_size=1,
)


@settings(deadline=None)
@given(FILES, st.integers(1, 6), st.dictionaries(st.sampled_from("vwxyz"), st.integers(0, 99)))
def test_every_scenario_is_in_one_shard_whatever_the_order_of_files(
    files: dict[str, list[str]], of: int, durations: dict[str, int]
) -> None:
    known = {f"a::{name}": took for name, took in durations.items()}
    for timings in (None, known):
        cut = shards(suite(files), of, timings)
        assert sorted(name for shard in cut for name in shard) == sorted(names(suite(files)))
        turned = suite(dict(reversed(files.items())))
        assert [sorted(s) for s in shards(turned, of, timings)] == [sorted(s) for s in cut]


def test_a_file_stays_whole_where_nothing_is_known() -> None:
    cut = shards(suite({"a": ["v", "w", "x"], "b": ["v", "w"], "c": ["v"]}), 2)
    assert cut == [["a::v", "a::w", "a::x"], ["b::v", "b::w", "c::v"]]


def test_the_longest_goes_first_to_the_shard_that_has_least() -> None:
    whole = suite({"a": ["v", "w", "x", "y", "z"]})
    known = {"a::v": 10, "a::w": 60, "a::x": 30, "a::y": 30, "a::z": 20}
    assert shards(whole, 2, known) == [["a::w", "a::z"], ["a::v", "a::x", "a::y"]]


def test_what_is_unknown_counts_as_the_median() -> None:
    whole = suite({"a": ["v", "w", "x"], "b": ["y"]})
    cut = shards(whole, 2, {"a::v": 1, "a::w": 10, "a::x": 100})
    assert cut == [["a::x"], ["a::v", "a::w", "b::y"]]


def test_who_wants_to_be_alone_comes_last() -> None:
    whole = suite({"a": ["v", "w", "x"]}, alone=["v"])
    assert shards(whole, 1) == [["a::w", "a::x", "a::v"]]


@settings(deadline=None)
@given(st.lists(st.integers(1, 1000), min_size=1, max_size=40), st.integers(1, 8))
def test_no_shard_has_much_more_than_another(took: list[int], of: int) -> None:
    letters = [f"s{number}" for number in range(len(took))]
    whole = suite({"a": letters})
    known = {f"a::{name}": one for name, one in zip(letters, took, strict=True)}
    loads = [sum(known[name] for name in shard) for shard in shards(whole, of, known)]
    assert max(loads) <= sum(took) / of + max(took)


@pytest.mark.parametrize(
    "text", ["5/4", "0/4", "1/0", "0/0", "1", "1/", "/4", "a/b", "-1/4", "¹/4"]
)
def test_what_is_no_shard(text: str) -> None:
    with pytest.raises(UsageError):
        Shard.parse(text)


def write(folder: Path, *files: str) -> str:
    for name in files:
        (folder / f"{name}.scenario.yaml").write_text(SCENARIO.format(name=name, alone="false"))
    return str(folder)


def run(folder: str, shard: str, **options: Any) -> list[Event]:
    events: list[Event] = []
    begin = iter([0])
    request = RunRequest(
        paths=(folder,),
        shard=Shard.parse(shard),
        options=RunOptions(stopwatch=lambda: next(begin, 30_000_000)),
        **options,
    )
    run_whole(request, events.append)
    return events


def saved(events: list[Event], file: Path) -> str:
    file.write_bytes(b"".join(encode(event) + b"\n" for event in events))
    return str(file)


def test_shards_read_together_are_one_run_and_tell_their_balance(tmp_path: Path) -> None:
    folder = write(tmp_path, "a", "b", "c")
    files = [saved(run(folder, f"{n}/2"), tmp_path / f"{n}.jsonl") for n in (1, 2)]
    events = list(read_events(files))
    first, note = events[:2]
    assert isinstance(first, RunStarted)
    assert (first.total, first.shard) == (3, "")
    assert isinstance(note, Warned)
    assert note.message == "2 shards took 30 s, 30 s: the longest 1.00 times their mean"
    last = events[-1]
    assert isinstance(last, RunFinished)
    assert (last.exit_code, dict(last.counts)) == (0, {"passed": 3})


def test_a_shard_that_is_missing_is_no_green_run(tmp_path: Path) -> None:
    folder = write(tmp_path, "a", "b", "c")
    events = list(read_events([saved(run(folder, "2/3"), tmp_path / "2.jsonl")]))
    assert [e.message for e in events if isinstance(e, Warned)] == [
        "the events of shard 1/3, 3/3 are not among these files"
    ]
    last = events[-1]
    assert isinstance(last, RunFinished)
    assert (last.exit_code, last.interrupted) == (130, True)


def test_durations_are_those_of_a_former_run(tmp_path: Path) -> None:
    folder = write(tmp_path, "a", "b")
    file = saved(run(folder, "1/1"), tmp_path / "e.jsonl")
    known = read_durations([file])
    assert set(known) == {identity(f"{folder}/{name}.scenario.yaml::{name}") for name in "ab"}
    assert all(took > 0 for took in known.values())
    real = Path(file).read_text().replace('"driver":"mock"', '"driver":"ringme"')
    Path(file).write_text(real.replace('"took":0,"passed"', '"took":77,"passed"'))
    assert set(read_durations([file]).values()) == {77}
    assert read_durations([str(tmp_path)]) == read_durations([file])
    (tmp_path / "empty").mkdir()
    assert read_durations([str(tmp_path / "empty")]) == {}


def command(*words: str) -> int:
    return exit_code_of(lambda: scenario_runner.main(["run", *words], standalone_mode=False))


def test_an_empty_shard_is_no_failure_and_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    events = tmp_path / "events.jsonl"
    code = command(write(tmp_path, "a"), "--shard", "2/2", "--no-cache", "--events", str(events))
    assert code == 0
    shown = capsys.readouterr().out
    assert "no scenario falls to shard 2/2" in shown
    assert "✓ passed · 0 scenarios" in shown
    assert len(events.read_text().splitlines()) == 3


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--shard", "5/4"], "there is no shard 5/4"),
        (["--shard", "one"], "'one' is not I/N"),
        (["--timings", "x"], "--timings is for cutting shards"),
        (["--shard", "1/2", "--timings", "nowhere.jsonl"], "nowhere.jsonl can't be read"),
    ],
)
def test_bad_input(
    tmp_path: Path, words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command(write(tmp_path, "a"), "--no-cache", *words) == 3
    shown = capsys.readouterr()
    assert said in shown.err
    assert shown.out == ""


def test_both_shards_run_what_one_run_would(tmp_path: Path) -> None:
    folder = write(tmp_path, "a", "b", "c", "d")
    whole = Counter(e.scenario for e in run(folder, "1/1") if isinstance(e, ScenarioStarted))
    cut = Counter(
        event.scenario
        for number in (1, 2, 3)
        for event in run(folder, f"{number}/3")
        if isinstance(event, ScenarioFinished)
    )
    assert cut == whole
