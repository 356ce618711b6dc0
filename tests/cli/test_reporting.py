"""What the command line does with reports: where they go, what they never replace, who fails."""

from __future__ import annotations

import json
import os
import re
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from threading import Thread
from xml.etree import ElementTree

import pytest

from scenario_runner.cli.options import REPORTS
from scenario_runner.reporters import GROUP
from tests.cli.invoking import Invoke, invoking

GOOD = """scenario: good
tags: [smoke]
steps:
  - call: {as: customer, extension: 341, from: "+7812"}
  - park: {call: customer, slot: 6}
  - slots: {call: customer, slot: 6}
    expect: {holds: customer}
"""
BAD = "scenario: bad\nsteps:\n  - prak: {call: a, slot: 6}\n"
WRONG = GOOD.replace("scenario: good", "scenario: wrong").replace("holds: customer", "empty: true")


@pytest.fixture
def run(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Invoke:
    monkeypatch.chdir(tmp_path)
    for name in ("GITHUB_ACTIONS", "COLUMNS", "SCENARIO_RUNNER_TRACEBACK"):
        monkeypatch.delenv(name, raising=False)
    Path("good.scenario.yaml").write_text(GOOD)

    return invoking(capsys)


def test_without_a_path_it_is_this_folder(run: Invoke) -> None:
    assert "1 scenario: 1 passed" in run("run").out


# An invalid file is an error in every format.


def _json(text: str) -> dict[str, object]:
    loaded: dict[str, object] = json.loads(text)
    return loaded


SHOWS: dict[str, Callable[[str], bool]] = {
    "html": lambda text: "invalid" in text,
    "junit": lambda text: ElementTree.fromstring(text).get("errors") == "1",
    "json": lambda text: "unknown-key" in json.dumps(_json(text)["invalid"]),
    "events": lambda text: '"event":"InvalidFile"' in text,
    "markdown": lambda text: text.startswith("## ! Scenarios: errored") and "! invalid: " in text,
    "tap": lambda text: "not ok 1 - bad.scenario.yaml is invalid" in text,
    "ctrf": lambda text: '"rawStatus":"invalid"' in text,
    "gitlab": lambda text: '"check_name": "unknown-key"' in text,
    "github": lambda text: "::error file=bad.scenario.yaml,line=3,col=5,title=" in text,
    "console": lambda text: "1 invalid file" in text and "did you mean 'park'?" in text,
}


@pytest.mark.parametrize("keep_going", [False, True])
def test_an_invalid_file_is_an_error_in_every_report(run: Invoke, *, keep_going: bool) -> None:
    Path("bad.scenario.yaml").write_text(BAD)
    assert set(REPORTS) <= set(SHOWS)
    words = [f"--report={name}=out.{name}" for name in SHOWS]
    said = run("run", "-q", *words, *(["--keep-going"] if keep_going else []))
    assert said.code == 2
    assert "bad.scenario.yaml:3:5: unknown-key" in said.out
    for name, shows in SHOWS.items():
        text = Path(f"out.{name}").read_text(encoding="utf-8")
        assert shows(text), name
    cases = list(ElementTree.parse("out.junit").getroot().iter("testcase"))
    unrun = [case for case in cases if "not run" in case.get("name", "")]
    assert len(unrun) == (0 if keep_going else 1)


def test_an_invalid_targets_file_is_reported_too(run: Invoke) -> None:
    Path("scenario-targets.yaml").write_text("targets: {x: {driver: rngme}}")
    said = run("run", ".", "--junit", "out.xml")
    assert said.code == 2
    (case,) = ElementTree.parse("out.xml").getroot().iter("testcase")
    assert case.get("file") == "scenario-targets.yaml"


# Reports replace nothing but files, and never what is read.


@pytest.mark.parametrize("name", sorted(REPORTS))
def test_a_link_is_followed(run: Invoke, name: str) -> None:
    Path("there").mkdir()
    Path("there/real").write_text("old")
    Path("link").symlink_to("there/real")
    assert run("run", ".", f"--{name}", "link").code == 0
    assert Path("link").is_symlink()
    assert Path("there/real").read_text() != "old"
    assert [path.name for path in Path("there").iterdir()] == ["real"]


def test_a_link_to_nothing_yet_is_followed(run: Invoke) -> None:
    Path("link").symlink_to("later.xml")
    assert run("run", ".", "--junit", "link").code == 0
    assert Path("link").is_symlink()
    assert Path("later.xml").read_text().startswith("<?xml")


@pytest.mark.parametrize("name", sorted(REPORTS))
def test_a_pipe_stays_a_pipe(run: Invoke, name: str) -> None:
    os.mkfifo("pipe")
    read: list[str] = []
    reader = Thread(target=lambda: read.append(Path("pipe").read_text(encoding="utf-8")))
    reader.start()
    assert run("run", ".", f"--{name}", "pipe").code == 0
    reader.join()
    assert stat.S_ISFIFO(Path("pipe").stat().st_mode)
    assert run("run", ".", f"--{name}", "file").code == 0
    assert len(read[0]) > 3


def _device(path: str) -> None:
    """Make a device like /dev/null in the test's own folder."""
    try:
        os.mknod(path, 0o666 | stat.S_IFCHR, os.makedev(1, 3))
        with Path(path).open("w") as file:
            file.write("x")
    except OSError:
        pytest.skip("no device can be made here")


@pytest.mark.parametrize("name", sorted(REPORTS))
def test_a_device_stays_a_device(run: Invoke, name: str) -> None:
    _device("null")
    assert run("run", ".", f"--{name}", "null").code == 0
    assert stat.S_ISCHR(Path("null").stat().st_mode)
    assert run("run", ".", "--html", "null", "--junit", "null").code == 0


def write_with_fragment(folder: Path) -> None:
    (folder / "parts").mkdir()
    (folder / "parts/parked.yaml").write_text(
        "fragment: parked\nsteps:\n"
        '  - call: {as: customer, extension: 341, from: "+7812"}\n'
        "  - park: {call: customer, slot: 6}\n"
    )
    (folder / "uses.scenario.yaml").write_text(
        "scenario: uses\nvars: {slot: 6}\nsteps:\n"
        "  - use: {file: parts/parked.yaml}\n"
        "  - check: {that: $slot, at_least: 6}\n"
    )


@pytest.mark.parametrize(
    "words",
    [
        ("--html", "good.scenario.yaml"),
        ("--junit", "./good.scenario.yaml"),
        ("--events", "link.yaml"),
        ("--report", "tap=hard.yaml"),
        ("--html", "scenario-targets.yaml"),
        ("--var-file", "vars.yaml", "--json", "vars.yaml"),
        ("--html", "parts/parked.yaml"),
    ],
)
def test_what_is_read_is_not_overwritten(run: Invoke, words: tuple[str, ...]) -> None:
    Path("scenario-targets.yaml").write_text("targets: {mock: {driver: mock}}")
    Path("vars.yaml").write_text("{slot: 7}")
    write_with_fragment(Path())
    Path("link.yaml").symlink_to("good.scenario.yaml")
    Path("hard.yaml").hardlink_to("good.scenario.yaml")
    before = {path: path.read_text() for path in Path().rglob("*.yaml")}
    said = run("run", ".", *words)
    assert said.code == 3
    assert "is read, and can't be written at the same time" in said.err
    assert {path: path.read_text() for path in Path().rglob("*.yaml")} == before


@pytest.mark.parametrize("option", ["--html", "--json"])
@pytest.mark.parametrize(
    "path", ["good.scenario.yaml", "parts/parked.yaml", "scenario-targets.yaml"]
)
def test_nor_does_a_comparison_overwrite_it(run: Invoke, option: str, path: str) -> None:
    Path("scenario-targets.yaml").write_text("targets: {other: {driver: mock}}")
    write_with_fragment(Path())
    before = Path(path).read_text()
    said = run("compare", "mock", "other", ".", option, path)
    assert said.code == 3
    assert "is read, and can't be written at the same time" in said.err
    assert Path(path).read_text() == before


def test_an_invalid_targets_file_is_not_overwritten_either(run: Invoke) -> None:
    Path("scenario-targets.yaml").write_text("targets: {mock: {driver: moc}}")
    said = run("run", ".", "--json", "scenario-targets.yaml")
    assert said.code == 3
    assert "is read, and can't be written at the same time" in said.err
    assert Path("scenario-targets.yaml").read_text() == "targets: {mock: {driver: moc}}"


@pytest.mark.parametrize("other", ["out.xml", "./out.xml", "link.xml", "sub/../out.xml"])
def test_one_file_for_two_reports_is_refused(run: Invoke, other: str) -> None:
    Path("sub").mkdir()
    Path("link.xml").symlink_to("out.xml")
    said = run("run", ".", "--junit", "out.xml", "--html", other)
    assert said.code == 3
    assert "is named for two reports" in said.err
    assert not Path("out.xml").exists()


def test_standard_output_for_two_reports_is_refused(run: Invoke) -> None:
    assert "named for two reports" in run("run", ".", "--junit", "-", "--tap", "-").err


# A reporter that fails is named, and the exit code says it.


def _plug_in(folder: Path, monkeypatch: pytest.MonkeyPatch, error: str) -> None:
    info = folder / "plug-in-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: plug-in\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[{GROUP}]\nmine = failing_plug_in:Mine\n")
    (folder / "failing_plug_in.py").write_text(
        "class Mine:\n"
        "    def __init__(self, path): self.heard = 0\n"
        "    def handle(self, event):\n"
        "        self.heard += 1\n"
        f"        if self.heard == 5: raise {error}\n"
        "    def close(self): pass\n"
    )
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.delitem(sys.modules, "failing_plug_in", raising=False)


