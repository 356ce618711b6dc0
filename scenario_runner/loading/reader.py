"""The one reader: nodes that the schema has checked become what the language declares.

A declaration says of each of its keys what kind of value it has; here stands how a value of each
kind is read. Names are looked up on the way, and everything that is wrong is reported in one pass.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeAlias, TypeVar

from scenario_runner.durations import meant_duration, parse_duration
from scenario_runner.errors import Note, suggestion
from scenario_runner.language.actions import (
    Binding,
    CallById,
    Holding,
    NamedCall,
    TargetCan,
    Use,
)
from scenario_runner.language.kinds import Shape, Word, keys_of
from scenario_runner.language.matchers import (
    MATCHER_WORDS,
    AllOf,
    Anything,
    Between,
    Equals,
    Spanned,
)
from scenario_runner.language.values import Duration, is_slot_list, size
from scenario_runner.language.vocabulary import Capability, Reason
from scenario_runner.loading.messages import say
from scenario_runner.loading.names import Kind
from scenario_runner.loading.nodes import (
    Leaf,
    Listing,
    Mapping,
    as_map,
    items,
    kind_of,
    text_of,
    words,
)
from scenario_runner.matching import PatternError, compile_pattern
from scenario_runner.references import (
    Fields,
    Items,
    Literal,
    Reference,
    Text,
    bad_reference,
    parse_text,
    part_of,
    references,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from msgspec import Struct

    from scenario_runner.language.actions import CallTarget, Condition
    from scenario_runner.language.kinds import Kind as ValueKind
    from scenario_runner.language.matchers import Matcher
    from scenario_runner.loading.messages import Message
    from scenario_runner.loading.names import Names
    from scenario_runner.loading.nodes import Node, Problems
    from scenario_runner.loading.schema_errors import Violations
    from scenario_runner.references import Expression, Json
    from scenario_runner.source import Span

_S = TypeVar("_S", bound="Struct")
_W = TypeVar("_W", bound=Word)


@dataclass(slots=True)
class Found:
    """What the steps read so far do, seen as a whole.

    `checks` counts what can turn out wrong; `slots` and `extensions` are the numbers named, the
    `written` ones those that an action names which changes something there; `callers` are the
    numbers that call an extension on no condition; `parked` are the slots parked into, and
    `looked_into` those that other steps look into, which may be any where one `looks_anywhere`.
    `last_step` is the `id` of the step that was read last.
    """

    checks: int = 0
    events: bool = False
    alone: bool = False
    slots: list[Expression] = field(default_factory=list)
    extensions: list[Expression] = field(default_factory=list)
    written_slots: list[Expression] = field(default_factory=list)
    written_extensions: list[Expression] = field(default_factory=list)
    callers: list[Expression] = field(default_factory=list)
    parked: list[Expression] = field(default_factory=list)
    looked_into: list[Expression] = field(default_factory=list)
    looks_anywhere: bool = False
    last_step: str | None = None


class Fragments(Protocol):
    """Reads the steps that run a fragment."""

    def use(self, fields: Mapping, reading: Reading) -> Use:
        """Return the step that `fields` describe, and count what the fragment does."""
        ...


@dataclass(slots=True)
class Reading:
    """The file being read: its problems, the names known so far, and what its steps do."""

    file: str
    problems: Problems
    names: Names
    fragments: Fragments | None = None
    found: Found = field(default_factory=Found)

    def report(self, message: Message, span: Span, *notes: Note) -> None:
        """Report a problem."""
        self.problems.report(message, span, *notes)

    def problem(self, code: str, message: str, span: Span, hint: str | None = None) -> None:
        """Report an error that is not in the catalogue of messages."""
        self.problems.add(code, message, span, hint)

    def leave(self, node: Node, wrong: Violations) -> None:
        """Leave alone what has a problem: it may bind or use every name in it."""
        wrong.clear()
        self.names.suspect(words(node))

    def sound(
        self, node: Mapping, wrong: Violations, steps_at: dict[str, tuple[str, ...]]
    ) -> Mapping:
        """Return a map without the keys that have a problem, which are left alone.

        What is wrong inside of steps is a matter of theirs; `steps_at` says below which keys, and
        where there, steps stand.
        """
        if not wrong:
            return node
        left = wrong.take_own()
        left |= {key for key in node.fields if wrong.into(key).outside(steps_at.get(key))}
        for key in left:
            self.leave(node.fields[key], wrong.into(key))
        return node.without(left)


def spot(mapping: Mapping, key: str) -> Span:
    """Where to point for a key's value: the value itself, or the key of a block below it."""
    node = mapping.fields[key]
    return node.span if isinstance(node, Leaf) or node.flow else mapping.keys[key]


