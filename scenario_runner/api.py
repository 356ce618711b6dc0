"""The public interface: each name once. Everything else may change."""

from scenario_runner.clock import Clock as Clock
from scenario_runner.errors import (
    AnswerLost as AnswerLost,
    BadAnswer as BadAnswer,
    BadCredentials as BadCredentials,
    InvalidFiles as InvalidFiles,
    Note as Note,
    NothingSelected as NothingSelected,
    NotPossible as NotPossible,
    PbxError as PbxError,
    Problem as Problem,
    RateLimited as RateLimited,
    ScenarioRunnerError as ScenarioRunnerError,
    TargetError as TargetError,
    TimedOut as TimedOut,
    Unreachable as Unreachable,
    UsageError as UsageError,
    render_problem as render_problem,
)
from scenario_runner.exit_code import Exit as Exit
from scenario_runner.events import (
    Attempt as Attempt,
    CallChanged as CallChanged,
    Event as Event,
    Exchange as Exchange,
    Failure as Failure,
    InvalidFile as InvalidFile,
    PbxReported as PbxReported,
    PbxSnapshot as PbxSnapshot,
    RunFinished as RunFinished,
    RunStarted as RunStarted,
    ScenarioFinished as ScenarioFinished,
    ScenarioStarted as ScenarioStarted,
    SourceRead as SourceRead,
    StepFinished as StepFinished,
    StepStarted as StepStarted,
    Verdict as Verdict,
    Warned as Warned,
    from_json as from_json,
    to_json as to_json,
)
from scenario_runner.exchange import (
    Request as Request,
    Response as Response,
    Transport as Transport,
)
from scenario_runner.execution.run_iterator import Run as Run, load as load, run as run
from scenario_runner.execution.testing import SyncPbx as SyncPbx
from scenario_runner.language.scenario import Scenario as Scenario
from scenario_runner.language.settings import SettingProblem as SettingProblem, Settings as Settings
from scenario_runner.language.target import Target as Target
from scenario_runner.language.vocabulary import (
    CallState as CallState,
    Capability as Capability,
    EventType as EventType,
    ExtensionState as ExtensionState,
    Party as Party,
    Reason as Reason,
)
from scenario_runner.pbx.commands import (
    AnswerCall as AnswerCall,
    AnySlot as AnySlot,
    AskExtension as AskExtension,
    AskSlot as AskSlot,
    BridgeCall as BridgeCall,
    CallAddress as CallAddress,
    Command as Command,
    FindPlaced as FindPlaced,
    HangUp as HangUp,
    ParkCall as ParkCall,
    PlaceCall as PlaceCall,
    SendRequest as SendRequest,
    ShowCall as ShowCall,
    ShowCalls as ShowCalls,
    Unsubscribe as Unsubscribe,
)
from scenario_runner.pbx.drivers import Context as Context, Driver as Driver, Notice as Notice
from scenario_runner.pbx.protocol import (
    CallIds as CallIds,
    Connection as Connection,
    Done as Done,
    Holding as Holding,
    Leftover as Leftover,
    Listed as Listed,
    Outcome as Outcome,
    PbxEvent as PbxEvent,
    PlacedCall as PlacedCall,
    Plan as Plan,
    Raw as Raw,
    Refused as Refused,
    Session as Session,
    Trace as Trace,
    Traits as Traits,
    Watcher as Watcher,
)
from scenario_runner.reporters import (
    Reporter as Reporter,
    open_reporter as open_reporter,
    reporter_names as reporter_names,
)
from scenario_runner.source import Source as Source, Span as Span
from scenario_runner.version import __version__ as __version__
