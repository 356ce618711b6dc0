"""Checks what a step expects against what it saw; every part that does not hold is reported."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from scenario_runner.durations import duration_text
from scenario_runner.engine.context import NamedCallValue
from scenario_runner.errors import BadAnswer, BadCredentials, RateLimited
from scenario_runner.events import Failure
from scenario_runner.language.expectations import (
    After,
    BodyHas,
    BranchesRefused,
    Clause,
    CountIs,
    Empty,
    Excludes,
    ExtensionStateIs,
    FasterThan,
    HeaderIs,
    Holds,
    Includes,
    MessageIs,
    SlotIs,
    StateIs,
    StatusIs,
    Succeeded,
    UuidIs,
    With,
)
from scenario_runner.language.expectations import Refused as ExpectRefused
from scenario_runner.language.matchers import Spanned
from scenario_runner.language.vocabulary import Reason
from scenario_runner.matching import AsText, AsTime, Exactly, View, describe
from scenario_runner.pbx.protocol import Done, Raw, Refused
from scenario_runner.references import Json, NotThere, as_text, follow, path_text

if TYPE_CHECKING:
    from scenario_runner.engine.context import Frame
    from scenario_runner.engine.result import ActionResult, Tally
    from scenario_runner.language.actions import Step
    from scenario_runner.language.matchers import Matcher
    from scenario_runner.source import Span


class Checker:
    """Checks the clauses of one step in its frame."""

    def __init__(self, step: Step, frame: Frame) -> None:
        self._step = step
        self._frame = frame
        self._scope = frame.scope
        self._moments = frame.moments

    def failures(self, seen: ActionResult) -> tuple[Failure, ...]:
        """Return one Failure for each part that does not hold, in the order written."""
        found = [self._clause(clause, seen) for clause in self._step.expect]
        refusal = self._unnamed_refusal(seen.tally) or self._unexpected_refusal(seen)
        return tuple(failure for failure in (refusal, *found) if failure is not None)

    def _unnamed_refusal(self, tally: Tally | None) -> Failure | None:
        """Fail for a branch refused for a reason that the expectation does not name."""
        if tally is None or not self._step.expect:
            return None
        clauses = [c for c in self._step.expect if isinstance(c, BranchesRefused)]
        if any(c.reason is None for c in clauses):
            return None
        named = {str(clause.reason) for clause in clauses}
        unnamed = ", ".join(sorted({reason for _, reason in tally.refused} - named))
        if not unnamed:
            return None
        expected = ", ".join(sorted(named)) or "no refusal"
        hint = f"if that may happen, say how often: refused: {{{unnamed.split(', ')[0]}: 1}}"
        return _failure("refused", expected, unnamed, self._step.expect[0].span, hint)

    def _unexpected_refusal(self, seen: ActionResult) -> Failure | None:
        if not isinstance(seen.outcome, Refused):
            return None
        if any(clause.allows_refusal for clause in self._step.expect):
            return None
        refused = seen.outcome
        return Failure(
            key="succeeds",
            message=f"the PBX refused: {refused.reason}",
            expected="success",
            actual=f'refused ({refused.reason}): "{refused.message}"',
            span=self._step.span,
            hint=f"if that is right, say so: expect: {{refused: {refused.reason}}}",
        )

    def _clause(self, clause: Clause, seen: ActionResult) -> Failure | None:
        match clause:
            case ExpectRefused():
                return self._refused(clause, seen)
            case MessageIs(matcher, span):
                return self._message(matcher, span, seen)
            case StatusIs() | BodyHas() | HeaderIs():
                return self._raw(clause, seen)
            case Holds() | Empty() | UuidIs() | SlotIs() | With():
                return self._slot(clause, seen)
            case CountIs() | Includes() | Excludes() | StateIs() | ExtensionStateIs():
                return self._calls(clause, seen)
            case Succeeded() | BranchesRefused():
                return self._branches(clause, seen)
            case After() | FasterThan():
                return self._time(clause, seen)
            case _:
                assert_never(clause)

    def _match(
        self, key: str, matcher: Matcher, actual: Json, span: Span, view: View = Exactly
    ) -> Failure | None:
        if self._scope.matches(Spanned(matcher, span), actual, view):
            return None
        expected = describe(matcher, self._scope.resolve, view)
        return _failure(key, expected, view.show(view.view(actual)), span)

    def _refused(self, clause: ExpectRefused, seen: ActionResult) -> Failure | None:
        wanted = [as_text(self._scope.resolve(reason)) for reason in clause.reasons]
        expected = "refused: " + (wanted[0] if len(wanted) == 1 else "one of " + ", ".join(wanted))
        match seen.outcome:
            case Refused(reason=reason, message=message):
                if reason.value in wanted or "any" in wanted:
                    return None
                actual = f'refused ({reason}): "{message}"'
                hint = _untold(reason, wanted, message)
                return _failure("refused", expected, actual, clause.span, hint)
            case _:
                if "none" in wanted:
                    return None
                return _failure("refused", expected, f"success: {seen.summary}", clause.span)

    def _message(self, matcher: Matcher, span: Span, seen: ActionResult) -> Failure | None:
        match seen.outcome:
            case Refused(message=message):
                return self._match("message", matcher, message, span)
            case _:
                expected = f"a refusal whose words match: {describe(matcher, self._scope.resolve)}"
                return _failure("message", expected, f"success: {seen.summary}", span)

    def _raw(self, clause: StatusIs | BodyHas | HeaderIs, seen: ActionResult) -> Failure | None:
        raw = seen.outcome.raw if seen.outcome is not None else Raw()
        match clause:
            case StatusIs(matcher, span):
                return self._match("status", matcher, raw.status, span)
            case HeaderIs(name, matcher, span):
                values = [value for key, value in raw.headers if key.lower() == name.lower()]
                if not values:
                    expected = f"{name}: {describe(matcher, self._scope.resolve)}"
                    return _failure("headers", expected, f"no header {name}", span)
                return self._match(f"headers.{name}", matcher, values[0], span)
            case BodyHas(path, matcher, span):
                key = f"body.{path_text(path)}" if path else "body"
                try:
                    value = follow(raw.body, path)
                except NotThere as error:
                    expected = describe(matcher, self._scope.resolve)
                    return _failure(key, expected, f"nothing: {error}", span)
                return self._match(key, matcher, value, span)
            case _:
                assert_never(clause)

    def _slot(
        self, clause: Holds | Empty | UuidIs | SlotIs | With, seen: ActionResult
    ) -> Failure | None:
        if not isinstance(seen.outcome, Done):
            wanted = f"an answer that tells '{clause.word}'"
            return _failure(clause.word, wanted, seen.summary, clause.span)
        done = seen.outcome
        match clause:
            case Holds(call, span):
                return self._is_call("holds", (call,), done.uuid, span)
            case With(calls, span):
                return self._with(calls, done.uuid, span)
            case Empty(expected, span):
                return self._empty(self._scope.resolve(expected), done.uuid, span)
            case UuidIs(matcher, span):
                return self._match("uuid", matcher, done.uuid, span, AsText)
            case SlotIs(matcher, span):
                return self._match("slot", matcher, done.slot, span, AsText)
            case _:
                assert_never(clause)

    def _with(self, names: tuple[str, ...], uuid: str | None, span: Span) -> Failure | None:
        if uuid is None:
            why = "the PBX does not report the other party"
            return _failure("with", " or ".join(names), why, span)
        return self._is_call("with", names, uuid, span)

    def _empty(self, wanted: Json, uuid: str | None, span: Span) -> Failure | None:
        if wanted is (uuid is None):
            return None
        says = "nobody in the slot" if wanted else "somebody in the slot"
        return _failure("empty", says, self._who(uuid), span)

    def _is_call(
        self, key: str, names: tuple[str, ...], uuid: str | None, span: Span
    ) -> Failure | None:
        uuids = {name: self._uuid(name) for name in names}
        if uuid is not None and uuid in uuids.values():
            return None
        expected = " or ".join(f"{name} ({uuids[name]})" for name in names)
        return _failure(key, expected, self._who(uuid), span)

    def _uuid(self, name: str) -> str:
        value = self._scope.find(name) if self._scope.has(name) else None
        if isinstance(value, NamedCallValue):
            return value.uuid
        return "a call that never came up"

    def _who(self, uuid: str | None) -> str:
        return "nobody" if uuid is None else self._frame.who(uuid)

    def _calls(
        self,
        clause: CountIs | Includes | Excludes | StateIs | ExtensionStateIs,
        seen: ActionResult,
    ) -> Failure | None:
        done = seen.outcome if isinstance(seen.outcome, Done) else None
        listed = {call.uuid for call in done.listed} if done else set()
        match clause:
            case CountIs(matcher, span):
                count = seen.count if seen.count is not None else len(listed)
                return self._match("count", matcher, count, span)
            case StateIs(matcher, span):
                state = done.state.value if done and done.state else None
                return self._match("state", matcher, state, span, AsText)
            case ExtensionStateIs(matcher, span):
                doing = done.extension_state.value if done and done.extension_state else None
                return self._match("state", matcher, doing, span, AsText)
            case Includes(names, span):
                absent = [name for name in names if self._uuid(name) not in listed]
                return _listing("includes", names, absent, "not listed", span)
            case Excludes(names, span):
                present = [name for name in names if self._uuid(name) in listed]
                return _listing("excludes", names, present, "listed", span)
            case _:
                assert_never(clause)

    def _branches(self, clause: Succeeded | BranchesRefused, seen: ActionResult) -> Failure | None:
        tally = seen.tally
        if tally is None:
            return None
        match clause:
            case Succeeded(word, matcher, span):
                all_of_them, key = tally.branches_succeeded, "succeeded"
                count = sum(done == word for done in tally.succeeded)
            case BranchesRefused(word, matcher, span):
                all_of_them, key = tally.branches_refused, "refused"
                count = sum(reason == word for _, reason in tally.refused)
            case _:
                assert_never(clause)
        if word is None:
            return self._match(key, matcher, all_of_them, span)
        return self._match(f"{key}.{word}", matcher, count, span)

    def _time(self, clause: After | FasterThan, seen: ActionResult) -> Failure | None:
        match clause:
            case After(label, matcher, span):
                moment = self._moments.get(label)
                if moment is None:
                    return _failure("after", f"a time after '{label}'", "it did not run", span)
                return self._match(f"after.{label}", matcher, seen.at - moment.at, span, AsTime)
            case FasterThan(limit, span):
                bound = self._scope.duration(limit)
                took = seen.outcome.raw.real if seen.outcome is not None else 0
                if took < bound:
                    return None
                wanted = f"less than {duration_text(bound)}"
                return _failure("faster_than", wanted, duration_text(took), span)
            case _:
                assert_never(clause)


def _failure(key: str, expected: str, actual: str, span: Span, hint: str | None = None) -> Failure:
    message = f"{key}: expected {expected}, got {actual}"
    return Failure(key=key, message=message, expected=expected, actual=actual, span=span, hint=hint)


def _listing(
    key: str, names: tuple[str, ...], wrong: list[str], what: str, span: Span
) -> Failure | None:
    if not wrong:
        return None
    return _failure(key, ", ".join(names), f"{', '.join(wrong)} {what}", span)


def _untold(reason: Reason, wanted: list[str], message: str) -> str | None:
    if reason is not Reason.OTHER or not wanted:
        return None
    return (
        "this target's words are not known to the runner; teach them in the targets file: "
        f"reasons: {{{wanted[0]}: {{contains: {message[:40]!r}}}}}"
    )


_NOT_ABOUT_THE_CALL = {
    Reason.UNAUTHORIZED: (BadCredentials, "the PBX does not accept the runner's credentials"),
    Reason.RATE_LIMITED: (RateLimited, "the PBX accepts no more requests for now"),
}


def certain(refused: Refused, step: Step, frame: Frame) -> None:
    """Raise BadAnswer for a refusal that says nothing about what was asked.

    A fault of the server, a full rate limit or bad credentials leave it open what the PBX would
    have done; only a step that expects just that may go on with it.
    """
    expects = {type(clause) for clause in step.expect}
    if refused.raw.status >= 500 and StatusIs not in expects:
        text = f"the PBX failed with status {refused.raw.status}: {refused.message}"
        raise BadAnswer(text, hint="what it did with the command is not known")
    kind, text = _NOT_ABOUT_THE_CALL.get(refused.reason, (BadAnswer, ""))
    expected = bool(expects & {StatusIs, MessageIs}) or _expects(refused.reason, step, frame)
    if text and not expected:
        raise kind(f"{text}: {refused.message}", hint=refused.driver_word or None)


def _expects(reason: Reason, step: Step, frame: Frame) -> bool:
    reasons = [r for clause in step.expect if isinstance(clause, ExpectRefused)
               for r in clause.reasons]  # fmt: skip
    named = {as_text(frame.scope.resolve(expression)) for expression in reasons}
    return not named.isdisjoint(("any", reason.value))