def expression(node: Node, reading: Reading) -> Expression:
    """Turn a node into an expression; every reference in it is looked up among the names."""
    made = _expression(node, reading)
    if not isinstance(made, Literal):
        for reference in references(made):
            reading.names.read(reference)
    return made


def _expression(node: Node, reading: Reading) -> Expression:
    match node:
        case Leaf(value=str() as text) if "$" in text or "{{" in text:
            _refuse_braces(text, node.span, reading)
            fault = bad_reference(text)
            if fault:
                at = text.find(fault)
                place = part_of(node.span, text, at, at + len(fault))
                reading.report(say("bad-reference", text=fault), place)
            return parse_text(text, node.span)
        case Leaf():
            return Literal(node.value, node.span)
        case Listing():
            return Items(tuple(_expression(item, reading) for item in node.items), node.span)
        case Mapping():
            fields = tuple((key, _expression(one, reading)) for key, one in node.fields.items())
            return Fields(fields, node.span)


_BRACES = re.compile(r"\{\{ *\$?([A-Za-z_]\w*)(?:\.\w+)* *\}\}")


def _refuse_braces(text: str, span: Span, reading: Reading) -> None:
    """Report a reference written as templates of other languages write it."""
    for found in _BRACES.finditer(text):
        if found[1] in reading.names.visible:
            place = part_of(span, text, found.start(), found.end())
            said = say(
                "missing-dollar.braces", text=found[0], name=found[0].strip("{ }").lstrip("$")
            )
            reading.report(said, place)
            reading.names.suspect({found[1]})


def literal(value: Json, span: Span) -> Expression:
    """Turn plain data, such as a value from the command line, into an expression."""
    match value:
        case dict():
            return Fields(tuple((key, literal(item, span)) for key, item in value.items()), span)
        case list():
            return Items(tuple(literal(item, span) for item in value), span)
        case _:
            return Literal(value, span)


TRUTHS = {"yes": "true", "y": "true", "on": "true", "no": "false", "n": "false", "off": "false"}
TRUTHS |= {"true": "true", "false": "false"}


def truth(node: Node, reading: Reading) -> Expression:
    """An expression that is true, false, or a reference."""
    made = expression(node, reading)
    if isinstance(made, Literal) and not isinstance(made.value, bool):
        word = str(made.value)
        meant = TRUTHS.get(word.lower(), "true or false")
        reading.report(say("not-true-or-false", word=word, truth=meant), node.span)
    return made


def duration(node: Node, reading: Reading) -> Duration:
    """Microseconds, or a reference; anything else is reported and read as zero."""
    made = expression(node, reading)
    match made:
        case Reference():
            return Duration(made, node.span)
        case Literal(str() as text):
            found = parse_duration(text)
            if found is None:
                hint = duration_hint(text)
                reading.report(say("bad-duration.text", text=text, hint=hint), node.span)
            elif found < 1:
                reading.report(say("out-of-range.time", text=text), node.span)
            return Duration(found or 0, node.span)
        case _:
            reading.report(say("bad-duration.kind", kind=kind_of(node)), node.span)
            return Duration(0, node.span)


def duration_hint(text: str) -> str:
    """How to write a text that was meant to be a duration."""
    meant = meant_duration(text)
    return "durations look like 250ms, 5s, 3m, 3m10s or 1h" if meant is None else f"say {meant}"


