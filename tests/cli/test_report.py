"""The commands that report, document and begin: `report`, `doc`, `init`, and the report options."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest

from scenario_runner.cli import scenario_runner
from scenario_runner.cli.exit_codes import exit_code_of
from scenario_runner.cli.options import REPORTS

HERE = Path(__file__).parent
EXAMPLES = HERE.parents[1] / "examples"
STEPS = """
steps:
  - call: {as: customer, extension: 341, from: "+78120000443"}
  - call: {as: colleague, extension: 342, to: "+74950000200"}
  - park: {call: customer, slot: 6}
  - slots: {call: colleague, slot: 6}
"""
GOOD = f"scenario: good{STEPS}    expect: {{holds: customer}}\n"
BAD = f"scenario: bad{STEPS}    expect: {{holds: colleague}}\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
    (tmp_path / "good.scenario.yaml").write_text(GOOD)
    (tmp_path / "bad.scenario.yaml").write_text(BAD)
    return tmp_path


def run(*words: str) -> int:
    return exit_code_of(
        lambda: scenario_runner.main(list(words), "scenario-runner", standalone_mode=False)
    )


def test_shards_are_merged_into_every_format(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("run", "good.scenario.yaml", "--events", "1.jsonl") == 0
    assert run("run", "bad.scenario.yaml", "--events", "2.jsonl") == 1
    capsys.readouterr()
    options = [word for name in REPORTS for word in (f"--{name}", f"out.{name}")]
    assert run("report", "1.jsonl", "2.jsonl", *options) == 0
    assert "2 scenarios: 1 passed, 1 failed" in capsys.readouterr().out
    suite = ElementTree.parse(folder / "out.junit").getroot()
    assert len(list(suite.iter("testcase"))) == 2
    assert len(list(suite.iter("failure"))) == 1
    for name in REPORTS:
        assert "bad" in (folder / f"out.{name}").read_text(), name
    assert "not ok" in (folder / "out.tap").read_text()


def test_a_report_is_the_one_the_run_itself_wrote(folder: Path) -> None:
    run("run", ".", "--events", "all.jsonl", "--junit", "run.xml", "--tap", "run.tap")
    run("report", "all.jsonl", "--junit", "later.xml", "--tap", "later.tap")
    assert (folder / "later.tap").read_text() == (folder / "run.tap").read_text()
    assert (folder / "later.xml").read_text() == (folder / "run.xml").read_text()


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(("form", "sign"), [("text", "─▶│"), ("mermaid", "sequenceDiagram")])
def test_ladders_are_printed(capsys: pytest.CaptureFixture[str], form: str, sign: str) -> None:
    run("run", ".", "--events", "all.jsonl", "-q")
    capsys.readouterr()
    assert run("report", "all.jsonl", "--ladder", form, "-q") == 0
    assert capsys.readouterr().out.count(sign) >= 2


def test_ladders_are_drawn_into_a_folder(folder: Path) -> None:
    run("run", ".", "--events", "all.jsonl", "-q")
    assert run("report", "all.jsonl", "--ladder", "svg", "--ladder-to", "drawn/here") == 0
    names = [path.name for path in sorted((folder / "drawn/here").iterdir())]
    assert names == ["001-bad.svg", "002-good.svg"]
    assert (folder / "drawn/here" / names[0]).read_text().startswith("<svg")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["all.jsonl", "--html", "./all.jsonl"], "can't be written at the same time"),
        (["all.jsonl", "--ladder", "svg"], "--ladder-to FOLDER"),
        (["all.jsonl", "--ladder-to", "x"], "--ladder-to needs --ladder"),
        (["nope.jsonl"], "nope.jsonl can't be read"),
        (["good.scenario.yaml"], "there is no run in good.scenario.yaml"),
        (["all.jsonl", "--report", "junit"], "a report looks like junit=out.xml"),
        (["all.jsonl", "--report", "junt=x"], "did you mean 'junit'?"),
    ],
)
def test_a_wrong_report_is_told(
    folder: Path, capsys: pytest.CaptureFixture[str], words: list[str], message: str
) -> None:
    run("run", "good.scenario.yaml", "--events", "all.jsonl", "-q")
    before = (folder / "all.jsonl").read_text()
    capsys.readouterr()
    assert run("report", *words) == 3
    assert message in capsys.readouterr().err
    assert (folder / "all.jsonl").read_text() == before


@pytest.mark.usefixtures("folder")
def test_a_failure_is_drawn_on_the_console(capsys: pytest.CaptureFixture[str]) -> None:
    run("run", ".", "--ladder")
    out = capsys.readouterr().out
    assert out.count("ext 341") == 1
    assert "✗ 200 {slot: 6" in out
    assert "outside of the steps" not in out


def test_github_gets_its_reports_unasked(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "summary.md").write_text("before\n")
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(folder / "summary.md"))
    run("run", ".")
    assert "::error file=bad.scenario.yaml,line=7" in capsys.readouterr().out
    assert (folder / "summary.md").read_text().startswith("before\n")
    assert "bad" in (folder / "summary.md").read_text()
    monkeypatch.delenv("GITHUB_STEP_SUMMARY")
    assert run("run", "good.scenario.yaml") == 0


def test_scenarios_as_a_page(
    capsys: pytest.CaptureFixture[str],
    golden: Callable[[Path, str], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(EXAMPLES.parent)
    assert run("doc", "examples/24-two-agents-one-call.scenario.yaml") == 0
    golden(HERE / "doc" / "race.md", capsys.readouterr().out)
    monkeypatch.chdir(HERE / "doc")
    assert run("doc", "every.scenario.yaml", "--no-diagram") == 0
    golden(HERE / "doc" / "every.md", capsys.readouterr().out)


def test_init_writes_files_that_work_and_overwrites_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run("init") == 0
    (scenario,) = tmp_path.glob("*.scenario.yaml")
    assert scenario.name == "park-a-caller-and-pick-the-call-up.scenario.yaml"
    for line in (
        scenario.read_text().splitlines() + Path("scenario-targets.yaml").read_text().splitlines()
    ):
        if line.startswith("# yaml-language-server: $schema="):
            schema = json.loads(Path(line.partition("=")[2]).read_text())
            assert schema["type"] == "object"
    assert run("validate", "--strict", ".") == 0
    assert run("run", ".") == 0
    scenario.write_text("mine")
    capsys.readouterr()
    assert run("init") == 0
    assert scenario.read_text() == "mine"
    assert "left as it is" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["Two: agents", "it's", "true", "12", "#1 [a] {b}", "…", "- x"])
def test_init_takes_any_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run("init", "--", name) == 0
    assert run("run", ".") == 0
    assert name in capsys.readouterr().out


def test_what_failed_last_is_run_again(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("run", ".", "--last-failed") == 3
    assert "no scenario failed when it last ran here" in capsys.readouterr().err
    assert run("run", ".") == 1
    assert run("run", str(folder), "--last-failed", "-q") == 1
    assert "1 scenario: 1 failed" in capsys.readouterr().out
    assert run("run", "good.scenario.yaml") == 0
    (folder / "bad.scenario.yaml").write_text(BAD.replace("holds: colleague", "holds: customer"))
    assert run("run", ".", "--last-failed") == 0
    assert run("run", ".", "--last-failed") == 3


def test_nothing_is_remembered_where_nothing_failed_or_it_is_not_wanted(folder: Path) -> None:
    assert run("run", "good.scenario.yaml") == 0
    assert run("run", ".", "--no-cache") == 1
    assert not (folder / ".scenario-runner").exists()


def _repeat_line(out: str) -> list[str]:
    import shlex

    lines = out.splitlines()
    place = next(i for i, line in enumerate(lines) if "repeat the scenario" in line)
    return shlex.split(lines[place + 1])


RACE = """
scenario: race
vars: {agent: nobody}
steps:
  - call: {as: customer, extension: 341, from: "+78120000443"}
  - call: {as: a, extension: 342, to: "+74950000200"}
  - call: {as: b, extension: 343, to: "+74950000300"}
  - park: {call: customer, slot: 6}
  - together:
      - bridge: {call: a, slot: 6}
      - bridge: {call: b, slot: 6}
    expect: {succeeded: 1, refused: {slot-empty: 1}}
  - calls: {call: a}
    expect: {state: bridged}
  - check: {that: $agent, equals: somebody}
