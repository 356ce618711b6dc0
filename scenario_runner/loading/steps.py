"""Nodes to steps: the one action of each, and everything that may stand beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from scenario_runner.errors import Note, did_you_mean
from scenario_runner.language import actions
from scenario_runner.language.actions import (
    EXCHANGE_TIMEOUT,
    Binding,
    CallStatus,
    Fragment,
    Holding,
    ParamType,
    RawRequest,
    Repeat,
    Save,
    Step,
    TargetCan,
    Together,
    Use,
)
from scenario_runner.language.matchers import Anything, Spanned
from scenario_runner.language.vocabulary import Capability, EventType, Party
from scenario_runner.loading.expectations import expectations, items, matcher, spanned
from scenario_runner.loading.lint import look_at
from scenario_runner.loading.names import Kind, read_path
from scenario_runner.loading.nodes import Leaf, Listing, Mapping, as_map, words
from scenario_runner.loading.reader import (
    duration,
    expression,
    optional,
    sound_part,
    spot,
    text_of,
    truth,
)
from scenario_runner.references import Fields, Items, Reference
from scenario_runner.references import Literal as LiteralValue

if TYPE_CHECKING:
    from collections.abc import Callable

    from scenario_runner.language.actions import Action, CallTarget, Condition, Param
    from scenario_runner.language.values import Duration
    from scenario_runner.loading.nodes import Node
    from scenario_runner.loading.reader import Found, KnownFragment, Reading
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
        from_=expression(fields.fields["from"], reading) if party == "from" else None,
        to=expression(fields.fields["to"], reading) if party == "to" else None,
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
    path = expression(fields.fields[method], reading) if method else _nothing(place)
    body = _body(bodies[0], fields.fields[bodies[0]], reading) if bodies else {}
    headers = _pairs(fields.fields.get("headers"), reading)
    given: dict[str, Any] = {method or "get": path, **body}
    return actions.RawRequest(headers=headers, **given)


def _body(kind: str, node: Node, reading: Reading) -> dict[str, Any]:
    return {kind: _pairs(node, reading) if kind == "form" else expression(node, reading)}


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


def condition(node: Node | None, reading: Reading) -> Condition | None:
    """The condition of a `when`, if there is one."""
    if not isinstance(node, Mapping):
        return None
    capability, that = node.fields.get("target_can"), node.fields.get("that")
    matcher = spanned(node, reading)
    if capability is not None:
        for key in node.fields:
            if key != "target_can":
                reading.problem(
                    "two-of-one", f"'{key}' can't stand beside 'target_can'", node.keys[key],
                    "remove one of them",
                )  # fmt: skip
        return TargetCan(Capability(text_of(capability)), capability.span)
    if that is None or matcher is None:
        reading.problem(
            "missing-key", "a condition needs 'that' and a matcher, or 'target_can'", node.span,
            "write {that: $mode, equals: full} or {target_can: random-bridge}",
        )  # fmt: skip
        return None
    return Holding(expression(that, reading), matcher)


CALL = ParamType.CALL
_ALSO_FITS = {"number": ("integer",), "call": ("string",)}


def use(node: Node, reading: Reading) -> Action:
    """Build a `use`; where its fragment can't be had, the names it would export are let pass."""
    fields = node.fields if isinstance(node, Mapping) else {}
    file = fields["file"]
    exports = fields.get("exports")
    known = reading.shelf.fragment(file, reading) if isinstance(file, Leaf) else None
    given = _given(fields.get("with"), known.fragment.params if known else (), reading)
    if known is None:
        reading.names.suspect(words(exports) if exports else set())
        return Use(fragment=_unknown(file), given=given)
    _check_given(given, known.fragment, file, reading)
    take_over(known, given, reading.found)
    taken = _exports(exports, known, reading)
    return Use(fragment=known.fragment, given=given, exports=taken)


def _unknown(file: Node) -> Fragment:
    return Fragment(name="", file="", params=(), exports=(), steps=(), span=file.span)


def _given(node: Node | None, params: tuple[Param, ...], reading: Reading) -> tuple[Binding, ...]:
    if not isinstance(node, Mapping):
        return ()
    calls = {param.name for param in params if param.type == CALL}
    return tuple(
        Binding(
            name,
            _call_argument(value, reading)
            if name in calls and isinstance(value, Leaf)
            else expression(value, reading),
            node.keys[name],
        )
        for name, value in node.fields.items()
    )


def _call_argument(leaf: Leaf, reading: Reading) -> LiteralValue:
    """Read the bare name of a call that a fragment is given."""
    reading.names.read_call(leaf.text, leaf.span)
    return LiteralValue(leaf.text, leaf.span)


def _check_given(
    given: tuple[Binding, ...], fragment: Fragment, file: Node, reading: Reading
) -> None:
    params = {param.name: param for param in fragment.params}
    for binding in given:
        if binding.name not in params:
            reading.problem(
                "unknown-param", f"'{fragment.name}' has no parameter '{binding.name}'",
                binding.span, did_you_mean(binding.name, params) or _listed(params),
                Note(message="the fragment is here", span=fragment.span),
            )  # fmt: skip
        else:
            _check_type(binding.value, params[binding.name], reading)
    names = {binding.name for binding in given}
    for param in fragment.params:
        if param.default is None and param.name not in names:
            reading.problem(
                "missing-param", f"'{fragment.name}' needs the parameter '{param.name}'",
                file.span, f"write with: {{{param.name}: …}}",
                Note(message="it is declared here", span=param.span),
            )  # fmt: skip


