"""The command line: what each command prints, and its exit code."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from scenario_runner.cli import COMMANDS
from scenario_runner.cli.exit_codes import exit_code_of
from tests.cli.invoking import Invoke, invoking

GOOD = """
scenario: good
tags: [smoke]
vars: {slot: 6}
steps:
  - call: {as: customer, extension: 341, from: "+7812"}
  - park: {call: customer, slot: $slot}
  - slots: {call: customer, slot: 6}
    expect: {holds: customer}
"""


@pytest.fixture
def run(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Invoke:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "good.scenario.yaml").write_text(GOOD)

    return invoking(capsys)


def test_run_tells_every_step_and_the_target(run: Invoke) -> None:
    said = run("run", "-v", ".")
    assert said.code == 0
    assert "✓ passed  2 park" in said.out
    assert "target mock (in this process)" in said.out


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["run", "nowhere"], 3, "nowhere"),
        (["validate"], 3, "Missing argument"),
        (["run", "--nope", "."], 3, "No such option"),
        (["run", ".", "--tag", "smok"], 3, "did you mean 'smoke'?"),
        (["run", ".", "--var", "slto=7"], 3, "did you mean 'slot'?"),
        (["run", ".", "--var", "slot"], 3, "NAME=VALUE"),
        (["run", ".", "--var-file", "nope.yaml"], 3, "nope.yaml"),
        (["run", ".", "--order", "x"], 3, "0-1-0"),
        (["run", ".", "--junit", "no/such/folder/x.xml"], 3, "no/such/folder"),
        (["runn", "."], 3, "No such command 'runn'"),
        (["schema", "nope"], 3, "there is no schema 'nope'"),
        (["explain", "unknown-kye"], 3, "did you mean 'unknown-key'?"),
        (["completion", "powershell"], 3, "powershell"),
    ],
)
def test_what_is_not_there_is_usage(run: Invoke, words: list[str], code: int, told: str) -> None:
    said = run(*words)
    assert said.code == code, said
    assert told in said.err
    assert "Traceback" not in said.err


@pytest.mark.parametrize(
    "words",
    [["run", "LONG"], ["validate", "LONG"], ["run", "a.scenario.yaml", "--targets", "LONG"]],
)
def test_a_name_that_no_file_can_have_is_usage(run: Invoke, words: list[str]) -> None:
    Path("a.scenario.yaml").write_text(GOOD)
    said = run(*(word.replace("LONG", "x" * 300) for word in words))
    assert said.code == 3
    assert said.err.startswith("error: no file can have a name of that length: ")


@pytest.mark.skipif(os.name == "nt", reason="names are UTF-16 there")
def test_a_name_that_is_not_utf8_is_usage(run: Invoke) -> None:
    Path(os.fsdecode(b"\xff.scenario.yaml")).write_text(GOOD)
    for words in (["validate", "."], ["run", os.fsdecode(b"\xff.scenario.yaml")]):
        said = run(*words)
        assert said.code == 3
        assert (
            said.err == "error: the name of \\udcff.scenario.yaml is not UTF-8\n  rename the file\n"
        )


def test_a_value_that_is_not_utf8_is_usage(run: Invoke) -> None:
    Path("a.scenario.yaml").write_text(GOOD)
    said = run("run", "a.scenario.yaml", "--var", "slot=" + os.fsdecode(b"\xff"))
    assert (said.code, said.err) == (3, "error: the value of 'slot' is not UTF-8 text\n")


def test_an_invalid_file_is_2_for_run_and_validate(run: Invoke) -> None:
    Path("bad.scenario.yaml").write_text("scenario: bad\nsteps:\n  - prak: {call: a, slot: 6}\n")
    for command in ("run", "validate"):
        said = run(command, ".")
        assert said.code == 2
        assert "bad.scenario.yaml:3:5: unknown-key" in said.out
        assert "did you mean 'park'?" in said.out
        assert said.err == ""


def test_a_failure_is_1_and_an_error_4(run: Invoke) -> None:
    assert run("run", ".", "--var", "slot=7").code == 1
    Path("env.scenario.yaml").write_text(GOOD + "  - check: {that: $env.NOPE_NOPE, equals: 1}\n")
    said = run("run", "env.scenario.yaml")
    assert said.code == 4
    assert "NOPE_NOPE is not set" in said.out


def test_a_fault_of_the_runner_is_5_without_a_traceback(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> None:
        raise ZeroDivisionError("oh")

    monkeypatch.delenv("SCENARIO_RUNNER_TRACEBACK", raising=False)
    assert exit_code_of(broken) == 5
    told = capsys.readouterr().err
    assert "the runner itself failed: ZeroDivisionError: oh" in told
    assert "Traceback" not in told
    monkeypatch.setenv("SCENARIO_RUNNER_TRACEBACK", "1")
    assert exit_code_of(broken) == 5
    assert "Traceback" in capsys.readouterr().err


def test_reports_are_written(run: Invoke) -> None:
    run("run", ".", "-q", "--junit", "j.xml", "--json", "r.json", "--events", "e.jsonl")
    assert "<testsuite" in Path("j.xml").read_text()
    assert json.loads(Path("r.json").read_text())
    lines = Path("e.jsonl").read_text().splitlines()
    assert json.loads(lines[0])["event"] == "RunStarted"
    assert json.loads(lines[-1])["event"] == "RunFinished"


def test_validate_and_list_tell_what_there_is(run: Invoke) -> None:
    assert run("validate", ".").out == "1 file is valid: 1 scenario\n"
    assert "good  [smoke]" in run("list", ".").out


FRAGMENT = """
fragment: A parked customer
exports: [customer]
steps:
  - call: {as: customer, extension: 341, from: "+7812"}
  - park: {call: customer, slot: 6}
