"""Comparing two targets: what is found, what explains it, how it is shown, and the exit code."""

from __future__ import annotations

import json
import shutil
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import pytest

from scenario_runner.cli import scenario_runner
from scenario_runner.cli.exit_codes import exit_code_of
from scenario_runner.comparing.differences import Comparison, Grade
from scenario_runner.comparing.output import document, table
from scenario_runner.comparing.run import Sides, compare, sides
from scenario_runner.errors import TargetError, UsageError
from scenario_runner.execution.run import RunRequest
from scenario_runner.execution.targets import TargetChoice
from scenario_runner.exit_code import Exit
from scenario_runner.masking import Mask
from scenario_runner.mock_pbx import PROFILES, Profile

HERE = Path(__file__).parent
GOLDEN = HERE / "golden"
RULES = "rules.scenario.yaml"
CONFORMANCE = str(HERE.parent / "conformance")
TOLERANCE = 500_000


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in a folder of one's own, since a run over a network leaves a journal there."""
    for file in HERE.glob("*.yaml"):
        shutil.copy(file, tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")


@pytest.fixture
def planted(monkeypatch: pytest.MonkeyPatch) -> Profile:
    """Give a profile that differs from the vendor's in several ways, each planted on purpose."""
    profile = Profile(
        name="planted",
        park_again="move",
        park_event="none",
        return_unanswered="rings-on",
        bridged_hangup="ends-one",
        empty_slot="no-key",
        parked_in_lists="hidden",
        calls_at_once="any",
    )
    monkeypatch.setitem(PROFILES, "planted", profile)
    return profile


def both(a: str, b: str, choice: TargetChoice | None = None) -> Sides:
    return sides(a, b, choice or TargetChoice(), Mask())


def compared(a: str, b: str, *paths: str, tolerance: int = TOLERANCE) -> Comparison:
    return compare(RunRequest(paths=paths), both(a, b), tolerance)


def compared_text(b: Profile, text: str, folder: Path, tolerance: int = TOLERANCE) -> Comparison:
    file = folder / "test.scenario.yaml"
    file.write_text(textwrap.dedent(text))
    PROFILES[b.name] = b
    try:
        return compared("mock", f"mock:{b.name}", str(file), tolerance=tolerance)
    finally:
        del PROFILES[b.name]


def found(comparison: Comparison) -> list[tuple[str, str, str]]:
    return [
        (difference.step, difference.what.value, difference.why)
        for scenario in comparison.scenarios
        for difference in scenario.differences
    ]


@dataclass(frozen=True)
class Said:
    code: int
    out: str
    err: str


Invoke: TypeAlias = Callable[..., Said]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Invoke:
    def invoke(*words: str) -> Said:
        code = exit_code_of(
            lambda: scenario_runner.main(
                ["compare", *words], "scenario-runner", standalone_mode=False
            )
        )
        told = capsys.readouterr()
        return Said(code, told.out, told.err)

    return invoke


def test_a_mock_does_not_differ_from_itself_under_another_name() -> None:
    comparison = compared("mock", "mock:vendor", RULES, CONFORMANCE)
    assert found(comparison) == []
    assert comparison.exit_code == 0
    assert comparison.steps > 250


@pytest.mark.parametrize("width", [40, 80])
def test_planted_differences_are_shown(
    planted: Profile, width: int, golden: Callable[[Path, str], None]
) -> None:
    comparison = compared("mock", f"mock:{planted.name}", RULES)
    shown = table(comparison, width)
    assert max(map(len, shown.splitlines())) <= width
    assert comparison.exit_code == 1
    golden(GOLDEN / f"planted.{width}.txt", shown)


def test_planted_differences_are_written_for_programs(
    planted: Profile, golden: Callable[[Path, str], None]
) -> None:
    comparison = compared("mock", f"mock:{planted.name}", RULES)
    written = document(comparison)
    golden(GOLDEN / "planted.json", written)
    data = json.loads(written)
    assert data["exit_code"] == 1
    assert data["unexplained"] == comparison.count(Grade.UNEXPLAINED) > 0
    assert data["explained"] == comparison.count(Grade.EXPLAINED) > 0


PARK = """
    scenario: test
    steps:
      - call: {as: customer, extension: 341, from: "+7812"}
      - call: {as: witness, extension: 342, from: "+7813"}
"""


@pytest.mark.parametrize(
    ("profile", "steps", "expected"),
    [
        (
            Profile(name="again", park_again="move"),
            """
      - park: {call: customer, slot: 3}
      - park: {call: customer, slot: 4}
        expect: {refused: call-already-parked}
      - wait: 1s
            """,
            [("4", "outcome", "assumed, since the vendor does not say it: park.not-twice")],
        ),
        (
            Profile(name="unlisted", parked_in_lists="hidden"),
            """
      - park: {call: customer, slot: 3}
      - calls: {extension: 341}
        expect: {count: {at_most: 1}}
            """,
            [("4", "answer", "")],
        ),
        (
            Profile(name="bodiless", done_body="empty-object"),
            """
      - park: {call: customer, slot: 3}
      - slots: {call: witness, slot: 3}
        expect: {holds: customer}
            """,
            [("3", "fields and types", "")],
        ),
        (
            Profile(name="keyless", empty_slot="no-key"),
            """
      - slots: {call: witness, slot: 3}
        expect: {empty: true}
            """,
            [
                (
                    "3",
                    "fields and types",
                    "assumed, since the vendor does not say it: slots.empty",
                )
            ],
        ),
        (
            Profile(name="both-up", bridged_hangup="ends-one"),
            """
      - park: {call: customer, slot: 3}
      - bridge: {call: witness, slot: 3}
      - hangup: {call: customer}
      - calls: {call: witness}
        expect: {state: {one_of: [up, ended]}}
            """,
            [("6", "answer", "assumed, since the vendor does not say it: hangup.bridged")],
        ),
        (
            Profile(name="silent", park_event="none"),
            """
      - id: parked
        park: {call: customer, slot: 3}
      - event: {type: hangup, call: customer, since: parked}
        within: 1s
            """,
            [
                (
                    "4",
                    "verdict",
                    "assumed, since the vendor does not say it: the events that parking brings",
                )
            ],
        ),
        (
            Profile(name="impatient", ring_timeout=3_000_000),
            """
      - park: {call: customer, slot: 3}
      - wait: 3m
      - calls: {call: customer}
        within: 2m
        expect: {state: ended}
            """,
            [("5", "time", "how long a returned call rings is a setting of each PBX")],
        ),
    ],
    ids=lambda value: value.name if isinstance(value, Profile) else "",
)
def test_a_difference_is_found_and_told_why(
    profile: Profile, steps: str, expected: list[tuple[str, str, str]], tmp_path: Path
) -> None:
    comparison = compared_text(profile, PARK + steps, tmp_path)
    assert found(comparison) == expected
    unexplained = any(not why for _, _, why in expected)
    assert comparison.exit_code is (Exit.FAILED if unexplained else Exit.PASSED)


POLLED = """
    scenario: test
    steps:
      - call: {as: customer, extension: 341, from: "+7812"}
      - call: {as: witness, extension: 342, from: "+7813"}
      - park: {call: customer, slot: 3}
      - slots: {call: witness, slot: 3}
        within: 10m
        expect: {empty: true}
"""


def test_a_time_may_lie_apart_by_the_tolerance_and_the_pause_of_a_polling(tmp_path: Path) -> None:
    targets = tmp_path / "scenario-targets.yaml"
    targets.write_text(
        "default: slow\ntargets:\n"
        "  slow: {driver: mock, park_timeout: 3m}\n"
        "  quick: {driver: mock, park_timeout: 4s}\n"
    )
    file = tmp_path / "test.scenario.yaml"
    file.write_text(textwrap.dedent(POLLED) + "  - wait: 5s\n")
    targeted = both("slow", "quick", TargetChoice(file=str(targets)))
    comparison = compare(RunRequest(paths=(str(file),)), targeted, TOLERANCE)
    assert found(comparison) == [], "180 s and 4 s are each side's own park time-out"
    assert (targeted.a.park_timeout, targeted.b.park_timeout) == (180_000_000, 4_000_000)


def test_slots_that_were_leased_are_told_by_their_names(tmp_path: Path) -> None:
    targets = tmp_path / "scenario-targets.yaml"
    targets.write_text(
        "default: low\ntargets:\n  low: {driver: mock, slots: 1-5}\n"
        "  high: {driver: mock, slots: 11-15, extensions: 401-405}\n"
    )
    file = tmp_path / "test.scenario.yaml"
    file.write_text(
        textwrap.dedent("""\
            scenario: test
            needs: {slots: [slot], extensions: [desk]}
            steps:
              - call: {as: customer, extension: $desk, from: "+7812"}
              - park: {call: customer, slot: $slot}
              - slots: {call: customer, slot: $slot}
                expect: {holds: customer}
              - event: {type: hangup, call: customer}
        """)
    )
    targeted = both("low", "high", TargetChoice(file=str(targets)))
    assert found(compare(RunRequest(paths=(str(file),)), targeted, TOLERANCE)) == []


ONE_SLOT = """\
scenario: one slot
needs: {slots: [slot]}
steps:
  - call: {as: customer, extension: 341, from: "+7812"}
  - slots: {call: customer, slot: $slot}
    expect: {empty: true}
"""


def test_a_scenario_that_only_one_side_can_run_is_explained(run: Invoke, tmp_path: Path) -> None:
    targets = tmp_path / "scenario-targets.yaml"
    targets.write_text(
        "default: wide\ntargets:\n"
        "  wide: {driver: mock, slots: 1-5}\n  narrow: {driver: mock, slots: 1-1}\n"
    )
    file = tmp_path / "test.scenario.yaml"
    two = ONE_SLOT.replace("[slot]", "[slot, more]").replace("one", "two")
    file.write_text(f"{ONE_SLOT}---\n{two}")
    said = run("wide", "narrow", str(file))
    assert said.code == 0
    assert "only the other side can run it: it needs 2 slots" in " ".join(said.out.split())
    alone = run("wide", "narrow", str(file), "-k", "two slot")
    assert (alone.code, alone.out) == (3, "")
    assert "no scenario could be compared" in alone.err


def test_what_is_left_to_chance_explains_what_comes_after(tmp_path: Path) -> None:
    text = """
    scenario: test
    steps:
      - call: {as: one, extension: 341, from: "+7812"}
      - call: {as: two, extension: 342, from: "+7813"}
      - together:
          - park: {call: one, slot: 3}
          - park: {call: two, slot: 3}
        expect: {succeeded: 1, refused: {slot-full: 1}}
      - calls: {extension: 341}
        expect: {count: {at_most: 1}}
      - calls: {extension: 342}
        expect: {count: {at_most: 1}}
    """
    comparison = compared_text(Profile(name="unlisted", parked_in_lists="hidden"), text, tmp_path)
    assert [why for *_, why in found(comparison)] == ["left to chance before"]


def test_a_profile_named_after_a_pbx_is_not_excused_by_assumptions() -> None:
    choice = TargetChoice(file=str(HERE / "targets.yaml"))
    assert both("mock", "pbx", choice).assumptions
    assert not both("mock:asterisk", "pbx", choice).assumptions
    assert both("mock", "mock:asterisk", choice).assumptions


def test_a_built_in_mock_is_made_like_the_other_side() -> None:
    targeted = both("mock:asterisk", "pbx", TargetChoice(file=str(HERE / "targets.yaml")))
    assert targeted.a.slots == targeted.b.slots == (5, 9)
    assert targeted.a.park_timeout == targeted.b.park_timeout == 4_000_000
    assert targeted.a.extensions == (("401", ""), ("402", ""))


@pytest.mark.parametrize(
    ("a", "b", "kind", "words"),
    [
        ("mock", "mock", UsageError, "can't be compared with itself"),
        ("mock", "staging", TargetError, "there is no target 'staging'"),
        ("mock:vendr", "mock", TargetError, "the mock has no profile 'vendr'"),
    ],
)
def test_sides_that_can_not_be(a: str, b: str, kind: type[Exception], words: str) -> None:
    with pytest.raises(kind, match=words):
        both(a, b)


def test_the_command_tells_a_comparison(run: Invoke, planted: Profile, tmp_path: Path) -> None:
    file = tmp_path / "comparison.json"
    said = run("mock", "mock:planted", RULES, "--json", str(file))
    assert (said.code, said.err) == (1, "")
    assert "unexplained (!)" in said.out
    assert json.loads(file.read_text())["b"] == "mock:planted"
    assert run("mock", "mock:asterisk", CONFORMANCE).code == 0
    printed = run("mock", "mock:planted", RULES, "--html", "-")
    assert (printed.code, printed.err) == (1, said.out)
    assert printed.out.startswith("<!doctype html>")
    assert planted.name in PROFILES


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (("mock", "nowhere", RULES), 3, "there is no target 'nowhere'"),
        (("mock", "mock:asterix", RULES), 3, "did you mean 'asterisk'"),
        (("mock", "mock", RULES), 3, "can't be compared with itself"),
        (("mock", "mock:asterisk", "nothing.yaml"), 3, "nothing.yaml"),
        (("mock", "mock:asterisk", RULES, "-k", "nonesuch"), 3, "none of the"),
        (("mock", "mock:asterisk", RULES, "--tolerance", "5"), 3, "500ms or 2s"),
        (("mock", "mock:asterisk", RULES, "--json", "no/such/file"), 3, "can't be written"),
        (("mock", "mock:asterisk", RULES, "--html", "no/such/file"), 3, "can't be written"),
        (("mock", "mock:asterisk", "invalid.yaml"), 2, "unknown-key"),
        (("mock", "unreachable", RULES, "--targets", "targets.yaml", "-k", "free slot"), 4, ""),
        (("mock", "mock:asterisk"), 3, "PATH"),
    ],
)
def test_the_command_refuses(run: Invoke, words: tuple[str, ...], code: int, told: str) -> None:
    said = run(*words)
    assert said.code == code, said
    assert told in said.err
    assert "Traceback" not in said.err + said.out