def amount(node: Node, reading: Reading) -> Expression:
    """A number, a duration, or a reference to one."""
    made = expression(node, reading)
    refuse_slot_list(made, reading)
    if isinstance(made, Text) or (isinstance(made, Literal) and size(made) is None):
        reading.report(say("not-an-amount.amount", text=text_of(node)), node.span)
    return made


def _number(node: Node, what: str, reading: Reading) -> Expression:
    """A number as the PBX knows it: a name written without its dollar is a slip."""
    made = expression(node, reading)
    match made:
        case Literal(str(name)) if name in reading.names.visible:
            bound = reading.names.visible[name][-1]
            if not bound.is_call:
                said = say("missing-dollar.name", name=name, kind=bound.kind, what=what)
                reading.report(said, node.span)
                reading.names.suspect({name})
        case _:
            pass
    return made


def refuse_slot_list(made: Expression, reading: Reading) -> None:
    """Report the list of the target's slots where a number is wanted."""
    if is_slot_list(made):
        reading.report(say("slot-list.number"), made.span)


def _slot(node: Node, reading: Reading) -> Expression:
    made = _number(node, "a slot", reading)
    if is_slot_list(made):
        reading.report(say("slot-list.slot"), node.span)
    reading.found.slots.append(made)
    return made


def _extension(node: Node, reading: Reading) -> Expression:
    made = _number(node, "an extension", reading)
    reading.found.extensions.append(made)
    return made


HIDDEN = ("any", "anonymous", "private", "restricted", "unavailable", "unknown", "withheld")
"""Words that stand where a caller's number would."""


def _party(node: Node, reading: Reading) -> Expression:
    before = reading.problems.errors
    made = _number(node, "a telephone number", reading)
    match made:
        case Literal(str(text)) if text.isalpha() and text.lower() not in HIDDEN:
            if reading.problems.errors == before:
                reading.report(say("not-a-number", text=text), node.span)
        case _:
            pass
    return made


def _pattern(node: Node, reading: Reading) -> str:
    made = parse_text(text_of(node), node.span)
    pattern = made.value if isinstance(made, Literal) else None
    if pattern is None:
        reading.report(say("bad-pattern.reference"), node.span)
        return ""
    try:
        compile_pattern(str(pattern))
    except PatternError as error:
        place = part_of(node.span, text_of(node), error.offset, error.offset + 1)
        reading.report(say("bad-pattern.pattern", problem=error.message, hint=error.hint), place)
    return str(pattern)


def _call_name(node: Node, reading: Reading) -> str:
    reading.names.read_call(text_of(node), node.span)
    return text_of(node)


def _call_names(node: Node, reading: Reading) -> tuple[str, ...]:
    several = [node] if isinstance(node, Leaf) else items(node)
    return tuple(_call_name(one, reading) for one in several)


def _partner(node: Node, reading: Reading) -> tuple[str, ...]:
    return _call_names(node.fields["one_of"] if isinstance(node, Mapping) else node, reading)


def _named_call(node: Node, reading: Reading) -> NamedCall:
    return NamedCall(_call_name(node, reading), node.span)


def _new_call(node: Node, reading: Reading) -> str:
    reading.names.bind(text_of(node), Kind.CALL, node.span)
    return text_of(node)


def _own_label(node: Node, reading: Reading) -> str:
    reading.names.label(text_of(node), node.span)
    return text_of(node)


def _earlier_label(node: Node, reading: Reading) -> str:
    reading.names.read_label(text_of(node), node.span)
    return text_of(node)


def _values(node: Node, reading: Reading) -> tuple[Expression, ...]:
    return tuple(expression(item, reading) for item in items(node))


def _values_by_field(node: Node, reading: Reading) -> tuple[tuple[str, Expression], ...]:
    return tuple((key, expression(one, reading)) for key, one in as_map(node).fields.items())


def _matchers_by_field(node: Node, reading: Reading) -> tuple[tuple[str, Spanned], ...]:
    fields = as_map(node)
    return tuple(
        (key, Spanned(matcher(one, reading), spot(fields, key)))
        for key, one in fields.fields.items()
    )


