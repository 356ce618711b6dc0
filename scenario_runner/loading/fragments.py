"""Fragment files: found below the root of the run, read once, checked where they are used."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from scenario_runner.errors import Note, did_you_mean, suggestion
from scenario_runner.language.actions import FRAGMENT, Binding, Fragment, Param, ParamType, Use
from scenario_runner.loading.files import read_text
from scenario_runner.loading.lint import unused
from scenario_runner.loading.messages import say
from scenario_runner.loading.names import Kind, Names
from scenario_runner.loading.nodes import (
    Leaf,
    Listing,
    Mapping,
    Problems,
    Unreadable,
    as_map,
    items,
    text_of,
    words,
)
from scenario_runner.loading.reader import Found, Reading, declared, expression
from scenario_runner.loading.schema_errors import check
from scenario_runner.loading.steps import steps
from scenario_runner.loading.yaml import parse
from scenario_runner.references import Fields, Items, Literal, Reference
from scenario_runner.source import Source, Span

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scenario_runner.errors import Problem
    from scenario_runner.loading.nodes import Node
    from scenario_runner.loading.schema_errors import Violations
    from scenario_runner.loading.yaml import Document
    from scenario_runner.references import Expression


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """A fragment and what its steps do; `told_in` is the file whose reading reported problems."""

    fragment: Fragment
    found: Found
    calls: frozenset[str]
    sources: tuple[str, ...]
    broken: bool
    told_in: str


@dataclass(slots=True)
class Shelf:
    """The fragments of one run, each read once; `root` is the folder they must stay below."""

    root: Path
    strict: bool = False
    sources: dict[str, Source] = field(default_factory=dict)
    _known: dict[Path, Known] = field(default_factory=dict)
    _chain: list[tuple[Path, str]] = field(default_factory=list)
    _used: list[set[str]] = field(default_factory=list)
    _reader: str = ""

    def begin(self, file: str) -> None:
        """Start on a scenario file: circles are looked for from it on."""
        self._reader = file
        self._chain = [(Path(file).resolve(), file)]
        self._used = [set()]

    def used(self) -> tuple[Source, ...]:
        """The texts of the fragments that were used since `begin`."""
        return tuple(self.sources[name] for name in sorted(self._used[0]) if name in self.sources)

    def check(self, source: Source) -> tuple[Problem, ...]:
        """Return the problems of a fragment by itself."""
        self.begin(source.file)
        self.sources[source.file] = source
        problems = Problems(strict=self.strict)
        try:
            documents = parse(source.text, source.file, problems)
            if len(documents) == 1 and _is_fragment(documents[0]):
                self._built(documents[0], source.file, problems)
            else:
                start = Span(source.file, 1, 1, 1, 1)
                problems.report(say("not-a-fragment", file=source.file), start)
        except Unreadable as error:
            problems.found.append(error.problem)
        return problems.in_order()

    def use(self, fields: Mapping, reading: Reading) -> Use:
        """Read a step that runs a fragment, and count what its steps do.

        Where the fragment can't be had, the names it would export are let pass.
        """
        file, exports = fields.fields["file"], fields.fields.get("exports")
        known = self._fragment(file, reading) if isinstance(file, Leaf) else None
        params = known.fragment.params if known else ()
        given = _given(fields.fields.get("with"), params, reading)
        if known is None:
            if exports is None:
                reading.names.suspect_all()
            else:
                reading.names.suspect(words(exports))
            return Use(fragment=_nothing("", file.span), given=given)
        _check_given(given, known.fragment, file, reading)
        _count(known, given, reading)
        taken = _taken(exports, known, file.span, reading)
        return Use(fragment=known.fragment, given=given, exports=taken)

    def _fragment(self, file: Leaf, reading: Reading) -> Known | None:
        """Return the fragment that a `use` names; report at the `use` why it can't be had."""
        shown = os.path.normpath(Path(reading.file).parent / file.text)
        path = self._allowed(file, shown, reading)
        if path is None:
            return None
        if path not in self._known:
            self._known[path] = self._read(path, shown, file.span, reading)
        known = self._known[path]
        for used in self._used:
            used.update((shown, *known.sources))
        if known.broken:
            if known.told_in != self._reader:
                reading.report(say("bad-fragment", file=file.text), file.span)
            return None
        return known

    def _allowed(self, file: Leaf, shown: str, reading: Reading) -> Path | None:
        try:
            path = Path(shown).resolve()
            there = path.is_file()
        except (OSError, ValueError):
            reading.report(say("no-such-file.name", file=file.text), file.span)
            return None
        if not path.is_relative_to(self.root.resolve()):
            said = say("outside-root", file=file.text, root=self.root)
            reading.report(said, file.span)
            return None
        places = [place for place, _ in self._chain]
        if path in places:
            names = [name for _, name in self._chain[places.index(path) :]]
            chain = " → ".join([*names, shown])
            reading.report(say("use-circle", chain=chain), file.span)
            return None
        if not there:
            reading.report(say("no-such-file.file", file=shown, hint=_beside(path)), file.span)
            return None
        return path

    def _read(self, path: Path, shown: str, span: Span, reading: Reading) -> Known:
        """Read a fragment; its problems join those of the file being read, with a note."""
        problems = Problems(strict=self.strict)
        self._chain.append((path, shown))
        self._used.append(set())
        made = None
        try:
            text = read_text(path, shown)
            self.sources[shown] = Source(shown, text)
            documents = parse(text, shown, problems)
            if len(documents) == 1 and _is_fragment(documents[0]):
                made = self._built(documents[0], shown, problems)
            else:
                reading.report(say("not-a-fragment", file=shown), span)
        except Unreadable as error:
            problems.found.append(error.problem)
        self._chain.pop()
        used = self._used.pop()
        note = Note(message="it is used here", span=span)
        reading.problems.take(problems, note)
        made = made or self._known_as(_nothing(shown, span), Found(), frozenset(), broken=True)
        return replace(made, sources=tuple(used), broken=made.broken or problems.errors > 0)

    def _built(self, document: Document, shown: str, problems: Problems) -> Known:
        wrong = check(FRAGMENT, document, problems)
        assert isinstance(document.root, Mapping)
        return self.read_fragment(document.root, wrong, shown, problems)

    def read_fragment(
        self, root: Mapping, wrong: Violations, shown: str, problems: Problems
    ) -> Known:
        """Read a fragment whose schema was checked."""
        names = Names(problems)
        reading = Reading(shown, problems, names, self)
        wrong.take_own()
        name = root.fields["fragment"]
        fields = reading.sound(root, wrong, {"steps": ()}).fields
        params = _params(fields.get("params"), reading)
        made = steps(fields.get("steps"), wrong.into("steps"), reading)
        exports = _exports(fields.get("exports"), reading)
        names.finish()
        if not problems.errors:
            unused(names, reading)
        calls = {one for one in exports if any(b.is_call for b in names.visible.get(one, ()))}
        fragment = Fragment(
            name=text_of(name),
            description=text_of(fields.get("description")),
            file=shown,
            params=params,
            exports=exports,
            steps=made,
            span=name.span,
        )
        return self._known_as(fragment, reading.found, frozenset(calls), broken=False)

    def _known_as(
        self, fragment: Fragment, found: Found, calls: frozenset[str], *, broken: bool
    ) -> Known:
        return Known(
            fragment=fragment,
            found=found,
            calls=calls,
            sources=(),
            broken=broken,
            told_in=self._reader,
        )


