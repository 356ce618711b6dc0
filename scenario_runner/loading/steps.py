"""Nodes to steps: the one action of each, and everything that may stand beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scenario_runner.durations import SECOND
from scenario_runner.errors import Note
from scenario_runner.loading.actions import BUILDERS, one_key, wait
from scenario_runner.loading.conditions import condition
from scenario_runner.loading.expectations import expectations
from scenario_runner.loading.expressions import duration, expression, optional
from scenario_runner.loading.matchers import items
from scenario_runner.loading.names import Kind
from scenario_runner.loading.nodes import Listing, Mapping, as_map, words
from scenario_runner.loading.paths import read_path
from scenario_runner.loading.reading import sound_part, text_of
from scenario_runner.loading.uses import use
from scenario_runner.loading.vacuity import look_at
from scenario_runner.model.duration import Duration
from scenario_runner.model.steps import (
    EXCHANGE_TIMEOUT,
    CallStatus,
    Poll,
    RawRequest,
    Repeat,
    Save,
    Stays,
    Step,
    Together,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from scenario_runner.loading.nodes import Node
    from scenario_runner.loading.reading import Reading
    from scenario_runner.model.steps import Action
    from scenario_runner.source import Span

ASKING = ("slots", "calls", "request")
_WAITING = (*ASKING, "event", "call")
ANSWER_PARTS = {
    "slots": ("slot", "uuid"),
    "bridge": ("slot", "uuid"),
}
_ALWAYS = ("status", "headers", "body")
_SAVING = ("call", "answer", "park", "slots", "bridge", "hangup", "calls", "request", "event")
_EVERY = Duration(SECOND)


def steps(node: Node | None, reading: Reading) -> tuple[Step, ...]:
    """The steps of a list, without those that have a problem."""
    made: list[Step] = []
    nodes = items(node) if node is not None else []
    for index, one in enumerate(nodes):
        if not isinstance(one, Mapping) or id(one) in reading.faulty:
            reading.names.suspect(words(one))
            continue
        part = sound_part(one, reading)
        told = len(part.fields) < len(one.fields) and not ACTIONS.keys() & part.fields.keys()
        word = None if told else _word(part, nodes[index + 1 : index + 2], reading)
        if word:
            made.append(_step(part, word, reading))
        else:
            reading.names.suspect(words(one))
    return tuple(made)


def _word(node: Mapping, following: list[Node], reading: Reading) -> str | None:
    """The action's word, if there is exactly one."""
    found = [key for key in node.fields if key in ACTIONS]
    if len(found) == 1:
        return found[0]
    if not found:
        torn = following and isinstance(following[0], Mapping) and "name" not in following[0].fields
        reading.problem(
            "no-action", "this step has no action", node.span,
            "remove the dash of the next line: all keys of a step share one dash" if torn
            else f"add one of: {', '.join(ACTIONS)}",
        )  # fmt: skip
        return None
    reading.problem(
        "two-actions", f"a step has one action, and this one has '{found[0]}' already",
        node.keys[found[1]], f"begin a new step: - {found[1]}: …",
        Note(message="the first action is here", span=node.keys[found[0]]),
    )  # fmt: skip
    return None


def _step(node: Mapping, word: str, reading: Reading) -> Step:
    fields = node.fields
    place = node.keys[word]
    when = condition(fields.get("when"), reading)
    with reading.names.under(when):
        action = ACTIONS[word](fields[word], place, reading)
        one_call = isinstance(action, CallStatus)
        wanted = fields.get("expect")
        expect = (
            expectations(wanted, word, reading, of_one_call=one_call)
            if isinstance(wanted, Mapping)
            else ()
        )
        save = _save(fields.get("save"), word, reading)
    within, repeating = _again(node, word, action, reading)
    step = Step(
        action=action,
        word=word,
        span=place,
        name=optional(fields.get("name"), reading),
        id=_label(fields.get("id"), reading),
        expect=expect,
        expect_span=node.keys.get("expect"),
        within=within,
        repeating=repeating,
        save=save,
        when=when,
        timeout=duration(fields["timeout"], reading) if "timeout" in fields else EXCHANGE_TIMEOUT,
        xfail=text_of(fields.get("xfail")) or None,
    )
    look_at(step, reading)
    return step


def _label(node: Node | None, reading: Reading) -> str | None:
    if node is None:
        return None
    reading.names.label(text_of(node), node.span)
    return text_of(node)


