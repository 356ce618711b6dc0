"""Loading and running scenarios from Python: events one by one, and leaving early."""

from __future__ import annotations

import asyncio
import gc
import threading
from pathlib import Path

import pytest

import scenario_runner
from scenario_runner import Done, ScenarioFinished, ScenarioStarted

SCENARIO = """
scenario: {name}
vars: {{slot: 6}}
steps:
  - call: {{as: customer, extension: 341, from: "+78120000443"}}
  - call: {{as: colleague, extension: 342, to: "+74950000200"}}
  - park: {{call: customer, slot: $slot}}
  - repeat: {{times: 200, steps: [{{slots: {{call: colleague, slot: $slot}}}}]}}
  - slots: {{call: colleague, slot: $slot}}
    expect: {{holds: customer}}
cleanup:
  - name: hang up
    hangup: {{call: customer}}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("one", "two"):
        (tmp_path / f"{name}.scenario.yaml").write_text(SCENARIO.format(name=name))
    return tmp_path


def _threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name == "scenario-runner"]


def test_events_come_one_by_one(folder: Path) -> None:
    scenarios = scenario_runner.load(folder)
    assert [scenario.name for scenario in scenarios] == ["one", "two"]
    events = list(scenario_runner.run(scenarios))
    assert [e.verdict for e in events if isinstance(e, ScenarioFinished)] == ["passed", "passed"]
    assert isinstance(events[-1], scenario_runner.RunFinished)
    assert events[-1].exit_code == 0


def _plain(event: scenario_runner.Event) -> dict[str, object]:
    """Return an event without what differs from run to run: the real time."""
    return {key: value for key, value in scenario_runner.to_json(event).items() if key != "real"}


def test_an_asynchronous_run_gives_the_same_events(folder: Path) -> None:
    scenarios = scenario_runner.load([folder / "one.scenario.yaml"])

    async def collect() -> list[scenario_runner.Event]:
        return [event async for event in scenario_runner.run(scenarios)]

    said = [_plain(event) for event in asyncio.run(collect())[1:-1]]
    assert said == [_plain(event) for event in list(scenario_runner.run(scenarios))[1:-1]]


def test_a_variable_is_replaced_and_a_wrong_one_is_refused(folder: Path) -> None:
    scenarios = scenario_runner.load(folder, variables={"slot": 9})
    events = scenario_runner.run(scenarios)
    sent = [event.sent for event in events if isinstance(event, scenario_runner.Exchange)]
    assert any('"slot": 9' in text for text in sent)
    with pytest.raises(scenario_runner.UsageError, match="'slat'"):
        scenario_runner.load(folder, variables={"slat": 9})


def test_an_invalid_file_says_every_problem(folder: Path) -> None:
    (folder / "bad.scenario.yaml").write_text("scenario: bad\nsteps:\n  - prk: {}\n  - wait: 5\n")
    with pytest.raises(scenario_runner.InvalidFiles) as caught:
        scenario_runner.load(folder)
    assert len(caught.value.problems) >= 2


def test_leaving_a_block_early_cleans_up_and_stops(folder: Path) -> None:
    with scenario_runner.run(scenario_runner.load(folder)) as events:
        for event in events:
            if isinstance(event, scenario_runner.Exchange):
                break
    assert not _threads()
    assert list(events) == []


def test_both_ways_to_read_share_one_thread(folder: Path) -> None:
    events = scenario_runner.run(scenario_runner.load([folder / "one.scenario.yaml"]))
    first = next(events)
    threads = _threads()

    async def rest() -> list[scenario_runner.Event]:
        some = [await anext(events) for _ in range(3)]
        assert _threads() == threads
        return some

    heard = [first, *asyncio.run(rest()), *events]
    assert len(threads) == 1
    alone = list(scenario_runner.run(scenario_runner.load([folder / "one.scenario.yaml"])))
    assert [type(event) for event in heard] == [type(event) for event in alone]
    assert not _threads()


def test_an_iteration_begun_by_for_is_closed_from_a_task(folder: Path) -> None:
    events = scenario_runner.run(scenario_runner.load(folder))
    next(events)
    asyncio.run(events.aclose())
    assert not _threads()
    assert list(events) == []


def test_a_cancelled_reader_waits_for_the_cleanup(folder: Path) -> None:
    heard: list[scenario_runner.Event] = []
    events = scenario_runner.run(scenario_runner.load(folder))

    async def read() -> None:
        async for event in events:
            heard.append(event)
            if isinstance(event, scenario_runner.Exchange):
                this = asyncio.current_task()
                assert this is not None
                this.cancel()

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(read())
    assert not _threads()
    assert not [event for event in heard if isinstance(event, scenario_runner.RunFinished)]


def test_a_stopped_run_hangs_up_what_it_placed(folder: Path) -> None:
    events = scenario_runner.run(scenario_runner.load(folder))
    assert any(isinstance(event, scenario_runner.Exchange) for event in events)
    events._stop.wish()
    rest = list(events)
    ends = [event for event in rest if isinstance(event, ScenarioFinished)]
    assert [end.reason for end in ends] == ["interrupted"]
    assert any(
        isinstance(event, scenario_runner.StepFinished)
        and (event.step, event.verdict) == ("cleanup.1", "passed")
        for event in rest
    )
    assert isinstance(rest[-1], scenario_runner.RunFinished)
    assert rest[-1].interrupted


def test_a_forgotten_run_ends_by_itself(folder: Path) -> None:
    events = scenario_runner.run(scenario_runner.load(folder))
    assert isinstance(next(events), scenario_runner.RunStarted)
    (thread,) = [one for one in threading.enumerate() if one.name == "scenario-runner"]
    del events
    gc.collect()
    thread.join(timeout=20)
    assert not thread.is_alive()


def test_an_error_in_the_run_reaches_the_reader() -> None:
    events = scenario_runner.run(["no scenario"])  # type: ignore[list-item]
    with pytest.raises(AttributeError):
        list(events)
    assert list(events) == []


def test_the_seed_decides_who_comes_first() -> None:
    race = Path(__file__).parents[2] / "examples" / "24-two-agents-one-call.scenario.yaml"
    scenarios = scenario_runner.load(race)

    def order(seed: int) -> object:
        events = list(scenario_runner.run(scenarios, seed=seed))
        started = next(event for event in events if isinstance(event, ScenarioStarted))
        assert started.seed == seed
        return next(event.order for event in events if isinstance(event, ScenarioFinished))

    assert order(1) == order(1)
    assert len({order(seed) for seed in range(8)}) > 1


def test_a_pbx_by_hand() -> None:
    with scenario_runner.SyncPbx() as pbx:
        customer = pbx.call("341", caller="+78120000443")
        colleague = pbx.call("342", callee="+74950000200")
        assert isinstance(pbx.park(customer, 6), Done)
        assert pbx.state(customer) is scenario_runner.CallState.PARKED
        found = pbx.slots(colleague, 6)
        assert isinstance(found, Done)
        assert found.uuid == customer.uuid
        refused = pbx.park(colleague, 6)
        assert isinstance(refused, scenario_runner.Refused)
        assert refused.reason is scenario_runner.Reason.SLOT_FULL
        pbx.wait(181)
        empty = pbx.slots(colleague, 6)
        assert isinstance(empty, Done)
        assert empty.uuid is None
        assert isinstance(pbx.bridge(colleague), scenario_runner.Refused)
        assert isinstance(pbx.hangup(colleague), Done)
        listed = pbx.calls("342")
        assert isinstance(listed, Done)
        assert listed.listed == ()
        ringing = pbx.call("343", caller="+78120000555", answered=False)
        assert pbx.state(ringing) is scenario_runner.CallState.RINGING
        assert isinstance(pbx.answer(ringing), Done)
        assert pbx.state(ringing) is scenario_runner.CallState.UP
    assert pbx.leftovers == ()
    assert pbx.events
    assert pbx.traces


def test_a_call_by_hand_needs_one_other_party() -> None:
    with scenario_runner.SyncPbx() as pbx:
        with pytest.raises(ValueError, match="either"):
            pbx.call("341")
        with pytest.raises(scenario_runner.PbxError, match="not found"):
            pbx.call("999", caller="+78120000443")
