"""The command `mutate`: exit codes, reports, accepted survivors, what changed, drafts."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from scenario_runner.cli import scenario_runner
from scenario_runner.cli.exit_codes import exit_code_of
from scenario_runner.coverage.document import read_killed
from scenario_runner.errors import InvalidFiles
from scenario_runner.loading.documents import LoadOptions, load_text
from scenario_runner.mock_pbx.mutants import MUTANTS
from scenario_runner.mutation.accepted import read_accepted
from scenario_runner.mutation.draft import draft
from scenario_runner.mutation.since import changed_since

HERE = Path(__file__).parent
SUITE = "suite.scenario.yaml"
PUBLISHED = os.environ.get("SCENARIO_MUTATION_SCHEMA", "")


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copy(HERE / SUITE, tmp_path)
    monkeypatch.chdir(tmp_path)


def command(*words: str) -> int:
    return exit_code_of(lambda: scenario_runner.main(["mutate", *words], standalone_mode=False))


def report(*words: str) -> dict[str, Any]:
    assert command(SUITE, *words, "--json", "report.json") == 0
    found: dict[str, Any] = json.loads(Path("report.json").read_text(encoding="utf-8"))
    return found


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ((), 0),
        (("--min", "0"), 0),
        (("--min", "50"), 0),
        (("--min", "51"), 1),
        (("--accepted", "some.yaml"), 1),
        (("--accepted", "all.yaml"), 0),
        (("--accepted", "all.yaml", "--min", "100"), 0),
    ],
)
def test_the_exit_code(words: tuple[str, ...], code: int) -> None:
    """Of four mutants two are killed."""
    chosen = [f"park.occupies.{name}" for name in ("next-slot", "told-slot", "hung-up")]
    chosen.append("park.returns.early")
    Path("some.yaml").write_text("park.returns.early: measured by hand\n", encoding="utf-8")
    Path("all.yaml").write_text(
        "park.returns.early: measured by hand\npark.occupies.told-slot: nobody reads it\n",
        encoding="utf-8",
    )
    assert command(SUITE, *(word for one in chosen for word in ("--mutant", one)), *words) == code


def test_what_is_shown(
    capsys: pytest.CaptureFixture[str], golden: Callable[[Path, str], None]
) -> None:
    Path("some.yaml").write_text("park.returns.early: measured by hand\n", encoding="utf-8")
    assert command(SUITE, "--rule", "park.returns", "--accepted", "some.yaml", "-v") == 1
    told = capsys.readouterr()
    golden(HERE / "golden/command.txt", told.out)
    assert told.err == "5 not noticed and not in some.yaml\n"


def test_the_report_says_what_was_killed_by_whom(golden: Callable[[Path, str], None]) -> None:
    found = report("--rule", "park.occupies", "--rule", "park.full")
    (file,) = found["files"].values()
    for mutant in file["mutants"]:
        mutant["duration"] = 0
        mutant["location"]["start"]["line"] = mutant["location"]["end"]["line"] = 0
    file["source"] = found["framework"]["version"] = ""
    golden(HERE / "golden/report.json", json.dumps(found, indent=2) + "\n")


def test_a_mutant_stands_at_the_declaration_of_its_rule() -> None:
    ((name, file),) = report("--rule", "park.full")["files"].items()
    lines = file["source"].splitlines()
    place = file["mutants"][0]["location"]
    assert name == "scenario_runner/mock_pbx/rules.py"
    assert lines[place["start"]["line"] - 1].startswith("PARK_FULL")
    assert lines[place["end"]["line"] - 1] == ")"
    assert place["end"]["column"] == 2


PART = {
    "type": "object",
    "required": ["id", "mutatorName", "location", "status"],
    "properties": {
        "status": {
            "enum": ["Killed", "Survived", "NoCoverage", "RuntimeError", "Timeout", "Ignored"]
        },
        "killedBy": {"type": "array", "items": {"type": "string"}},
        "coveredBy": {"type": "array", "items": {"type": "string"}},
        "duration": {"type": "number"},
        "testsCompleted": {"type": "number"},
    },
}


def test_a_dashboard_can_read_the_report() -> None:
    """The parts that dashboards need; the published schema is tried where it is at hand."""
    found = report()
    tests = {test["id"] for file in found["testFiles"].values() for test in file["tests"]}
    for mutant in (one for file in found["files"].values() for one in file["mutants"]):
        jsonschema.validate(mutant, PART)
        assert set(mutant.get("killedBy", [])) <= set(mutant["coveredBy"]) <= tests
    assert len(MUTANTS) == sum(len(file["mutants"]) for file in found["files"].values())


@pytest.mark.skipif(not PUBLISHED, reason="SCENARIO_MUTATION_SCHEMA names no published schema")
def test_the_report_fulfils_the_published_schema() -> None:
    jsonschema.validate(report(), json.loads(Path(PUBLISHED).read_text(encoding="utf-8")))


def test_coverage_reads_the_report() -> None:
    report("--rule", "park.occupies")
    assert read_killed("report.json")["park.occupies"].tried == 6


def accepted(text: str) -> str:
    Path("accepted.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(InvalidFiles) as raised:
        read_accepted("accepted.yaml")
    (problem,) = raised.value.problems
    return f"{problem.span.line}:{problem.span.column} {problem.message}; {problem.hint}"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("- park.full.joins\n", "1:1 expected a map of mutants to reasons"),
        ("park.full.joints: x\n", "1:1 there is no mutant 'park.full.joints'; did you mean"),
        ("park.full.joins:\n", "1:1 "),
        ("park.full.joins: [a]\n", "1:18 expected text that says why"),
        ("park.full.joins: a\npark.full.joins: b\n", "2:1 "),
        ("park.full.joins: 'a\n", "1:18 "),
    ],
)
def test_what_is_wrong_with_accepted_survivors_is_told_at_its_place(text: str, told: str) -> None:
    assert accepted(text).startswith(told)


def git(*words: str) -> None:
    identity = ("-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "commit.gpgsign=false")
    subprocess.run(["git", *identity, *words], check=True, capture_output=True)


@pytest.fixture
def repository() -> None:
    git("init", "-q")
    Path("other.scenario.yaml").write_text(
        "scenario: A free slot is empty\nsteps:\n"
        '  - call: {as: customer, extension: 341, from: "+78120000443"}\n'
        "  - slots: {call: customer, slot: 6}\n    expect: {empty: true}\n",
        encoding="utf-8",
    )
    git("add", "-A")
    git("commit", "-qm", "first")


def tried() -> set[str]:
    assert command(".", "--since", "HEAD", "--json", "report.json") == 0
    found = json.loads(Path("report.json").read_text(encoding="utf-8"))
    mutants = (one for file in found["files"].values() for one in file["mutants"])
    return {one["id"].rpartition(".")[0] for one in mutants}


@pytest.mark.usefixtures("repository")
def test_only_mutants_are_tried_that_changed_files_can_notice() -> None:
    assert tried() == set()
    everywhere = {mutant.rule.id for mutant in MUTANTS if mutant.everywhere}
    with Path("other.scenario.yaml").open("a", encoding="utf-8") as file:
        file.write("  - slots: {call: customer, slot: 21}\n    expect: {refused: slot-unknown}\n")
    met = {"slots.empty", "park.range", "events.dial-in", "events.answer"}
    assert tried() == met | everywhere


@pytest.mark.usefixtures("repository")
def test_a_new_file_has_changed_and_a_deleted_one_lets_all_be_tried() -> None:
    shutil.copy("other.scenario.yaml", "third.scenario.yaml")
    text = Path("third.scenario.yaml").read_text(encoding="utf-8")
    Path("third.scenario.yaml").write_text(text.replace("A free", "Another free"), encoding="utf-8")
    assert "slots.empty" in tried()
    Path("other.scenario.yaml").unlink()
    assert changed_since("HEAD") is None
    assert len(tried()) == 39


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.id)
def test_a_draft_is_a_valid_scenario_that_says_what_it_is_for(mutant: Any) -> None:
    """That it kills the mutant is tested of the witness whose steps it has."""
    text = draft(mutant.id)
    loaded = load_text(text, "draft.scenario.yaml", LoadOptions())
    assert not list(loaded.problems)
    assert text.startswith("# Fails if ")
    assert text.endswith(mutant.witness.read_text(encoding="utf-8").partition("\n")[2])
    comments = [line for line in text.splitlines() if line.startswith("#")]
    assert max(map(len, comments)) <= 100


def test_a_draft_is_written_once(capsys: pytest.CaptureFixture[str]) -> None:
    assert command("--draft", "auth.forbidden.all-allowed") == 0
    text = Path("auth.forbidden.all-allowed.scenario.yaml").read_text(encoding="utf-8")
    assert "#         - {id: nobody, secret: secret-of-nobody, access: none}" in text
    assert command("--draft", "auth.forbidden.all-allowed") == 3
    assert "is there already" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ((), "name the scenarios, or a mutant with --draft MUTANT"),
        ((SUITE, "--min", "101"), "101 is not in the range 0<=x<=100"),
        ((SUITE, "--min", "-1"), "-1 is not in the range 0<=x<=100"),
        ((SUITE, "--mutant", "park.ful.joins"), "there is no mutant 'park.ful.joins'"),
        ((SUITE, "--rule", "park.ful"), "there is no rule 'park.ful'"),
        (("--draft", "park.ful.joins"), "did you mean 'park.full.joins'?"),
        ((SUITE, "--accepted", "none.yaml"), "there is no file 'none.yaml'"),
        ((SUITE, "--since", "HEAD"), "git can't say what changed"),
        ((SUITE, "--workers", "0"), "'0' is neither 'auto' nor a number from 1 to 256"),
        ((SUITE, "--json", SUITE), "is read, and can't be written"),
        ((SUITE, "--target", "pbx"), "mutants break the rules of the built-in mock, and pbx"),
    ],
)
def test_what_makes_no_sense_is_refused(
    words: tuple[str, ...], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("scenario-targets.yaml").write_text(
        "targets:\n  mock: {driver: mock}\n  pbx: {driver: freeswitch, password: $env.HOME}\n",
        encoding="utf-8",
    )
    assert command(*words) == 3
    assert told in capsys.readouterr().err


def test_a_red_suite_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    red = Path(SUITE).read_text(encoding="utf-8").replace("holds: customer", "empty: true")
    Path(SUITE).write_text(red, encoding="utf-8")
    assert command(SUITE) == 1
    assert "make the suite green first" in capsys.readouterr().err