"""


@pytest.mark.parametrize(
    "options",
    [
        [],
        ["--seed", "3"],
        ["--all-orders"],
        ["--repeat-run", "5", "--seed", "7"],
        ["--retry-failed", "2"],
        ["--shuffle", "--var", "agent=no body"],
    ],
)
def test_the_line_in_a_failure_repeats_it_exactly(
    folder: Path, capsys: pytest.CaptureFixture[str], options: list[str]
) -> None:
    (folder / "race.scenario.yaml").write_text(RACE)
    run("run", "race.scenario.yaml", *options)
    out = capsys.readouterr().out
    words = _repeat_line(out)
    assert words[:2] == ["scenario-runner", "run"]
    run(*words[1:])
    again = capsys.readouterr().out
    assert _account(again) == _account(out)


def _account(out: str) -> list[str]:
    """Return what is told of the first failure, uuids included."""
    lines = out.partition("\n1) ")[2].splitlines()
    end = next(i for i, line in enumerate(lines) if "repeat the scenario" in line)
    return lines[2:end]


def test_the_order_of_shuffled_scenarios_comes_from_the_seed(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = "".join(f"scenario: s{n}{STEPS}    expect: {{holds: customer}}\n---\n" for n in range(9))
    (folder / "many.scenario.yaml").write_text(rows)

    def order(seed: int) -> list[str]:
        run("run", "many.scenario.yaml", "--shuffle", "--seed", str(seed))
        return [
            line.split()[2] for line in capsys.readouterr().out.splitlines() if " s" in line[:14]
        ]

    assert order(1) == order(1)
    assert order(1) != order(2)
    assert sorted(order(1)) == sorted(order(2))
