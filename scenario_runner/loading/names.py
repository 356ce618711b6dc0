"""Who knows which name where: every name bound in a scenario or fragment, and every use of one."""

from __future__ import annotations

import re
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from scenario_runner.errors import Note, did_you_mean
from scenario_runner.language.actions import Holding
from scenario_runner.language.matchers import Equals, Not, OneOf
from scenario_runner.loading.messages import say
from scenario_runner.references import Fields, Items, Literal, Reference, Text, parse_path

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scenario_runner.language.actions import Condition
    from scenario_runner.language.matchers import Matcher
    from scenario_runner.loading.nodes import Problems
    from scenario_runner.references import Expression, Path
    from scenario_runner.source import Span


def exclude_one_another(left: tuple[Condition, ...], right: tuple[Condition, ...]) -> bool:
    """Whether some condition of the left can't hold together with some condition of the right."""
    return any(_exclusive(one, other) for one in left for other in right)


def _exclusive(one: Condition, other: Condition) -> bool:
    if not isinstance(one, Holding) or not isinstance(other, Holding):
        return False
    if shape(one.that) != shape(other.that):
        return False
    left, right = _values(one.matcher.matcher), _values(other.matcher.matcher)
    if left is None or right is None:
        return False
    (left_listed, left_values), (right_listed, right_values) = left, right
    if left_listed and right_listed:
        return not left_values & right_values
    if left_listed:
        return left_values <= right_values
    return right_listed and right_values <= left_values


def _values(matcher: Matcher) -> tuple[bool, frozenset[str]] | None:
    """(True, the only values allowed) or (False, the values forbidden); None where unknown."""
    match matcher:
        case Equals(Literal(value)):
            return True, frozenset([repr(value)])
        case OneOf(options) if all(isinstance(option, Literal) for option in options):
            return True, frozenset(shape(option) for option in options)
        case Not(inner):
            known = _values(inner)
            return None if known is None else (not known[0], known[1])
        case _:
            return None


def shape(expression: Expression) -> str:
    """An expression without its places, for comparing."""
    match expression:
        case Literal(value):
            return repr(value)
        case Reference():
            return str(expression)
        case Text(parts):
            return "".join(str(part) for part in parts)
        case Items(items):
            return "[" + ",".join(shape(item) for item in items) + "]"
        case Fields(fields):
            return "{" + ",".join(f"{name}:{shape(item)}" for name, item in fields) + "}"


_PATH = re.compile(r"[A-Za-z_][\w-]*(?:\.[\w-]+|\[[0-9]{1,9}\])*")


def read_path(text: str) -> Path | None:
    """Return the keys and indexes of `call_list[0].uuid`, or None where it is no path."""
    if not _PATH.fullmatch(text):
        return None
    if "-" not in text:
        return parse_path(text)
    parts = re.findall(r"[\w-]+", text)
    return tuple(int(part) if part.isdigit() else part for part in parts)


def path_fault(value: Expression, path: Path) -> str | None:
    """Say why `path` can't be followed into `value`, or None where it can or nobody knows."""
    for step in path:
        match value:
            case Reference():
                return None
            case Fields(fields):
                known = dict(fields)
                if str(step) not in known:
                    return f"has no '{step}' (there is: {', '.join(known)})"
                value = known[str(step)]
            case Items(items):
                if not isinstance(step, int) or step >= len(items):
                    return f"is a list of {len(items)} and has no '{step}'"
                value = items[step]
            case Literal() | Text():
                return f"is a plain value and has no '{step}'"
    return None


RESERVED = ("env", "secret", "target")
CALL_FIELDS = ("uuid", "call_api_id", "extension", "extension_id", "call_id")
TARGET_FIELDS = ("name", "slots", "slot_count", "park_timeout")
_MOST_COMPARED = 200


