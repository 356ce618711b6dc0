"""Targets files: found beside the scenarios or above, read, and one target made of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, Protocol

from msgspec import structs

from scenario_runner.errors import InvalidFiles, TargetError, did_you_mean
from scenario_runner.language.target import targets_kind
from scenario_runner.loading.files import read_text
from scenario_runner.loading.names import Names
from scenario_runner.loading.nodes import (
    Leaf,
    Listing,
    Mapping,
    Problems,
    Unreadable,
    as_map,
    text_of,
)
from scenario_runner.loading.reader import Reading, expression
from scenario_runner.loading.schema_errors import check
from scenario_runner.loading.settings import hide_secrets, read_target, secrets_in, with_preset
from scenario_runner.loading.yaml import parse
from scenario_runner.masking import Mask
from scenario_runner.references import Json, Reference, as_text, references, resolve
from scenario_runner.source import Span

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from collections.abc import Mapping as Map

    from scenario_runner.errors import Problem
    from scenario_runner.language.settings import Settings
    from scenario_runner.language.target import Target
    from scenario_runner.loading.nodes import Node
    from scenario_runner.loading.yaml import Document


_BEGIN = "write 'targets:', below it the name of a target, and below that 'driver:'"
FILE_NAMES = ("scenario-targets.yaml", "scenario-targets.yml")


def find_targets(paths: Sequence[str]) -> str | None:
    """Return the targets file beside the scenarios or in a folder above, or None.

    Folders are looked at up to the root of the repository (or of the disk). Raises TargetError
    where the paths lead to different files.
    """
    found = list(dict.fromkeys(file for path in paths for file in _above(Path(path))))
    if len(found) > 1:
        raise TargetError(
            f"the scenarios stand below different targets files: {' and '.join(found[:2])}",
            hint="name the one that is meant with --targets",
        )
    return found[0] if found else None


def _above(path: Path) -> Iterator[str]:
    """Yield the nearest targets file, as it is shown to people."""
    start = path.absolute()
    here = Path.cwd()
    for folder in (start, *start.parents):
        for name in FILE_NAMES:
            file = folder / name
            if file.is_file():
                yield str(file.relative_to(here)) if file.is_relative_to(here) else str(file)
                return
        if (folder / ".git").exists():
            return


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetsFile:
    """A targets file whose schema is fulfilled; a target is made only when it is asked for."""

    file: str
    default: str
    entries: dict[str, Mapping]
    settings: dict[str, type[Settings]]

    def target(self, name: str, environment: Map[str, str], mask: Mask) -> Target:
        """Make the target of this name.

        `$env.NAME` and `$secret.NAME` are read from `environment`, and the values of the latter
        hidden by `mask`. Raises TargetError for a name or a variable that is missing, and
        InvalidFiles for values that make no sense.
        """
        root = self.entry(name)
        problems = Problems()
        reading = _reading(self.file, problems)
        resolved = as_map(_resolved(root, _Variables(name, environment, mask).find))
        settings = self.settings[text_of(root.fields["driver"])]
        hide_secrets(settings, resolved, mask)
        target = read_target(name, with_preset(resolved, settings), settings, reading)
        if problems.errors:
            raise InvalidFiles(problems.in_order())
        literal = tuple(str(span) for span in self.literal_secrets(name))
        return structs.replace(target, literal_secrets=literal)

    def problems(self) -> tuple[Problem, ...]:
        """Return what is wrong with the targets, as far as the environment does not matter."""
        found: list[Problem] = []
        for name in self.entries:
            try:
                self.target(name, {}, Mask())
            except InvalidFiles as error:
                found += error.problems
            except TargetError:  # a variable that is not set here; a run says so
                continue
        return tuple(found)

    def only(self, name: str) -> TargetsFile:
        """Return the part that makes this target; raises TargetError for an unknown one."""
        driver = text_of(self.entry(name).fields["driver"])
        return replace(
            self, entries={name: self.entries[name]}, settings={driver: self.settings[driver]}
        )

    def literal_secrets(self, name: str) -> tuple[Span, ...]:
        """Return where secrets of a target are written out, and not named by a variable."""
        root = self.entry(name)
        settings = self.settings[text_of(root.fields["driver"])]
        found = secrets_in(settings, root)
        return tuple(node.span for node in found if "$" not in text_of(node))

    def entry(self, name: str) -> Mapping:
        """Return what the file says about a target; raises TargetError for an unknown one."""
        root = self.entries.get(name)
        if root is None:
            known = ", ".join(self.entries)
            hint = did_you_mean(name, self.entries) or f"{self.file} has: {known}"
            raise TargetError(f"there is no target '{name}' in {self.file}", hint=hint)
        return root

    def description(self, name: str) -> str:
        """Return what the file says about a target in words."""
        return text_of(self.entries[name].fields.get("description"))


class Drivers(Protocol):
    """The drivers that there are."""

    def own_settings(self) -> dict[str, type[Settings]]:
        """Return by what the settings of the runner's own drivers are declared."""
        ...

    def added_settings(self, name: str) -> type[Settings] | None:
        """Return by what an added driver's are; None where there is no such driver."""
        ...

    def driver_names(self) -> tuple[str, ...]:
        """Return the names of all drivers."""
        ...


