"""Makes a scenario file of a recording, and says what is wrong with a recording that is none."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from scenario_runner.durations import duration_text
from scenario_runner.errors import UsageError
from scenario_runner.recording.event_log import EventLog, forms_in
from scenario_runner.recording.telling import SHORTEST_WAIT, Recorded, folded, scenario_text
from scenario_runner.recording.transcript import Transcript

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from scenario_runner.recording.proxy import Exchange


def scenario_of_exchanges(
    exchanges: Sequence[Exchange],
    api_root: str,
    numbers: Mapping[str, str],
    park_timeout: int,
    shortest: int = SHORTEST_WAIT,
) -> str:
    """Return the scenario file of what went through a proxy; raises UsageError for nothing.

    `numbers` maps the PBX's extension ids to numbers; `park_timeout` and `shortest`, the shortest
    pause that becomes a wait, are in microseconds.
    """
    transcript = Transcript(api_root, numbers, park_timeout)
    for exchange in exchanges:
        transcript.take(exchange)
    told = f"{len(exchanges)} requests went through the proxy."
    if transcript.subscriptions:
        told += " Event subscriptions are left out: the runner makes its own."
    hint = "let the client park a call or ask about one through the proxy"
    recorded = Recorded(
        name="Recorded through a proxy",
        description=told,
        steps=folded(transcript.steps),
        astray=transcript.astray,
    )
    return _scenario(recorded, shortest, hint)


def scenario_of_log(log: str, shortest: int = SHORTEST_WAIT) -> str:
    """Return the scenario file of an access log of event requests; raises UsageError for none."""
    events = EventLog()
    forms = forms_in(log)
    events.take_all(forms)
    told = f"{len(forms)} events of a log."
    if any(step.action == "park" for step in events.steps):
        told += " No event tells a slot: slot 1 stands for the one that was used."
    hint = "each line must hold a request like GET /?EventType=answer&EventTime=…&CallID=…"
    recorded = Recorded(name="Recorded from an event log", description=told, steps=events.steps)
    return _scenario(recorded, shortest, hint)


def _scenario(recorded: Recorded, shortest: int, hint: str) -> str:
    steps, told = recorded.steps, recorded.description
    if not any(step.checks for step in steps):
        raise UsageError(f"there is nothing to make a scenario of: {told}", hint=hint)
    lasted = duration_text(steps[-1].at - steps[0].at)
    return scenario_text(replace(recorded, description=f"{told} It took {lasted}."), shortest)