def _bindings(node: Node, reading: Reading) -> tuple[Binding, ...]:
    fields = as_map(node)
    made = tuple(
        Binding(name, expression(one, reading), fields.keys[name])
        for name, one in fields.fields.items()
    )
    for binding in made:
        reading.names.bind(binding.name, Kind.VARIABLE, binding.span, binding.value)
    return made


def _refusal(node: Node, reading: Reading) -> tuple[Expression, ...]:
    options: list[Node] = [node]
    if isinstance(node, Mapping):
        options = items(node.fields.get("one_of"))
        hint = "write {one_of: [none, slot-empty]}; counts belong to 'together'"
        for key in node.fields:
            if key != "one_of":
                said = say("unknown-key", key=key, where="in 'refused'", hint=hint)
                reading.report(said, node.keys[key])
    reasons = tuple(expression(option, reading) for option in options)
    for reason in reasons:
        known_word(reason, ("any", "none", *Reason), "unknown-reason", reading)
    return reasons


def known_word(made: Expression, known: tuple[str, ...], code: str, reading: Reading) -> None:
    """Report a literal that is none of the known words; references are left for the run."""
    if isinstance(made, Literal) and made.value not in known:
        hint = suggestion(str(made.value), known)
        reading.report(say(code, word=made.value, hint=hint), made.span)


def matcher(node: Node, reading: Reading) -> Matcher:
    """A plain value that must be equal, or a map of matchers that must all hold."""
    if not isinstance(node, Mapping):
        return Equals(expression(node, reading))
    return _matchers(node, reading)


def _matchers(mapping: Mapping, reading: Reading) -> Matcher:
    """The matchers among the keys of a map; other keys belong to what stands around them."""
    made = tuple(
        _matcher(MATCHER_WORDS[key][0], node, reading)
        for key, node in mapping.fields.items()
        if key in MATCHER_WORDS
    )
    return made[0] if len(made) == 1 else AllOf(made)


def _matcher(declaration: type[Matcher], node: Node, reading: Reading) -> Matcher:
    if declaration is Between:
        return _between(node, reading)
    if declaration is Anything:
        return Anything()
    return under_word(declaration, node, node.span, reading)


def _between(node: Node, reading: Reading) -> Between:
    low, high = (amount(item, reading) for item in items(node))
    least, most = size(low), size(high)
    if least is not None and most is not None and least > most:
        reading.report(say("empty-range"), node.span)
    return Between(low, high)


def _matcher_beside(fields: Mapping, place: Span, reading: Reading) -> Spanned:
    """The matcher that stands beside `that`, with its place."""
    first = next((key for key in fields.fields if key in MATCHER_WORDS), None)
    return Spanned(_matchers(fields, reading), spot(fields, first) if first else place)


def _own_extension(fields: Mapping, _: Span, reading: Reading) -> Expression | None:
    """The extension that stands in for the call's own; beside an id it belongs to that."""
    node = None if "call_api_id" in fields.fields else fields.fields.get("extension")
    return None if node is None else _extension(node, reading)


def _call_target(fields: Mapping, place: Span, reading: Reading) -> CallTarget:
    """The call that an action is about: by its name, or by its id at an extension."""
    name, known = fields.fields.get("call"), fields.fields.get("call_api_id")
    if known is None:
        if name is None:
            reading.report(say("missing-key.call"), place)
            return NamedCall("", place)
        return _named_call(name, reading)
    if name is not None:
        keys = "'call' or 'call_api_id'"
        reading.report(say("two-of-one.keys", keys=keys), fields.keys["call_api_id"])
    extension = fields.fields.get("extension")
    if extension is None:
        reading.report(say("missing-key.extension"), fields.keys["call_api_id"])
        return CallById(expression(known, reading), Literal("", place), known.span)
    at = _extension(extension, reading)
    return CallById(expression(known, reading), at, known.span)


def _only_call(fields: Mapping, place: Span, reading: Reading) -> CallTarget:
    """The call that an action is about, where nothing can stand in for its own extension."""
    if "extension" in fields.fields and "call_api_id" not in fields.fields:
        reading.report(say("two-of-one.extension"), fields.keys["extension"])
    return _call_target(fields, place, reading)