def read_targets(path: str, drivers: Drivers) -> TargetsFile:
    """Read a targets file.

    Raises TargetError where there is no such file, InvalidFiles for what is wrong in it.
    """
    if not Path(path).is_file():
        near = [entry.name for entry in Path(path).parent.glob("*.y*ml")]
        hint = did_you_mean(Path(path).name, near) or "--targets wants the name of a YAML file"
        raise TargetError(f"there is no targets file '{path}'", hint=hint)
    problems = Problems()
    try:
        document = _document(path, problems)
    except Unreadable as error:
        raise InvalidFiles((error.problem,)) from None
    known = drivers.own_settings()
    for name in _drivers_in(document.root):
        settings = known.get(name) or drivers.added_settings(name)
        if settings is not None:
            known[name] = settings
    check(targets_kind(known), document, problems)
    _raise(problems)
    root = as_map(document.root)
    entries = {name: as_map(node) for name, node in as_map(root.fields["targets"]).fields.items()}
    for entry in entries.values():
        if text_of(entry.fields["driver"]) not in known:
            _unknown_driver(entry.fields["driver"], drivers.driver_names(), problems)
    _check_references(root, _reading(path, problems))
    default = root.fields.get("default")
    if default is not None and text_of(default) not in entries and text_of(default) != "mock":
        hint = did_you_mean(text_of(default), entries) or f"known are: {', '.join(entries)}"
        problems.add("unknown-word", f"there is no target '{text_of(default)}'", default.span, hint)
    _raise(problems)
    chosen = text_of(default) or "mock"
    return TargetsFile(file=path, default=chosen, entries=entries, settings=known)


def _document(path: str, problems: Problems) -> Document:
    documents = parse(read_text(Path(path), path), path, problems)
    if not documents:
        start = Span(path, 1, 1, 1, 1)
        problems.add("empty-file", "there is nothing in this file", start, _BEGIN)
    _raise(problems)
    if len(documents) != 1:
        raise TargetError(f"{path} must be one YAML document", hint="write 'targets:' once")
    return documents[0]


def _drivers_in(root: Node) -> Iterator[str]:
    """Yield the drivers that a file names, which may be wrong in any way yet."""
    targets = as_map(root).fields.get("targets")
    for entry in as_map(targets).fields.values() if targets is not None else ():
        driver = as_map(entry).fields.get("driver")
        if isinstance(driver, Leaf):
            yield text_of(driver)


def _raise(problems: Problems) -> None:
    if problems.errors:
        raise InvalidFiles(problems.in_order())


def _unknown_driver(node: Node, known: Sequence[str], problems: Problems) -> None:
    hint = did_you_mean(text_of(node), known) or f"known are: {', '.join(known)}"
    problems.add("unknown-word", f"'{text_of(node)}' is not a driver", node.span, hint)


def _reading(file: str, problems: Problems) -> Reading:
    return Reading(file, problems, Names(problems))


def _check_references(root: Node, reading: Reading) -> None:
    """Report references to anything but the environment."""
    for leaf in _leaves(root):
        if "$" not in leaf.text or not isinstance(leaf.value, str):
            continue
        before = reading.problems.errors
        for reference in references(expression(leaf, reading)):
            if reference.name not in ("env", "secret") and reading.problems.errors == before:
                reading.problem(
                    "undefined-name", f"{reference} means nothing in a targets file",
                    reference.span, "write $env.NAME or $secret.NAME; a plain dollar is $$",
                )  # fmt: skip


def _leaves(node: Node) -> Iterator[Leaf]:
    match node:
        case Leaf():
            yield node
        case Mapping():
            for value in node.fields.values():
                yield from _leaves(value)
        case Listing():
            for item in node.items:
                yield from _leaves(item)


class _Variables:
    """Looks environment variables up for one target."""

    def __init__(self, target: str, environment: Map[str, str], mask: Mask) -> None:
        self._target = target
        self._environment = environment
        self._mask = mask

    def find(self, reference: Reference) -> str:
        """Return the value of a variable; raise TargetError where it is missing or empty."""
        name = str(reference.path[0])
        value = self._environment.get(name)
        if not value:
            self._missing(name, reference, "is not set" if value is None else "is empty")
        if reference.name == "secret":
            self._mask.add(value, name=f"$secret.{name}")
        return value

    def _missing(self, name: str, reference: Reference, what: str) -> NoReturn:
        raise TargetError(
            f"the target '{self._target}' needs the environment variable {name}, which {what}",
            hint=f"set it for this command: {name}=… scenario-runner …; {reference.span} names it",
        )


def _resolved(node: Node, find: Callable[[Reference], str]) -> Node:
    """Return the tree with the values of references in place of them."""
    match node:
        case Mapping():
            fields = {key: _resolved(value, find) for key, value in node.fields.items()}
            data: dict[str, Json] = {key: value.data for key, value in fields.items()}
            return Mapping(node.span, flow=node.flow, keys=node.keys, fields=fields, data=data)
        case Listing():
            items = [_resolved(item, find) for item in node.items]
            return Listing(node.span, node.flow, items, [item.data for item in items])
        case Leaf(value=str() as text) if "$" in text:
            made = expression(node, _reading(node.span.file, Problems()))
            value = as_text(resolve(made, find))
            return Leaf(text=value, value=value, plain=False, span=node.span)
        case Leaf():
            return node