def _nothing(file: str, span: Span) -> Fragment:
    """Stand in for a fragment that can't be had."""
    return Fragment(name="", file=file, params=(), exports=(), steps=(), span=span)


def _is_fragment(document: Document) -> bool:
    return isinstance(document.root, Mapping) and "fragment" in document.root.fields


def _beside(path: Path) -> str | None:
    folder = path.parent
    if not folder.is_dir():
        return "its folder does not exist; paths are relative to the file with the 'use'"
    return did_you_mean(path.name, [entry.name for entry in folder.iterdir()]) or (
        "paths are relative to the file with the 'use'"
    )


def _params(node: Node | None, reading: Reading) -> tuple[Param, ...]:
    if not isinstance(node, Mapping):
        return ()
    made = tuple(
        _param(name, as_map(one), node.keys[name], reading) for name, one in node.fields.items()
    )
    for param in made:
        bound = reading.names.bind(param.name, Kind.PARAM, param.span)
        bound.is_call = param.type is ParamType.CALL
    return made


def _param(name: str, fields: Mapping, span: Span, reading: Reading) -> Param:
    param = declared(Param, fields, span, reading, name=name, span=span)
    if param.default is None:
        return param
    found = json_type(param.default)
    if param.type is ParamType.CALL:
        reading.report(say("wrong-type.call-default", param=name), param.default.span)
    elif found and found != param.type and (found, param.type) != ("integer", "number"):
        said = say("wrong-type.default", param=name, type=param.type, kind=found)
        reading.report(said, param.default.span)
    return param


