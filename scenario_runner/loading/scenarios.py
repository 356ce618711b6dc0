"""A YAML document to a Scenario, or to one for each row of its matrix."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, overload

from msgspec.structs import replace

from scenario_runner.language.actions import Binding, Holding
from scenario_runner.language.scenario import SCENARIO, SCENARIO_TIMEOUT, Needs, Scenario
from scenario_runner.language.slo import InvalidSlo, parse_slo
from scenario_runner.loading.cycles import circle, too_large
from scenario_runner.loading.lint import (
    never_named,
    refuse_hollow,
    refuse_list_as_number,
    refuse_too_long,
    unused,
)
from scenario_runner.loading.matrix import Listed, table_of
from scenario_runner.loading.messages import say
from scenario_runner.loading.names import Kind, Names
from scenario_runner.loading.nodes import Leaf, Mapping, items, text_of
from scenario_runner.loading.reader import Reading, condition, duration, expression, literal
from scenario_runner.loading.schema_errors import check
from scenario_runner.loading.steps import steps
from scenario_runner.references import (
    Items,
    Literal,
    Reference,
    Text,
    as_text,
    in_order,
    references,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Set
    from collections.abc import Mapping as Map

    from scenario_runner.language.slo import Slo
    from scenario_runner.loading.matrix import Table
    from scenario_runner.loading.nodes import Node, Problems
    from scenario_runner.loading.reader import Found, Fragments
    from scenario_runner.loading.schema_errors import Violations
    from scenario_runner.loading.yaml import Document
    from scenario_runner.references import Expression, Json


_LONGEST = 1_000
"""No slot or extension is longer; variables can double each other."""


class Values:
    """What names may stand for, as far as the file says."""

    def __init__(self, names: Names, variables: tuple[Binding, ...]) -> None:
        self._known: dict[str, tuple[Expression, ...]] = {}
        self._texts: dict[str, set[str]] = {}
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
        made._texts = {}
        return made

    def depends_on(self, names: Set[str], found: Found) -> bool:
        """Whether some number named depends on one of `names`."""
        pending = [*found.slots, *found.extensions, *found.callers]
        seen: set[str] = set()
        while pending:
            for reference in references(pending.pop()):
                if reference.name in names:
                    return True
                if reference.name not in seen:
                    seen.add(reference.name)
                    pending.extend(self._known.get(reference.name, ()))
        return False

    def texts(self, made: Expression) -> set[str]:
        """Every text that an expression may be; empty where only the run can tell."""
        for reference in references(made):
            for name in in_order(reference.name, self._needs, self._texts):
                one_of_several = (self._own(one) for one in self._known.get(name, ()))
                self._texts[name] = set().union(*one_of_several)
        return set() if isinstance(made, Items) else self._own(made)

    def _needs(self, name: str) -> list[str]:
        return [one.name for value in self._known.get(name, ()) for one in references(value)]

    def _own(self, made: Expression) -> set[str]:
        """The same, where the texts of all names in it are known already."""
        match made:
            case Literal(value):
                return {as_text(value)}
            case Reference(name, ()):
                return self._texts.get(name, set())
            case Text(parts):
                return self._joined(parts)
            case Items(items):
                return set().union(*(self._own(item) for item in items))
            case _:
                return set()

    def _joined(self, parts: tuple[str | Reference, ...]) -> set[str]:
        text = ""
        for part in parts:
            known = {part} if isinstance(part, str) else self._own(part)
            if len(known) != 1 or len(text) > _LONGEST:
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
    fragments: Fragments
    overrides: Map[str, Json]


_OTHER_FILES = {"fragment": "fragment-alone", "targets": "targets-as-scenario"}
"""By the key that only files of another kind have, the code of the problem."""


def scenarios(
    document: Document, around: Surroundings, problems: Problems
) -> tuple[Sequence[Scenario], frozenset[str]]:
    """Build the scenarios of a document; also the names of its `vars`.

    Whether they may be run is for the caller to see in `problems`.
    """
    root = document.root
    if isinstance(root, Mapping) and "scenario" not in root.fields:
        for key, code in _OTHER_FILES.items():
            if key in root.fields:
                problems.report(say(code), root.keys[key])
                return (), frozenset()
    if root.spoilt:
        return (), frozenset()
    wrong = check(SCENARIO, document, problems)
    if not isinstance(root, Mapping):
        return (), frozenset()
    return read_scenarios(root, wrong, around, problems)


_STEPS_AT: dict[str, tuple[str, ...]] = {"steps": (), "cleanup": ()}


def read_scenarios(
    root: Mapping, wrong: Violations, around: Surroundings, problems: Problems
) -> tuple[Sequence[Scenario], frozenset[str]]:
    """Build the scenarios of a map that the schema has checked."""
    reading = Reading(around.file, problems, Names(problems), around.fragments)
    before = len(problems.found)
    wrong.take_own()  # a missing or unknown key is no reason to leave the others alone
    whole, root = root, reading.sound(root, wrong, _STEPS_AT)
    fields, name = root.fields, whole.fields.get("scenario")
    needs = _needs(fields.get("needs"), reading)
    table = table_of(fields.get("matrix"), reading)
    variables = _variables(fields.get("vars"), reading, around.overrides)
    scenario = Scenario(
        name=text_of(name),
        file=around.file,
        span=name.span if name else root.span,
        description=text_of(fields.get("description")),
        tags=tuple(text_of(tag) for tag in items(fields.get("tags"))),
        vars=variables,
        when=condition(fields.get("when"), reading),
        timeout=duration(fields["timeout"], reading) if "timeout" in fields else SCENARIO_TIMEOUT,
        xfail=text_of(fields.get("xfail")) or None,
        slo=_objectives(fields.get("slo"), reading),
        steps=steps(fields.get("steps"), wrong.into("steps"), reading),
        sources=(),
    )
    _must_check_something(root, reading)
    refuse_too_long(scenario.steps, scenario.timeout, reading)
    reading.names.harden()
    scenario = replace(
        scenario, cleanup=steps(fields.get("cleanup"), wrong.into("cleanup"), reading)
    )
    reading.names.finish()
    values = Values(reading.names, scenario.vars)
    if isinstance(scenario.when, Holding):
        refuse_hollow(scenario.when.matcher, reading)
        refuse_list_as_number(scenario.when.that, scenario.when.matcher.matcher, reading)
    if not problems.errors:
        unused(reading.names, reading)
        never_named(reading, values.texts)
    found = reading.found
    scenario = replace(
        scenario,
        needs=replace(needs, alone=needs.alone or found.alone),
        uses_events=found.events,
        warnings=tuple(problem for problem in problems.found[before:] if problem.warning),
    )
    return _rowed(scenario, table, values, reading.found), frozenset(one.name for one in variables)


def _objectives(node: Node | None, reading: Reading) -> tuple[Slo, ...]:
    found: list[Slo] = []
    for one in items(node):
        try:
            found.append(parse_slo(text_of(one)))
        except InvalidSlo as error:
            reading.report(say("bad-objective", why=error, hint=error.hint), one.span)
    return tuple(found)


def _needs(node: Node | None, reading: Reading) -> Needs:
    if not isinstance(node, Mapping):
        return Needs()
    alone = node.fields.get("alone")
    return Needs(
        slots=_leases(node.fields.get("slots"), reading),
        extensions=_leases(node.fields.get("extensions"), reading),
        alone=isinstance(alone, Leaf) and alone.value is True,
    )


def _leases(node: Node | None, reading: Reading) -> tuple[str, ...]:
    for name in items(node):
        reading.names.bind(text_of(name), Kind.LEASE, name.span)
    return tuple(text_of(name) for name in items(node))


def _variables(
    node: Node | None, reading: Reading, overrides: Map[str, Json]
) -> tuple[Binding, ...]:
    """Bind all names first: variables may refer to each other in any order."""
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
        said = say("circle.vars", chain=" → ".join(f"${name}" for name in chain))
        reading.report(said, node.keys[chain[0]])
    elif (growing := too_large(tuple(made))) is not None:
        binding, problem = growing
        reading.report(say("too-large-value", name=binding.name, problem=problem), binding.span)
    return tuple(made)


def _must_check_something(root: Mapping, reading: Reading) -> None:
    if not reading.found.checks and "steps" in root.fields and not reading.problems.errors:
        reading.report(say("nothing-checked"), root.keys["steps"])


def _rowed(
    scenario: Scenario, table: Table | None, values: Values, found: Found
) -> Sequence[Scenario]:
    if table is None:
        return (_reserved(scenario, values, found),)
    if values.depends_on(table.names, found):
        return Rows(scenario, table, values, found)
    return Rows(_reserved(scenario, values, found), table)


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
        words = self.table.words(index)
        one = replace(
            self.template,
            name=f"{self.template.name} [{self.table.title(index)}]",
            matrix=self.template.name,
            tags=tuple(dict.fromkeys((*self.template.tags, *words.tags))),
            xfail=words.xfail or self.template.xfail,
            row=tuple((cell.name, cell.text) for cell in cells),
            vars=(*self.template.vars, *bindings),
            warnings=() if index else self.template.warnings,
        )
        if self.values is None or self.found is None:
            return one
        row = {cell.name: cell.value for cell in cells}
        return _reserved(one, self.values.in_row(row), self.found)

    def tags(self) -> frozenset[str]:
        """Return the tags of all rows."""
        own = self.table.own if isinstance(self.table, Listed) else ()
        return frozenset(self.template.tags).union(*(words.tags for words in own))

    def subset(self, indexes: Sequence[int]) -> Rows:
        """Return some of the rows, without the rest of the table."""
        rows = tuple(self.table.row(index) for index in indexes)
        titles = tuple(self.table.title(index) for index in indexes)
        words = tuple(self.table.words(index) for index in indexes)
        return Rows(self.template, Listed(rows, titles, words), self.values, self.found)


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
        callers=numbers(found.callers, values),
    )
    return replace(scenario, needs=needs)