def _save(node: Node | None, word: str, reading: Reading) -> tuple[Save, ...]:
    if not isinstance(node, Mapping):
        return ()
    saved: list[Save] = []
    known = (*ANSWER_PARTS.get(word, ()), *_ALWAYS)
    for name, value in node.fields.items():
        path = read_path(text_of(value))
        if word not in _SAVING:
            reading.problem(
                "misplaced-key", f"'{word}' has no answer to save from", node.keys[name],
                "save from a step that asks the PBX; bind plain values with 'set'",
            )  # fmt: skip
        elif path is None:
            reading.problem(
                "bad-path", f"'{text_of(value)}' is no path", value.span,
                "a path looks like uuid, body.data.slot or body.call_list[0]",
            )  # fmt: skip
        elif word != "event" and path[0] not in known:
            reading.problem(
                "unknown-field", f"the answer to '{word}' has no '{path[0]}'", value.span,
                f"it has {', '.join(known)}; parts of the raw answer are below body: "
                f"body.{text_of(value)}",
            )  # fmt: skip
        reading.names.bind(name, Kind.CAPTURE, node.keys[name])
        saved.append(Save(name, path or (), value.span))
    return tuple(saved)


def _again(
    node: Mapping, word: str, action: Action, reading: Reading
) -> tuple[Duration | None, Poll | Stays | None]:
    """The window of an `event` or `call`, or how an asking step asks again."""
    given = [key for key in ("within", "stays", "every") if key in node.fields]
    if not given:
        return None, None
    for key in given:
        fault = _not_again(key, word, action, node)
        if fault:
            reading.problem("misplaced-key", fault[0], node.keys[key], fault[1])
            return None, None
    first = duration(node.fields[given[0]], reading)
    if word not in ASKING:
        return first, None
    every = duration(node.fields["every"], reading) if "every" in node.fields else _EVERY
    return None, Poll(first, every) if given[0] == "within" else Stays(first, every)


def _not_again(key: str, word: str, action: Action, node: Mapping) -> tuple[str, str] | None:
    """Why a step can't have this key, and what to do."""
    if word not in _WAITING or (key != "within" and word not in ASKING):
        return (
            f"'{word}' can't have '{key}': only what merely asks is done again",
            "ask in a step of its own: slots, calls or request: {get: …}",
        )
    if isinstance(action, RawRequest) and action.method != "GET":
        return (f"only a 'get' request is sent again, so '{key}' can't stand here", "remove it")
    if key == "every" and "within" not in node.fields and "stays" not in node.fields:
        return ("'every' needs 'within' or 'stays' beside it", "say how long: within: 10s")
    if key == "stays" and "within" in node.fields:
        return ("a step has 'within' or 'stays', not both", "make two steps of it")
    return None


def _together(node: Node, _: Span, reading: Reading) -> Action:
    branches = []
    concurrent = reading.names.branches()
    for one in items(node):
        with concurrent.one():
            inner = one if isinstance(one, Listing) else Listing(one.span, flow=False, items=[one])
            branches.append(steps(inner, reading))
    concurrent.join()
    return Together(tuple(branches))


def _repeat(node: Node, place: Span, reading: Reading) -> Action:
    fields = as_map(node)
    one_key(fields, ("times", "each"), place, reading)
    times = optional(fields.fields.get("times"), reading)
    each = optional(fields.fields.get("each"), reading)
    name = _item(fields, reading)
    return Repeat(
        times=times, each=each, as_=name, steps=steps(fields.fields.get("steps"), reading)
    )


def _item(fields: Mapping, reading: Reading) -> str | None:
    """Bind the name of the current item of `each`."""
    node, each = fields.fields.get("as"), fields.fields.get("each")
    if node is None and each is not None:
        reading.problem(
            "missing-key", "'each' needs 'as' beside it", fields.keys["each"],
            "name the current item: as: slot",
        )  # fmt: skip
    if node is None:
        return None
    if each is None and "times" in fields.fields:
        reading.problem("misplaced-key", "'as' goes with 'each'", fields.keys["as"], "remove it")
    bound = reading.names.bind(text_of(node), Kind.ITEM, node.span)
    if isinstance(each, Listing):
        bound.options = tuple(expression(item, reading) for item in each.items)
    return text_of(node)


def _use(node: Node, _: Span, reading: Reading) -> Action:
    return use(node, reading)


def _wait(node: Node, _: Span, reading: Reading) -> Action:
    return wait(node, reading)


def _plain(word: str) -> Callable[[Node, Span, Reading], Action]:
    builder = BUILDERS[word]

    def build(node: Node, place: Span, reading: Reading) -> Action:
        return builder(as_map(node), place, reading)

    return build


ACTIONS: dict[str, Callable[[Node, Span, Reading], Action]] = {
    **{word: _plain(word) for word in BUILDERS},
    "wait": _wait,
    "together": _together,
    "repeat": _repeat,
    "use": _use,
}
