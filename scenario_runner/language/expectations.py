"""What a step may expect of its answer; one frozen class for each key of `expect`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from scenario_runner.language.matchers import Matcher
    from scenario_runner.language.values import Duration
    from scenario_runner.references import Expression, Path
    from scenario_runner.source import Span


@dataclass(frozen=True, slots=True)
class Refused:
    """The PBX refused for one of these reasons; `any` is every reason, `none` is success."""

    reasons: tuple[Expression, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class MessageIs:
    """The PBX's own words match."""

    matcher: Matcher
    span: Span


@dataclass(frozen=True, slots=True)
class StatusIs:
    """The raw answer's status code matches."""

    matcher: Matcher
    span: Span


@dataclass(frozen=True, slots=True)
class BodyHas:
    """What stands at `path` in the raw answer's body matches, types included."""

    path: Path
    matcher: Matcher
    span: Span


@dataclass(frozen=True, slots=True)
class HeaderIs:
    """The raw answer's header matches; header names are the same in any case."""

    name: str
    matcher: Matcher
    span: Span


@dataclass(frozen=True, slots=True)
class Holds:
    """The slot holds the named call."""

    call: str
    span: Span


@dataclass(frozen=True, slots=True)
class Empty:
    """Nobody (`expected` true) or somebody (false) is in the slot."""

    expected: Expression
    span: Span


@dataclass(frozen=True, slots=True)
class UuidIs:
    """The reported UUID matches, as text."""

    matcher: Matcher
    span: Span


@dataclass(frozen=True, slots=True)
class SlotIs:
    """The reported slot matches, as text."""

    matcher: Matcher
    span: Span


@dataclass(frozen=True, slots=True)
class With:
    """The call was joined with one of the named calls."""

    calls: tuple[str, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class CountIs:
    """How many calls are listed, or how many events came, matches."""

    matcher: Matcher
    span: Span


@dataclass(frozen=True, slots=True)
class Includes:
    """Each of the named calls is listed."""

    calls: tuple[str, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Excludes:
    """None of the named calls is listed."""

    calls: tuple[str, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class StateIs:
    """The call's state matches."""

    matcher: Matcher
    span: Span


@dataclass(frozen=True, slots=True)
class Succeeded:
    """How many branches succeeded: in all (`action` None), or of one action."""

    action: str | None
    matcher: Matcher
    span: Span


@dataclass(frozen=True, slots=True)
class BranchesRefused:
    """How many branches were refused: in all (`reason` None), or for one reason."""

    reason: str | None
    matcher: Matcher
    span: Span


@dataclass(frozen=True, slots=True)
class After:
    """The time between a labelled step and this one matches, by the time of the thing itself."""

    step: str
    matcher: Matcher
    span: Span


@dataclass(frozen=True, slots=True)
class FasterThan:
    """The exchange took less than this, by the real clock."""

    limit: Duration
    span: Span


Clause: TypeAlias = (
    Refused
    | MessageIs
    | StatusIs
    | BodyHas
    | HeaderIs
    | Holds
    | Empty
    | UuidIs
    | SlotIs
    | With
    | CountIs
    | Includes
    | Excludes
    | StateIs
    | Succeeded
    | BranchesRefused
    | After
    | FasterThan
)
