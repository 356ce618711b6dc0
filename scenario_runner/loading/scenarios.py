"""A YAML document to a Scenario, or to one for each row of its matrix."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from scenario_runner.loading.checking import check
from scenario_runner.loading.circles import circle
from scenario_runner.loading.conditions import condition
from scenario_runner.loading.expressions import duration, expression, literal
from scenario_runner.loading.matchers import items
from scenario_runner.loading.names import Kind, Names
from scenario_runner.loading.nodes import Leaf, Listing, Mapping, words
from scenario_runner.loading.reading import Reading, text_of
from scenario_runner.loading.reserving import Values, numbers
from scenario_runner.loading.rows import rows
from scenario_runner.loading.steps import steps
from scenario_runner.loading.vacuity import never_named, unused
from scenario_runner.model.scenario import SCENARIO_TIMEOUT, Needs, Scenario
from scenario_runner.model.steps import Binding

if TYPE_CHECKING:
    from collections.abc import Mapping as Map

    from scenario_runner.loading.parsing import Document
    from scenario_runner.loading.problems import Problems
    from scenario_runner.loading.reading import FragmentShelf
    from scenario_runner.loading.rows import Row
    from scenario_runner.references import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What a document is read with: its file, the fragments, and the values of `--var`."""

    file: str
    shelf: FragmentShelf
    overrides: Map[str, Json]


def scenarios(
    document: Document, around: Surroundings, problems: Problems
) -> tuple[tuple[Scenario, ...], frozenset[str]]:
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
) -> tuple[tuple[Scenario, ...], frozenset[str]]:
    before = len(reading.problems.found)
    needs = _needs(root, reading)
    table = rows(reading.sound(root, "matrix"), reading)
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


def _rowed(
    scenario: Scenario, table: tuple[Row, ...] | None, reading: Reading
) -> tuple[Scenario, ...]:
    values = Values(reading.names, scenario.vars)
    if table is None:
        return (_reserved(scenario, values, reading),)
    changing = values.depends_on({name for row in table for name, _ in row.values}, reading.found)
    fixed = None if changing else _reserved(scenario, values, reading).needs
    made: list[Scenario] = []
    for row in table:
        bindings = tuple(Binding(name, value, value.span) for name, value in row.values)
        one = replace(
            scenario,
            name=f"{scenario.name} [{row.title}]",
            row=row.shown,
            vars=(*scenario.vars, *bindings),
            warnings=() if made else scenario.warnings,
        )
        if fixed is None:
            one = _reserved(one, values.in_row(dict(row.values)), reading)
        else:
            one = replace(one, needs=fixed)
        made.append(one)
    return tuple(made)


def _reserved(scenario: Scenario, values: Values, reading: Reading) -> Scenario:
    needs = replace(
        scenario.needs,
        literal_slots=numbers(reading.found.slots, values),
        literal_extensions=numbers(reading.found.extensions, values),
    )
    return replace(scenario, needs=needs)