class Kind(StrEnum):
    """What a name stands for, in words."""

    VARIABLE = "variable"
    CALL = "call"
    CAPTURE = "capture"
    LEASE = "reserved number"
    ROW = "matrix column"
    ITEM = "item"
    PARAM = "parameter"
    EXPORT = "export"


@dataclass(slots=True, eq=False)
class Bound:
    """A name that is bound somewhere; `value` where it is known from the file.

    `soft` is where the step that binds it says that the scenario goes on when it failed.
    """

    name: str
    kind: Kind
    span: Span
    conditions: tuple[Condition, ...] = ()
    value: Expression | None = None
    is_call: bool = False
    used: bool = False
    soft: Span | None = None
    options: tuple[Expression, ...] = ()


@dataclass(slots=True)
class _Missing:
    """A use of a name that nothing had bound up to there."""

    name: str
    span: Span
    bound_so_far: int
    wanted: Kind


@dataclass(slots=True)
class Names:
    """The names of one scenario or fragment while it is read from top to bottom."""

    problems: Problems
    visible: dict[str, list[Bound]] = field(default_factory=dict)
    concurrent: dict[str, list[Bound]] = field(default_factory=dict)
    everything: list[Bound] = field(default_factory=list)
    labels: dict[str, Span] = field(default_factory=dict)
    all_labels: dict[str, Span] = field(default_factory=dict)
    label_order: list[str] = field(default_factory=list)
    conditions: tuple[Condition, ...] = ()
    unsure: set[str] = field(default_factory=set)
    all_unsure: bool = False
    offered: dict[str, str] = field(default_factory=dict)
    own_words: dict[str, Span] = field(default_factory=dict)
    _missing: list[_Missing] = field(default_factory=list)
    _missing_labels: list[tuple[str, Span]] = field(default_factory=list)

    def bind(self, name: str, kind: Kind, span: Span, value: Expression | None = None) -> Bound:
        """Bind a name from here on; a second time is a problem unless conditions exclude it."""
        bound = Bound(name, kind, span, self.conditions, value, is_call=kind is Kind.CALL)
        if name in RESERVED:
            self.problems.report(say("reserved-name", name=name), span)
            return bound
        for other in (*self.visible.get(name, ()), *self.concurrent.get(name, ())):
            if not exclude_one_another(other.conditions, bound.conditions):
                code = "bound-twice.export" if kind is Kind.EXPORT else "bound-twice.name"
                self.problems.report(say(code, name=name), span, _bound_at(other.span))
                other.used = bound.used = True
                break
        self.visible.setdefault(name, []).append(bound)
        self.everything.append(bound)
        return bound

    def label(self, name: str, span: Span) -> None:
        """Give a step its label."""
        if name in self.all_labels:
            note = Note(message="the first one is here", span=self.all_labels[name])
            self.problems.report(say("duplicate-id", id=name), span, note)
        self.label_order.append(name)
        self.labels[name] = self.all_labels.setdefault(name, span)

    def read(self, reference: Reference) -> None:
        """A value is read: note its use, or that nothing has bound it so far."""
        name = reference.name
        if name in RESERVED:
            self._read_reserved(reference)
        elif name in self.visible:
            self.use(name, reference.span)
            self._read_inside(reference, self.visible[name][-1])
        else:
            self._miss(name, reference.span, Kind.VARIABLE)

    def read_call(self, name: str, span: Span) -> None:
        """A call is named: note its use, or why there is no such call."""
        if name.startswith("$"):
            bare = name.lstrip("${").rstrip("}").partition(".")[0]
            self.problems.report(say("call-by-value", text=name, name=bare), span)
            self.unsure.add(bare)
        elif name not in self.visible:
            self._miss(name, span, Kind.CALL)
        elif name in self.unsure:
            return
        else:
            self.use(name, span)
            bound = self.visible[name][-1]
            if not bound.is_call:
                said = say("not-a-call", name=name, kind=bound.kind)
                self.problems.report(said, span, _bound_at(bound.span))

    def use(self, name: str, span: Span) -> None:
        """A visible name is used: report it where the step that binds it may fail softly."""
        for bound in self.visible[name]:
            bound.used = True
            if bound.soft is not None:
                note = Note(message="it is used here", span=span)
                self.problems.report(say("soft-name", name=name), bound.soft, note)
                bound.soft = None  # once is enough

    def soften(self, since: int, soft: Span) -> None:
        """Note that what was bound after the first `since` names may stay unbound."""
        for bound in self.everything[since:]:
            bound.soft = soft

    def harden(self) -> None:
        """From here on names may be used that stayed unbound, as a cleanup may."""
        for bound in self.everything:
            bound.soft = None

    def read_label(self, name: str, span: Span) -> None:
        """An earlier step is named by its id."""
        if name not in self.labels:
            self._missing_labels.append((name, span))

    def suspect(self, words: set[str]) -> None:
        """Take these words for names that a step with a problem might bind or use."""
        self.unsure |= words
        for word in words & self.visible.keys():
            for bound in self.visible[word]:
                bound.used = True

    def suspect_all(self) -> None:
        """Take every name from here on for one that a fragment that can't be had might export."""
        self.all_unsure = True

    def offer(self, fragment: str, exports: tuple[str, ...], taken: dict[str, str]) -> None:
        """Note what a fragment exports and the step that uses it does not take under that name."""
        for name in exports:
            lead = f"the fragment '{fragment}' exports it"
            if name not in taken:
                self.offered[name] = f"{lead}; take it over with exports: [{name}]"
            elif taken[name] != name:
                self.offered[name] = f"{lead}, and its name is '{taken[name]}' here"

    def own_word(self, word: str, span: Span) -> None:
        """Note that a row of the matrix says `word` about itself, so that it is no variable."""
        self.offered[word] = (
            f"'{word}' of a row is about the row itself; give the column another name"
        )
        self.own_words.setdefault(word, span)

    @contextmanager
    def under(self, condition: Condition | None) -> Iterator[None]:
        """What is bound inside is bound only where the condition holds."""
        before = self.conditions
        if condition is not None:
            self.conditions = (*before, condition)
        yield
        self.conditions = before

    def branches(self) -> Branches:
        """Begin a `together`, whose branches do not see each other's names."""
        return Branches(self)

    def finish(self) -> None:
        """Report every name that nothing had bound where it was used: once, at its first use."""
        where = {bound.name: bound.span for bound in reversed(self.everything)}
        uses: dict[tuple[str, bool], list[_Missing]] = {}
        for miss in self._missing:
            if miss.name not in self.unsure:
                uses.setdefault((miss.name, miss.wanted is Kind.CALL), []).append(miss)
        for missing in uses.values():
            self._report(missing, where.get(missing[0].name))
        for word, span in self.own_words.items():
            if word in where:
                self.problems.report(say("row-word", word=word), span, _bound_at(where[word]))
        for name, span in self._missing_labels:
            self._report_label(name, span)

    def _miss(self, name: str, span: Span, wanted: Kind) -> None:
        if not self.all_unsure:
            self._missing.append(_Missing(name, span, len(self.everything), wanted))

    def _known(self, miss: _Missing) -> list[str]:
        """The names that could have been meant."""
        so_far = self.everything[: min(miss.bound_so_far, _MOST_COMPARED)]
        is_call = miss.wanted is Kind.CALL
        return [bound.name for bound in so_far if bound.is_call or not is_call]

    def _report(self, uses: list[_Missing], bound_at: Span | None) -> None:
        miss = uses[0]
        is_call = miss.wanted is Kind.CALL
        shown = f"'{miss.name}'" if is_call else f"${miss.name}"
        also = [Note(message=f"{shown} is used here too", span=other.span) for other in uses[1:4]]
        if bound_at is not None:
            code = "unknown-call.not-yet" if is_call else "undefined-name.not-yet"
            self.problems.report(say(code, name=shown), miss.span, _bound_at(bound_at), *also)
            return
        known = self._known(miss)
        hint = self.offered.get(miss.name) or did_you_mean(miss.name, known)
        hint = hint or _listed(known, is_call=is_call)
        code = "unknown-call.nowhere" if is_call else "undefined-name.nowhere"
        self.problems.report(say(code, name=shown, hint=hint), miss.span, *also)

    def _report_label(self, name: str, span: Span) -> None:
        if name in self.all_labels:
            note = Note(message="that step is here", span=self.all_labels[name])
            self.problems.report(say("unknown-id.not-over", id=name), span, note)
        elif name not in self.unsure:
            hint = did_you_mean(name, self.all_labels)
            self.problems.report(say("unknown-id.nowhere", id=name, hint=hint), span)

    def _read_reserved(self, reference: Reference) -> None:
        name, path = reference.name, reference.path
        if name == "target" and path[:1] == ("slots",) and isinstance(path[-1], int):
            return
        if name == "target":
            self._field(reference, TARGET_FIELDS, "the target")
        elif not path or not isinstance(path[0], str):
            self.problems.report(say("unknown-field.no-variable", name=name), reference.span)
        elif len(path) > 1:
            said = say("unknown-field.text", name=name, variable=path[0], part=path[1])
            self.problems.report(said, reference.span)

    def _read_inside(self, reference: Reference, bound: Bound) -> None:
        if bound.is_call:
            self._field(reference, CALL_FIELDS, f"the call '{bound.name}'")
        elif bound.value is not None and reference.path:
            fault = path_fault(bound.value, reference.path)
            if fault:
                said = say("unknown-field.part", name=bound.name, problem=fault)
                self.problems.report(said, reference.span, _bound_at(bound.span))

    def _field(self, reference: Reference, fields: tuple[str, ...], whose: str) -> None:
        if len(reference.path) == 1 and reference.path[0] in fields:
            return
        hint = f"write ${reference.name}.{fields[0]}; there is {', '.join(fields)}"
        if not reference.path:
            said = say("unknown-field.whole", reference=reference, whose=whose, hint=hint)
        else:
            field = ".".join(str(step) for step in reference.path)
            hint = did_you_mean(str(reference.path[0]), fields) or hint
            said = say("unknown-field.field", whose=whose, field=field, hint=hint)
        self.problems.report(said, reference.span)