def _listed(names: dict[str, Param]) -> str:
    return f"it has: {', '.join(names)}" if names else "it has no parameters"


def _check_type(value: Expression, param: Param, reading: Reading) -> None:
    kind = json_type(value)
    fits = (param.type, *_ALSO_FITS.get(param.type, ()))
    if kind is None or kind in fits:
        return
    reading.problem(
        "wrong-type", f"'{param.name}' must be of type {param.type}, this is {kind}", value.span,
        "telephone values are text: put them in quotes" if param.type == "string" else None,
        Note(message="the parameter is declared here", span=param.span),
    )  # fmt: skip


def json_type(value: Expression) -> str | None:
    """The JSON type of a value that stands in the file, None where the run decides."""
    match value:
        case LiteralValue(bool()):
            return "boolean"
        case LiteralValue(int()):
            return "integer"
        case LiteralValue(float()):
            return "number"
        case LiteralValue(None):
            return "null"
        case Reference():
            return None
        case Items():
            return "array"
        case Fields():
            return "object"
        case _:
            return "string"


def _exports(
    node: Node | None, known: KnownFragment, reading: Reading
) -> tuple[tuple[str, str], ...]:
    if not isinstance(node, Mapping):
        return ()
    taken = []
    for inside, value in node.fields.items():
        if inside not in known.fragment.exports:
            reading.problem(
                "unknown-export", f"'{known.fragment.name}' does not export '{inside}'",
                node.keys[inside], did_you_mean(inside, known.fragment.exports)
                or f"it exports: {', '.join(known.fragment.exports) or 'nothing'}",
                Note(message="the fragment is here", span=known.fragment.span),
            )  # fmt: skip
            reading.names.suspect({text_of(value)})
            continue
        bound = reading.names.bind(text_of(value), Kind.EXPORT, value.span)
        bound.is_call = inside in known.calls
        taken.append((inside, text_of(value)))
    return tuple(taken)


def take_over(known: KnownFragment, given: tuple[Binding, ...], found: Found) -> None:
    """Count what the fragment's steps do among what this file's steps do."""
    values = {param.name: param.default for param in known.fragment.params if param.default}
    values |= {binding.name: binding.value for binding in given}
    inner = known.found
    found.checks += inner.checks
    found.events |= inner.events
    found.alone |= inner.alone
    found.slots += _outside(inner.slots, values)
    found.extensions += _outside(inner.extensions, values)
    found.written_slots += _outside(inner.written_slots, values)
    found.written_extensions += _outside(inner.written_extensions, values)


def _outside(inside: list[Expression], values: dict[str, Expression]) -> list[Expression]:
    """The numbers a fragment names, as this file says them."""
    shown: list[Expression] = []
    for made in inside:
        match made:
            case LiteralValue():
                shown.append(made)
            case Reference(name, ()) if name in values:
                shown.append(values[name])
            case _:
                continue
    return shown


ASKING = ("slots", "calls", "request")
_WAITING = (*ASKING, "event", "call")
ANSWER_PARTS = {
    "slots": ("slot", "uuid"),
    "bridge": ("slot", "uuid"),
}
_ALWAYS = ("status", "headers", "body")
_SAVING = ("call", "answer", "park", "slots", "bridge", "hangup", "calls", "request", "event")


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
        action = _action(word, fields[word], place, reading)
        one_call = isinstance(action, CallStatus)
        wanted = fields.get("expect")
        expect = (
            expectations(wanted, word, reading, of_one_call=one_call)
            if isinstance(wanted, Mapping)
            else ()
        )
        save = _save(fields.get("save"), word, reading)
    again = _again(node, word, action, reading)
    step = Step(
        action=action,
        span=place,
        name=optional(fields.get("name"), reading),
        id=_label(fields.get("id"), reading),
        expect=expect,
        expect_span=node.keys.get("expect"),
        **again,
        save=save,
        when=when,
        timeout=duration(fields["timeout"], reading) if "timeout" in fields else EXCHANGE_TIMEOUT,
        xfail=text_of(fields.get("xfail")) or None,
    )
    look_at(step, reading)
    return step


def _action(word: str, node: Node, place: Span, reading: Reading) -> Action:
    """The action, with what it names counted as written to, unless it only reads."""
    found = reading.found
    slots, extensions = len(found.slots), len(found.extensions)
    action = ACTIONS[word](node, place, reading)
    if not (action.facts.composite or action.only_reads()):
        found.written_slots += found.slots[slots:]
        found.written_extensions += found.extensions[extensions:]
    return action


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


def _again(node: Mapping, word: str, action: Action, reading: Reading) -> dict[str, Duration]:
    """The window of an `event` or `call`, or how an asking step asks again."""
    given = [key for key in ("within", "stays", "every") if key in node.fields]
    for key in given:
        fault = _not_again(key, word, action, node)
        if fault:
            reading.problem("misplaced-key", fault[0], node.keys[key], fault[1])
            return {}
    return {key: duration(node.fields[key], reading) for key in given}


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
