"""Everything that can go wrong.

    ScenarioRunnerError
    ├── InvalidFiles        files say what they may not say; carries every Problem
    ├── UsageError          the command line asks for what is not there
    │   └── NothingSelected     no scenario is left to run
    ├── TargetError         the target is missing, forbidden or wrongly described
    ├── Undecidable         whether a value matches can't be decided
    ├── Contradiction       an answer that the rules of call parking do not allow
    ├── RunnerFault         an exception nobody expected: a fault of the runner itself
    └── PbxError            it could not be found out what the PBX did
        ├── Unreachable         no connection came about; nothing was sent
        ├── AnswerLost          sent, but the answer never came whole
        ├── TimedOut            no answer in time
        ├── BadAnswer           the answer can't be understood
        ├── BadCredentials      the PBX does not know the runner
        ├── RateLimited         the PBX wants no more requests for now
        ├── NotPossible         this target can't do or report such a thing
        └── HeldBack            whoever takes the steps by hand did not let it be sent

A refusal by the PBX is no error: it is an outcome (see `pbx`).
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar

from msgspec import Meta, Struct

from scenario_runner.exit_code import Exit
from scenario_runner.source import Source, Span

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping


class Note(Struct, frozen=True, kw_only=True):
    """A second place that helps to understand a problem."""

    message: Annotated[str, Meta(description="What is there.")]
    span: Annotated[Span | None, Meta(description="Where.")] = None


class Problem(Struct, frozen=True, kw_only=True):
    """One thing that is wrong with a file: where, what, and how to fix it.

    `code` is short and stable (`unknown-key`); `scenario-runner explain CODE` tells more.
    `warning` problems do not keep a file from running unless `--strict` is given.
    """

    code: Annotated[str, Meta(description="A short stable word, such as 'unknown-key'.")]
    message: Annotated[str, Meta(description="What is wrong.")]
    span: Annotated[Span, Meta(description="Where in the file.")]
    hint: Annotated[str | None, Meta(description="How to fix it.")] = None
    notes: Annotated[
        tuple[Note, ...], Meta(description="Other places that help to understand it.")
    ] = ()
    warning: Annotated[bool, Meta(description="Whether the file can be run all the same.")] = False


class ScenarioRunnerError(Exception):
    """Base of all errors that are told to the user without a traceback."""

    exit_code: ClassVar[Exit] = Exit.USAGE

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class InvalidFiles(ScenarioRunnerError):
    """One or more files are invalid; `problems` are all of them, in the order of the files."""

    exit_code = Exit.INVALID

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        count = len(problems)
        super().__init__(f"{count} problem{'s' if count != 1 else ''} found")
        self.problems = problems


class UsageError(ScenarioRunnerError):
    """The command line asks for something that is not there."""


class NothingSelected(UsageError):
    """Not one scenario is left to run."""


class TargetError(ScenarioRunnerError):
    """The target is missing, wrongly described, or not allowed to be used."""


class Undecidable(ScenarioRunnerError):
    """Whether a value matches can't be decided; the verdict is `errored`."""


class Contradiction(ScenarioRunnerError):
    """No order of the commands so far explains an answer; the verdict is `failed`."""


class RunnerFault(ScenarioRunnerError):
    """An exception that nobody expected ended a step or a scenario; the verdict is `errored`.

    The message names the exception, in a group the first one inside, and where it was raised.
    """

    exit_code = Exit.FAULT

    def __init__(self, error: BaseException) -> None:
        while isinstance(error, BaseExceptionGroup):
            error = error.exceptions[0]
        at = error.__traceback__
        while at is not None and at.tb_next is not None:
            at = at.tb_next
        code = at.tb_frame.f_code if at is not None else None
        where = f" (in {code.co_name}, {Path(code.co_filename).name})" if code is not None else ""
        what = f"{type(error).__name__}: {error}".rstrip(": ")
        super().__init__(
            f"the runner itself failed: {what}{where}",
            hint="this is not your scenario's doing; please report it with this message",
        )


class PbxError(ScenarioRunnerError):
    """It could not be found out what the PBX did; the verdict is `errored`."""

    exit_code = Exit.ERRORED


class Unreachable(PbxError):
    """No connection to the PBX came about: nothing was sent."""


class AnswerLost(PbxError):
    """The request was sent, or may have been, but no whole answer came back."""


class TimedOut(PbxError):
    """The PBX did not answer in time."""


class BadAnswer(PbxError):
    """The PBX's answer can't be understood."""


class BadCredentials(PbxError):
    """The PBX does not accept the runner's credentials."""


class RateLimited(PbxError):
    """The PBX accepts no more requests for now."""


class NotPossible(PbxError):
    """The target has no way to do or report what was asked for."""


class HeldBack(PbxError):
    """Whoever takes the steps by hand ended the run instead: nothing was sent."""


def nearest(word: str, known: Iterable[str]) -> str | None:
    """Return the one among `known` that was probably meant, or None."""
    # Imported here: most commands make no mistake, and start faster without it.
    from difflib import get_close_matches

    names = {name.lower(): name for name in reversed([*known])}
    return next((names[n] for n in get_close_matches(word.lower(), names, n=1, cutoff=0.6)), None)


def did_you_mean(word: str, known: Iterable[str]) -> str | None:
    """Return "did you mean 'park'?" for a near miss among `known`, or None."""
    near = nearest(word, known)
    return f"did you mean '{near}'?" if near is not None else None


def suggestion(word: str, known: Iterable[str], lead: str = "known are") -> str:
    """Return the near miss among `known` as a question, or else all that is known after `lead`."""
    names = list(known)
    return did_you_mean(word, names) or f"{lead}: {', '.join(names)}"


class Part(Struct, frozen=True):
    """A part of a problem's text: prose that may be wrapped, or lines of a file that may not."""

    text: str
    excerpt: bool = False


def problem_parts(
    problem: Problem, sources: Mapping[str, Source], width: int = 100
) -> Iterator[Part]:
    """Give what the problem is, where, and how to fix it; excerpts are `width` letters wide."""
    kind = f"warning {problem.code}" if problem.warning else problem.code
    yield Part(f"{problem.span}: {kind}: {problem.message}")
    yield from _excerpt(problem.span, sources, width)
    if problem.hint:
        yield Part(problem.hint)
    for note in problem.notes:
        where = f" ({note.span})" if note.span else ""
        yield Part(f"{note.message}{where}")
        if note.span and note.span.file != problem.span.file:
            yield from _excerpt(note.span, sources, width)


def _excerpt(span: Span, sources: Mapping[str, Source], width: int) -> Iterator[Part]:
    source = sources.get(span.file)
    shown = source.excerpt(span, width=width) if source else ""
    for line in shown.splitlines():
        yield Part(line, excerpt=True)


def render_problem(problem: Problem, sources: Mapping[str, Source]) -> str:
    """Return the problem as lines of text; `sources` are the known files by their names."""
    return "\n  ".join(part.text for part in problem_parts(problem, sources))