@pytest.mark.parametrize(
    ("error", "code", "told"),
    [
        ("OSError(28, 'No space left on device')", 3, "mine (x) stopped: No space left on device"),
        ("KeyError('verdict')", 5, "mine (x) stopped: KeyError: 'verdict'"),
    ],
)
def test_a_plug_in_that_fails_is_named(
    run: Invoke, monkeypatch: pytest.MonkeyPatch, error: str, code: int, told: str
) -> None:
    _plug_in(Path.cwd(), monkeypatch, error)
    said = run("run", ".", "--report", "mine=x", "--junit", "out.xml")
    assert said.code == code
    assert told in said.err
    assert "Traceback" not in said.err
    assert "1 scenario: 1 passed" in said.out
    assert len(list(ElementTree.parse("out.xml").getroot().iter("testcase"))) == 1


def test_the_gravest_wins(run: Invoke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("bad.scenario.yaml").write_text(BAD)
    _plug_in(tmp_path, monkeypatch, "OSError(28, 'No space left on device')")
    assert run("run", ".", "--report", "mine=x", "--keep-going").code == 2


def _process(words: str, folder: Path) -> subprocess.CompletedProcess[str]:
    command = f"{sys.executable} -m scenario_runner {words}"
    return subprocess.run(
        ["bash", "-c", f"set -o pipefail; {command}"],
        capture_output=True,
        text=True,
        cwd=folder,
        timeout=60,
        check=False,
    )


def test_a_reader_that_goes_away_is_no_error(tmp_path: Path) -> None:
    for number in range(30):
        name = f"s{number}.scenario.yaml"
        (tmp_path / name).write_text(GOOD.replace("scenario: good", f"scenario: good {number}"))
    said = _process("run . -vv --junit out.xml | head -1", tmp_path)
    assert said.returncode == 0
    assert said.stderr == ""
    assert len(list(ElementTree.parse(tmp_path / "out.xml").getroot().iter("testcase"))) == 30


def test_standard_output_that_is_closed_or_full(tmp_path: Path) -> None:
    (tmp_path / "good.scenario.yaml").write_text(GOOD)
    closed = _process("run . --junit out.xml >&-", tmp_path)
    assert (closed.returncode, closed.stderr) == (0, "")
    assert (tmp_path / "out.xml").exists()
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full here")
    full = _process("run . --tap out.tap > /dev/full", tmp_path)
    assert full.returncode == 3
    assert "the console stopped: No space left on device" in full.stderr
    assert "1..1" in (tmp_path / "out.tap").read_text()


# What CI servers make of it.


def test_github_obeys_only_our_own_commands(
    run: Invoke, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "repository" / "sub").mkdir(parents=True)
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_WORKSPACE", str(tmp_path / "repository"))
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    monkeypatch.chdir(tmp_path / "repository" / "sub")
    said = "::error title=x::owned\n##[error]owned\n  ::add-mask::owned"
    Path("a.scenario.yaml").write_text(WRONG.replace("wrong", json.dumps(said)))
    out = run("run", ".", "-vv").out
    first, *lines = out.splitlines()
    found = re.fullmatch(r"::stop-commands::([0-9a-f]{32})", first)
    assert found is not None
    end = lines.index(f"::{found[1]}::")
    assert "1 scenario: 1 failed" in "\n".join(lines[:end])
    annotations = lines[end + 1 :]
    assert len(annotations) == 1
    assert annotations[0].startswith("::error file=sub/a.scenario.yaml,line=")


def test_gitlab_wants_paths_of_the_repository(
    run: Invoke, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("CI_PROJECT_DIR", str(tmp_path))
    (tmp_path / "sub").mkdir()
    monkeypatch.chdir(tmp_path / "sub")
    Path("a.scenario.yaml").write_text(WRONG)
    run("run", ".", "--gitlab", "q.json", "-q")
    (issue,) = json.loads(Path("q.json").read_text())
    assert issue["location"]["path"] == "sub/a.scenario.yaml"
    monkeypatch.setenv("CI_PROJECT_DIR", str(tmp_path / "elsewhere"))
    run("run", ".", "--gitlab", "q.json", "-q")
    (issue,) = json.loads(Path("q.json").read_text())
    assert issue["location"]["path"] == "a.scenario.yaml"


# What people look at.


def test_the_built_in_mock_is_offered_no_curl(run: Invoke) -> None:
    Path("wrong.scenario.yaml").write_text(WRONG)
    out = run("run", "wrong.scenario.yaml").out
    assert "PUT /api/" in out
    assert "curl" not in out


def test_columns_are_heeded_where_the_output_is_no_terminal(
    run: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert max(map(len, run("run", "-v", ".").out.splitlines())) == 80
    monkeypatch.setenv("COLUMNS", "50")
    assert max(map(len, run("run", "-v", ".").out.splitlines())) <= 50
    monkeypatch.setenv("COLUMNS", "120")
    assert max(map(len, run("run", "-v", ".").out.splitlines())) == 120


@pytest.mark.parametrize(
    ("option", "steps", "exchanges"), [("-q", 0, 0), ("", 0, 0), ("-v", 3, 0), ("-vv", 3, 4)]
)
def test_how_much_is_shown(run: Invoke, option: str, steps: int, exchanges: int) -> None:
    out = run("run", ".", *([option] if option else [])).out
    assert len(re.findall(r"^  ✓ passed  \d", out, re.MULTILINE)) == steps
    assert out.count("http exchange") == exchanges


def test_problems_of_validate_are_on_standard_output(run: Invoke) -> None:
    Path("bad.scenario.yaml").write_text(BAD)
    said = run("validate", ".")
    assert said.code == 2
    assert said.err == ""
    assert "bad.scenario.yaml:3:5: unknown-key" in said.out
    assert "1 problem" in said.out


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
@pytest.mark.parametrize("words", ["validate good.scenario.yaml", "list .", "--help", "targets"])
def test_a_full_disk_is_no_fault_of_the_runner(words: str, tmp_path: Path) -> None:
    (tmp_path / "good.scenario.yaml").write_text(GOOD)
    full = _process(f"{words} > /dev/full", tmp_path)
    assert full.returncode == 3
    assert full.stderr == "error: No space left on device\n"


def test_a_date_beyond_the_year_9999_is_written_as_its_end(run: Invoke, tmp_path: Path) -> None:
    Path("good.scenario.yaml").write_text(GOOD)
    assert run("run", "good.scenario.yaml", "--events", "e.jsonl").code == 0
    text = Path("e.jsonl").read_text(encoding="utf-8")
    late = re.sub('"started_at":[0-9]+', f'"started_at":{10**18}', text)
    Path("e.jsonl").write_text(late, encoding="utf-8")
    assert run("report", "e.jsonl", "--junit", "out.xml", "--html", "out.html").code == 0
    assert 'timestamp="9999-12-31T23:59:59"' in (tmp_path / "out.xml").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "words",
    [
        ("coverage", "good.scenario.yaml", "--json"),
        ("coverage", "good.scenario.yaml", "--html"),
        ("mutate", "good.scenario.yaml", "--rule", "bridge.slot", "--json"),
        ("mutate", "good.scenario.yaml", "--rule", "bridge.slot", "--html"),
        ("compare", "mock", "mock:asterisk", "good.scenario.yaml", "--json"),
        ("run", "good.scenario.yaml", "--tap"),
    ],
)
@pytest.mark.parametrize("file", ["scenario-targets.yaml", "good.scenario.yaml"])
def test_no_command_writes_over_what_it_reads(
    words: tuple[str, ...], file: str, run: Invoke
) -> None:
    Path("scenario-targets.yaml").write_text("targets: {lab: {driver: mock}}\n")
    before = Path(file).read_text()
    said = run(*words, file)
    assert said.code == 3
    assert f"{file} is read" in said.err
    assert Path(file).read_text() == before
