"""A YAML document to a Scenario, or to one for each row of its matrix."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, overload

from msgspec.structs import replace

from scenario_runner.language.actions import Binding
from scenario_runner.language.scenario import SCENARIO_TIMEOUT, Needs, Scenario
from scenario_runner.loading.cycles import circle
from scenario_runner.loading.expectations import items
from scenario_runner.loading.lint import never_named, unused
from scenario_runner.loading.matrix import Listed, table_of
from scenario_runner.loading.names import Kind, Names
from scenario_runner.loading.nodes import Leaf, Listing, Mapping, words
from scenario_runner.loading.reader import Reading, duration, expression, literal, text_of
from scenario_runner.loading.schema import check
from scenario_runner.loading.steps import condition, steps
from scenario_runner.references import Items, Literal, Reference, Text, as_text, references

if TYPE_CHECKING:
    from collections.abc import Iterable, Set
    from collections.abc import Mapping as Map

    from scenario_runner.loading.matrix import Table
    from scenario_runner.loading.nodes import Problems
    from scenario_runner.loading.reader import Found, FragmentShelf
    from scenario_runner.loading.yaml import Document
    from scenario_runner.references import Expression, Json


_DEEPEST = 20


class Values:
    """What names may stand for, as far as the file says."""

    def __init__(self, names: Names, variables: tuple[Binding, ...]) -> None:
        self._known: dict[str, tuple[Expression, ...]] = {}
        for bound in names.everything:
            if bound.options:
                self._known[bound.name] = bound.options
            elif bound.value is not None:
                self._known[bound.name] = (*self._known.get(bound.name, ()), bound.value)
        self._known |= {binding.name: (binding.value,) for binding in variables}

    def in_row(self, row: dict[str, Expression]) -> Values:
        """The same, with the values of one row of the matrix."""
        made = object.__new__(Values)
        made._known = self._known | {name: (value,) for name, value in row.items()}
        return made

    def depends_on(self, names: Set[str], found: Found) -> bool:
        """Whether some number named depends on one of `names`."""
        pending = [*found.slots, *found.extensions]
        seen: set[str] = set()
        while pending:
            for reference in references(pending.pop()):
                if reference.name in names:
                    return True
                if reference.name not in seen:
                    seen.add(reference.name)
                    pending.extend(self._known.get(reference.name, ()))
        return False

    def texts(self, made: Expression, depth: int = 0) -> set[str]:
        """Every text that an expression may be; empty where only the run can tell."""
        match made:
            case Literal(value):
                return {as_text(value)}
            case Reference(name, ()) if depth < _DEEPEST:
                known = (self.texts(one, depth + 1) for one in self._known.get(name, ()))
                return set().union(*known)
            case Text(parts) if depth < _DEEPEST:
                return self._joined(parts, depth)
            case Items(items) if depth:
                return set().union(*(self.texts(item, depth) for item in items))
            case _:
                return set()

    def _joined(self, parts: tuple[str | Reference, ...], depth: int) -> set[str]:
        text = ""
        for part in parts:
            known = {part} if isinstance(part, str) else self.texts(part, depth + 1)
            if len(known) != 1:
                return set()
            text += next(iter(known))
        return {text}


def numbers(expressions: Iterable[Expression], values: Values) -> tuple[str, ...]:
    """The numbers that a scenario names itself, each once, in the order first named."""
    found: dict[str, None] = {}
    for made in expressions:
        found.update(dict.fromkeys(sorted(values.texts(made))))
    return tuple(found)


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What a document is read with: its file, the fragments, and the values of `--var`."""

    file: str
    shelf: FragmentShelf
    overrides: Map[str, Json]


def scenarios(
    document: Document, around: Surroundings, problems: Problems
) -> tuple[Sequence[Scenario], frozenset[str]]:
    """Build the scenarios of a document; also the names of its `vars`.

    Whether they may be run is for the caller to see in `problems`.
    """
    root = document.root
    if isinstance(root, Mapping) and "fragment" in root.fields and "scenario" not in root.fields:
        problems.add(
            "fragment-alone", "this is a fragment, not a scenario", root.keys["fragment"],
            "run a scenario that uses it: - use: {file: …}",
        )  # fmt: skip
        return (), frozenset()
    if id(root) in document.spoilt:
        return (), frozenset()
    faulty = check("scenario", document, problems)
    if not isinstance(root, Mapping):
        return (), frozenset()
    reading = Reading(around.file, problems, Names(problems), around.shelf, faulty)
    for node in root.fields.values():
        if id(node) in faulty:
            reading.names.suspect(words(node))
    return _built(root, reading, around)


def _built(
    root: Mapping, reading: Reading, around: Surroundings
) -> tuple[Sequence[Scenario], frozenset[str]]:
    before = len(reading.problems.found)
    needs = _needs(root, reading)
    table = table_of(reading.sound(root, "matrix"), reading)
    variables = _variables(root, reading, around.overrides)
    timeout, name = reading.sound(root, "timeout"), root.fields.get("scenario")
    scenario = Scenario(
        name=text_of(name),
        file=around.file,
        span=name.span if name else root.span,
        description=text_of(reading.sound(root, "description")),
        tags=tuple(text_of(tag) for tag in items(reading.sound(root, "tags") or root)),
        vars=variables,
        when=condition(reading.sound(root, "when"), reading),
        timeout=duration(timeout, reading) if timeout else SCENARIO_TIMEOUT,
        xfail=text_of(reading.sound(root, "xfail")) or None,
        steps=steps(reading.sound(root, "steps"), reading),
        sources=(),
    )
    _must_check_something(root, reading)
    scenario = replace(scenario, cleanup=steps(reading.sound(root, "cleanup"), reading))
    reading.names.finish()
    if not reading.problems.errors:
        unused(reading.names, reading)
        never_named(reading)
    found = reading.found
    needs = replace(needs, alone=needs.alone or found.alone)
    warnings = tuple(problem for problem in reading.problems.found[before:] if problem.warning)
    scenario = replace(scenario, needs=needs, uses_events=found.events, warnings=warnings)
    declared = frozenset(binding.name for binding in variables)
    return _rowed(scenario, table, reading), declared


