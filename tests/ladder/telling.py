"""Streams of events made by hand: a walk-through, a failure, polling, a recall, markup."""

from __future__ import annotations

from dataclasses import dataclass, field

from scenario_runner.durations import MINUTE, SECOND
from scenario_runner.events import (
    Attempt,
    CallChanged,
    Event,
    Exchange,
    Failure,
    PbxReported,
    PbxSnapshot,
    RunFinished,
    RunStarted,
    ScenarioFinished,
    ScenarioStarted,
    SourceRead,
    StepFinished,
    StepStarted,
    Verdict,
)
from scenario_runner.exit_code import Exit
from scenario_runner.source import Span

CUSTOMER = "+78120000443"
UUID = "9f3c12ab-5d0e-4c6e-8f5a-0242ac120002"
TEXT = """\
scenario: Park a caller and pick the call up
tags: [smoke, parking]
vars:
  slot: 6
steps:
  - name: A customer reaches extension 341
    call: {as: customer, extension: 341, from: "+78120000443"}
  - name: 341 parks the customer
    park: {call: customer, slot: $slot}
  - name: The slot holds the customer
    slots: {call: customer, slot: $slot}
    expect: {holds: customer}
  - name: A colleague takes the call
    bridge: {call: colleague, slot: $slot}
"""


def at_line(line: int, column: int = 5, *, file: str = "park.scenario.yaml") -> Span:
    """Return a span of one line."""
    return Span(file, line, column, line, column + 12)


@dataclass(slots=True)
class Telling:
    """Makes the events of one scenario, with a clock that is set by hand."""

    scenario: str = "park.scenario.yaml"
    step: str = ""
    at: int = 0
    events: list[Event] = field(default_factory=list)

    def start(
        self, step: str, title: str, action: str, line: int, *, path: tuple[str, ...] = ()
    ) -> None:
        self.step = step
        span = at_line(line)
        self.events.append(
            StepStarted(
                scenario=self.scenario,
                step=step,
                title=title,
                action=action,
                span=span,
                at=self.at,
                path=path,
            )
        )

    def exchange(self, sent: str, received: str, took: int = 40, outcome: str = "ok") -> None:
        self.events.append(
            Exchange(
                scenario=self.scenario,
                step=self.step,
                protocol="http",
                sent=sent,
                received=received,
                outcome=outcome,
                at=self.at,
                took=took,
            )
        )
        self.at += took

    def call(self, call: str, state: str, extension: str, *, slot: str | None = None) -> None:
        self.events.append(
            CallChanged(
                scenario=self.scenario,
                step=self.step,
                call=call,
                state=state,
                extension=extension,
                party=CUSTOMER if call == "customer" else "+74950000200",
                flow="in" if call == "customer" else "out",
                slot=slot,
                at=self.at,
            )
        )

    def report(self, type_: str, call: str | None, extension: str) -> None:
        self.events.append(
            PbxReported(
                scenario=self.scenario,
                type=type_,
                call=call,
                extension=extension,
                details=(("EventType", type_), ("CallAPIID", f"34414-{UUID}")),
                at=self.at,
            )
        )

    def finish(
        self,
        verdict: Verdict = Verdict.PASSED,
        *,
        summary: str = "",
        failures: tuple[Failure, ...] = (),
        attempts: tuple[Attempt, ...] = (),
    ) -> None:
        self.events.append(
            StepFinished(
                scenario=self.scenario,
                step=self.step,
                verdict=verdict,
                at=self.at,
                took=40,
                summary=summary,
                failures=failures,
                attempts=attempts,
            )
        )


def put(path: str, body: str = "") -> str:
    """Return a request as the driver writes it."""
    return (
        f"PUT /api/ver1.0/extension/34414/{path}\nContent-Type: application/json\n"
        f"Authorization: Bearer ***\n\n{body}"
    )


def get(path: str) -> str:
    """Return a request without a body."""
    return f"GET /api/ver1.0/extension/34414/{path}\nAuthorization: Bearer ***\n\n"


def ok(body: str) -> str:
    """Return a good answer."""
    return f"200\nContent-Type: application/json\n\n{body}"