def _bound_at(span: Span) -> Note:
    return Note(message="it is bound here", span=span)


def _listed(known: list[str], *, is_call: bool) -> str:
    if known:
        return f"known here: {', '.join(known[:8])}"
    return (
        "name the call in an earlier step: call: {as: …}"
        if is_call
        else "bind it in 'vars', or save it in an earlier step; a plain dollar is written $$"
    )


class Branches:
    """Keeps the names of concurrent branches apart until all are read."""

    def __init__(self, names: Names) -> None:
        self._names = names
        self._hidden: list[Bound] = []
        self._hidden_labels: dict[str, Span] = {}

    @contextmanager
    def one(self) -> Iterator[None]:
        """Read one branch; what it binds is out of sight of the others."""
        names = self._names
        before, labels_before = len(names.everything), len(names.label_order)
        yield
        for bound in names.everything[before:]:
            _take(names.visible, bound)
            names.concurrent.setdefault(bound.name, []).append(bound)
            self._hidden.append(bound)
        for label in names.label_order[labels_before:]:
            if label in names.labels:
                self._hidden_labels[label] = names.labels.pop(label)

    def join(self) -> None:
        """From here on, everything that the branches bound is visible."""
        names = self._names
        for bound in self._hidden:
            _take(names.concurrent, bound)
            names.visible.setdefault(bound.name, []).append(bound)
        names.labels |= self._hidden_labels


def _take(names: dict[str, list[Bound]], bound: Bound) -> None:
    names[bound.name].remove(bound)
    if not names[bound.name]:
        del names[bound.name]