NodeReader: TypeAlias = "Callable[[Node, Reading], object]"
MapReader: TypeAlias = "Callable[[Mapping, Span, Reading], object]"

VALUES: dict[str, NodeReader] = {
    "amount": amount,
    "bindings": _bindings,
    "call name": _call_name,
    "call names": _call_names,
    "duration": duration,
    "earlier label": _earlier_label,
    "extension": _extension,
    "flag": lambda node, _: isinstance(node, Leaf) and node.value is True,
    "matcher": matcher,
    "matchers by field": _matchers_by_field,
    "named call": _named_call,
    "new call": _new_call,
    "own label": _own_label,
    "partner": _partner,
    "party": _party,
    "pattern": _pattern,
    "refusal": _refusal,
    "slot": _slot,
    "text": lambda node, _: text_of(node),
    "truth": truth,
    "value": expression,
    "values": _values,
    "values by field": _values_by_field,
}
"""How the value of a key is read, by the name of its kind."""
SPREAD: dict[str, MapReader] = {
    "call target": _call_target,
    "matcher beside": _matcher_beside,
    "only call": _only_call,
    "own extension": _own_extension,
}
"""How what several keys of a map say together is read, by the name of its kind."""


class _Field(NamedTuple):
    name: str
    word: str
    value: NodeReader | None
    spread: MapReader | None


@cache
def plan(declaration: type[Struct]) -> tuple[_Field, ...]:
    """How the fields of a declaration are read, in this order: new names are bound last."""
    keys = sorted(keys_of(declaration), key=lambda key: key.kind.name == "new call")
    return tuple(
        _Field(
            key.field,
            key.word,
            _value(key.kind),
            SPREAD.get(key.kind.name),
        )
        for key in keys
    )


def _value(kind: ValueKind) -> NodeReader | None:
    enum = kind.enum
    if enum is not None:
        return lambda node, _: enum(text_of(node))
    if kind.name == "section":
        (declaration,) = kind.of()
        return lambda node, reading: declared(declaration, node, node.span, reading)
    if kind.name == "sections":
        one = _value(kind.schema["items"])
        assert one is not None
        return lambda node, reading: tuple(one(item, reading) for item in items(node))
    return VALUES.get(kind.name)


def declared(
    declaration: type[_S],
    node: Node,
    place: Span,
    reading: Reading,
    **given: Any,  # noqa: ANN401
) -> _S:
    """Read what a declaration says of the keys of a map.

    `place` is where to point for what is missing; `given` are fields that are no keys.
    """
    fields = as_map(node).fields
    for one in plan(declaration):
        if one.spread is not None:
            given[one.name] = one.spread(as_map(node), place, reading)
        elif one.word in fields and one.value is not None:
            given[one.name] = one.value(fields[one.word], reading)
    return declaration(**given)


def under_word(
    declaration: type[_W],
    node: Node,
    place: Span,
    reading: Reading,
    **given: Any,  # noqa: ANN401
) -> _W:
    """Read what stands under a word: a map of fields, or the value of the only field."""
    if declaration.shape is Shape.MAP:
        return declared(declaration, node, place, reading, **given)
    (field,) = plan(declaration)
    assert field.value is not None
    return declaration(**{field.name: field.value(node, reading)}, **given)


def condition(node: Node | None, reading: Reading) -> Condition | None:
    """The condition of a `when`, if there is one."""
    if not isinstance(node, Mapping):
        return None
    capability, that = node.fields.get("target_can"), node.fields.get("that")
    matches = any(key in MATCHER_WORDS for key in node.fields)
    spanned = _matcher_beside(node, node.span, reading) if matches else None
    if capability is not None:
        for key in node.fields:
            if key != "target_can":
                reading.report(say("two-of-one.target-can", key=key), node.keys[key])
        return TargetCan(Capability(text_of(capability)), capability.span)
    if that is None or spanned is None:
        reading.report(say("missing-key.condition"), node.span)
        return None
    return Holding(expression(that, reading), spanned)