def _beginning(told: Telling) -> None:
    told.start("1", "A customer reaches extension 341", "call", 6)
    told.exchange("POST /mock/calls\n\n{}", ok('{"uuid": "' + UUID + '"}'))
    told.report("dial-in", "customer", "341")
    told.call("customer", "ringing", "341")
    told.at += 2 * SECOND
    told.call("customer", "up", "341")
    told.finish(summary="up")
    told.start("2", "341 parks the customer", "park", 8)
    told.exchange(put(f"valet_park/{UUID}", '{"slot": 6}'), ok('{"result": "OK"}'))
    told.call("customer", "parked", "341", slot="6")
    told.finish(summary="parked in slot 6")


def walk_through() -> list[Event]:
    """A call is parked, found in its slot, taken by a colleague and ended."""
    told = Telling()
    _beginning(told)
    told.start("3", "The slot holds the customer", "slots", 10)
    told.exchange(get("valet_park/6"), ok('{"slot": "6"}'))
    told.finish(summary="slot 6 holds customer")
    told.start("4", "A colleague takes the call", "bridge", 13)
    told.exchange(put("valet_bridge/6"), ok('{"slot": "6"}'))
    told.call("customer", "bridged", "342")
    told.call("colleague", "bridged", "342")
    told.finish()
    told.step = ""
    told.exchange(put(f"hangup/{UUID}"), ok("{}"))
    told.call("customer", "ended", "342")
    return told.events


def failed() -> list[Event]:
    """Polling finds the slot empty nine times; the call is recalled; then the PBX is silent."""
    told = Telling()
    _beginning(told)
    told.start("3", "The slot holds the customer", "slots", 10)
    for _ in range(9):
        told.exchange(get("valet_park/6"), ok('{"slot": null}'))
        told.at += SECOND
    message = f"slot 6 holds nobody, expected customer ({UUID})"
    attempts = (Attempt(at=2_000_080, summary="slot 6 is empty", passed=False, times=9),)
    failure = Failure(
        key="holds",
        message=message,
        span=at_line(12, 14),
        expected=f"customer ({UUID})",
        actual="nobody",
        hint="was the call parked in another slot?",
    )
    told.finish(Verdict.FAILED, failures=(failure,), attempts=attempts)
    told.start("4", "A colleague takes the call", "bridge", 13)
    told.finish(Verdict.SKIPPED)
    told.start("cleanup.1", "hangup", "hangup", 14)
    told.at += 3 * MINUTE
    told.report("dial-in", "customer", "341")
    told.exchange(put(f"hangup/{UUID}"), "no answer within 5s", 5 * SECOND, "lost")
    told.finish(Verdict.ERRORED)
    return told.events


def started(
    name: str, tags: tuple[str, ...] = ("smoke", "parking"), attempt: int = 1
) -> ScenarioStarted:
    """Return the beginning of a scenario."""
    return ScenarioStarted(
        scenario="park.scenario.yaml",
        name=name,
        span=at_line(1, 1),
        description="The walk-through of the documentation.",
        tags=tags,
        row=(("slot", "6"),),
        steps=4,
        seed=7,
        attempt=attempt,
    )


def finished(verdict: Verdict, reason: str = "") -> ScenarioFinished:
    """Return the end of a scenario."""
    return ScenarioFinished(
        scenario="park.scenario.yaml",
        verdict=verdict,
        at=190 * SECOND,
        took=190 * SECOND,
        passed=2,
        failed=int(verdict is Verdict.FAILED),
        errored=0,
        skipped=1,
        not_applicable=0,
        reason=reason,
        snapshot=PbxSnapshot(slots=(("6", "customer"),), calls=(("customer at 341", "parked"),))
        if verdict is Verdict.FAILED
        else None,
    )


RUN = RunStarted(
    version="0.1.0",
    target="mock",
    host="this process",
    driver="mock",
    base_url="http://mock.invalid",
    seed=7,
    started_at=1_700_000_000_000_000,
    total=2,
    rerun="scenario-runner run --seed 7",
)
SOURCE = SourceRead(file="park.scenario.yaml", text=TEXT)
END = RunFinished(
    counts=((Verdict.PASSED, 1), (Verdict.FAILED, 1)), exit_code=Exit.FAILED, took=900_000
)
