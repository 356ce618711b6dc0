"""Run call-parking scenarios written in YAML against a real or a mock PBX.

    import scenario_runner

    for event in scenario_runner.run(scenario_runner.load("examples/")):
        print(event)

Here is the whole public interface; everything else may change. A name is imported when it is used.
Drivers also find the kinds of their settings in `scenario_runner.language.settings`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from scenario_runner.version import __version__

if TYPE_CHECKING:
    from scenario_runner.api import Run, load, run
    from scenario_runner.clock import Clock
    from scenario_runner.errors import (
        AnswerLost,
        BadAnswer,
        BadCredentials,
        InvalidFiles,
        Note,
        NothingSelected,
        NotPossible,
        PbxError,
        Problem,
        RateLimited,
        ScenarioRunnerError,
        TargetError,
        TimedOut,
        Unreachable,
        UsageError,
        render_problem,
    )
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
        Warned,
        from_json,
        to_json,
    )
    from scenario_runner.exchange import Request, Response, Transport
    from scenario_runner.execution.testing import SyncPbx
    from scenario_runner.language.scenario import Scenario
    from scenario_runner.language.settings import SettingProblem, Settings
    from scenario_runner.language.target import Target
    from scenario_runner.language.vocabulary import (
        CallState,
        Capability,
        EventType,
        Party,
        Reason,
    )
    from scenario_runner.pbx.commands import (
        AnswerCall,
        AnySlot,
        AskSlot,
        BridgeCall,
        CallAddress,
        Command,
        HangUp,
        ParkCall,
        PlaceCall,
        SendRequest,
        ShowCall,
        ShowCalls,
        Unsubscribe,
    )
    from scenario_runner.pbx.drivers import Context, Driver, Notice
    from scenario_runner.pbx.protocol import (
        CallIds,
        Connection,
        Done,
        Holding,
        Leftover,
        Listed,
        Outcome,
        PbxEvent,
        Plan,
        Raw,
        Refused,
        Session,
        Trace,
        Traits,
        Watcher,
    )
    from scenario_runner.reporters import Reporter, open_reporter, reporter_names
    from scenario_runner.source import Source, Span

_PLACES = {
    "api": ("Run", "load", "run"),
    "clock": ("Clock",),
    "errors": (
        "AnswerLost",
        "BadAnswer",
        "BadCredentials",
        "InvalidFiles",
        "NotPossible",
        "Note",
        "NothingSelected",
        "PbxError",
        "Problem",
        "RateLimited",
        "ScenarioRunnerError",
        "TargetError",
        "TimedOut",
        "Unreachable",
        "UsageError",
        "render_problem",
    ),
    "events": (
        "Attempt",
        "CallChanged",
        "Event",
        "Exchange",
        "Failure",
        "PbxReported",
        "PbxSnapshot",
        "RunFinished",
        "RunStarted",
        "ScenarioFinished",
        "ScenarioStarted",
        "SourceRead",
        "StepFinished",
        "StepStarted",
        "Verdict",
        "Warned",
        "from_json",
        "to_json",
    ),
    "exchange": ("Request", "Response", "Transport"),
    "execution.testing": ("SyncPbx",),
    "language.scenario": ("Scenario",),
    "language.settings": ("SettingProblem", "Settings"),
    "language.target": ("Target",),
    "language.vocabulary": ("CallState", "Capability", "EventType", "Party", "Reason"),
    "pbx.commands": (
        "AnswerCall",
        "AnySlot",
        "AskSlot",
        "BridgeCall",
        "CallAddress",
        "Command",
        "HangUp",
        "ParkCall",
        "PlaceCall",
        "SendRequest",
        "ShowCall",
        "ShowCalls",
        "Unsubscribe",
    ),
    "pbx.drivers": ("Context", "Driver", "Notice"),
    "pbx.protocol": (
        "CallIds",
        "Connection",
        "Done",
        "Holding",
        "Leftover",
        "Listed",
        "Outcome",
        "PbxEvent",
        "Plan",
        "Raw",
        "Refused",
        "Session",
        "Trace",
        "Traits",
        "Watcher",
    ),
    "reporters": ("Reporter", "open_reporter", "reporter_names"),
    "source": ("Source", "Span"),
}

__all__ = [
    "AnswerCall",
    "AnswerLost",
    "AnySlot",
    "AskSlot",
    "Attempt",
    "BadAnswer",
    "BadCredentials",
    "BridgeCall",
    "CallAddress",
    "CallChanged",
    "CallIds",
    "CallState",
    "Capability",
    "Clock",
    "Command",
    "Connection",
    "Context",
    "Done",
    "Driver",
    "Event",
    "EventType",
    "Exchange",
    "Failure",
    "HangUp",
    "Holding",
    "InvalidFiles",
    "Leftover",
    "Listed",
    "NotPossible",
    "Note",
    "NothingSelected",
    "Notice",
    "Outcome",
    "ParkCall",
    "Party",
    "PbxError",
    "PbxEvent",
    "PbxReported",
    "PbxSnapshot",
    "PlaceCall",
    "Plan",
    "Problem",
    "RateLimited",
    "Raw",
    "Reason",
    "Refused",
    "Reporter",
    "Request",
    "Response",
    "Run",
    "RunFinished",
    "RunStarted",
    "Scenario",
    "ScenarioFinished",
    "ScenarioRunnerError",
    "ScenarioStarted",
    "SendRequest",
    "Session",
    "SettingProblem",
    "Settings",
    "ShowCall",
    "ShowCalls",
    "Source",
    "SourceRead",
    "Span",
    "StepFinished",
    "StepStarted",
    "SyncPbx",
    "Target",
    "TargetError",
    "TimedOut",
    "Trace",
    "Traits",
    "Transport",
    "Unreachable",
    "Unsubscribe",
    "UsageError",
    "Verdict",
    "Warned",
    "Watcher",
    "__version__",
    "from_json",
    "load",
    "open_reporter",
    "render_problem",
    "reporter_names",
    "run",
    "to_json",
]


def __getattr__(name: str) -> object:
    """Import a public name when it is used for the first time."""
    from importlib import import_module

    for place, names in _PLACES.items():
        if name in names:
            found: object = getattr(import_module(f"{__name__}.{place}"), name)
            globals()[name] = found
            return found
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    """Return all public names, also those that nobody used yet."""
    return sorted({*globals(), *__all__})
