"""The `use` action: what a fragment is given, and what it hands back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scenario_runner.errors import Note, did_you_mean
from scenario_runner.loading.expressions import expression
from scenario_runner.loading.names import Kind
from scenario_runner.loading.nodes import Leaf, Mapping, words
from scenario_runner.loading.reading import text_of
from scenario_runner.model.steps import CALL, Binding, Fragment, Use
from scenario_runner.references import Fields, Items, Literal, Reference

if TYPE_CHECKING:
    from scenario_runner.loading.nodes import Node
    from scenario_runner.loading.reading import Found, KnownFragment, Reading
    from scenario_runner.model.steps import Action, Param
    from scenario_runner.references import Expression


_ALSO_FITS = {"number": ("integer",), CALL: ("string",)}


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
            _call(value, reading)
            if name in calls and isinstance(value, Leaf)
            else expression(value, reading),
            node.keys[name],
        )
        for name, value in node.fields.items()
    )


def _call(leaf: Leaf, reading: Reading) -> Literal:
    """Read the bare name of a call that a fragment is given."""
    reading.names.read_call(leaf.text, leaf.span)
    return Literal(leaf.text, leaf.span)


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
        case Literal(bool()):
            return "boolean"
        case Literal(int()):
            return "integer"
        case Literal(float()):
            return "number"
        case Literal(None):
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


def _outside(inside: list[Expression], values: dict[str, Expression]) -> list[Expression]:
    """The numbers a fragment names, as this file says them."""
    shown: list[Expression] = []
    for made in inside:
        match made:
            case Literal():
                shown.append(made)
            case Reference(name, ()) if name in values:
                shown.append(values[name])
            case _:
                continue
    return shown
