"""The keys of `expect`: which action may have which, and their clauses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scenario_runner.durations import parse_duration
from scenario_runner.errors import did_you_mean
from scenario_runner.language import expectations as clauses
from scenario_runner.language.matchers import (
    AllOf,
    Anything,
    AtLeast,
    AtMost,
    Between,
    Contains,
    Equals,
    IsType,
    JsonType,
    Length,
    Matches,
    Near,
    Not,
    OneOf,
    Spanned,
    StartsWith,
)
from scenario_runner.language.vocabulary import CallState, Reason
from scenario_runner.loading.names import read_path
from scenario_runner.loading.nodes import Leaf, Listing, Mapping
from scenario_runner.loading.reader import duration, duration_hint, expression, spot, text_of, truth
from scenario_runner.matching import PatternError, compile_pattern
from scenario_runner.references import Literal, Text, parse_text, part_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from scenario_runner.language.expectations import Clause
    from scenario_runner.language.matchers import Matcher
    from scenario_runner.loading.nodes import Node
    from scenario_runner.loading.reader import Reading
    from scenario_runner.references import Expression
    from scenario_runner.source import Span


def matcher(node: Node, reading: Reading) -> Matcher:
    """A plain value that must be equal, or a map of matchers that must all hold."""
    if not isinstance(node, Mapping):
        return Equals(expression(node, reading))
    return chosen(node, reading)


def chosen(mapping: Mapping, reading: Reading) -> Matcher:
    """The matchers among the keys of a map; other keys belong to whoever calls."""
    made = tuple(
        MATCHERS[key](value, reading) for key, value in mapping.fields.items() if key in MATCHERS
    )
    return made[0] if len(made) == 1 else AllOf(made)


def spanned(mapping: Mapping, reading: Reading) -> Spanned | None:
    """The matcher that stands beside `that`, with its place; None where none stands there."""
    first = next((key for key in mapping.fields if key in MATCHERS), None)
    if first is None:
        return None
    return Spanned(chosen(mapping, reading), spot(mapping, first))


def _equals(node: Node, reading: Reading) -> Matcher:
    return Equals(expression(node, reading))


def _not(node: Node, reading: Reading) -> Matcher:
    return Not(matcher(node, reading))


def _contains(node: Node, reading: Reading) -> Matcher:
    return Contains(expression(node, reading))


def _starts_with(node: Node, reading: Reading) -> Matcher:
    return StartsWith(expression(node, reading))


def _matches(node: Node, reading: Reading) -> Matcher:
    made = parse_text(text_of(node), node.span)
    pattern = made.value if isinstance(made, Literal) else None
    if pattern is None:
        reading.problem(
            "bad-pattern", "a pattern can't contain references", node.span,
            "a plain dollar is written $$; compare with a reference by equals or contains",
        )  # fmt: skip
        return Matches("")
    try:
        compile_pattern(str(pattern))
    except PatternError as error:
        at = error.offset
        place = part_of(node.span, text_of(node), at, at + 1)
        reading.problem("bad-pattern", error.message, place, error.hint)
    return Matches(str(pattern))


def _one_of(node: Node, reading: Reading) -> Matcher:
    return OneOf(tuple(expression(item, reading) for item in items(node)))


def _at_least(node: Node, reading: Reading) -> Matcher:
    return AtLeast(amount(node, reading))


def _at_most(node: Node, reading: Reading) -> Matcher:
    return AtMost(amount(node, reading))


def _between(node: Node, reading: Reading) -> Matcher:
    low, high = (amount(item, reading) for item in items(node))
    least, most = size(low), size(high)
    if least is not None and most is not None and least > most:
        reading.problem(
            "empty-range", "the first end is greater than the second", node.span,
            "write the smaller one first",
        )  # fmt: skip
    return Between(low, high)


def _near(node: Node, reading: Reading) -> Matcher:
    fields = node.fields if isinstance(node, Mapping) else {}
    return Near(amount(fields["value"], reading), amount(fields["within"], reading))


def _type(node: Node, _: Reading) -> Matcher:
    return IsType(JsonType(text_of(node)))


def _length(node: Node, reading: Reading) -> Matcher:
    return Length(matcher(node, reading))


def _any(_: Node, __: Reading) -> Matcher:
    return Anything()


MATCHERS: dict[str, Callable[[Node, Reading], Matcher]] = {
    "equals": _equals,
    "not": _not,
    "contains": _contains,
    "starts_with": _starts_with,
    "matches": _matches,
    "one_of": _one_of,
    "at_least": _at_least,
    "at_most": _at_most,
    "between": _between,
    "near": _near,
    "type": _type,
    "length": _length,
    "any": _any,
}


def items(node: Node) -> list[Node]:
    """The nodes of a list."""
    return node.items if isinstance(node, Listing) else []


def amount(node: Node, reading: Reading) -> Expression:
    """A number, a duration, or a reference to one."""
    made = expression(node, reading)
    if isinstance(made, Text) or (isinstance(made, Literal) and size(made) is None):
        reading.problem(
            "not-an-amount", f"'{text_of(node)}' is neither a number nor a duration", node.span,
            "write a number (3), a duration (5s), or a reference to one ($pause)",
        )  # fmt: skip
    return made


def size(made: Expression) -> float | None:
    """How much a number or duration is; None for anything else."""
    match made:
        case Literal(bool()):
            return None
        case Literal(int() | float() as number):
            return number
        case Literal(str() as text):
            return parse_duration(text)
        case _:
            return None


def leaves(made: Matcher) -> Iterator[Expression]:
    """Every expression that a matcher compares the value itself with."""
    match made:
        case Equals(value) | AtLeast(value) | AtMost(value):
            yield value
        case Between(low, high):
            yield from (low, high)
        case Near(value, within):
            yield from (value, within)
        case OneOf(options):
            yield from options
        case Not(inner):
            yield from leaves(inner)
        case AllOf(several):
            for one in several:
                yield from leaves(one)
        case _:
            return


def unknown_word(reading: Reading, what: str, made: Expression, known: tuple[str, ...]) -> None:
    """Report a literal that is none of the known words; references are left for the run."""
    if isinstance(made, Literal) and made.value not in known:
        reading.problem(
            f"unknown-{what}", f"'{made.value}' is no {what}", made.span,
            did_you_mean(str(made.value), known) or f"known are: {', '.join(known)}",
        )  # fmt: skip


EXCHANGES = ("call", "answer", "park", "slots", "bridge", "hangup", "calls", "request")
_ANYWHERE = (*EXCHANGES, "event", "wait", "together", "repeat", "use")
WHERE: dict[str, tuple[str, ...]] = {
    "refused": (*EXCHANGES, "together"),
    "message": EXCHANGES,
    "status": EXCHANGES,
    "body": EXCHANGES,
    "headers": EXCHANGES,
    "holds": ("slots",),
    "empty": ("slots",),
    "uuid": ("slots", "bridge"),
    "slot": ("slots", "bridge"),
    "with": ("bridge",),
    "count": ("calls", "event"),
    "includes": ("calls",),
    "excludes": ("calls",),
    "state": ("call", "calls"),
    "succeeded": ("together",),
    "after": _ANYWHERE,
    "faster_than": EXCHANGES,
}
REASONS = tuple(reason.value for reason in Reason)
STATES = tuple(state.value for state in CallState)
_LISTING = ("count", "includes", "excludes")


def expectations(
    mapping: Mapping, word: str, reading: Reading, *, of_one_call: bool
) -> tuple[Clause, ...]:
    """The clauses of an `expect` on the action `word`."""
    made: list[Clause] = []
    for key in mapping.fields:
        fault = _misplaced(key, word, of_one_call=of_one_call)
        if fault:
            reading.problem("misplaced-expectation", fault[0], mapping.keys[key], fault[1])
        elif word == "together" and key == "refused":
            made.extend(_branches_refused(mapping, reading))
        else:
            made.extend(CLAUSES[key](mapping, reading))
    return tuple(made)


def _misplaced(key: str, word: str, *, of_one_call: bool) -> tuple[str, str] | None:
    if word not in WHERE[key]:
        fitting = [name for name, words in WHERE.items() if word in words]
        return (
            f"'{key}' can't be expected of '{word}', only of {_places(WHERE[key])}",
            f"'{word}' can have {_listed(fitting)}" if fitting else "remove it, or use 'check'",
        )
    if word == "calls" and key == "state" and not of_one_call:
        return "'state' is about one call", "ask about one: calls: {call: customer}"
    if word == "calls" and key in _LISTING and of_one_call:
        return f"'{key}' is about an extension's calls", "list them: calls: {extension: 341}"
    return None


def _places(words: tuple[str, ...]) -> str:
    return _listed(words) if len(words) <= 3 else "actions that ask the PBX something"


def _listed(words: tuple[str, ...] | list[str]) -> str:
    return ", ".join(f"'{word}'" for word in words)


def _refused(mapping: Mapping, reading: Reading) -> Iterator[Clause]:
    node = mapping.fields["refused"]
    place = spot(mapping, "refused")
    if isinstance(node, Mapping):
        options = node.fields.get("one_of")
        for key in node.fields:
            if key != "one_of":
                reading.problem(
                    "unknown-key", f"'{key}' is no key of 'refused'", node.keys[key],
                    "write {one_of: [none, slot-empty]}; counts belong to 'together'",
                )  # fmt: skip
        reasons = [expression(item, reading) for item in items(options)] if options else []
    else:
        reasons = [expression(node, reading)]
    for reason in reasons:
        unknown_word(reading, "reason", reason, ("any", "none", *REASONS))
    yield clauses.Refused(tuple(reasons), place)


def _message(mapping: Mapping, reading: Reading) -> Iterator[Clause]:
    yield clauses.MessageIs(matcher(mapping.fields["message"], reading), spot(mapping, "message"))


def _status(mapping: Mapping, reading: Reading) -> Iterator[Clause]:
    made = matcher(mapping.fields["status"], reading)
    _whole_numbers(made, reading, "a status code", 100, 599)
    yield clauses.StatusIs(made, spot(mapping, "status"))


def _body(mapping: Mapping, reading: Reading) -> Iterator[Clause]:
    inner = mapping.fields["body"]
    if isinstance(inner, Mapping):
        for key, node in inner.fields.items():
            path = read_path(key)
            if path is None:
                reading.problem(
                    "bad-path", f"'{key}' is no path", inner.keys[key],
                    "a path looks like data.slot or call_list[0].uuid",
                )  # fmt: skip
            yield clauses.BodyHas(path or (), matcher(node, reading), spot(inner, key))


def _headers(mapping: Mapping, reading: Reading) -> Iterator[Clause]:
    inner = mapping.fields["headers"]
    if isinstance(inner, Mapping):
        for key, node in inner.fields.items():
            yield clauses.HeaderIs(key, matcher(node, reading), spot(inner, key))


def _holds(mapping: Mapping, reading: Reading) -> Iterator[Clause]:
    node = mapping.fields["holds"]
    reading.names.read_call(text_of(node), node.span)
    yield clauses.Holds(text_of(node), node.span)


def _empty(mapping: Mapping, reading: Reading) -> Iterator[Clause]:
    node = mapping.fields["empty"]
    yield clauses.Empty(truth(node, reading), node.span)


def _uuid(mapping: Mapping, reading: Reading) -> Iterator[Clause]:
    yield clauses.UuidIs(matcher(mapping.fields["uuid"], reading), spot(mapping, "uuid"))


def _slot(mapping: Mapping, reading: Reading) -> Iterator[Clause]:
    yield clauses.SlotIs(matcher(mapping.fields["slot"], reading), spot(mapping, "slot"))


def _with(mapping: Mapping, reading: Reading) -> Iterator[Clause]:
    node = mapping.fields["with"]
    several = node.fields.get("one_of") if isinstance(node, Mapping) else node
    yield clauses.With(_call_names(several, reading), spot(mapping, "with"))


def _count(mapping: Mapping, reading: Reading) -> Iterator[Clause]:
    made = matcher(mapping.fields["count"], reading)
    _whole_numbers(made, reading, "a count", 0, None)
    yield clauses.CountIs(made, spot(mapping, "count"))


def _includes(mapping: Mapping, reading: Reading) -> Iterator[Clause]:
    names = _call_names(mapping.fields["includes"], reading)
    yield clauses.Includes(names, spot(mapping, "includes"))


def _excludes(mapping: Mapping, reading: Reading) -> Iterator[Clause]:
    names = _call_names(mapping.fields["excludes"], reading)
    yield clauses.Excludes(names, spot(mapping, "excludes"))


def _state(mapping: Mapping, reading: Reading) -> Iterator[Clause]:
    made = matcher(mapping.fields["state"], reading)
    for value in leaves(made):
        unknown_word(reading, "state", value, STATES)
    yield clauses.StateIs(made, spot(mapping, "state"))


def _succeeded(mapping: Mapping, reading: Reading) -> Iterator[Clause]:
    for word, made, place in _counted(mapping, "succeeded", "action", EXCHANGES, reading):
        yield clauses.Succeeded(word, made, place)


def _branches_refused(mapping: Mapping, reading: Reading) -> Iterator[Clause]:
    for word, made, place in _counted(mapping, "refused", "reason", REASONS, reading):
        yield clauses.BranchesRefused(word, made, place)


def _after(mapping: Mapping, reading: Reading) -> Iterator[Clause]:
    inner = mapping.fields["after"]
    if isinstance(inner, Mapping):
        for label, node in inner.fields.items():
            reading.names.read_label(label, inner.keys[label])
            made = matcher(node, reading)
            _durations(made, reading)
            yield clauses.After(label, made, spot(inner, label))


def _faster_than(mapping: Mapping, reading: Reading) -> Iterator[Clause]:
    node = mapping.fields["faster_than"]
    yield clauses.FasterThan(duration(node, reading), node.span)


CLAUSES: dict[str, Callable[[Mapping, Reading], Iterator[Clause]]] = {
    "refused": _refused,
    "message": _message,
    "status": _status,
    "body": _body,
    "headers": _headers,
    "holds": _holds,
    "empty": _empty,
    "uuid": _uuid,
    "slot": _slot,
    "with": _with,
    "count": _count,
    "includes": _includes,
    "excludes": _excludes,
    "state": _state,
    "succeeded": _succeeded,
    "after": _after,
    "faster_than": _faster_than,
}


def _call_names(node: Node | None, reading: Reading) -> tuple[str, ...]:
    nodes = [node] if isinstance(node, Leaf) else items(node) if node else []
    for one in nodes:
        reading.names.read_call(text_of(one), one.span)
    return tuple(text_of(one) for one in nodes)


def _counted(
    mapping: Mapping, key: str, what: str, known: tuple[str, ...], reading: Reading
) -> Iterator[tuple[str | None, Matcher, Span]]:
    """Counts of branches: one for all, or one for each action or reason."""
    node = mapping.fields[key]
    if not isinstance(node, Mapping) or any(word in MATCHERS for word in node.fields):
        made = matcher(node, reading)
        _whole_numbers(made, reading, "a number of branches", 0, None)
        yield None, made, spot(mapping, key)
        return
    for word, inner in node.fields.items():
        if word not in known:
            reading.problem(
                f"unknown-{what}", f"'{word}' is no {what}", node.keys[word],
                did_you_mean(word, known) or f"known are: {', '.join(known)}",
            )  # fmt: skip
        made = matcher(inner, reading)
        _whole_numbers(made, reading, "a number of branches", 0, None)
        yield word, made, spot(node, word)


def _whole_numbers(
    made: Matcher, reading: Reading, what: str, least: int, most: int | None
) -> None:
    inner = made.inner if isinstance(made, Length) else made
    for value in leaves(inner):
        if not isinstance(value, Literal):
            continue
        number = value.value
        if not isinstance(number, int) or isinstance(number, bool):
            reading.problem(
                "not-an-amount", f"{what} is a whole number", value.span,
                "write a number such as 1, without quotes",
            )  # fmt: skip
        elif number < least or (most is not None and number > most):
            limits = f"from {least} to {most}" if most is not None else f"{least} or more"
            reading.problem("out-of-range", f"{what} is {limits}, not {number}", value.span)


def _durations(made: Matcher, reading: Reading) -> None:
    for value in leaves(made):
        if not isinstance(value, Literal):
            continue
        text = value.value if isinstance(value.value, str) else None
        if text is None or parse_duration(text) is None:
            shown = str(value.value)
            reading.problem(
                "bad-duration", f"{shown} is no duration", value.span, duration_hint(shown)
            )