def _needs(root: Mapping, reading: Reading) -> Needs:
    node = reading.sound(root, "needs")
    if not isinstance(node, Mapping):
        return Needs()
    leased: dict[str, tuple[str, ...]] = {}
    for key in ("slots", "extensions"):
        names = items(node.fields[key]) if key in node.fields else []
        for name in names:
            reading.names.bind(text_of(name), Kind.LEASE, name.span)
        leased[key] = tuple(text_of(name) for name in names)
    alone = node.fields.get("alone")
    return Needs(
        slots=leased["slots"],
        extensions=leased["extensions"],
        alone=isinstance(alone, Leaf) and alone.value is True,
    )


def _variables(root: Mapping, reading: Reading, overrides: Map[str, Json]) -> tuple[Binding, ...]:
    """Bind all names first: variables may refer to each other in any order."""
    node = reading.sound(root, "vars")
    if not isinstance(node, Mapping):
        return ()
    bound = {
        name: reading.names.bind(name, Kind.VARIABLE, span) for name, span in node.keys.items()
    }
    made = []
    for name, value in node.fields.items():
        built = (
            literal(overrides[name], node.keys[name])
            if name in overrides
            else expression(value, reading)
        )
        made.append(Binding(name, built, node.keys[name]))
    for binding in made:
        bound[binding.name].value = binding.value
    chain = circle(tuple(made))
    if chain:
        reading.problem(
            "circle", f"these variables need each other: {' → '.join(f'${n}' for n in chain)}",
            node.keys[chain[0]], "give one of them a value of its own",
        )  # fmt: skip
    return tuple(made)


def _must_check_something(root: Mapping, reading: Reading) -> None:
    node = reading.sound(root, "steps")
    if not reading.found.checks and isinstance(node, Listing) and not reading.problems.errors:
        reading.problem(
            "nothing-checked", "this scenario checks nothing, so it could never fail",
            root.keys["steps"], "add 'expect' to a step that asks the PBX, a 'check' or an 'event'",
        )  # fmt: skip


def _rowed(scenario: Scenario, table: Table | None, reading: Reading) -> Sequence[Scenario]:
    values = Values(reading.names, scenario.vars)
    if table is None:
        return (_reserved(scenario, values, reading.found),)
    found = reading.found if values.depends_on(table.names, reading.found) else None
    if found is None:
        scenario = _reserved(scenario, values, reading.found)
    return Rows(scenario, table, values if found is not None else None, found)


@dataclass(frozen=True, slots=True, eq=False)
class Rows(Sequence[Scenario]):
    """The scenarios of a matrix, each made when it is asked for.

    `values` and `found` are there where the slots and extensions that a row names depend on it.
    """

    template: Scenario
    table: Table
    values: Values | None = None
    found: Found | None = None

    def __len__(self) -> int:
        return len(self.table)

    @overload
    def __getitem__(self, index: int) -> Scenario: ...

    @overload
    def __getitem__(self, index: slice) -> tuple[Scenario, ...]: ...

    def __getitem__(self, index: int | slice) -> Scenario | tuple[Scenario, ...]:
        """Make the scenario of a row."""
        if isinstance(index, slice):
            return tuple(self._made(place) for place in range(*index.indices(len(self))))
        return self._made(range(len(self))[index])

    def _made(self, index: int) -> Scenario:
        cells = self.table.row(index)
        bindings = tuple(Binding(cell.name, cell.value, cell.value.span) for cell in cells)
        one = replace(
            self.template,
            name=f"{self.template.name} [{self.table.title(index)}]",
            row=tuple((cell.name, cell.text) for cell in cells),
            vars=(*self.template.vars, *bindings),
            warnings=() if index else self.template.warnings,
        )
        if self.values is None or self.found is None:
            return one
        row = {cell.name: cell.value for cell in cells}
        return _reserved(one, self.values.in_row(row), self.found)

    def subset(self, indexes: Sequence[int]) -> Rows:
        """Return some of the rows, without the rest of the table."""
        rows = tuple(self.table.row(index) for index in indexes)
        titles = tuple(self.table.title(index) for index in indexes)
        return Rows(self.template, Listed(rows, titles), self.values, self.found)


def _reserved(scenario: Scenario, values: Values, found: Found) -> Scenario:
    slots, extensions = numbers(found.slots, values), numbers(found.extensions, values)
    written_slots = numbers(found.written_slots, values)
    written_extensions = numbers(found.written_extensions, values)
    needs = replace(
        scenario.needs,
        literal_slots=slots,
        literal_extensions=extensions,
        read_slots=tuple(slot for slot in slots if slot not in written_slots),
        read_extensions=tuple(one for one in extensions if one not in written_extensions),
    )
    return replace(scenario, needs=needs)
