"""One builder for each action that talks to the PBX, waits, binds or checks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from scenario_runner.loading.expressions import duration, expression, truth
from scenario_runner.loading.matchers import matcher, spanned
from scenario_runner.loading.names import Kind
from scenario_runner.loading.nodes import Mapping
from scenario_runner.loading.reading import spot, text_of
from scenario_runner.model import steps as actions
from scenario_runner.model.matchers import Anything, Spanned
from scenario_runner.model.vocabulary import EventType, Party
from scenario_runner.references import Literal as LiteralValue

if TYPE_CHECKING:
    from collections.abc import Callable

    from scenario_runner.loading.nodes import Node
    from scenario_runner.loading.reading import Reading
    from scenario_runner.model.steps import Action, Body, CallTarget
    from scenario_runner.references import Expression
    from scenario_runner.source import Span

METHODS: dict[str, Literal["GET", "PUT", "POST", "DELETE"]] = {
    "get": "GET",
    "put": "PUT",
    "post": "POST",
    "delete": "DELETE",
}
BODIES = ("json", "text", "form")


def _call(fields: Mapping, place: Span, reading: Reading) -> Action:
    party = one_key(fields, ("from", "to"), place, reading)
    made = actions.Call(
        as_=text_of(fields.fields["as"]),
        extension=_extension(fields, reading) or _nothing(place),
        flow="out" if party == "to" else "in",
        party=expression(fields.fields[party], reading) if party else _nothing(place),
        answered=truth(fields.fields["answered"], reading) if "answered" in fields.fields else None,
    )
    reading.names.bind(made.as_, Kind.CALL, fields.fields["as"].span)
    return made


def _answer(fields: Mapping, place: Span, reading: Reading) -> Action:
    return actions.Answer(_only_call(fields, place, reading))


def _park(fields: Mapping, place: Span, reading: Reading) -> Action:
    call, extension = _call_at(fields, place, reading)
    return actions.Park(call, _slot(fields, reading), extension)


def _slots(fields: Mapping, place: Span, reading: Reading) -> Action:
    call, extension = _call_at(fields, place, reading)
    return actions.Slots(call, _slot(fields, reading), extension)


def _bridge(fields: Mapping, place: Span, reading: Reading) -> Action:
    call, extension = _call_at(fields, place, reading)
    if "slot" in fields.fields:
        return actions.Bridge(call, _slot(fields, reading), extension)
    reading.found.alone = True
    return actions.Bridge(call, None, extension)


def _slot(fields: Mapping, reading: Reading) -> Expression:
    made = expression(fields.fields["slot"], reading)
    reading.found.slots.append(made)
    return made


def _extension(fields: Mapping, reading: Reading) -> Expression | None:
    node = fields.fields.get("extension")
    if node is None:
        return None
    made = expression(node, reading)
    reading.found.extensions.append(made)
    return made


def _hangup(fields: Mapping, place: Span, reading: Reading) -> Action:
    by = text_of(fields.fields.get("by")) or Party.REMOTE
    return actions.Hangup(_only_call(fields, place, reading), Party(by))


def _calls(fields: Mapping, place: Span, reading: Reading) -> Action:
    if "call" not in fields.fields and "call_api_id" not in fields.fields:
        return actions.ListCalls(_extension(fields, reading) or _nothing(place))
    return actions.CallStatus(_only_call(fields, place, reading))


def _event(fields: Mapping, _: Span, reading: Reading) -> Action:
    reading.found.events = True
    call, since = fields.fields.get("call"), fields.fields.get("since")
    where = fields.fields.get("where")
    if call:
        reading.names.read_call(text_of(call), call.span)
    if since:
        reading.names.read_label(text_of(since), since.span)
    return actions.AwaitEvent(
        type=EventType(text_of(fields.fields["type"])),
        call=actions.NamedCall(text_of(call), call.span) if call else None,
        extension=_extension(fields, reading),
        since=text_of(since) if since else None,
        where=_where(where, reading) if isinstance(where, Mapping) else (),
    )


def _where(fields: Mapping, reading: Reading) -> tuple[tuple[str, Spanned], ...]:
    return tuple(
        (key, Spanned(matcher(node, reading), spot(fields, key)))
        for key, node in fields.fields.items()
    )


def _request(fields: Mapping, place: Span, reading: Reading) -> Action:
    method = one_key(fields, tuple(METHODS), place, reading)
    bodies = [key for key in BODIES if key in fields.fields]
    for key in bodies[1:]:
        reading.problem(
            "two-of-one", f"a request has one body: '{bodies[0]}' or '{key}'", fields.keys[key],
            "remove one of them",
        )  # fmt: skip
    return actions.RawRequest(
        method=METHODS[method or "get"],
        path=expression(fields.fields[method], reading) if method else _nothing(place),
        body=_body(bodies[0], fields.fields[bodies[0]], reading) if bodies else None,
        headers=_pairs(fields.fields.get("headers"), reading),
    )


def _body(kind: str, node: Node, reading: Reading) -> Body:
    match kind:
        case "json":
            return actions.JsonBody(expression(node, reading))
        case "text":
            return actions.TextBody(expression(node, reading))
        case _:
            return actions.FormBody(_pairs(node, reading))


def _pairs(node: Node | None, reading: Reading) -> tuple[tuple[str, Expression], ...]:
    if not isinstance(node, Mapping):
        return ()
    return tuple((key, expression(value, reading)) for key, value in node.fields.items())


def _set(fields: Mapping, _: Span, reading: Reading) -> Action:
    bindings = []
    for name, node in fields.fields.items():
        value = expression(node, reading)
        bindings.append(actions.Binding(name, value, fields.keys[name]))
    for binding in bindings:
        reading.names.bind(binding.name, Kind.VARIABLE, binding.span, binding.value)
    return actions.Set(tuple(bindings))


def _check(fields: Mapping, place: Span, reading: Reading) -> Action:
    that = expression(fields.fields["that"], reading)
    return actions.Check(that, spanned(fields, reading) or Spanned(Anything(), place))


def wait(node: Node, reading: Reading) -> Action:
    """The builder of `wait`, whose field is a duration."""
    return actions.Wait(duration(node, reading))


BUILDERS: dict[str, Callable[[Mapping, Span, Reading], Action]] = {
    "call": _call,
    "answer": _answer,
    "park": _park,
    "slots": _slots,
    "bridge": _bridge,
    "hangup": _hangup,
    "calls": _calls,
    "event": _event,
    "request": _request,
    "set": _set,
    "check": _check,
}


def one_key(fields: Mapping, keys: tuple[str, ...], place: Span, reading: Reading) -> str | None:
    """The one of `keys` that is given; none or several of them are a problem."""
    given = [key for key in keys if key in fields.fields]
    names = " or ".join(f"'{key}'" for key in keys)
    for key in given[1:]:
        reading.problem(
            "two-of-one", f"only one of {names} can be given", fields.keys[key],
            "remove all but one",
        )  # fmt: skip
    if not given:
        reading.problem("missing-key", f"one of {names} is missing", place, f"add {names}")
        return None
    return given[0]


def _nothing(place: Span) -> Expression:
    return LiteralValue("", place)


def _call_at(
    fields: Mapping, place: Span, reading: Reading
) -> tuple[CallTarget, Expression | None]:
    """The call an action is about, and the extension that stands in for the call's own."""
    if "call_api_id" in fields.fields:
        return _only_call(fields, place, reading), None
    return _named(fields, place, reading), _extension(fields, reading)