"""
TARGETS = """
default: staging
targets:
  staging:
    driver: ringme
    url: https://pbx.example.com
    client_id: $env.NOT_SET
    client_secret: $secret.NOT_SET
"""


def test_validate_takes_fragments_and_targets_files(run: Invoke) -> None:
    Path("part.yaml").write_text(FRAGMENT)
    Path("targets.yaml").write_text(TARGETS)
    assert run("validate", "part.yaml").out == "1 file is valid: 1 fragment\n"
    said = run("validate", "targets.yaml", "part.yaml", ".")
    assert said.out == "3 files are valid: 1 scenario, 1 fragment, 1 targets file\n"


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("part.yaml", FRAGMENT.replace("park:", "prak:"), "did you mean 'park'?"),
        ("part.yaml", FRAGMENT.replace("[customer]", "[custmer]"), "did you mean 'customer'?"),
        ("part.yaml", FRAGMENT + "---\nfragment: second\n", "part.yaml:1:1: not-a-fragment"),
        ("part.yaml", "fragment: [\n", "unclosed-bracket"),
        ("targets.yaml", TARGETS.replace("ringme", "ringmee"), "did you mean 'ringme'?"),
        ("targets.yaml", TARGETS.replace("default: staging", "default: x"), "no target 'x'"),
        ("other.yaml", "services: {web: 1}\n", "unknown key 'services'"),
    ],
)
def test_validate_shows_what_is_wrong_with_any_file(
    run: Invoke, name: str, text: str, told: str
) -> None:
    Path(name).write_text(text)
    said = run("validate", name)
    assert (said.code, told in said.out) == (2, True), said.out


def test_a_problem_of_a_fragment_is_shown_once(run: Invoke) -> None:
    Path("part.yaml").write_text(FRAGMENT.replace("park:", "prak:"))
    Path("a.scenario.yaml").write_text("scenario: a\nsteps:\n  - use: {file: part.yaml}\n")
    said = run("validate", "part.yaml", "a.scenario.yaml")
    assert said.out.count("did you mean 'park'?") == 1


def test_validate_passes_over_other_files_where_asked(run: Invoke) -> None:
    Path("other.yaml").write_text("services: {web: [1}\n")
    assert run("validate", "--ignore-others", "other.yaml").out == "there was nothing to check\n"
    said = run("validate", "--ignore-others", "other.yaml", "good.scenario.yaml")
    assert said.out == "1 file is valid: 1 scenario\n"
    Path("typo.scenario.yaml").write_text("senario: x\n")
    assert run("validate", "--ignore-others", "typo.scenario.yaml").code == 2


def test_schema_and_explain_print(run: Invoke) -> None:
    assert json.loads(run("schema").out)["$schema"].endswith("2020-12/schema")
    said = run("explain", "unknown-key")
    assert "Wrong:" in said.out
    assert "Right:" in said.out
    assert "unknown-key" in run("explain").out


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_a_script(run: Invoke, shell: str) -> None:
    assert "_SCENARIO_RUNNER_COMPLETE" in run("completion", shell).out


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(run: Invoke, command: str) -> None:
    said = run(command, "--help")
    assert said.code == 0
    assert f"Usage: scenario-runner {command}" in said.out


HEAVY = ("httpx", "uvicorn", "rich", "jsonschema", "ruamel.yaml", "asyncio")
PROBE = """
import sys
from scenario_runner.cli import scenario_runner
try:
    scenario_runner.main(sys.argv[1:], standalone_mode=False)
finally:
    print("\\n" + " ".join(name for name in {heavy} if name in sys.modules))
"""


def imported(*words: str, heavy: tuple[str, ...] = HEAVY) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", PROBE.format(heavy=heavy), *words],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"NO_COLOR": "1"},
    )
    return done.stdout.splitlines()[-1].split()


@pytest.mark.parametrize("word", ["--help", "--version"])
def test_help_and_version_import_nothing_heavy(word: str) -> None:
    assert imported(word) == []


UNUSED = ("httpx", "uvicorn", "rich", "regex", "importlib.metadata", "email", "difflib")


def test_a_run_on_the_mock_imports_only_what_it_uses(tmp_path: Path) -> None:
    (tmp_path / "good.scenario.yaml").write_text(GOOD)
    assert imported("run", str(tmp_path), heavy=UNUSED) == []
