"""The keys of `expect`: which action may have which, and their clauses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scenario_runner.durations import parse_duration
from scenario_runner.errors import did_you_mean
from scenario_runner.loading.expressions import duration, duration_hint, expression, truth
from scenario_runner.loading.matchers import MATCHERS, items, leaves, matcher, unknown_word
from scenario_runner.loading.nodes import Leaf, Mapping
from scenario_runner.loading.paths import read_path
from scenario_runner.loading.reading import spot, text_of
from scenario_runner.model import expectations as clauses
from scenario_runner.model.matchers import Length
from scenario_runner.model.vocabulary import CallState, Reason
from scenario_runner.references import Literal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from scenario_runner.loading.nodes import Node
    from scenario_runner.loading.reading import Reading
    from scenario_runner.model.expectations import Clause
    from scenario_runner.model.matchers import Matcher
    from scenario_runner.source import Span

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
