"""A scenario as loaded: everything typed, everything with its place in the file."""

# Annotations are evaluated here: the kinds in them are read where a schema or a reader is made.
from typing import Annotated

from msgspec import Struct
from msgspec.structs import replace

from scenario_runner.durations import MINUTE
from scenario_runner.errors import Problem
from scenario_runner.language.actions import CONDITION, STEP, STEPS, Binding, Condition, Step
from scenario_runner.language.kinds import (
    DURATION,
    NAME,
    NAMES,
    REASON,
    TEXT,
    VALUE,
    Kind,
    many,
    mapping,
)
from scenario_runner.language.slo import Slo
from scenario_runner.language.values import Duration
from scenario_runner.source import Source, Span

SCENARIO_TIMEOUT = Duration(10 * MINUTE)


class Needs(Struct, frozen=True, kw_only=True):
    """Resources a scenario leases from its target: names to bind, and numbers known beforehand.

    `literal_slots` and `literal_extensions` are the numbers (as text) that the file names itself,
    and the `read` ones those of them that its steps only ask about. `callers` are the numbers that
    call an extension in every run.

    - slots: Names that are bound to free slots of the target: 'slots: [slot]' gives you $slot.
    - extensions: Names that are bound to free extensions of the target: 'extensions: [desk]' gives
      you $desk.
    - alone: true keeps every other scenario off the target while this one runs.
    """

    slots: Annotated[tuple[str, ...], NAMES] = ()
    extensions: Annotated[tuple[str, ...], NAMES] = ()
    alone: Annotated[bool, VALUE(noun="true or false", type="boolean")] = False
    literal_slots: tuple[str, ...] = ()
    literal_extensions: tuple[str, ...] = ()
    read_slots: tuple[str, ...] = ()
    read_extensions: tuple[str, ...] = ()
    callers: tuple[str, ...] = ()


NEEDS = Kind(
    name="needs",
    noun="a map",
    schema={"type": "object"},
    of=lambda: (Needs,),
    unknown_key="here",
)
TAG = TEXT("A word to select the scenario by.", noun="a word", minLength=1)
TAGS = many(TAG, noun="a list of words")
MATRIX = Kind(
    name="matrix",
    noun="a map of lists, or a list of maps",
    schema={
        "type": ["object", "array"],
        "propertyNames": NAME,
        "minProperties": 1,
        "minItems": 1,
        "additionalProperties": VALUE(
            "The values that this name takes, one after the other.",
            noun="a list of values",
            type="array",
            minItems=1,
        ),
        "items": mapping(
            noun="a map of names to values",
            minProperties=1,
            propertyNames=NAME,
            properties={
                "name": TEXT("What the row is called, in place of its values.", minLength=1),
                "tags": TAGS("Words to select the row by, beside those of the scenario."),
                "xfail": REASON("Why this row is known to fail, best a link to the issue."),
            },
        )("One row: what each name is in it; 'name', 'tags' and 'xfail' are about the row itself."),
    },
    key="matrix",
)
VARS = mapping(noun="a map of names to values", propertyNames=NAME)
CLEANUP = many(STEP(type="object"), noun="a list of steps", minItems=1)
OBJECTIVES = many(
    TEXT("An objective: 'park p99 < 300ms'.", noun="an objective", minLength=1),
    noun="a list of objectives",
    minItems=1,
)


class Scenario(Struct, frozen=True, kw_only=True):
    """One scenario, or one row of a scenario with a matrix.

    `name` carries the row (`Park [slot=1]`), and `matrix` is the name without it; `row` is the same
    as (name, value) pairs, and `vars` holds the row's values already. `id` is unique in a run: the
    file, `::`, the name. `sources` are the texts of all files that the spans point into;
    `uses_events` says that a step waits for an event.

    - scenario: The name of the scenario, as reports show it. Say what happens: 'Park a caller and
      pick the call up'.
    - description: What the scenario is for, in your own words. Reports show it; nothing depends on
      it.
    - tags: Words to select scenarios by: 'scenario-runner run --tag smoke'.
    - vars: Names and values. Write $name wherever the value is wanted; --var NAME=VALUE replaces it
      for one run.
    - needs: What the scenario reserves on the target, so that scenarios that run side by side never
      meet.
    - matrix: Rows to run the scenario with. A map of lists runs every combination; a list of maps
      runs each map, which may have a 'name', 'tags' and 'xfail' of its own. The other names are
      used as $name.
    - cleanup: Steps that always run at the end, also after a failure or Ctrl-C. Calls that the
      scenario placed are hung up afterwards in any case.
    - timeout: How long the whole scenario may take; 10m by default.
    - xfail: Why the scenario is known to fail, best a link to the issue. It then counts as a
      failure if it passes.
    - slo: What must hold where 'scenario-runner load' runs this scenario: 'park p99 < 300ms',
      'errors < 1%'. A plain run does not look at it.
    """

    name: Annotated[str, TEXT(noun="the scenario's name", key="scenario", minLength=1)]
    description: Annotated[str, TEXT] = ""
    tags: Annotated[tuple[str, ...], TAGS] = ()
    vars: Annotated[tuple[Binding, ...], VARS] = ()
    needs: Annotated[Needs, NEEDS] = Needs()
    row: Annotated[tuple[tuple[str, str], ...], MATRIX] = ()
    matrix: str = ""
    steps: Annotated[tuple[Step, ...], STEPS]
    cleanup: Annotated[tuple[Step, ...], CLEANUP] = ()
    timeout: Annotated[Duration, DURATION] = SCENARIO_TIMEOUT
    when: Annotated[Condition | None, CONDITION] = None
    xfail: Annotated[str | None, REASON] = None
    slo: Annotated[tuple[Slo, ...], OBJECTIVES] = ()
    file: str
    span: Span
    sources: tuple[Source, ...]
    uses_events: bool = False
    warnings: tuple[Problem, ...] = ()

    @property
    def id(self) -> str:
        """The scenario's unique name in a run."""
        return f"{self.file}::{self.name}"

    def renamed(self, name: str) -> "Scenario":
        """Return the same scenario under another name, such as that of one of several runs."""
        return replace(self, name=name)


SCENARIO = Kind(
    name="scenario",
    noun="a scenario",
    sentence="A call-parking scenario: what happens on the PBX, step by step, and what must hold "
    "after each step.",
    schema={"type": "object"},
    of=lambda: (Scenario,),
)
