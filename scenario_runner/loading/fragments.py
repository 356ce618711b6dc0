"""Fragment files: found below the root of the run, read once, checked where they are used."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from scenario_runner.errors import Note, did_you_mean
from scenario_runner.language.actions import Fragment, Param, ParamType
from scenario_runner.loading.expectations import items
from scenario_runner.loading.files import read_text
from scenario_runner.loading.lint import unused
from scenario_runner.loading.names import Kind, Names
from scenario_runner.loading.nodes import Leaf, Mapping, Problems, Unreadable, words
from scenario_runner.loading.reader import Found, Reading, expression, text_of
from scenario_runner.loading.schema import check
from scenario_runner.loading.steps import json_type, steps
from scenario_runner.loading.yaml import parse
from scenario_runner.source import Source

if TYPE_CHECKING:
    from scenario_runner.loading.yaml import Document
    from scenario_runner.source import Span


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
    _known: dict[Path, Known | None] = field(default_factory=dict)
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

    def fragment(self, file: Leaf, reading: Reading) -> Known | None:
        """Return the fragment that a `use` names; report at the `use` why it can't be had."""
        shown = os.path.normpath(Path(reading.file).parent / file.text)
        path = self._allowed(file, shown, reading)
        if path is None:
            return None
        if path not in self._known:
            self._known[path] = self._read(path, shown, file.span, reading)
        known = self._known[path]
        if known is None:
            return None
        for used in self._used:
            used.update((shown, *known.sources))
        if known.broken:
            if known.told_in != self._reader:
                reading.problem(
                    "bad-fragment", f"'{file.text}' has problems, told before", file.span,
                    "mend the fragment first",
                )  # fmt: skip
            return None
        return known

    def _allowed(self, file: Leaf, shown: str, reading: Reading) -> Path | None:
        try:
            path = Path(shown).resolve()
        except (OSError, ValueError):
            reading.problem("no-such-file", f"'{file.text}' is no name of a file", file.span)
            return None
        if not path.is_relative_to(self.root.resolve()):
            reading.problem(
                "outside-root", f"'{file.text}' leads out of the folder of the run", file.span,
                f"keep fragments below {self.root}",
            )  # fmt: skip
            return None
        places = [place for place, _ in self._chain]
        if path in places:
            names = [name for _, name in self._chain[places.index(path) :]]
            reading.problem(
                "use-circle", f"this fragment uses itself: {' → '.join([*names, shown])}",
                file.span, "a fragment can't run itself; use 'repeat' to run steps again",
            )  # fmt: skip
            return None
        if not path.is_file():
            reading.problem("no-such-file", f"there is no file '{shown}'", file.span, _beside(path))
            return None
        return path

    def _read(self, path: Path, shown: str, span: Span, reading: Reading) -> Known | None:
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
                reading.problem(
                    "not-a-fragment", f"'{shown}' is no fragment file", span,
                    "a fragment is one document that begins with 'fragment:'",
                )  # fmt: skip
        except Unreadable as error:
            problems.found.append(error.problem)
        self._chain.pop()
        used = self._used.pop()
        note = Note(message="it is used here", span=span)
        reading.problems.take(problems, note)
        if made is None:
            made = Known(
                fragment=Fragment(name="", file=shown, params=(), exports=(), steps=(), span=span),
                found=Found(), calls=frozenset(), sources=(), broken=True, told_in=self._reader,
            )  # fmt: skip
        fragment, found, calls = made.fragment, made.found, made.calls
        return Known(
            fragment=fragment, found=found, calls=calls, sources=tuple(used),
            broken=made.broken or problems.errors > 0, told_in=self._reader,
        )  # fmt: skip

    def _built(self, document: Document, shown: str, problems: Problems) -> Known:
        faulty = check("fragment", document, problems)
        root = document.root
        assert isinstance(root, Mapping)
        names = Names(problems)
        reading = Reading(shown, problems, names, self, faulty)
        for node in root.fields.values():
            if id(node) in faulty:
                names.suspect(words(node))
        params = _params(root, reading)
        made = steps(reading.sound(root, "steps"), reading)
        exports = _exports(root, reading)
        names.finish()
        if not problems.errors:
            unused(names, reading)
        calls = (name for name in exports if any(b.is_call for b in names.visible.get(name, ())))
        name = root.fields["fragment"]
        fragment = Fragment(
            name=text_of(name), file=shown, params=params, exports=exports, steps=made,
            span=name.span,
        )  # fmt: skip
        return Known(
            fragment=fragment, found=reading.found, calls=frozenset(calls), sources=(),
            broken=False, told_in=self._reader,
        )  # fmt: skip


def _is_fragment(document: Document) -> bool:
    return isinstance(document.root, Mapping) and "fragment" in document.root.fields


def _beside(path: Path) -> str | None:
    folder = path.parent
    if not folder.is_dir():
        return "its folder does not exist; paths are relative to the file with the 'use'"
    return did_you_mean(path.name, [entry.name for entry in folder.iterdir()]) or (
        "paths are relative to the file with the 'use'"
    )


def _params(root: Mapping, reading: Reading) -> tuple[Param, ...]:
    node = reading.sound(root, "params")
    if not isinstance(node, Mapping):
        return ()
    made = []
    for name, inner in node.fields.items():
        fields = inner.fields if isinstance(inner, Mapping) else {}
        kind = text_of(fields["type"])
        default = expression(fields["default"], reading) if "default" in fields else None
        found = json_type(default) if default else None
        if default and kind == ParamType.CALL:
            reading.problem(
                "wrong-type", f"'{name}' is a call, and a call has no default", default.span,
                "remove the default: the file that uses the fragment names the call",
            )  # fmt: skip
        elif default and found and found != kind and (found, kind) != ("integer", "number"):
            reading.problem(
                "wrong-type", f"the default of '{name}' must be of type {kind}, this is {found}",
                default.span, "change the type or the default",
            )  # fmt: skip
        made.append(Param(name=name, type=ParamType(kind), default=default, span=node.keys[name]))
    for param in made:
        bound = reading.names.bind(param.name, Kind.PARAM, param.span)
        bound.is_call = param.type == ParamType.CALL
    return tuple(made)


def _exports(root: Mapping, reading: Reading) -> tuple[str, ...]:
    names = []
    for node in items(reading.sound(root, "exports") or root):
        name = text_of(node)
        names.append(name)
        if name in reading.names.visible:
            for bound in reading.names.visible[name]:
                bound.used = True
        elif not reading.problems.errors:
            reading.problem(
                "unknown-export", f"no step of this fragment binds '{name}'", node.span,
                did_you_mean(name, reading.names.visible) or "remove it, or bind it in a step",
            )  # fmt: skip
    return tuple(names)
