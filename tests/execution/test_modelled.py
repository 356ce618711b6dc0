"""`run --model`: an answer that the rules do not allow fails the step, without any expectation."""

from __future__ import annotations

from pathlib import Path

import pytest

from scenario_runner.cli import scenario_runner
from scenario_runner.cli.exit_codes import exit_code_of
from scenario_runner.events import Event, Failure, ScenarioFinished, StepFinished, Warned
from scenario_runner.execution.options import RunOptions
from scenario_runner.execution.results import Results
from scenario_runner.execution.run import RunRequest, gather_valid
from scenario_runner.execution.virtual import VirtualRun
from scenario_runner.masking import Mask
from scenario_runner.mock_pbx.mutants import BY_ID
from tests.mutants.running import TARGET

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent


def ran(*paths: str, mutant: str = "", all_orders: int = 0) -> list[Event]:
    events: list[Event] = []
    VirtualRun(
        target=TARGET,
        options=RunOptions(model=True, all_orders=all_orders),
        mask=Mask(),
        emit=events.append,
        mutant=BY_ID.get(mutant),
    ).run(gather_valid(RunRequest(paths=paths)).scenarios, Results())
    return events


def contradictions(events: list[Event]) -> list[Failure]:
    steps = [event for event in events if isinstance(event, StepFinished)]
    return [one for step in steps for one in step.failures if one.key == "model"]


def written(tmp_path: Path, steps: str) -> str:
    file = tmp_path / "test.scenario.yaml"
    file.write_text(f"scenario: test\nsteps:\n{steps}", encoding="utf-8")
    return str(file)


def test_nothing_that_the_mock_does_is_contradicted() -> None:
    events = ran(str(ROOT / "examples"), str(ROOT / "tests/conformance"))
    assert contradictions(events) == []
    assert {e.verdict for e in events if isinstance(e, ScenarioFinished)} == {"passed", "xfailed"}


def test_a_race_is_explained_in_every_order() -> None:
    races = [str(file) for file in (ROOT / "examples").glob("2[456]-*")]
    events = ran(*races, all_orders=500)
    assert contradictions(events) == []
    assert sum(isinstance(event, ScenarioFinished) for event in events) == 6


UNCHECKED = """\
  - call: {as: customer, extension: 341, from: "+78120000443"}
  - park: {call: customer, slot: 6}
  - call: {as: colleague, extension: 342, to: "+74950000200"}
  - slots: {call: colleague, slot: 6}
  - bridge: {call: colleague, slot: 6}
  - calls: {extension: 342}
  - slots: {call: colleague, slot: 6}
"""


@pytest.mark.parametrize(
    ("mutant", "line"),
    [
        ("park.occupies.next-slot", 6),
        ("slots.reports.own-uuid", 6),
        ("bridge.slot.does-nothing", 8),
        ("bridge.slot.ends-parked", 8),
        ("bridge.parties.parkers-extension", 8),
    ],
)
def test_a_wrong_answer_is_contradicted_where_it_comes(
    mutant: str, line: int, tmp_path: Path
) -> None:
    (failure,) = contradictions(ran(written(tmp_path, UNCHECKED), mutant=mutant))
    assert failure.span.line == line


def test_what_is_told(tmp_path: Path) -> None:
    file = written(tmp_path, UNCHECKED)
    (failure,) = contradictions(ran(file, mutant="park.occupies.next-slot"))
    assert failure.message == (
        "no order of the commands explains the answer to 'slots': done (slot 6, nobody); "
        "it contradicts 'park' of step 2"
    )
    assert failure.hint is not None
    assert failure.hint.startswith("the model would have answered slot 6, ")
    assert "slots.reports: Asking for a slot returns the UUID" in failure.hint


def test_two_agents_who_both_get_one_call_are_contradicted(tmp_path: Path) -> None:
    steps = """\
  - call: {as: customer, extension: 341, from: "+78120000443"}
  - park: {call: customer, slot: 6}
  - call: {as: agent, extension: 342, to: "+74950000200"}
  - call: {as: rival, extension: 343, to: "+74950000300"}
  - together:
      - bridge: {call: agent, slot: 6}
      - bridge: {call: rival, slot: 6}
    expect: {succeeded: {at_least: 0}}
"""
    (failure,) = contradictions(ran(written(tmp_path, steps), mutant="bridge.slot.taken-twice"))
    assert "it contradicts" in failure.message


@pytest.mark.parametrize(
    ("steps", "why"),
    [
        (
            "  - request: {delete: /extension/34414/current_calls/$customer.call_api_id}\n",
            "from step 2 on the model does not judge: a raw request may have changed anything",
        ),
        (
            "  - repeat: {times: 101, steps: [{slots: {call: customer, slot: 6}}]}\n",
            "100 commands were judged, which is enough",
        ),
    ],
)
def test_the_model_says_where_it_gives_up(steps: str, why: str, tmp_path: Path) -> None:
    call = '  - call: {as: customer, extension: 341, from: "+78120000443"}\n'
    events = ran(written(tmp_path, call + steps))
    (warned,) = [event for event in events if isinstance(event, Warned)]
    assert (warned.code, why in warned.message) == ("model-gave-up", True)
    assert contradictions(events) == []


def test_asking_for_a_token_changes_nothing(tmp_path: Path) -> None:
    steps = """\
  - request:
      post: /oauth/token
      form: {grant_type: client_credentials}
      headers: {Authorization: null}
    expect: {status: {at_least: 200}}
"""
    assert not [e for e in ran(written(tmp_path, steps)) if isinstance(e, Warned)]


def test_the_option(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    file = written(tmp_path, UNCHECKED)
    line = ["run", "--no-cache", "--model", "--workers", "2", file]
    assert exit_code_of(lambda: scenario_runner.main(line, standalone_mode=False)) == 0
    Path("scenario-targets.yaml").write_text(
        "targets:\n  mock: {driver: mock}\n  pbx: {driver: freeswitch, password: $env.HOME}\n",
        encoding="utf-8",
    )
    line = ["run", "--no-cache", "--model", "--target", "pbx", file]
    assert exit_code_of(lambda: scenario_runner.main(line, standalone_mode=False)) == 3
    assert "--model is for the built-in mock" in capsys.readouterr().err


def test_an_extension_hangs_up_where_it_was_when_it_was_asked_to(tmp_path: Path) -> None:
    steps = """\
  - call: {as: customer, extension: 341, from: "+78120000443"}
  - park: {call: customer, slot: 6}
  - call: {as: agent, extension: 342, to: "+74950000200"}
  - together:
      - bridge: {call: agent, slot: 6}
        expect: {refused: {one_of: [none, slot-empty]}}
      - hangup: {call: customer, by: extension}
        expect: {refused: {one_of: [none, no-such-call]}}
"""
    events = ran(written(tmp_path, steps), all_orders=50)
    verdicts = [event.verdict for event in events if isinstance(event, ScenarioFinished)]
    assert (contradictions(events), set(verdicts)) == ([], {"passed"})
    assert len(verdicts) > 1
