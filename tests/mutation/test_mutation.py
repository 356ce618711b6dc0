"""Mutation testing: what is killed, by what; what survives, and everything between."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec import structs

from scenario_runner.errors import UsageError
from scenario_runner.execution.options import RunOptions
from scenario_runner.execution.run import Gathered, RunRequest, gather_valid
from scenario_runner.execution.targets import MOCK
from scenario_runner.language.target import Target
from scenario_runner.masking import Mask
from scenario_runner.mock_pbx.calls import AskSlot, Call, Ended, HangUp, InSlot, Parked, Place
from scenario_runner.mock_pbx.faults import Fault
from scenario_runner.mock_pbx.faults import Kind as FaultKind
from scenario_runner.mock_pbx.mutants import BY_ID, Kind, Mutant
from scenario_runner.mock_pbx.rules import PARK_OCCUPIES, PARK_RETURNS, Location, Rule
from scenario_runner.mock_pbx.switch import Switch
from scenario_runner.mutation.output import text
from scenario_runner.mutation.processes import in_processes, in_this_process
from scenario_runner.mutation.run import Choice, Mutated, NotGreen, mutate
from scenario_runner.mutation.trial import Job, Outcome, Status, Trials

HERE = Path(__file__).parent
SUITE = "suite.scenario.yaml"
PICKED_UP = f"{SUITE}::A caller is parked and picked up"
COMES_BACK = f"{SUITE}::A parked call comes back"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copy(HERE / SUITE, tmp_path)
    monkeypatch.chdir(tmp_path)


def request_of(*paths: str, target: Target = MOCK) -> RunRequest:
    return RunRequest(paths=paths, options=RunOptions(allow_skips=True), target=target)


def mutated(*paths: str, **chosen: object) -> Mutated:
    request = request_of(*paths)
    choice = Choice(**chosen)  # type: ignore[arg-type]
    return mutate(request, gather_valid(request), choice, in_this_process, lambda _: None)


def outcome(mutant: str, *paths: str) -> Outcome:
    (one,) = mutated(*(paths or (SUITE,)), mutants=(mutant,)).outcomes
    return one


def tried(mutant: Mutant, *names: str) -> Outcome:
    """Try a mutant that is declared by nobody on scenarios of the suite."""
    BY_ID[mutant.id] = mutant
    scenarios = {one.id: one for one in gather_valid(request_of(".")).scenarios}
    try:
        trials = Trials(MOCK, RunOptions(), Mask(), scenarios)
        return trials.run(Job(mutant.id, names, 10))
    finally:
        del BY_ID[mutant.id]


def made(rule: Rule, part: type | None = None, faults: tuple[Fault, ...] = ()) -> Mutant:
    place = Location("nowhere.py", 1)
    return Mutant(rule, "made", Kind.STATE_LOST, "nothing", place, part=part, faults=faults)


def test_a_killed_mutant_names_the_scenario_and_the_line_of_the_expectation() -> None:
    one = outcome("park.occupies.next-slot")
    assert (one.status, one.noticed and one.noticed.scenario) == ("killed", PICKED_UP)
    assert one.noticed is not None
    assert (one.noticed.file, one.noticed.line, one.noticed.key) == (SUITE, 9, "holds")


def test_a_survivor_was_run_on_every_scenario_that_met_the_rule() -> None:
    one = outcome("slots.reports.slot-as-number")
    assert (one.status, one.ran, set(one.met_by)) == (Status.SURVIVED, 2, {PICKED_UP, COMES_BACK})


def test_only_scenarios_that_met_the_rule_are_run() -> None:
    one = outcome("park.returns.other-call-id")
    assert one.met_by == (COMES_BACK,)
    assert (one.status, one.ran) == (Status.SURVIVED, 1)


def test_what_no_scenario_met_is_not_run_at_all() -> None:
    one = outcome("park.full.other-status")
    assert (one.status, one.ran, one.met_by) == (Status.NEVER_MET, 0, ())


def test_what_is_left_behind_kills_too_at_the_line_of_the_scenario() -> None:
    class Immortal(Switch):
        def hang_up(self, command: HangUp) -> Ended:
            del command
            return Ended()

    one = tried(made(PARK_OCCUPIES, Immortal), COMES_BACK)
    assert one.status is Status.KILLED
    assert one.noticed is not None
    assert (one.noticed.key, one.noticed.line) == ("residue", 14)


def test_a_scenario_that_errored_has_detected_it_and_another_may_still_kill_it() -> None:
    broken = Fault(kind=FaultKind.NOT_JSON, on="bridge")
    one = tried(made(PARK_OCCUPIES, faults=(broken,)), PICKED_UP, COMES_BACK)
    assert (one.status, one.ran) == (Status.DETECTED, 2)
    assert one.noticed is not None
    assert one.noticed.line == 12


def test_a_mutant_that_breaks_the_books_is_invalid_and_never_killed() -> None:
    class Dangling(Switch):
        def put_away(self, call: Call, place: Place) -> None:
            self.fill(place, call.uuid)

    one = tried(made(PARK_OCCUPIES, Dangling), PICKED_UP)
    assert (one.status, one.noticed) == (Status.INVALID, None)
    assert re.fullmatch(r"Inconsistent: slot 6 holds \S+, which is not parked there .*", one.reason)


def test_a_mutant_whose_timer_raises_is_invalid() -> None:
    """An event loop would only log it."""

    class Raises(Switch):
        def come_back(self, call: Call, phase: Parked) -> None:
            raise ZeroDivisionError(f"a timer of {type(call).__name__}, {type(phase).__name__}")

    one = tried(made(PARK_RETURNS, Raises), COMES_BACK)
    assert one.status is Status.INVALID
    assert one.reason.startswith("ZeroDivisionError: a timer of Call, Parked")


def test_a_mutant_that_raises_inside_of_together_is_invalid() -> None:
    class Raises(Switch):
        def ask(self, command: AskSlot) -> InSlot:
            raise ZeroDivisionError(f"slot {command.slot}")

    one = tried(made(PARK_OCCUPIES, Raises), PICKED_UP)
    assert one.status is Status.INVALID
    assert one.reason.startswith("ZeroDivisionError: slot ")


class Stubborn:
    """Never ends one job, dies of another, and does the rest."""

    def run(self, job: Job) -> Outcome:
        while job.mutant == "stuck":
            pass
        if job.mutant == "deadly":
            os._exit(1)
        return Outcome(mutant=job.mutant, status=Status.KILLED, ran=1)


def test_a_stuck_mutant_is_a_timeout_and_a_deadly_one_invalid() -> None:
    names = ("one", "stuck", "two", "deadly", "three", "stuck", "four")
    jobs = [Job(name, (), 0.2 if name == "stuck" else 60) for name in names]
    outcomes = list(in_processes(Stubborn(), jobs, 2))
    assert sorted((one.mutant, one.status.value) for one in outcomes) == [
        ("deadly", "invalid"),
        ("four", "killed"),
        ("one", "killed"),
        ("stuck", "timeout"),
        ("stuck", "timeout"),
        ("three", "killed"),
        ("two", "killed"),
    ]


def test_processes_find_what_one_process_finds() -> None:
    request = request_of(SUITE)
    gathered = gather_valid(request)
    choice = Choice(rules=("park.occupies", "park.returns"))

    def found(pool: Callable[..., object]) -> list[tuple[str, str]]:
        whole = mutate(request, gathered, choice, pool, lambda _: None)  # type: ignore[arg-type]
        return [(one.mutant, one.status.value) for one in whole.outcomes]

    assert found(lambda work, jobs: in_processes(work, jobs, 2)) == found(in_this_process)


def test_the_table_and_the_score(golden: Callable[[Path, str], None]) -> None:
    rules = ("park.occupies", "park.full", "park.returns", "slots.reports")
    accepted = {"park.full.other-status": "the vendor may change it"}
    accepted["park.occupies.next-slot"] = "known since 1.2"
    whole = mutated(SUITE, rules=rules, accepted=accepted)
    golden(HERE / "golden/whole.txt", text(whole, whole=True))
    golden(HERE / "golden/unnoticed.txt", text(whole, whole=False))
    counts = whole.counts
    assert whole.valid == len(whole.outcomes) - counts[Status.ACCEPTED]
    assert whole.noticed == counts[Status.KILLED]
    assert whole.accepted_in_vain == ("park.occupies.next-slot",)


def test_nothing_tried_is_not_below_any_score() -> None:
    whole = mutated(SUITE, changed=frozenset())
    assert (whole.outcomes, whole.percent) == ((), 100)


def test_a_red_suite_is_refused() -> None:
    red = Path(SUITE).read_text(encoding="utf-8").replace("holds: customer", "empty: true")
    Path("red.scenario.yaml").write_text(red, encoding="utf-8")
    with pytest.raises(NotGreen, match=r"picked up did not pass without any mutant") as raised:
        mutated("red.scenario.yaml")
    assert raised.value.exit_code == 1


def test_a_known_failure_that_passes_kills() -> None:
    """xfail is green on the mock; where a mutant makes it pass, it is xpassed."""
    text = (
        "scenario: Known\nxfail: a fault\nsteps:\n"
        '  - call: {as: customer, extension: 341, from: "+78120000443"}\n'
        "  - park: {call: customer, slot: 6}\n"
        "  - slots: {call: customer, slot: 7}\n    expect: {holds: customer}\n"
    )
    Path("known.scenario.yaml").write_text(text, encoding="utf-8")
    one = outcome("park.occupies.next-slot", "known.scenario.yaml")
    assert one.status is Status.KILLED
    assert one.noticed is not None
    assert one.noticed.key == "xfail"


def test_targets_other_than_the_mock_are_refused() -> None:
    other = structs.replace(MOCK, name="staging", driver="ringme")
    request = request_of(SUITE, target=other)
    with pytest.raises(
        UsageError, match="mutants break the rules of the built-in mock, and staging"
    ):
        mutate(request, Gathered.of(()), Choice(), in_this_process, lambda _: None)


@pytest.mark.parametrize(
    ("chosen", "message", "hint"),
    [
        ({"rules": ("park.ful",)}, "there is no rule 'park.ful'", "did you mean 'park.full'?"),
        (
            {"mutants": ("park.occupies.next-slt",)},
            "there is no mutant 'park.occupies.next-slt'",
            "did you mean 'park.occupies.next-slot'?",
        ),
    ],
)
def test_unknown_names_are_refused(chosen: dict[str, object], message: str, hint: str) -> None:
    with pytest.raises(UsageError) as raised:
        Choice(**chosen)  # type: ignore[arg-type]
    assert (raised.value.message, raised.value.hint) == (message, hint)


def test_every_status_is_either_valid_or_not_noticed() -> None:
    assert all(status.valid for status in Status if status.noticed)