def _only_call(fields: Mapping, place: Span, reading: Reading) -> CallTarget:
    """The call an action is about, where nothing stands in for the call's own extension."""
    known, extension = fields.fields.get("call_api_id"), fields.fields.get("extension")
    if known is None:
        if extension is not None:
            reading.problem(
                "two-of-one", "'extension' goes with 'call_api_id', not with 'call'",
                fields.keys["extension"], "remove it: the call knows its extension",
            )  # fmt: skip
        return _named(fields, place, reading)
    one_key(fields, ("call", "call_api_id"), place, reading)
    if extension is None:
        reading.problem(
            "missing-key", "'call_api_id' needs 'extension' beside it", fields.keys["call_api_id"],
            "add the extension that the call is at",
        )  # fmt: skip
    at = _extension(fields, reading) or _nothing(place)
    return actions.CallById(expression(known, reading), at, known.span)


def _named(fields: Mapping, place: Span, reading: Reading) -> CallTarget:
    node = fields.fields.get("call")
    if node is None:
        reading.problem(
            "missing-key", "it is not said which call is meant: 'call' is missing", place,
            "add the name of a call: call: customer",
        )  # fmt: skip
        return actions.NamedCall("", place)
    reading.names.read_call(text_of(node), node.span)
    return actions.NamedCall(text_of(node), node.span)