def _exports(node: Node | None, reading: Reading) -> tuple[str, ...]:
    names = []
    for one in items(node):
        name = text_of(one)
        names.append(name)
        if name in reading.names.visible:
            reading.names.use(name, one.span)
        elif not reading.problems.errors:
            hint = did_you_mean(name, reading.names.visible)
            reading.report(say("unknown-export.step", name=name, hint=hint), one.span)
    return tuple(names)


def _given(node: Node | None, params: tuple[Param, ...], reading: Reading) -> tuple[Binding, ...]:
    if not isinstance(node, Mapping):
        return ()
    calls = {param.name for param in params if param.type is ParamType.CALL}
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


def _call_argument(leaf: Leaf, reading: Reading) -> Literal:
    """Read the bare name of a call that a fragment is given."""
    reading.names.read_call(leaf.text, leaf.span)
    return Literal(leaf.text, leaf.span)


def _check_given(
    given: tuple[Binding, ...], fragment: Fragment, file: Node, reading: Reading
) -> None:
    params = {param.name: param for param in fragment.params}
    for binding in given:
        if binding.name in params:
            _check_type(binding.value, params[binding.name], reading)
            continue
        nothing_known = "it has no parameters" if not params else None
        hint = nothing_known or suggestion(binding.name, params, "it has")
        said = say("unknown-param", fragment=fragment.name, param=binding.name, hint=hint)
        note = Note(message="the fragment is here", span=fragment.span)
        reading.report(said, binding.span, note)
    names = {binding.name for binding in given}
    for param in fragment.params:
        if param.default is None and param.name not in names:
            said = say("missing-param", fragment=fragment.name, param=param.name)
            note = Note(message="it is declared here", span=param.span)
            reading.report(said, file.span, note)


_ALSO_FITS: dict[str, str] = {ParamType.NUMBER: "integer", ParamType.CALL: "string"}


def _check_type(value: Expression, param: Param, reading: Reading) -> None:
    kind = json_type(value)
    if kind is None or kind in (param.type, _ALSO_FITS.get(param.type)):
        return
    text = param.type is ParamType.STRING
    hint = "telephone values are text: put them in quotes" if text else None
    said = say("wrong-type.param", param=param.name, type=param.type, kind=kind, hint=hint)
    reading.report(
        said, value.span, Note(message="the parameter is declared here", span=param.span)
    )


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


def _taken(
    node: Node | None, known: Known, use: Span, reading: Reading
) -> tuple[tuple[str, str], ...]:
    """Bind the names that come out of a fragment; return them with what they are called here."""
    fragment, taken = known.fragment, []
    for inside, name, span in _wanted(node, fragment, use):
        if inside not in fragment.exports:
            listed = ", ".join(fragment.exports) or "nothing"
            hint = did_you_mean(inside, fragment.exports) or f"it exports: {listed}"
            said = say("unknown-export.fragment", fragment=fragment.name, name=inside, hint=hint)
            note = Note(message="the fragment is here", span=fragment.span)
            reading.report(said, span, note)
            reading.names.suspect({name})
            continue
        bound = reading.names.bind(name, Kind.EXPORT, span)
        bound.is_call = inside in known.calls
        bound.used |= node is None
        taken.append((inside, name))
    reading.names.offer(fragment.name, fragment.exports, dict(taken))
    return tuple(taken)


def _wanted(node: Node | None, fragment: Fragment, use: Span) -> Iterator[tuple[str, str, Span]]:
    """Yield what a `use` takes over: the name inside, the name here, and where that is said."""
    match node:
        case Mapping():
            for inside, value in node.fields.items():
                place = value.span if inside in fragment.exports else node.keys[inside]
                yield inside, text_of(value), place
        case Listing():
            for item in node.items:
                yield text_of(item), text_of(item), item.span
        case _:
            for name in fragment.exports:
                yield name, name, use


def _count(known: Known, given: tuple[Binding, ...], reading: Reading) -> None:
    """Count what the fragment's steps do among what this file's steps do."""
    values = {param.name: param.default for param in known.fragment.params if param.default}
    values |= {binding.name: binding.value for binding in given}
    found, inner = reading.found, known.found
    found.checks += inner.checks
    found.events |= inner.events
    found.alone |= inner.alone
    found.slots += _outside(inner.slots, values)
    found.extensions += _outside(inner.extensions, values)
    found.written_slots += _outside(inner.written_slots, values)
    found.written_extensions += _outside(inner.written_extensions, values)
    if not reading.names.conditions:
        found.callers += _outside(inner.callers, values)
    looked_into = _outside(inner.looked_into, values)
    found.looked_into += looked_into
    found.looks_anywhere |= inner.looks_anywhere or len(looked_into) < len(inner.looked_into)


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
